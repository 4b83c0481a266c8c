//! Curves, some with bands around them.

use maud::{Markup, html};

use super::super::number::number;
use super::mark::{colour_class, legend, line_class, mark};
use super::{Axis, Named, Plot, WIDTH, at, drawing};

/// Curves over a common axis.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it is called.
    pub named: Named,
    /// Along the bottom.
    pub x: Axis,
    /// Up the side.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
    /// Levels that are drawn across.
    pub levels: Vec<Level>,
}

/// One curve.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its colour, dash and mark: the same in all charts of a part.
    pub style: usize,
    /// What the legend calls it.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Along.
    pub x: f64,
    /// Up.
    pub y: f64,
    /// The ends of its interval.
    pub band: Option<(f64, f64)>,
}

/// A level, perhaps with an interval.
#[derive(Clone, Debug)]
pub struct Level {
    /// What stands at it.
    pub name: String,
    /// How high.
    pub value: f64,
    /// The ends of its interval.
    pub band: Option<(f64, f64)>,
}

impl Point {
    /// A point without an interval.
    pub fn new(x: f64, y: f64) -> Point {
        Point { x, y, band: None }
    }
}

/// With more points than this, only some get a mark.
const MARKED: usize = 16;
const HEIGHT: f64 = 300.0;

/// Which points get a mark.
#[derive(Clone, Copy)]
enum Marks {
    /// Some of them, to tell curves apart.
    Some,
    /// All, if they are not many: a curve that stands alone needs none.
    IfFew,
}

impl Chart {
    /// The curves and their legend.
    pub fn draw(&self) -> Markup {
        let points = || self.series.iter().flat_map(|s| &s.points);
        let bands = points().filter_map(|p| p.band);
        let level_bands = self.levels.iter().filter_map(|l| l.band);
        let xs: Vec<f64> = points().map(|p| p.x).collect();
        let ys: Vec<f64> = points()
            .map(|p| p.y)
            .chain(bands.chain(level_bands).flat_map(|(low, high)| [low, high]))
            .chain(self.levels.iter().map(|l| l.value))
            .collect();
        let plot = Plot::new((WIDTH, HEIGHT), (&self.x, &xs), (&self.y, &ys));
        let marks = match self.series.len() {
            1 => Marks::IfFew,
            _ => Marks::Some,
        };
        let content = html! {
            (plot.axes(&self.x, &self.y))
            @for level in &self.levels { (self::level(&plot, level)) }
            @for series in &self.series { (band(&plot, series)) }
            @for series in &self.series { (curve(&plot, series, marks)) }
        };
        html! {
            (drawing(&self.named, (WIDTH, HEIGHT), content))
            @if self.series.len() > 1 {
                (legend(self.series.iter().map(|s| (s.style, s.name.as_str()))))
            }
        }
    }
}

fn level(plot: &Plot, level: &Level) -> Markup {
    let (left, right) = plot.ends();
    let place = |value| plot.y.at(value);
    html! {
        @if let Some((low, high)) = level.band
            && let (Some(bottom), Some(top)) = (place(low), place(high)) {
            rect.level-band x=(at(left)) width=(at(right - left)) y=(at(top)) height=(at(bottom - top)) {}
        }
        @if let Some(y) = place(level.value) {
            line.level x1=(at(left)) x2=(at(right)) y1=(at(y)) y2=(at(y)) {}
            text.tick.end x=(at(right - 3.0)) y=(at(y - 4.0)) { (level.name) }
        }
    }
}

fn band(plot: &Plot, series: &Series) -> Markup {
    let edge = |p: &Point, y: f64| Some((plot.x.at(p.x)?, plot.y.at(y)?));
    let ends: Vec<[(f64, f64); 2]> = series
        .points
        .iter()
        .filter_map(|p| {
            let (low, high) = p.band?;
            Some([edge(p, low)?, edge(p, high)?])
        })
        .collect();
    let class = format!("band {}", colour_class(series.style));
    match ends.as_slice() {
        [] => html! {},
        // A single interval has no area.
        [[low, high]] => html! {
            line class=(class) x1=(at(low.0)) x2=(at(high.0)) y1=(at(low.1)) y2=(at(high.1)) {}
        },
        ends => {
            let there = ends.iter().map(|[low, _]| low);
            let back = ends.iter().rev().map(|[_, high]| high);
            html! { polygon class=(class) points=(joined(there.chain(back))) {} }
        }
    }
}

fn curve(plot: &Plot, series: &Series, marks: Marks) -> Markup {
    let places: Vec<(f64, f64, &Point)> = series
        .points
        .iter()
        .filter_map(|p| Some((plot.x.at(p.x)?, plot.y.at(p.y)?, p)))
        .collect();
    let line: Vec<(f64, f64)> = places.iter().map(|(x, y, _)| (*x, *y)).collect();
    let skip = match marks {
        Marks::Some => places.len().div_ceil(MARKED).max(1),
        Marks::IfFew if places.len() > MARKED => usize::MAX,
        Marks::IfFew => 1,
    };
    // Curves that lie on one another show their marks at other places.
    let first = match skip {
        1 => 0,
        usize::MAX => places.len(),
        skip => (series.style * skip / 3) % skip,
    };
    let value = |p: &Point| match p.band {
        Some((low, high)) => format!(
            "{}, {}: {} [{}, {}]",
            series.name,
            number(p.x),
            number(p.y),
            number(low),
            number(high)
        ),
        None => format!("{}, {}: {}", series.name, number(p.x), number(p.y)),
    };
    html! {
        @if line.len() > 1 {
            polyline class=(line_class(series.style)) points=(joined(line.iter())) {}
        }
        @for (x, y, point) in places.iter().skip(first).step_by(skip) {
            (mark(series.style, (*x, *y), Some(&value(point))))
        }
    }
}

/// Places as `points` has them.
pub fn joined<'a>(places: impl Iterator<Item = &'a (f64, f64)>) -> String {
    let texts: Vec<String> = places
        .map(|(x, y)| format!("{},{}", at(*x), at(*y)))
        .collect();
    texts.join(" ")
}
