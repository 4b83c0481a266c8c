//! Differences with their intervals, one under the other, around a line of no difference.

use maud::{Markup, html};

use super::super::number::{number, signed};
use super::scale::TICKS;
use super::{Named, Scale, Spacing, WIDTH, at, cut, drawing};

/// Differences from one baseline.
#[derive(Clone, Debug)]
pub struct Forest {
    /// What it is called.
    pub named: Named,
    /// What is along the bottom, with the unit.
    pub label: String,
    /// The differences, from above.
    pub rows: Vec<ForestRow>,
}

/// A line of a forest plot.
#[derive(Clone, Debug)]
pub enum ForestRow {
    /// A heading over the rows that follow.
    Group(String),
    /// A difference.
    Difference {
        /// What differs.
        name: String,
        /// By how much.
        mean: f64,
        /// The ends of its interval, where there is one.
        ends: Option<(f64, f64)>,
    },
}

const LEFT: f64 = 186.0;
const ROW: f64 = 24.0;

impl Forest {
    /// The rows, the line of no difference and the axis. An interval that leaves out 0 has a filled mark, another a hollow one.
    pub fn draw(&self) -> Markup {
        let values = self.rows.iter().flat_map(|row| match row {
            ForestRow::Group(_) => Vec::new(),
            ForestRow::Difference { mean, ends, .. } => {
                let (low, high) = ends.unwrap_or((*mean, *mean));
                vec![*mean, low, high]
            }
        });
        let right = WIDTH - 16.0;
        let scale = Scale::around(Spacing::Linear, values.chain([0.0]), (LEFT, right));
        let bottom = 8.0 + self.rows.len() as f64 * ROW;
        let zero = scale.at(0.0).unwrap_or(LEFT);
        let content = html! {
            @for (value, text) in scale.ticks(TICKS) {
                @if let Some(x) = scale.at(value) {
                    line.grid x1=(at(x)) x2=(at(x)) y1="4" y2=(at(bottom)) {}
                    text.tick.middle x=(at(x)) y=(at(bottom + 17.0)) { (text) }
                }
            }
            line.zero x1=(at(zero)) x2=(at(zero)) y1="4" y2=(at(bottom)) {}
            line.axis x1=(at(LEFT)) x2=(at(right)) y1=(at(bottom)) y2=(at(bottom)) {}
            text.label.middle x=(at((LEFT + right) / 2.0)) y=(at(bottom + 35.0)) { (self.label) }
            @for (index, row) in self.rows.iter().enumerate() {
                @let y = 8.0 + (index as f64 + 0.5) * ROW;
                @match row {
                    ForestRow::Group(name) => {
                        text.group x="4" y=(at(y + 4.0)) { (cut(name, WIDTH)) }
                    }
                    ForestRow::Difference { name, mean, ends } => {
                        text.tick.end x=(at(LEFT - 8.0)) y=(at(y + 4.0)) { (cut(name, LEFT - 26.0)) }
                        (difference(&scale, y, (name, *mean, *ends)))
                    }
                }
            }
        };
        drawing(&self.named, (WIDTH, bottom + 42.0), content)
    }
}

fn difference(
    scale: &Scale,
    y: f64,
    (name, mean, ends): (&str, f64, Option<(f64, f64)>),
) -> Markup {
    let leaves_out_zero = ends.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
    let class = if leaves_out_zero {
        "estimate"
    } else {
        "estimate hollow"
    };
    let said = match ends {
        Some((low, high)) => format!(
            "{name}: {} [{}, {}]",
            signed(mean),
            number(low),
            number(high)
        ),
        None => format!("{name}: {}", signed(mean)),
    };
    html! {
        @if let Some((low, high)) = ends && let (Some(from), Some(to)) = (scale.at(low), scale.at(high)) {
            line.interval x1=(at(from)) x2=(at(to)) y1=(at(y)) y2=(at(y)) {}
            @for x in [from, to] {
                line.interval x1=(at(x)) x2=(at(x)) y1=(at(y - 4.0)) y2=(at(y + 4.0)) {}
            }
        }
        @if let Some(x) = scale.at(mean) {
            rect class=(class) x=(at(x - 4.0)) y=(at(y - 4.0)) width="8" height="8" { title { (said) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of an attribute of the elements that begin so.
    fn numbers(svg: &str, element: &str, attribute: &str) -> Vec<f64> {
        let elements = svg.split(element).skip(1);
        elements
            .map(|rest| {
                let rest = rest
                    .split_once(&format!(" {attribute}=\""))
                    .expect("the attribute")
                    .1;
                rest.split('"')
                    .next()
                    .expect("a value")
                    .parse()
                    .expect("a number")
            })
            .collect()
    }

    fn forest(mean: f64, low: f64, high: f64) -> String {
        let row = ForestRow::Difference {
            name: "zeros".to_owned(),
            mean,
            ends: Some((low, high)),
        };
        let named = Named {
            title: "t".to_owned(),
            description: "d".to_owned(),
        };
        Forest {
            named,
            label: "accuracy".to_owned(),
            rows: vec![ForestRow::Group("[CLS]".to_owned()), row],
        }
        .draw()
        .into_string()
    }

    #[test]
    fn an_interval_stands_where_it_belongs_and_the_zero_line_beside_it() {
        // From -0.4 to 0 there are as many units as from 0 to the label's end; the scale ends at round numbers.
        let svg = forest(-0.2, -0.4, -0.1);
        let zero = numbers(&svg, "<line class=\"zero\"", "x1")[0];
        let ends = numbers(&svg, "<line class=\"interval\"", "x1");
        let (from, to) = (ends[0], numbers(&svg, "<line class=\"interval\"", "x2")[0]);
        let mean = numbers(&svg, "<rect class=\"estimate\"", "x")[0] + 4.0;
        assert!(from < mean && mean < to && to < zero, "{svg}");
        // Distances are as the values say, within the rounding of coordinates.
        let unit = (zero - to) / 0.1;
        assert!((zero - mean - 0.2 * unit).abs() < 0.6 && (zero - from - 0.4 * unit).abs() < 0.6);
        // The line is below the heading.
        assert_eq!(
            numbers(&svg, "<line class=\"interval\"", "y1")[0],
            8.0 + 1.5 * ROW
        );
    }

    #[test]
    fn the_mark_is_filled_only_if_the_interval_leaves_out_zero() {
        assert!(forest(-0.2, -0.4, -0.1).contains("class=\"estimate\""));
        assert!(forest(-0.2, -0.4, 0.1).contains("class=\"estimate hollow\""));
    }
}
