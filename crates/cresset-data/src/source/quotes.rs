//! Where the quoted cells of a CSV file begin and end: a cell that never ends would swallow the rest of the file.

use std::path::Path;

use super::text::{LONGEST_LINE, Line};
use crate::DataError;

/// Where in its cell the reader is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before its first character.
    #[default]
    Start,
    /// In a cell without quotes, where a quote is an ordinary character.
    Bare,
    /// Between the quotes.
    Quoted,
    /// After a quote inside of a quoted cell: another one makes it a character, anything else ends the quoted part.
    AfterQuote,
}

/// Follows a table's quotes from line to line.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    place: Place,
    /// The line in which the open quote stands.
    opened_in: usize,
    /// Bytes since then.
    n_quoted: usize,
}

impl Quotes {
    /// Reads the next line, which has its break.
    ///
    /// # Errors
    /// A quoted cell longer than any line may be: it must be one that is not closed.
    pub(super) fn follow(&mut self, path: &Path, line: Line<'_>) -> Result<(), DataError> {
        for byte in line.text.bytes() {
            self.place = match (self.place, byte) {
                (Place::Start, b'"') => {
                    (self.opened_in, self.n_quoted) = (line.number, 0);
                    Place::Quoted
                }
                (Place::Quoted, b'"') => Place::AfterQuote,
                (Place::Quoted, _) | (Place::AfterQuote, b'"') => {
                    self.n_quoted += 1;
                    Place::Quoted
                }
                (Place::Start | Place::Bare | Place::AfterQuote, b',' | b'\n' | b'\r') => {
                    Place::Start
                }
                (Place::Start | Place::Bare | Place::AfterQuote, _) => Place::Bare,
            };
        }
        if self.n_quoted > LONGEST_LINE {
            return self.check_closed(path);
        }
        Ok(())
    }

    /// Refuses a cell that is still open.
    pub(super) fn check_closed(&self, path: &Path) -> Result<(), DataError> {
        if self.place == Place::Quoted {
            return Err(DataError::OpenQuote {
                path: path.to_owned(),
                line: self.opened_in,
            });
        }
        Ok(())
    }
}
