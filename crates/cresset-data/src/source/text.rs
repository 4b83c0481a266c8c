//! A file as checked UTF-8 text.

use std::path::Path;
use std::str;
use std::sync::Arc;

use super::open::Bytes;
use crate::DataError;

/// The longest line in bytes: one that is longer is no line, but a file without line breaks.
pub(super) const LONGEST_LINE: usize = 64 << 20;

/// The lines of a file; one is in memory at a time.
pub(super) struct Lines {
    bytes: Bytes,
    number: usize,
    line: Vec<u8>,
}

/// A line and its number, from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        Ok(Lines {
            bytes: Bytes::open(path)?,
            number: 0,
            line: Vec::new(),
        })
    }

    /// The file.
    pub(super) fn path(&self) -> &Arc<Path> {
        &self.bytes.path
    }

    /// The next line without its break.
    ///
    /// # Errors
    /// A file that cannot be read, a line that is not text.
    pub(super) fn next_line(&mut self) -> Result<Option<Line<'_>>, DataError> {
        Ok(self.next_with_break()?.map(|line| Line {
            text: match line.text.strip_suffix('\n') {
                Some(text) => text.strip_suffix('\r').unwrap_or(text),
                None => line.text,
            },
            ..line
        }))
    }

    /// The next line with its break.
    ///
    /// # Errors
    /// As [`Lines::next_line`].
    pub(super) fn next_with_break(&mut self) -> Result<Option<Line<'_>>, DataError> {
        self.line.clear();
        self.bytes.read_line(&mut self.line, LONGEST_LINE + 1)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if self.line.len() > LONGEST_LINE {
            return Err(DataError::LongLine {
                path: self.path().to_path_buf(),
                line: self.number,
                limit: LONGEST_LINE >> 20,
            });
        }
        let text = checked(&self.bytes.path, &self.line, self.number)?;
        Ok(Some(Line {
            number: self.number,
            text,
        }))
    }
}

/// The text of a whole file.
pub(super) fn read(path: &Path) -> Result<String, DataError> {
    let bytes = Bytes::open(path)?.read_all()?;
    checked(path, &bytes, 1)?;
    Ok(String::from_utf8(bytes).expect("checked above"))
}

/// The bytes as text, the first of them in this line of the file.
fn checked<'a>(path: &Path, bytes: &'a [u8], first_line: usize) -> Result<&'a str, DataError> {
    // The line and the byte in it, both from 1.
    let place = |at: usize| {
        let before = &bytes[..at];
        let line_start = before
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |p| p + 1);
        let breaks = before.iter().filter(|&&b| b == b'\n').count();
        (first_line + breaks, at - line_start + 1)
    };
    // `contains` is the fast one of the two.
    if bytes.contains(&0)
        && let Some(at) = bytes.iter().position(|&b| b == 0)
    {
        let (line, column) = place(at);
        return Err(DataError::Nul {
            path: path.to_owned(),
            line,
            column,
        });
    }
    str::from_utf8(bytes).map_err(|error| {
        let (line, column) = place(error.valid_up_to());
        DataError::Utf8 {
            path: path.to_owned(),
            line,
            column,
        }
    })
}
