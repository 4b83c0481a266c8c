//! Parallel text: line n of the second file is the target of line n of the first.

use std::iter;
use std::path::Path;

use super::Format;
use super::stream::Examples;
use super::text::Lines;
use crate::{DataError, Example};

/// The lines of both files. Blank lines count: they keep the files aligned.
pub(super) fn read(source: &Path, target: &Path) -> Result<Examples, DataError> {
    let mut pair = Pair {
        source: Side::open(source)?,
        target: Side::open(target)?,
    };
    Ok(Box::new(iter::from_fn(move || pair.read().transpose())))
}

struct Pair {
    source: Side,
    target: Side,
}

struct Side {
    lines: Lines,
    n_lines: usize,
    is_blank: bool,
}

impl Pair {
    fn read(&mut self) -> Result<Option<Example>, DataError> {
        let text = self.source.next_line()?;
        let target = self.target.next_line()?;
        match (text, target) {
            (Some(text), Some(target)) => Ok(Some(Example {
                line: self.source.n_lines,
                text,
                target: Some(target),
                ..Example::default()
            })),
            (None, None) => {
                self.source.check_text()?;
                self.target.check_text()?;
                Ok(None)
            }
            _ => {
                // The longer file is read on, so that both counts can be said.
                while self.source.next_line()?.is_some() {}
                while self.target.next_line()?.is_some() {}
                Err(DataError::LineCount {
                    source_path: self.source.lines.path().to_path_buf(),
                    source_lines: self.source.n_lines,
                    target_path: self.target.lines.path().to_path_buf(),
                    target_lines: self.target.n_lines,
                })
            }
        }
    }
}

impl Side {
    fn open(path: &Path) -> Result<Self, DataError> {
        Ok(Side {
            lines: Lines::open(path)?,
            n_lines: 0,
            is_blank: true,
        })
    }

    fn next_line(&mut self) -> Result<Option<String>, DataError> {
        let Some(line) = self.lines.next_line()? else {
            return Ok(None);
        };
        self.n_lines = line.number;
        self.is_blank &= line.text.trim().is_empty();
        Ok(Some(line.text.to_owned()))
    }

    /// Refuses a file without text.
    fn check_text(&self) -> Result<(), DataError> {
        if self.is_blank {
            return Err(DataError::Empty {
                path: self.lines.path().to_path_buf(),
                format: Format::Parallel.name().to_owned(),
            });
        }
        Ok(())
    }
}
