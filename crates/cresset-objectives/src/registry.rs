//! The list of objectives: one variant, one arm each.

use std::fmt;

use cresset_data::{TextForm, Unit};
use cresset_model::{Pooling, TextPooling};
use serde::{Deserialize, Serialize};

use crate::albert_pretraining::AlbertPretrainingConfig;
use crate::bert_pretraining::BertPretrainingConfig;
use crate::causal_lm::CausalLmConfig;
use crate::classify::ClassifyConfig;
use crate::contrastive::ContrastiveConfig;
use crate::denoise::DenoiseConfig;
use crate::extract::ExtractConfig;
use crate::masked_lm::MaskedLmConfig;
use crate::multi::MultiConfig;
use crate::permuted_lm::PermutedLmConfig;
use crate::prefix_lm::PrefixLmConfig;
use crate::seq2seq::Seq2SeqConfig;
use crate::span_corruption::SpanCorruptionConfig;
use crate::stream::RowKind;
use crate::tag::TagConfig;
use crate::{
    OpenRun, Poolings, RunError, Setup, albert_pretraining, bert_pretraining, causal_lm, classify,
    contrastive, denoise, extract, masked_lm, multi, permuted_lm, prefix_lm, seq2seq,
    span_corruption, tag,
};

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
    /// Hidden tokens, and whether the second text follows the first.
    BertPretraining(BertPretrainingConfig),
    /// Hidden tokens, and whether two texts were swapped.
    AlbertPretraining(AlbertPretrainingConfig),
    /// The next token.
    CausalLm(CausalLmConfig),
    /// Some tokens, in a random order.
    PermutedLm(PermutedLmConfig),
    /// One text from another.
    #[serde(rename = "seq2seq")]
    Seq2Seq(Seq2SeqConfig),
    /// What sentinels stand for.
    SpanCorruption(SpanCorruptionConfig),
    /// A text from its corruption.
    Denoise(DenoiseConfig),
    /// The rest of a text from its beginning.
    PrefixLm(PrefixLmConfig),
    /// Vectors of texts that belong together.
    Contrastive(ContrastiveConfig),
    /// A tag for every word.
    Tag(TagConfig),
    /// Several of these on one model.
    Multi(MultiConfig),
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
            ObjectiveConfig::BertPretraining(_) => "bert-pretraining",
            ObjectiveConfig::AlbertPretraining(_) => "albert-pretraining",
            ObjectiveConfig::CausalLm(_) => "causal-lm",
            ObjectiveConfig::PermutedLm(_) => "permuted-lm",
            ObjectiveConfig::Seq2Seq(_) => "seq2seq",
            ObjectiveConfig::SpanCorruption(_) => "span-corruption",
            ObjectiveConfig::Denoise(_) => "denoise",
            ObjectiveConfig::PrefixLm(_) => "prefix-lm",
            ObjectiveConfig::Contrastive(_) => "contrastive",
            ObjectiveConfig::Tag(_) => "tag",
            ObjectiveConfig::Multi(_) => "multi",
        }
    }

    /// The shape of model it needs.
    pub fn shape(&self) -> Shape {
        match self {
            ObjectiveConfig::Classify(_)
            | ObjectiveConfig::Extract(_)
            | ObjectiveConfig::MaskedLm(_)
            | ObjectiveConfig::BertPretraining(_)
            | ObjectiveConfig::AlbertPretraining(_)
            | ObjectiveConfig::PermutedLm(_)
            | ObjectiveConfig::Contrastive(_)
            | ObjectiveConfig::Tag(_) => Shape::Encoder,
            ObjectiveConfig::CausalLm(_) => Shape::Decoder,
            ObjectiveConfig::Seq2Seq(_)
            | ObjectiveConfig::SpanCorruption(_)
            | ObjectiveConfig::Denoise(_)
            | ObjectiveConfig::PrefixLm(_) => Shape::EncoderDecoder,
            ObjectiveConfig::Multi(c) => c.shape(),
        }
    }

    /// Which vectors of the encoder it trains to stand for a text, if it does.
    pub fn pooling(&self) -> Option<Poolings<Pooling>> {
        match self {
            ObjectiveConfig::Classify(c) => c.pooling.plain(),
            ObjectiveConfig::Contrastive(c) => Some(c.pooling.clone()),
            _ => None,
        }
    }

    /// Whether a loss of it reads the vector of `[CLS]`, and so makes those of different texts differ.
    pub fn reads_cls(&self) -> bool {
        match self {
            ObjectiveConfig::Classify(c) => c.pooling.0.iter().any(|pooling| {
                use TextPooling::{AllCls, Cls, ClsWithoutPooler};
                matches!(pooling, Cls | ClsWithoutPooler | AllCls)
            }),
            ObjectiveConfig::Contrastive(c) => c.pooling.0.contains(&Pooling::Cls),
            ObjectiveConfig::BertPretraining(_) | ObjectiveConfig::AlbertPretraining(_) => true,
            ObjectiveConfig::Multi(c) => c.parts.iter().any(|part| part.objective.reads_cls()),
            _ => false,
        }
    }

    /// How it reads texts that may be tokenized before; `None` if it reads more of an example than its text.
    pub fn text_form(&self) -> Option<TextForm> {
        match self {
            ObjectiveConfig::MaskedLm(c) => Some(TextForm {
                unit: Unit::Text,
                words: c.words(),
            }),
            ObjectiveConfig::CausalLm(_)
            | ObjectiveConfig::SpanCorruption(_)
            | ObjectiveConfig::Denoise(_)
            | ObjectiveConfig::PrefixLm(_)
            | ObjectiveConfig::PermutedLm(_) => Some(TextForm::default()),
            ObjectiveConfig::BertPretraining(BertPretrainingConfig { masking })
            | ObjectiveConfig::AlbertPretraining(AlbertPretrainingConfig { masking }) => {
                Some(TextForm {
                    unit: Unit::Line,
                    words: masking.words(),
                })
            }
            _ => None,
        }
    }

    /// Refuses texts that share rows where the objective needs a row for each.
    ///
    /// # Errors
    /// The objective and why.
    pub fn check_packing(&self) -> Result<(), RunError> {
        let why = match self {
            ObjectiveConfig::MaskedLm(_) => return Ok(()),
            ObjectiveConfig::CausalLm(c) => match c.rows {
                RowKind::Documents => return Ok(()),
                RowKind::Stream => "the rows of rows = \"stream\" are full already",
            },
            _ if self.shape() == Shape::EncoderDecoder => {
                "an encoder-decoder's two sides cannot share rows"
            }
            _ => "it needs a row for each text",
        };
        Err(RunError::Config(format!(
            "data.packing cannot be used with objective {}: {why}; remove data.packing, or take masked-lm or causal-lm with documents",
            self.name()
        )))
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
    pub fn metrics(&self) -> Vec<String> {
        let known: &[&str] = match self {
            ObjectiveConfig::Multi(c) => return c.metrics(),
            ObjectiveConfig::Classify(c) => c.task.metrics(),
            ObjectiveConfig::BertPretraining(_) | ObjectiveConfig::AlbertPretraining(_) => &[
                "loss",
                "perplexity",
                "accuracy",
                "pair_loss",
                "pair_accuracy",
            ],
            ObjectiveConfig::Contrastive(_) => &["accuracy", "loss", "spearman"],
            ObjectiveConfig::Tag(c) => c.scheme.metrics(),
            ObjectiveConfig::Extract(_) => &["exact_match", "f1", "loss"],
            ObjectiveConfig::MaskedLm(_)
            | ObjectiveConfig::CausalLm(_)
            | ObjectiveConfig::PermutedLm(_)
            | ObjectiveConfig::Seq2Seq(_)
            | ObjectiveConfig::SpanCorruption(_)
            | ObjectiveConfig::Denoise(_)
            | ObjectiveConfig::PrefixLm(_) => &["loss", "perplexity", "accuracy"],
        };
        known.iter().map(|name| (*name).to_owned()).collect()
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
            ObjectiveConfig::CausalLm(c) => c.validate(),
            ObjectiveConfig::PermutedLm(c) => c.validate(),
            ObjectiveConfig::Contrastive(c) => c.validate(),
            ObjectiveConfig::Seq2Seq(c) => {
                check_smoothing("seq2seq", c.label_smoothing)?;
                c.validate()
            }
            ObjectiveConfig::BertPretraining(c) => {
                c.masking.validate_under("bert-pretraining.masking")
            }
            ObjectiveConfig::AlbertPretraining(c) => {
                c.masking.validate_under("albert-pretraining.masking")
            }
            ObjectiveConfig::SpanCorruption(c) => c.validate(),
            ObjectiveConfig::Denoise(c) => c.validate(),
            ObjectiveConfig::PrefixLm(c) => c.validate(),
            ObjectiveConfig::Tag(c) => check_smoothing("tag", c.label_smoothing),
            ObjectiveConfig::Multi(c) => c.validate(),
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
        ObjectiveConfig::PermutedLm(c) => permuted_lm::open(c, setup),
        ObjectiveConfig::Seq2Seq(c) => seq2seq::open(c, setup),
        ObjectiveConfig::BertPretraining(c) => bert_pretraining::open(c, setup),
        ObjectiveConfig::AlbertPretraining(c) => albert_pretraining::open(c, setup),
        ObjectiveConfig::SpanCorruption(c) => span_corruption::open(c, setup),
        ObjectiveConfig::Denoise(c) => denoise::open(c, setup),
        ObjectiveConfig::PrefixLm(c) => prefix_lm::open(c, setup),
        ObjectiveConfig::Contrastive(c) => contrastive::open(c, setup),
        ObjectiveConfig::Tag(c) => tag::open(c, setup),
        ObjectiveConfig::Multi(c) => multi::open(c, setup),
    }
}
