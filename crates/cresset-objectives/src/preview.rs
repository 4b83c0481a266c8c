//! A batch as a person reads it.

use cresset_data::{Convention, Tokenizer};
use serde::Serialize;

/// A batch, shown: what `cresset preview` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The batch's number.
    pub batch: u64,
    /// The frame of the convention in words.
    pub frame: String,
    /// Rows in the batch.
    pub n_rows: usize,
    /// One entry per row, the first ones.
    pub examples: Vec<Vec<Shown>>,
}

/// One sequence of an example.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// Its part in the example: `encoder input`, `decoder input`, `labels`, ...
    pub name: &'static str,
    /// The sequence as text, special tokens in place.
    pub text: String,
    /// The pieces.
    pub tokens: Vec<String>,
    /// Their ids.
    pub ids: Vec<u32>,
}

/// Turns ids into what a person reads.
pub struct Reader<'a> {
    tokenizer: &'a Tokenizer,
    special: Vec<u32>,
}

impl<'a> Reader<'a> {
    /// A reader that sets the convention's special tokens apart.
    pub fn new(tokenizer: &'a Tokenizer, convention: &Convention) -> Self {
        Reader {
            tokenizer,
            special: convention.special_ids(),
        }
    }

    /// A sequence of ids, shown.
    pub fn show(&self, name: &'static str, ids: &[u32]) -> Shown {
        Shown {
            name,
            text: self.text(ids),
            tokens: ids.iter().map(|&id| self.piece(id)).collect(),
            ids: ids.to_vec(),
        }
    }

    /// A plain value (a label, a position list), shown.
    pub fn note(&self, name: &'static str, text: String) -> Shown {
        Shown {
            name,
            text,
            tokens: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// Text with the special tokens in place, separated by spaces.
    pub fn text(&self, ids: &[u32]) -> String {
        let mut parts: Vec<String> = Vec::new();
        for run in ids.chunk_by(|a, b| !self.is_special(*a) && !self.is_special(*b)) {
            let part = if self.is_special(run[0]) {
                self.piece(run[0])
            } else {
                self.tokenizer.decode(run)
            };
            parts.push(part);
        }
        parts.iter().map(|p| p.trim()).collect::<Vec<_>>().join(" ")
    }

    /// A token's spelling.
    pub fn piece(&self, id: u32) -> String {
        self.tokenizer
            .id_to_token(id)
            .unwrap_or_else(|| format!("<{id}?>"))
    }

    fn is_special(&self, id: u32) -> bool {
        self.special.contains(&id)
    }
}
