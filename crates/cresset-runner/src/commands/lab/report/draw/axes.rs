//! A plot's area with its two axes.

use maud::{Markup, html};

use super::scale::TICKS;
use super::{LETTER, Scale, Spacing, at};

/// Room for half of the last number along the bottom.
const RIGHT: f64 = 20.0;

/// What an axis says.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// What is along it, with the unit.
    pub label: String,
    /// How values are spread.
    pub spacing: Spacing,
    /// Values that the axis must reach besides those that are drawn.
    pub reaches: Vec<f64>,
    /// Ticks by name, instead of round numbers.
    pub named: Vec<(f64, String)>,
}

/// The area between the axes.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Along the bottom.
    pub x: Scale,
    /// Up the side.
    pub y: Scale,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Plot {
    /// The area of a drawing, less the room for labels.
    ///
    /// # Shapes
    /// x_values, y_values: whatever is to be drawn
    pub fn new(
        (width, height): (f64, f64),
        (x, x_values): (&Axis, &[f64]),
        (y, y_values): (&Axis, &[f64]),
    ) -> Plot {
        let (top, bottom) = (10.0, height - 42.0);
        let all = |axis: &Axis, values: &[f64]| [values, &axis.reaches].concat().into_iter();
        let y_scale = Scale::around(y.spacing, all(y, y_values), (bottom, top));
        let widest = y_scale
            .ticks(TICKS)
            .iter()
            .map(|(_, text)| text.len())
            .max();
        let left = 28.0 + widest.unwrap_or(0) as f64 * LETTER;
        let right = width - RIGHT;
        let x_scale = match x.spacing {
            // Steps and layers need no round ends: there is nothing beyond them.
            Spacing::Linear => tight(all(x, x_values), (left, right)),
            spacing => Scale::around(spacing, all(x, x_values), (left, right)),
        };
        Plot {
            x: x_scale,
            y: y_scale,
            left,
            right,
            top,
            bottom,
        }
    }

    /// An area with scales that are given.
    pub fn with_scales((width, height): (f64, f64), spans: [(f64, f64); 2], left: f64) -> Plot {
        let (top, bottom, right) = (10.0, height - 42.0, width - RIGHT);
        let [x, y] = spans;
        Plot {
            x: Scale::new(Spacing::Linear, x, (left, right)),
            y: Scale::new(Spacing::Linear, y, (bottom, top)),
            left,
            right,
            top,
            bottom,
        }
    }

    /// Width and height of the area.
    pub fn size(&self) -> (f64, f64) {
        (self.right - self.left, self.bottom - self.top)
    }

    /// From left to right.
    pub fn ends(&self) -> (f64, f64) {
        (self.left, self.right)
    }

    /// Grid, ticks and labels.
    pub fn axes(&self, x: &Axis, y: &Axis) -> Markup {
        let x_ticks = match x.named.is_empty() {
            true => self.x.ticks(TICKS),
            false => x.named.clone(),
        };
        let middle = (self.left + self.right) / 2.0;
        let half_up = (self.top + self.bottom) / 2.0;
        html! {
            @for (value, text) in self.y.ticks(TICKS) {
                @if let Some(place) = self.y.at(value) {
                    line.grid x1=(at(self.left)) x2=(at(self.right)) y1=(at(place)) y2=(at(place)) {}
                    text.tick.end x=(at(self.left - 6.0)) y=(at(place + 4.0)) { (text) }
                }
            }
            line.axis x1=(at(self.left)) x2=(at(self.right)) y1=(at(self.bottom)) y2=(at(self.bottom)) {}
            @for (value, text) in x_ticks {
                @if let Some(place) = self.x.at(value) {
                    line.axis x1=(at(place)) x2=(at(place)) y1=(at(self.bottom)) y2=(at(self.bottom + 4.0)) {}
                    text.tick.middle x=(at(place)) y=(at(self.bottom + 17.0)) { (text) }
                }
            }
            text.label.middle x=(at(middle)) y=(at(self.bottom + 35.0)) { (x.label) }
            text.label.middle x="0" y="0"
                transform=(format!("translate(12 {}) rotate(-90)", at(half_up))) { (y.label) }
        }
    }
}

fn tight(values: impl Iterator<Item = f64>, places: (f64, f64)) -> Scale {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
    match low < high {
        true => Scale::new(Spacing::Linear, (low, high), places),
        false => Scale::around(Spacing::Linear, [low].into_iter(), places),
    }
}
