//! Matrices as fields of darker and lighter cells.

use maud::{Markup, html};
use unicode_width::UnicodeWidthStr;

use super::super::number::percent;
use super::{LETTER, Named, at, cut, drawing};

/// A matrix.
#[derive(Clone, Debug)]
pub struct HeatMap {
    /// What it is called.
    pub named: Named,
    /// Names of the rows, from above.
    pub rows: Vec<String>,
    /// Names of the columns, from the left.
    pub columns: Vec<String>,
    /// Row after row, from 0 to 1 or to whatever is `most`.
    pub values: Vec<Vec<Option<f64>>>,
    /// The value of the darkest cell.
    pub most: f64,
    /// Whether cells have their numbers in them.
    pub numbers: Numbers,
}

/// What stands in the cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Shares in percent.
    Percent,
    /// Nothing: the cells are small.
    Hidden,
}

/// Cells fainter than this look empty.
const FAINT: f64 = 0.01;
/// From here on a cell is so dark that its number must be light.
const DARK: f64 = 0.65;

impl HeatMap {
    /// The matrix with its names.
    pub fn draw(&self) -> Markup {
        let (wide, high) = match self.numbers {
            Numbers::Percent => (38.0, 26.0),
            Numbers::Hidden => (20.0, 20.0),
        };
        let longest = |names: &[String]| {
            let widths = names.iter().map(|name| cut(name, LONGEST).width());
            widths.max().unwrap_or(0) as f64 * LETTER
        };
        // Names that fit over their cells stand upright, the others are turned.
        let fits = |name: &str| name.width() as f64 * LETTER <= wide;
        let (left, top) = match (self.has_names(), self.columns.iter().all(|name| fits(name))) {
            (false, _) => (2.0, 2.0),
            (true, true) => (longest(&self.rows) + 16.0, 20.0),
            (true, false) => (longest(&self.rows) + 16.0, longest(&self.columns) + 16.0),
        };
        let n_columns = self.columns.len() as f64;
        let size = (
            left + n_columns * wide + 4.0,
            top + self.rows.len() as f64 * high + 4.0,
        );
        let x = |column: usize| left + column as f64 * wide;
        let y = |row: usize| top + row as f64 * high;
        let content = html! {
            @for (column, name) in self.columns.iter().enumerate() {
                @let middle = x(column) + wide / 2.0;
                @if fits(name) {
                    text.tick.middle x=(at(middle)) y=(at(top - 6.0)) { (name) }
                } @else {
                    text.tick x="0" y="0"
                        transform=(format!("translate({} {}) rotate(-90)", at(middle + 4.0), at(top - 6.0))) {
                        (cut(name, LONGEST))
                    }
                }
            }
            @for (row, name) in self.rows.iter().enumerate() {
                text.tick.end x=(at(left - 6.0)) y=(at(y(row) + high / 2.0 + 4.0)) { (cut(name, LONGEST)) }
            }
            rect.frame x=(at(left)) y=(at(top)) width=(at(n_columns * wide))
                height=(at(self.rows.len() as f64 * high)) {}
            @for (row, values) in self.values.iter().enumerate() {
                @for (column, value) in values.iter().enumerate() {
                    (self.cell(*value, (x(column), y(row)), (wide, high)))
                }
            }
        };
        html! {
            div style=(format!("width:{}px", at(size.0 * self.scale()))) { (drawing(&self.named, size, content)) }
        }
    }

    fn has_names(&self) -> bool {
        self.rows.iter().any(|name| !name.is_empty())
    }

    /// Pixels per unit, where there is room for them.
    fn scale(&self) -> f64 {
        if self.has_names() { 1.1 } else { 0.55 }
    }

    fn cell(&self, value: Option<f64>, (x, y): (f64, f64), (wide, high): (f64, f64)) -> Markup {
        let share = value
            .map(|v| (v / self.most).clamp(0.0, 1.0))
            .filter(|s| s.is_finite());
        let class = match share {
            Some(share) if share > DARK => "cell dark",
            _ => "cell",
        };
        html! {
            @if let Some(share) = share.filter(|share| *share >= FAINT) {
                rect.heat x=(at(x)) y=(at(y)) width=(at(wide)) height=(at(high))
                    fill-opacity=(format!("{share:.2}")) {}
            }
            @if self.numbers == Numbers::Percent {
                text class=(class) x=(at(x + wide / 2.0)) y=(at(y + high / 2.0 + 4.0)) {
                    (value.map_or_else(|| "–".to_owned(), percent))
                }
            }
        }
    }
}

const LONGEST: f64 = 100.0;

/// What the cells' darkness means.
pub fn heat_legend(most: f64) -> Markup {
    let end = format!("{:.0}", most * 100.0);
    html! {
        p.heat-legend {
            "0 % "
            svg viewBox="0 0 120 12" aria-hidden="true" {
                rect.frame x="0" y="0" width="120" height="12" {}
                @for part in 1..=10 {
                    rect.heat x=(part * 12 - 12) y="0" width="12" height="12"
                        fill-opacity=(format!("{:.2}", f64::from(part) / 10.0)) {}
                }
            }
            " " (end) " %"
        }
    }
}
