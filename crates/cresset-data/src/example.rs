//! One example as it stands in the data.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A text with whatever the data says about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    /// The data's own name for it.
    pub id: Option<String>,
    /// The file it was read from.
    pub file: Option<Arc<Path>>,
    /// The line of its file at which it starts, from 1; 0 where the format has no lines.
    pub line: usize,
    /// The text, or the source side of a pair.
    pub text: String,
    /// A second text beside the first.
    pub pair: Option<String>,
    /// Texts that do not belong to the first, though they look like it.
    pub negatives: Vec<String>,
    /// Its class, or its classes.
    pub label: Option<Label>,
    /// A number to predict.
    pub score: Option<f64>,
    /// A text to generate.
    pub target: Option<String>,
    /// The words of the text where the data cuts it; none elsewhere.
    pub words: Vec<String>,
    /// The tag of each word; none where the data gives none.
    pub tags: Vec<String>,
    /// Where the second text answers the first, which is then a question; empty if it does not.
    pub answers: Option<Vec<AnswerSpan>>,
}

impl Example {
    /// Where it stands in the data, for messages: file and line, or its name where lines say nothing (`line` is 0).
    pub fn place(&self) -> String {
        match &self.file {
            Some(file) if self.line == 0 => {
                let name = self.id.as_ref().unwrap_or(&self.text);
                format!("{}, {name:?}", file.display())
            }
            Some(file) => format!("{}, line {}", file.display(), self.line),
            None => format!("line {}", self.line),
        }
    }

    /// Cuts off the end of its text, a share of the characters, as an example of its own.
    #[must_use]
    pub fn split_off_end(&mut self, share: f64) -> Example {
        let n_chars = self.text.chars().count();
        let kept = n_chars - (n_chars as f64 * share).round() as usize;
        let at = self
            .text
            .char_indices()
            .nth(kept)
            .map_or(self.text.len(), |(i, _)| i);
        Example {
            text: self.text.split_off(at),
            ..self.clone()
        }
    }
}

/// An answer that stands in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerSpan {
    /// Its words, exactly as they stand there.
    pub text: String,
    /// Where they start, in characters from 0.
    pub start: usize,
}

/// The class of an example, or the classes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// One, as in the data; an integer or truth value is kept as its text.
    Name(String),
    /// Those that hold, in any number, none included.
    Names(Vec<String>),
}

impl Label {
    /// Its classes.
    pub fn names(&self) -> &[String] {
        match self {
            Label::Name(name) => std::slice::from_ref(name),
            Label::Names(names) => names,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}
