//! Plain text: a document per line, per paragraph or per file.

use std::iter;
use std::path::Path;

use super::stream::Examples;
use super::text::{self, Lines};
use crate::{DataError, Example};

/// Every line that is not blank.
pub(super) fn read_lines(path: &Path) -> Result<Examples, DataError> {
    let mut lines = Lines::open(path)?;
    Ok(Box::new(iter::from_fn(move || {
        next_document(&mut lines).transpose()
    })))
}

fn next_document(lines: &mut Lines) -> Result<Option<Example>, DataError> {
    while let Some(line) = lines.next_line()? {
        if !line.text.trim().is_empty() {
            return Ok(Some(Example {
                line: line.number,
                text: line.text.to_owned(),
                ..Example::default()
            }));
        }
    }
    Ok(None)
}

/// The runs of lines between blank lines; their line breaks stay.
pub(super) fn read_paragraphs(path: &Path) -> Result<Examples, DataError> {
    let mut lines = Lines::open(path)?;
    Ok(Box::new(iter::from_fn(move || {
        next_paragraph(&mut lines).transpose()
    })))
}

fn next_paragraph(lines: &mut Lines) -> Result<Option<Example>, DataError> {
    let mut open: Option<Example> = None;
    while let Some(line) = lines.next_line()? {
        match &mut open {
            None if line.text.trim().is_empty() => {}
            Some(_) if line.text.trim().is_empty() => break,
            Some(document) => {
                document.text.push('\n');
                document.text.push_str(line.text);
            }
            None => {
                open = Some(Example {
                    line: line.number,
                    text: line.text.to_owned(),
                    ..Example::default()
                });
            }
        }
    }
    Ok(open)
}

/// The whole file as one document, unless it is empty.
pub(super) fn read_whole(path: &Path) -> Result<Examples, DataError> {
    let text = text::read(path)?;
    let document = (!text.is_empty()).then(|| Example {
        line: 1,
        text,
        ..Example::default()
    });
    Ok(Box::new(document.map(Ok).into_iter()))
}
