//! Tokenized texts, one behind the other: in memory, or in the mapped files of a store.

mod column;
mod encode;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use column::{Bits, Bytes, Column, Width};
pub(crate) use encode::{Sinks, Writer, write_texts};

use crate::{DataError, Example, Tokenizer};

/// How texts become tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextForm {
    /// What is tokenized by itself.
    pub unit: Unit,
    /// Whether it is kept where words begin.
    pub words: Words,
}

/// What is tokenized by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// The whole text: it is one piece.
    #[default]
    Text,
    /// Every line of the text: the pieces are its sentences.
    Line,
}

/// Whether it is kept where words begin, as whole-word masking needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Words {
    /// No.
    #[default]
    Dropped,
    /// Yes, a bit per token: where the tokenizer cuts before it makes pieces.
    Kept,
    /// The same, for the words that the data gives, or that white space sets apart.
    Given,
}

impl TextForm {
    /// What is tokenized of an example.
    pub fn text_of<'a>(&self, example: &'a Example) -> Cow<'a, str> {
        match (self.words, &example.words[..]) {
            (Words::Dropped | Words::Kept, _) | (Words::Given, []) => example.text.as_str().into(),
            (Words::Given, words) => words.join(" ").into(),
        }
    }
}

/// Tokenized texts by number. What is behind it is shared: a clone or a part copies no token.
///
/// Places are counted over the tokens of all texts, one text behind the other.
#[derive(Clone)]
pub struct TokenizedTexts {
    columns: Arc<Columns>,
    chosen: Chosen,
}

/// Which texts of the columns there are.
#[derive(Clone)]
enum Chosen {
    Range(Range<usize>),
    /// Some, with the tokens of all before each.
    Listed(Arc<[(u32, u64)]>),
}

/// What tokenized texts consist of.
pub(crate) struct Columns {
    /// The ids of all texts.
    pub(crate) ids: Column,
    /// Where each piece starts among the ids, and where the last one ends.
    pub(crate) pieces: Column,
    /// Which piece is the first of each text, and how many there are; without it every text is one piece.
    pub(crate) texts: Option<Column>,
    /// Whether a word begins at each token.
    pub(crate) words: Option<Bits>,
}

impl TokenizedTexts {
    /// Tokenizes texts, in parallel.
    pub fn encode<S: AsRef<str> + Sync>(
        texts: &[S],
        tokenizer: &Tokenizer,
        form: TextForm,
    ) -> TokenizedTexts {
        let mut writer = Writer::new(Sinks::memory(), form, tokenizer.vocab_size());
        let all = texts.iter().map(|text| Ok::<_, DataError>(text.as_ref()));
        write_texts(all, tokenizer, form, |text| {
            writer.push(&text).expect("memory can be written");
            Ok(())
        })
        .expect("no text is an error");
        let (sinks, _) = writer.finish().expect("memory can be written");
        let width = Width::of_ids(tokenizer.vocab_size());
        Self::of_columns(sinks.into_columns(form, width, Bytes::Memory))
    }

    pub(crate) fn of_columns(columns: Columns) -> TokenizedTexts {
        let starts = columns.texts.as_ref().unwrap_or(&columns.pieces);
        let n = starts.len().saturating_sub(1);
        TokenizedTexts {
            columns: Arc::new(columns),
            chosen: Chosen::Range(0..n),
        }
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        match &self.chosen {
            Chosen::Range(texts) => texts.len(),
            Chosen::Listed(texts) => texts.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of all texts.
    pub fn n_tokens(&self) -> usize {
        match self.len() {
            0 => 0,
            n => self.tokens_before(n - 1) + self.places(n - 1).len(),
        }
    }

    /// Tokens of all texts before this one.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn tokens_before(&self, text: usize) -> usize {
        match &self.chosen {
            Chosen::Range(_) => self.places(text).start - self.places(0).start,
            Chosen::Listed(texts) => texts[text].1 as usize,
        }
    }

    /// Some of the texts, numbered from 0 again; the places stay.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn part(&self, texts: Range<usize>) -> TokenizedTexts {
        assert!(texts.end <= self.len(), "a part of {} texts", self.len());
        match &self.chosen {
            Chosen::Range(own) => TokenizedTexts {
                columns: Arc::clone(&self.columns),
                chosen: Chosen::Range(own.start + texts.start..own.start + texts.end),
            },
            Chosen::Listed(_) => self.filtered(|text| texts.contains(&text)),
        }
    }

    /// The texts whose numbers are kept, numbered from 0 again; the places stay.
    #[must_use]
    pub fn filtered(&self, is_kept: impl Fn(usize) -> bool) -> TokenizedTexts {
        let mut before = 0;
        let kept = (0..self.len()).filter(|&text| is_kept(text)).map(|text| {
            let entry = (self.number(text) as u32, before);
            before += self.places(text).len() as u64;
            entry
        });
        TokenizedTexts {
            columns: Arc::clone(&self.columns),
            chosen: Chosen::Listed(kept.collect()),
        }
    }

    /// The places of a text's tokens.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn places(&self, text: usize) -> Range<usize> {
        let pieces = self.pieces_of(text);
        let start = |piece| self.columns.pieces.at(piece) as usize;
        start(pieces.start)..start(pieces.end)
    }

    /// The places of each piece of a text, empty pieces included.
    ///
    /// # Panics
    /// If there is no such text.
    pub fn pieces(&self, text: usize) -> Vec<Range<usize>> {
        let starts = &self.columns.pieces;
        self.pieces_of(text)
            .map(|piece| starts.at(piece) as usize..starts.at(piece + 1) as usize)
            .collect()
    }

    /// The ids at these places.
    ///
    /// # Panics
    /// If there are no such places.
    pub fn ids(&self, places: Range<usize>) -> Vec<u32> {
        self.columns.ids.range(places)
    }

    /// The word of each token at these places, from 0 on; `None` if it was not kept.
    ///
    /// # Panics
    /// If there are no such places.
    pub fn words(&self, places: Range<usize>) -> Option<Vec<u32>> {
        let begins = self.columns.words.as_ref()?;
        let first = places.start;
        let mut word = 0;
        let words = places.map(|place| {
            word += u32::from(place > first && begins.at(place));
            word
        });
        Some(words.collect())
    }

    /// The number of a text among those of the columns.
    fn number(&self, text: usize) -> usize {
        assert!(text < self.len(), "text {text} of {}", self.len());
        match &self.chosen {
            Chosen::Range(texts) => texts.start + text,
            Chosen::Listed(texts) => texts[text].0 as usize,
        }
    }

    fn pieces_of(&self, text: usize) -> Range<usize> {
        let text = self.number(text);
        match &self.columns.texts {
            None => text..text + 1,
            Some(texts) => texts.at(text) as usize..texts.at(text + 1) as usize,
        }
    }
}

/// No texts.
impl Default for TokenizedTexts {
    fn default() -> Self {
        let empty = |width| Column::new(Bytes::Memory(Vec::new()), width);
        Self::of_columns(Columns {
            ids: empty(Width::Two),
            pieces: empty(Width::Eight),
            texts: None,
            words: None,
        })
    }
}

impl fmt::Debug for TokenizedTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenizedTexts")
            .field("texts", &self.len())
            .field("tokens", &self.n_tokens())
            .finish_non_exhaustive()
    }
}
