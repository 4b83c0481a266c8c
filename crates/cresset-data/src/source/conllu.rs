//! CoNLL-U, the format of Universal Dependencies (universaldependencies.org/format.html): ten columns separated by tabs.
//!
//! ```text
//! # sent_id = 1
//! 1-2  vámonos  _     _     _  ..     a range of words: skipped, its words follow
//! 1    vamos    ir    VERB  _  ..
//! 2    nos      nos   PRON  _  ..
//! 2.1  ..                             an empty node: skipped
//! ```

use std::path::Path;

use super::FieldNames;
use super::conll::{Sentence, only_words_and_tags};
use crate::{DataError, Example};

const COLUMNS: [&str; 10] = [
    "id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc",
];

/// Adds the sentences: the forms as words, the `upos` column or the named one as tags.
pub(super) fn read(
    path: &Path,
    content: &str,
    fields: &FieldNames,
    examples: &mut Vec<Example>,
) -> Result<(), DataError> {
    only_words_and_tags(fields, "conllu")?;
    let word_column = column(fields.text.as_deref().unwrap_or("form"), "text")?;
    let tag_column = column(fields.label.as_deref().unwrap_or("upos"), "label")?;
    let mut sentence = Sentence::default();
    for (i, line) in content.lines().enumerate() {
        if line.trim().is_empty() {
            sentence.end(examples);
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').collect();
        if cells.len() != COLUMNS.len() {
            return Err(DataError::Columns {
                path: path.to_owned(),
                line: i + 1,
                found: cells.len(),
                expected: COLUMNS.len().to_string(),
            });
        }
        if !cells[0].contains(['-', '.']) {
            sentence.push(i + 1, cells[word_column], cells[tag_column]);
        }
    }
    sentence.end(examples);
    Ok(())
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
