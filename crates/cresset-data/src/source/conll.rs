//! CoNLL: a word a line with its tag in another column, blank lines between sentences.
//!
//! ```text
//! U.N. NNP I-NP B-ORG
//! official NN I-NP O
//!
//! Ekeus NNP I-NP B-PER
//! ```
//!
//! The columns are separated by tabs, in a line without a tab by blanks. The first holds the word and the last the tag
//! unless `data.fields` names others by number. `-DOCSTART-` lines (Tjong Kim Sang and De Meulder 2003) are skipped.

use std::iter;
use std::path::Path;
use std::sync::Arc;

use super::FieldNames;
use super::stream::Examples;
use super::text::Lines;
use crate::{DataError, Example};

const DOCUMENT: &str = "-DOCSTART-";

/// The sentences.
pub(super) fn read(path: &Path, fields: &FieldNames) -> Result<Examples, DataError> {
    only_words_and_tags(fields, "conll")?;
    let mut table = Table {
        lines: Lines::open(path)?,
        word_column: number(fields.text.as_deref(), "text")?.unwrap_or(1),
        tag_column: number(fields.label.as_deref(), "label")?,
        width: None,
    };
    Ok(Box::new(iter::from_fn(move || {
        table.next_sentence().transpose()
    })))
}

struct Table {
    lines: Lines,
    word_column: usize,
    tag_column: Option<usize>,
    /// The columns of the first word.
    width: Option<usize>,
}

impl Table {
    fn next_sentence(&mut self) -> Result<Option<Example>, DataError> {
        let path = Arc::clone(self.lines.path());
        let mut sentence = Sentence::default();
        while let Some(line) = self.lines.next_line()? {
            let cells = cells(line.text);
            if cells.first().is_none_or(|first| *first == DOCUMENT) {
                if sentence.is_empty() {
                    continue;
                }
                break;
            }
            let expected = *self.width.get_or_insert(cells.len());
            let ragged = |expected: String| DataError::Columns {
                path: path.to_path_buf(),
                line: line.number,
                found: cells.len(),
                expected,
            };
            if expected < 2 {
                return Err(ragged("2 or more".to_owned()));
            }
            if cells.len() != expected {
                return Err(ragged(expected.to_string()));
            }
            let cell = |column: usize, role: &'static str| {
                cells.get(column - 1).copied().ok_or_else(|| {
                    no_column(&column.to_string(), role, &format!("1 to {expected}"))
                })
            };
            let word = cell(self.word_column, "text")?;
            let tag = cell(self.tag_column.unwrap_or(expected), "label")?;
            sentence.push(line.number, word, tag);
        }
        Ok(sentence.end())
    }
}

/// Refuses names of what tagged words do not have.
pub(super) fn only_words_and_tags(
    fields: &FieldNames,
    format: &'static str,
) -> Result<(), DataError> {
    let given = [
        ("id", &fields.id),
        ("pair", &fields.pair),
        ("score", &fields.score),
        ("target", &fields.target),
    ];
    match given.iter().find(|(_, column)| column.is_some()) {
        None => Ok(()),
        Some((role, _)) => Err(DataError::Files(format!(
            "data.fields.{role} is given, but format {format} has only words (data.fields.text) and tags (data.fields.label); remove it"
        ))),
    }
}

fn cells(line: &str) -> Vec<&str> {
    if line.contains('\t') && !line.trim().is_empty() {
        return line
            .trim_end_matches('\r')
            .split('\t')
            .map(|c| c.trim_matches(' '))
            .collect();
    }
    // Only these two are blanks: other white space, such as the ideographic space, may be a word.
    line.split([' ', '\t', '\r'])
        .filter(|c| !c.is_empty())
        .collect()
}

/// A column's number, from 1.
fn number(column: Option<&str>, role: &'static str) -> Result<Option<usize>, DataError> {
    let parsed = |column: &str| match column.parse() {
        Ok(0) | Err(_) => Err(no_column(column, role, "numbers from 1, in quotes")),
        Ok(number) => Ok(number),
    };
    column.map(parsed).transpose()
}

fn no_column(column: &str, role: &'static str, columns: &str) -> DataError {
    DataError::NoColumn {
        role,
        column: column.to_owned(),
        format: "conll",
        columns: columns.to_owned(),
    }
}

/// A sentence that is being read.
#[derive(Default)]
pub(super) struct Sentence {
    line: usize,
    words: Vec<String>,
    tags: Vec<String>,
}

impl Sentence {
    pub(super) fn push(&mut self, line: usize, word: &str, tag: &str) {
        if self.words.is_empty() {
            self.line = line;
        }
        self.words.push(word.to_owned());
        self.tags.push(tag.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The sentence, if it has words.
    pub(super) fn end(self) -> Option<Example> {
        (!self.is_empty()).then(|| Example {
            line: self.line,
            text: self.words.join(" "),
            words: self.words,
            tags: self.tags,
            ..Example::default()
        })
    }
}
