//! What is hidden as a whole: tokens, words or spans of words.

use cresset_data::{SpanLengths, Words};
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

    /// Which words of the texts are kept: those that the unit is made of.
    pub(crate) fn words(&self) -> Words {
        match (self.unit, self.segmentation) {
            (MaskUnit::Tokens, _) => Words::Dropped,
            (_, Segmentation::Tokenizer) => Words::Kept,
            (_, Segmentation::Given) => Words::Given,
        }
    }
}
