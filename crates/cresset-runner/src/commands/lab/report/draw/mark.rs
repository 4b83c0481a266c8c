//! Marks: what tells series apart besides their colour.

use maud::{Markup, html};

use super::at;

/// Colours that the style sheet has; dashes and marks repeat with other periods, so that more series differ.
const N_COLOURS: usize = 7;
const N_DASHES: usize = 4;

/// The classes of a series' line.
pub fn line_class(series: usize) -> String {
    format!("line c{} d{}", series % N_COLOURS, series % N_DASHES)
}

/// The class of a series' colour.
pub fn colour_class(series: usize) -> String {
    format!("c{}", series % N_COLOURS)
}

/// The mark of a series around a place; `value` is shown by a pointer that rests on it.
pub fn mark(series: usize, (x, y): (f64, f64), value: Option<&str>) -> Markup {
    let class = format!("mark {}", colour_class(series));
    let content = html! { @if let Some(value) = value { title { (value) } } };
    let r = 3.6;
    let polygon = |corners: &[(f64, f64)]| {
        let points: Vec<String> = corners
            .iter()
            .map(|(dx, dy)| format!("{},{}", at(x + dx * r), at(y + dy * r)))
            .collect();
        html! { polygon class=(class) points=(points.join(" ")) { (content) } }
    };
    match series % 6 {
        0 => html! { circle class=(class) cx=(at(x)) cy=(at(y)) r=(at(r)) { (content) } },
        1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        2 => polygon(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
        3 => polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        4 => polygon(&[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
        _ => html! {
            circle class=(format!("{class} hollow")) cx=(at(x)) cy=(at(y)) r=(at(r)) { (content) }
        },
    }
}

/// The names of series with their lines and marks.
pub fn legend<'a>(names: impl Iterator<Item = (usize, &'a str)>) -> Markup {
    html! {
        ul.legend {
            @for (series, name) in names {
                li {
                    svg viewBox="0 0 34 12" aria-hidden="true" {
                        line class=(line_class(series)) x1="1" y1="6" x2="33" y2="6" {}
                        (mark(series, (17.0, 6.0), None))
                    }
                    (name)
                }
            }
        }
    }
}
