//! What is hidden as a whole: tokens, words or spans of words.

use cresset_data::{EncodedWords, Example, SpanLengths, Tokenizer};
use serde::{Deserialize, Serialize};

use super::MaskedLmConfig;
use crate::RunError;

/// What is hidden as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskUnit {
    /// Each token by itself (Devlin et al. 2019).
    #[default]
    Tokens,
    /// All tokens of a word (the BERT repository's update of May 2019; Cui et al. 2021 for Chinese).
    Words,
    /// Runs of words of geometric length (Joshi et al. 2020, SpanBERT, section 3.1; its span boundary objective is left out).
    Spans,
}

/// Lengths of spans: geometric, drawn again beyond the longest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpanConfig {
    /// Chance of a span to end after each word.
    pub p: f64,
    /// Words of the longest span.
    pub max_length: usize,
}

impl Default for SpanConfig {
    fn default() -> Self {
        let paper = SpanLengths::default();
        SpanConfig {
            p: paper.p,
            max_length: paper.max,
        }
    }
}

impl From<SpanConfig> for SpanLengths {
    fn from(config: SpanConfig) -> SpanLengths {
        SpanLengths {
            p: config.p,
            max: config.max_length,
        }
    }
}

/// What the words of a text are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Segmentation {
    /// What the tokenizer cuts before it makes pieces; a Chinese character is a word.
    #[default]
    Tokenizer,
    /// What the data says: the words of CoNLL and CoNLL-U, in other formats what white space sets apart. The model reads
    /// the text without the space between two Chinese words.
    Given,
}

/// A text, and its words where the data cuts it.
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    pub(crate) words: &'a [String],
}

impl<'a> Text<'a> {
    pub(crate) fn of(example: &'a Example) -> Self {
        Text {
            text: &example.text,
            words: &example.words,
        }
    }
}

impl MaskedLmConfig {
    /// Refuses spans that are none, and values without use.
    ///
    /// # Errors
    /// Span lengths outside their range or of another unit; a segmentation of what has no words.
    pub(super) fn validate_unit(&self, key: &str) -> Result<(), RunError> {
        if let Some(spans) = self.spans {
            if self.unit != MaskUnit::Spans {
                return Err(RunError::Config(format!(
                    "objective.{key}.spans is given, but only unit = \"spans\" knows it; set the unit or remove it"
                )));
            }
            if !(spans.p > 0.0 && spans.p <= 1.0) {
                return Err(RunError::Config(format!(
                    "objective.{key}.spans.p is {} but must be above 0 and at most 1; SpanBERT takes 0.2",
                    spans.p
                )));
            }
            if spans.max_length == 0 {
                return Err(RunError::Config(format!(
                    "objective.{key}.spans.max_length is 0 but must be at least 1 word; SpanBERT takes 10"
                )));
            }
        }
        if self.unit == MaskUnit::Tokens && self.segmentation == Segmentation::Given {
            return Err(RunError::Config(format!(
                "objective.{key}.segmentation is \"given\", but unit = \"tokens\" has no use for words; set unit = \"words\" or remove it"
            )));
        }
        Ok(())
    }

    /// The ids of texts and, where the unit is made of them, the word of each token.
    pub(crate) fn encode(&self, tokenizer: &Tokenizer, texts: &[Text<'_>]) -> Vec<EncodedWords> {
        let plain: Vec<&str> = texts.iter().map(|t| t.text).collect();
        match (self.unit, self.segmentation) {
            (MaskUnit::Tokens, _) => {
                let bare = |ids| EncodedWords {
                    ids,
                    words: Vec::new(),
                };
                let ids = tokenizer.encode_batch(&plain);
                ids.into_iter().map(bare).collect()
            }
            (_, Segmentation::Tokenizer) => tokenizer.encode_words_batch(&plain),
            (_, Segmentation::Given) => {
                let words = |text: &Text<'_>| match text.words {
                    [] => text.text.split_whitespace().map(str::to_owned).collect(),
                    words => words.to_vec(),
                };
                let words: Vec<Vec<String>> = texts.iter().map(words).collect();
                tokenizer.encode_joined_batch(&words)
            }
        }
    }
}
