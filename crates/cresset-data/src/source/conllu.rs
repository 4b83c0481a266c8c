//! CoNLL-U, the format of Universal Dependencies (universaldependencies.org/format.html): ten columns separated by tabs.
//!
//! ```text
//! # sent_id = 1
//! 1-2  vámonos  _     _     _  ..     a range of words: skipped, its words follow
//! 1    vamos    ir    VERB  _  ..
//! 2    nos      nos   PRON  _  ..
//! 2.1  ..                             an empty node: skipped
//! ```

use std::iter;
use std::path::Path;
use std::sync::Arc;

use super::FieldNames;
use super::conll::{Sentence, only_words_and_tags};
use super::stream::Examples;
use super::text::Lines;
use crate::{DataError, Example};

const COLUMNS: [&str; 10] = [
    "id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc",
];

/// The sentences: the forms as words, the `upos` column or the named one as tags.
pub(super) fn read(path: &Path, fields: &FieldNames) -> Result<Examples, DataError> {
    only_words_and_tags(fields, "conllu")?;
    let word_column = column(fields.text.as_deref().unwrap_or("form"), "text")?;
    let tag_column = column(fields.label.as_deref().unwrap_or("upos"), "label")?;
    let mut lines = Lines::open(path)?;
    Ok(Box::new(iter::from_fn(move || {
        next_sentence(&mut lines, word_column, tag_column).transpose()
    })))
}

fn next_sentence(
    lines: &mut Lines,
    word_column: usize,
    tag_column: usize,
) -> Result<Option<Example>, DataError> {
    let path = Arc::clone(lines.path());
    let mut sentence = Sentence::default();
    while let Some(line) = lines.next_line()? {
        if line.text.trim().is_empty() {
            if sentence.is_empty() {
                continue;
            }
            break;
        }
        if line.text.starts_with('#') {
            continue;
        }
        let cells: Vec<&str> = line.text.split('\t').collect();
        if cells.len() != COLUMNS.len() {
            return Err(DataError::Columns {
                path: path.to_path_buf(),
                line: line.number,
                found: cells.len(),
                expected: COLUMNS.len().to_string(),
            });
        }
        if !cells[0].contains(['-', '.']) {
            sentence.push(line.number, cells[word_column], cells[tag_column]);
        }
    }
    Ok(sentence.end())
}

/// A column by its name, or by its number from 1.
fn column(name: &str, role: &'static str) -> Result<usize, DataError> {
    let number = name.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    number
        .filter(|n| *n < COLUMNS.len())
        .or_else(|| COLUMNS.iter().position(|c| *c == name.to_lowercase()))
        .ok_or_else(|| DataError::NoColumn {
            role,
            column: name.to_owned(),
            format: "conllu",
            columns: COLUMNS.join(", "),
        })
}
