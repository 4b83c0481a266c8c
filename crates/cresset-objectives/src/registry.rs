//! The list of objectives: one variant, one arm each.

use std::fmt;

use cresset_model::Pooling;
use serde::{Deserialize, Serialize};

use crate::causal_lm::CausalLmConfig;
use crate::classify::ClassifyConfig;
use crate::extract::ExtractConfig;
use crate::masked_lm::MaskedLmConfig;
use crate::seq2seq::Seq2SeqConfig;
use crate::{OpenRun, RunError, Setup, causal_lm, classify, extract, masked_lm, seq2seq};

/// `[objective]`: exactly one of these.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ObjectiveConfig {
    /// Classes, scores or labels of texts and pairs.
    Classify(ClassifyConfig),
    /// Answers to questions in a text.
    Extract(ExtractConfig),
    /// Hidden tokens.
    MaskedLm(MaskedLmConfig),
    /// The next token.
    CausalLm(CausalLmConfig),
    /// One text from another.
    #[serde(rename = "seq2seq")]
    Seq2Seq(Seq2SeqConfig),
}

/// The shape of model an objective needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// BERT and its like.
    Encoder,
    /// T5, the original Transformer.
    EncoderDecoder,
    /// GPT.
    Decoder,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Encoder => "an encoder (bert, roberta, albert, xlnet)",
            Shape::EncoderDecoder => "an encoder-decoder (t5, marian, bart, encoder-decoder)",
            Shape::Decoder => "a decoder (gpt2)",
        })
    }
}

impl ObjectiveConfig {
    /// Its name in a config.
    pub fn name(&self) -> &'static str {
        match self {
            ObjectiveConfig::Classify(_) => "classify",
            ObjectiveConfig::Extract(_) => "extract",
            ObjectiveConfig::MaskedLm(_) => "masked-lm",
            ObjectiveConfig::CausalLm(_) => "causal-lm",
            ObjectiveConfig::Seq2Seq(_) => "seq2seq",
        }
    }

    /// The shape of model it needs.
    pub fn shape(&self) -> Shape {
        match self {
            ObjectiveConfig::Classify(_)
            | ObjectiveConfig::Extract(_)
            | ObjectiveConfig::MaskedLm(_) => Shape::Encoder,
            ObjectiveConfig::CausalLm(_) => Shape::Decoder,
            ObjectiveConfig::Seq2Seq(_) => Shape::EncoderDecoder,
        }
    }

    /// Which vectors of the encoder it trains to stand for a text, if it does.
    pub fn pooling(&self) -> Option<Pooling> {
        match self {
            ObjectiveConfig::Classify(_) => Some(Pooling::Cls),
            ObjectiveConfig::Extract(_)
            | ObjectiveConfig::MaskedLm(_)
            | ObjectiveConfig::CausalLm(_)
            | ObjectiveConfig::Seq2Seq(_) => None,
        }
    }

    /// Whether it can train a model of this shape. Texts are put in classes by encoder-decoders too (BART, T5).
    pub fn takes(&self, shape: Shape) -> bool {
        let also = matches!(
            (self, shape),
            (ObjectiveConfig::Classify(_), Shape::EncoderDecoder)
        );
        also || shape == self.shape()
    }

    /// The metrics its evaluation reports.
    pub fn metrics(&self) -> &'static [&'static str] {
        match self {
            ObjectiveConfig::Classify(c) => c.task.metrics(),
            ObjectiveConfig::Extract(_) => &["exact_match", "f1", "loss"],
            ObjectiveConfig::MaskedLm(_)
            | ObjectiveConfig::CausalLm(_)
            | ObjectiveConfig::Seq2Seq(_) => &["loss", "perplexity", "accuracy"],
        }
    }

    /// Checks its values.
    ///
    /// # Errors
    /// A value outside its range.
    pub fn validate(&self) -> Result<(), RunError> {
        match self {
            ObjectiveConfig::Classify(c) => {
                check_smoothing("classify", c.label_smoothing)?;
                c.validate()
            }
            ObjectiveConfig::Extract(c) => c.validate(),
            ObjectiveConfig::MaskedLm(c) => c.validate(),
            ObjectiveConfig::CausalLm(_) => Ok(()),
            ObjectiveConfig::Seq2Seq(c) => check_smoothing("seq2seq", c.label_smoothing),
        }
    }
}

fn check_smoothing(objective: &str, value: f64) -> Result<(), RunError> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(RunError::Config(format!(
        "objective.{objective}.label_smoothing is {value} but must be at least 0 and below 1; the usual value is 0.1"
    )))
}

/// Opens an objective on its data and model.
///
/// # Errors
/// Data that does not fit the objective; a model folder that does not fit; sizes that make no sense.
pub fn open(config: &ObjectiveConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    match config {
        ObjectiveConfig::Classify(c) => classify::open(c, setup),
        ObjectiveConfig::Extract(c) => extract::open(c, setup),
        ObjectiveConfig::MaskedLm(c) => masked_lm::open(c, setup),
        ObjectiveConfig::CausalLm(c) => causal_lm::open(c, setup),
        ObjectiveConfig::Seq2Seq(c) => seq2seq::open(c, setup),
    }
}
