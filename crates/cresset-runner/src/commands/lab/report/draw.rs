//! Drawings: SVG made of a few primitives. Colours, fonts and dashes are the style sheet's; what tells two series apart is
//! always a dash and a mark besides the colour.

mod axes;
mod forest;
mod heat;
mod lines;
mod mark;
mod paths;
mod scale;

use maud::{Markup, html};
use unicode_width::UnicodeWidthStr;

pub use axes::{Axis, Plot};
pub use forest::{Forest, ForestRow};
pub use heat::{HeatMap, Numbers, heat_legend};
pub use lines::{Chart, Level, Point, Series};
pub use paths::{Paths, Trail};
pub use scale::{Scale, Spacing};

/// The width of most drawings, in units of their view box.
pub const WIDTH: f64 = 480.0;

/// What a drawing is called, and what it shows, for those who do not see it.
#[derive(Clone, Debug)]
pub struct Named {
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub description: String,
}

/// A drawing around what is in it: as wide as there is room, up to a fifth more than its units.
pub fn drawing(named: &Named, (width, height): (f64, f64), content: Markup) -> Markup {
    let most = format!("max-width:{}px", at(width * 1.2));
    html! {
        svg role="img" viewBox=(format!("0 0 {} {}", at(width), at(height)))
            style=(most) {
            title { (named.title) }
            desc { (named.description) }
            (content)
        }
    }
}

/// A coordinate with as many digits as show.
pub fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A text that is cut where it would be wider than so many units at the size of labels, with an ellipsis.
pub fn cut(text: &str, width: f64) -> String {
    let most = (width / LETTER) as usize;
    if text.width() <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if kept.width() + 2 > most {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

/// About how wide a letter is at the size of labels.
pub const LETTER: f64 = 7.4;
