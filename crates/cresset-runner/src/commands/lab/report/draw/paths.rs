//! Ways through a plane.

use maud::{Markup, html};
use unicode_width::UnicodeWidthStr;

use super::lines::joined;
use super::mark::{colour_class, legend, line_class, mark};
use super::{Axis, LETTER, Named, Plot, WIDTH, at, cut, drawing};

/// Trails in a plane whose two axes have the same scale.
#[derive(Clone, Debug)]
pub struct Paths {
    /// What it is called.
    pub named: Named,
    /// What is along the bottom and up the side.
    pub labels: [String; 2],
    /// The ways.
    pub trails: Vec<Trail>,
}

/// Where something was, one time after the other.
#[derive(Clone, Debug)]
pub struct Trail {
    /// Its colour, dash and mark.
    pub style: usize,
    /// What the legend and the end call it.
    pub name: String,
    /// Its places.
    pub places: Vec<[f64; 2]>,
}

const HEIGHT: f64 = 380.0;
/// With more places than this, the line is enough.
const DOTTED: usize = 80;
/// Room for the numbers up the side.
const LEFT: f64 = 62.0;

impl Paths {
    /// The trails: a ring where each begins, its mark where it ends, dots between.
    pub fn draw(&self) -> Markup {
        let plot = self.plot();
        let axis = |label: &String| Axis {
            label: label.clone(),
            ..Axis::default()
        };
        let trails: Vec<Vec<(f64, f64)>> = self
            .trails
            .iter()
            .map(|trail| {
                let places = trail.places.iter();
                let place = |p: &[f64; 2]| Some((plot.x.at(p[0])?, plot.y.at(p[1])?));
                places.filter_map(place).collect()
            })
            .collect();
        let ends: Vec<(f64, f64)> = trails.iter().filter_map(|t| t.last().copied()).collect();
        let content = html! {
            (plot.axes(&axis(&self.labels[0]), &axis(&self.labels[1])))
            @for (trail, places) in self.trails.iter().zip(&trails) {
                (way(trail.style, places))
            }
            @for ((trail, places), end) in self.trails.iter().zip(&trails).zip(apart(&ends)) {
                (name(&trail.name, places, end))
            }
        };
        html! {
            (drawing(&self.named, (WIDTH, HEIGHT), content))
            @if self.trails.len() > 1 {
                (legend(self.trails.iter().map(|t| (t.style, t.name.as_str()))))
            }
        }
    }

    /// The area, with as many units up as along.
    fn plot(&self) -> Plot {
        let span = |axis: usize| {
            let values = self.trails.iter().flat_map(|t| &t.places).map(|p| p[axis]);
            values
                .filter(|v| v.is_finite())
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                    (low.min(v), high.max(v))
                })
        };
        let spans = [span(0), span(1)].map(|(low, high)| {
            if low <= high {
                (low, high)
            } else {
                (-1.0, 1.0)
            }
        });
        let blank = Plot::with_scales((WIDTH, HEIGHT), spans, LEFT);
        let (width, height) = blank.size();
        // A tenth of room at each side, so that marks and names stay inside.
        let wide = |(low, high): (f64, f64), size: f64| (high - low) * 1.2 / size;
        let unit = wide(spans[0], width).max(wide(spans[1], height)).max(1e-12);
        let around = |(low, high): (f64, f64), size: f64| {
            let (middle, half) = ((low + high) / 2.0, unit * size / 2.0);
            (middle - half, middle + half)
        };
        let spans = [around(spans[0], width), around(spans[1], height)];
        Plot::with_scales((WIDTH, HEIGHT), spans, LEFT)
    }
}

fn way(style: usize, places: &[(f64, f64)]) -> Markup {
    let class = format!("start {}", colour_class(style));
    let between = match places.len() {
        0..=DOTTED => places,
        _ => &[],
    };
    html! {
        @if places.len() > 1 {
            polyline class=(line_class(style)) points=(joined(places.iter())) {}
        }
        @for (x, y) in between {
            circle class=(format!("dot {}", colour_class(style))) cx=(at(*x)) cy=(at(*y)) r="1.8" {}
        }
        @if let Some((x, y)) = places.first() {
            circle class=(class) cx=(at(*x)) cy=(at(*y)) r="5.5" {}
        }
        @if let Some(end) = places.last() {
            (mark(style, *end, None))
        }
    }
}

/// A name beside an end, on the side that the way does not come from, if there is room.
fn name(name: &str, places: &[(f64, f64)], (x, y): (f64, f64)) -> Markup {
    let name = cut(name, 210.0);
    let room = name.width() as f64 * LETTER + 10.0;
    let n = places.len() as f64;
    let (sum_x, sum_y) = places
        .iter()
        .fold((0.0, 0.0), |(x, y), place| (x + place.0, y + place.1));
    let comes_from_right = sum_x / n > x;
    // Where there is room beside the end only on the way's side, the name stands over or under the way.
    let beyond = if sum_y / n >= y { y - 9.0 } else { y + 19.0 };
    let (fits_left, fits_right) = (x - LEFT > room, WIDTH - x > room);
    let (class, x, y) = match (comes_from_right, fits_left, fits_right) {
        (true, true, _) => ("name end", x - 9.0, y + 4.0),
        (false, _, true) => ("name", x + 9.0, y + 4.0),
        (true, false, _) => ("name", x - 5.0, beyond),
        (false, _, false) => ("name end", x + 5.0, beyond),
    };
    html! { text class=(class) x=(at(x)) y=(at(y)) { (name) } }
}

/// Places of names, moved up or down where two would lie on each other.
fn apart(ends: &[(f64, f64)]) -> Vec<(f64, f64)> {
    const LINE: f64 = 13.0;
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by(|&a, &b| ends[a].1.total_cmp(&ends[b].1));
    let mut moved = ends.to_vec();
    for (turn, &index) in order.iter().enumerate() {
        for &above in &order[..turn] {
            let is_beside = (moved[above].0 - moved[index].0).abs() < 90.0;
            if is_beside && moved[index].1 - moved[above].1 < LINE {
                moved[index].1 = moved[above].1 + LINE;
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_axes_have_the_same_scale() {
        let trail = Trail {
            style: 0,
            name: "[CLS]".to_owned(),
            places: vec![[0.0, 0.0], [10.0, 1.0]],
        };
        let named = Named {
            title: "t".to_owned(),
            description: "d".to_owned(),
        };
        let paths = Paths {
            named,
            labels: ["x".to_owned(), "y".to_owned()],
            trails: vec![trail],
        };
        let plot = paths.plot();
        let along = plot.x.at(1.0).expect("a place") - plot.x.at(0.0).expect("a place");
        let up = plot.y.at(0.0).expect("a place") - plot.y.at(1.0).expect("a place");
        assert!((along - up).abs() < 1e-9, "{along} {up}");
    }

    #[test]
    fn names_at_one_place_are_moved_apart() {
        let moved = apart(&[(10.0, 50.0), (12.0, 50.0), (300.0, 50.0)]);
        assert!((moved[0].1 - moved[1].1).abs() >= 13.0);
        assert_eq!(moved[2].1, 50.0);
    }
}
