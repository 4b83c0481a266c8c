//! RoBERTa (Liu et al. 2019): BERT with three differences. Positions are numbered from the padding token's id plus one and counted over
//! kept places; there is one segment; a classifier has a layer of its own instead of the pooler.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run};
use serde::{Deserialize, Serialize};

use crate::bert::{Bert, BertConfig, NAMES, Pooler};
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::heads::Family;
use crate::hf::{HfModel, HfTensor, encoder_tensor, one_id};
use crate::layers::Embedding;

/// RoBERTa's `config.json`: BERT's keys and the ids of its special tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RobertaConfig {
    /// The keys that BERT has too, with RoBERTa's defaults. `max_position_embeddings` counts the rows of the table, of which the first
    /// `pad_token_id + 1` stand for no place in a text.
    #[serde(flatten)]
    pub bert: BertConfig,
    /// Id that begins a text.
    #[serde(deserialize_with = "one_id")]
    pub bos_token_id: Option<u32>,
    /// Id that ends a text.
    #[serde(deserialize_with = "one_id")]
    pub eos_token_id: Option<u32>,
}

impl Default for RobertaConfig {
    fn default() -> Self {
        RobertaConfig {
            bert: BertConfig {
                vocab_size: 50265,
                pad_token_id: Some(PUBLISHED_PAD),
                ..BertConfig::default()
            },
            bos_token_id: Some(0),
            eos_token_id: Some(2),
        }
    }
}

/// The padding token's id in published vocabularies.
const PUBLISHED_PAD: u32 = 1;

impl RobertaConfig {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range, a variant that is not supported, or no position left for text.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.bert.validate_as_encoder()?;
        crate::check::within(
            "max_position_embeddings",
            self.bert.max_position_embeddings,
            self.first_position() + 1..,
        )
    }

    /// Row of the position table that the first token of a text has.
    pub fn first_position(&self) -> usize {
        self.bert.pad_token_id.unwrap_or(PUBLISHED_PAD) as usize + 1
    }

    /// Longest text in tokens.
    pub fn max_positions(&self) -> usize {
        self.bert
            .max_position_embeddings
            .saturating_sub(self.first_position())
    }
}

/// The encoder with its embeddings: Hugging Face's `RobertaModel`.
#[derive(Module, Debug)]
pub struct Roberta {
    body: Bert,
    #[module(skip)]
    first_position: usize,
}

impl Roberta {
    /// An encoder with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &RobertaConfig,
        pooler: Pooler,
        seed: u64,
        device: &Device,
    ) -> Result<Roberta, ModelError> {
        config.validate()?;
        Ok(Roberta {
            body: Bert::filled(&config.bert, pooler, (FAMILY.prefix, seed), device),
            first_position: config.first_position(),
        })
    }

    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        let positions = input
            .positions
            .unwrap_or_else(|| positions(&input.keep, self.first_position));
        let input = EncoderInput {
            positions: Some(positions),
            ..input
        };
        self.body.forward(input, run)
    }

    /// `tanh(W h + b)` of the first position's vector, that of `<s>`; without a pooler the vector itself.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, hidden]`
    pub fn pooled(&self, hidden: Tensor<3>) -> Tensor<2> {
        self.body.pooled(hidden)
    }

    /// Whether there is a pooler.
    pub(crate) fn has_pooler(&self) -> bool {
        self.body.has_pooler()
    }

    /// The token embedding.
    pub(crate) fn words(&self) -> &Embedding {
        self.body.words()
    }
}

/// Kept places of each text counted from `first`; padding has the row before.
fn positions(keep: &KeepMask, first: usize) -> Tensor<2, Int> {
    (keep.places() + 1) * keep.tensor().int() + (first as i64 - 1)
}

/// RoBERTa's classes and heads.
pub(crate) const FAMILY: Family = Family {
    prefix: "roberta.",
    model: "RobertaModel",
    pre_training: None,
    masked_lm: Some("RobertaForMaskedLM"),
    sequence_classifier: "RobertaForSequenceClassification",
    token_classifier: "RobertaForTokenClassification",
    question_answering: "RobertaForQuestionAnswering",
    heads: &[
        ("head.dense", "lm_head.dense"),
        ("head.norm", "lm_head.layer_norm"),
        ("head.bias", "lm_head.bias"),
        ("classifier.out", "classifier.out_proj"),
        ("tags", "classifier"),
        ("span", "qa_outputs"),
    ],
    output_layer: "lm_head.decoder",
    output_bias: "lm_head.bias",
    embedding: "roberta.embeddings.word_embeddings.weight",
};

impl HfModel for Roberta {
    fn architecture(&self) -> &'static str {
        FAMILY.model
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        Some(encoder_tensor(
            path.strip_prefix("body.").unwrap_or(path),
            NAMES,
        ))
    }

    fn base_prefix(&self) -> &'static str {
        FAMILY.prefix
    }

    fn is_head(&self, _name: &str) -> bool {
        false
    }
}
