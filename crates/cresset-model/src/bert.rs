//! BERT (Devlin et al. 2019): a bidirectional post-norm encoder over token, position and segment embeddings.
//!
//! Deviation from Hugging Face: the padding token's row starts like any other and is trained through the tied head only, instead of
//! starting at zero; it never reaches a kept position.

mod config;
mod embeddings;

pub use config::BertConfig;

pub(crate) use embeddings::{BertEmbeddings, Positions};

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::Run;

use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::heads::Family;
use crate::hf::{HfModel, HfTensor, encoder_tensor};
use crate::init::{initialise_under, usual};
use crate::layers::{Bias, Embedding, Linear, PostNormEncoderLayer};

/// Whether a model has a pooler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooler {
    /// It has.
    With,
    /// It has not.
    Without,
}

impl Pooler {
    /// A pooler's layer, if there is to be one.
    pub(crate) fn layer(self, hidden_size: usize, device: &Device) -> Option<Linear> {
        (self == Pooler::With).then(|| Linear::new(hidden_size, hidden_size, Bias::With, device))
    }
}

/// The encoder with its embeddings: Hugging Face's `BertModel`.
#[derive(Module, Debug)]
pub struct Bert {
    embeddings: BertEmbeddings,
    layers: Vec<PostNormEncoderLayer>,
    pooler: Option<Linear>,
}

impl Bert {
    /// An encoder with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate, or that of a decoder.
    pub fn new(
        config: &BertConfig,
        pooler: Pooler,
        seed: u64,
        device: &Device,
    ) -> Result<Bert, ModelError> {
        config.validate_as_encoder()?;
        Ok(Bert::filled(config, pooler, (FAMILY.prefix, seed), device))
    }

    /// An encoder whose initial weights are drawn under a path and a seed.
    pub(crate) fn filled(
        config: &BertConfig,
        pooler: Pooler,
        (path, seed): (&str, u64),
        device: &Device,
    ) -> Bert {
        let blank = Bert {
            embeddings: BertEmbeddings::blank(config, device),
            layers: PostNormEncoderLayer::stack(&config.layer(), config.num_hidden_layers, device),
            pooler: pooler.layer(config.hidden_size, device),
        };
        initialise_under(path, blank, seed, |path| {
            usual(path, config.initializer_range)
        })
    }

    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        let positions = Positions::of(input.positions, &input.keep);
        let vectors = self
            .embeddings
            .forward(input.ids, input.segments, positions, run);
        PostNormEncoderLayer::forward_all(&self.layers, vectors, &input.keep, run)
    }

    /// `tanh(W h + b)` of the first position's vector, that of `[CLS]`; without a pooler the vector itself.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, hidden]`
    pub fn pooled(&self, hidden: Tensor<3>) -> Tensor<2> {
        pooled(self.pooler.as_ref(), hidden)
    }

    /// Whether there is a pooler.
    pub(crate) fn has_pooler(&self) -> bool {
        self.pooler.is_some()
    }

    /// The token embedding.
    pub(crate) fn words(&self) -> &Embedding {
        &self.embeddings.word
    }
}

/// The first position's vector, through the pooler where there is one.
///
/// # Shapes
/// hidden: `[batch, seq, hidden]`, out: `[batch, hidden]`
pub(crate) fn pooled(pooler: Option<&Linear>, hidden: Tensor<3>) -> Tensor<2> {
    let [batch, _, size] = hidden.dims();
    let first = hidden.narrow(1, 0, 1).reshape([batch, size]);
    match pooler {
        Some(pooler) => pooler.forward(first).tanh(),
        None => first,
    }
}

/// Hugging Face's names of the layers, which RoBERTa has too.
pub(crate) const NAMES: &[(&str, &str)] = &[
    ("layers", "encoder.layer"),
    ("embeddings.word", "embeddings.word_embeddings"),
    ("embeddings.position", "embeddings.position_embeddings"),
    ("embeddings.segment", "embeddings.token_type_embeddings"),
    ("embeddings.norm", "embeddings.LayerNorm"),
    ("attention.q", "attention.self.query"),
    ("attention.k", "attention.self.key"),
    ("attention.v", "attention.self.value"),
    ("attention.o", "attention.output.dense"),
    ("attention_norm", "attention.output.LayerNorm"),
    ("cross.q", "crossattention.self.query"),
    ("cross.k", "crossattention.self.key"),
    ("cross.v", "crossattention.self.value"),
    ("cross.o", "crossattention.output.dense"),
    ("cross_norm", "crossattention.output.LayerNorm"),
    ("feed_forward.up", "intermediate.dense"),
    ("feed_forward.down", "output.dense"),
    ("output_norm", "output.LayerNorm"),
    ("pooler", "pooler.dense"),
];

/// BERT's classes and heads.
pub(crate) const FAMILY: Family = Family {
    prefix: "bert.",
    model: "BertModel",
    pre_training: Some("BertForPreTraining"),
    masked_lm: Some("BertForMaskedLM"),
    sequence_classifier: "BertForSequenceClassification",
    token_classifier: "BertForTokenClassification",
    question_answering: "BertForQuestionAnswering",
    heads: &[
        ("head.dense", "cls.predictions.transform.dense"),
        ("head.norm", "cls.predictions.transform.LayerNorm"),
        ("head.bias", "cls.predictions.bias"),
        ("pair", "cls.seq_relationship"),
        ("classifier.out", "classifier"),
        ("tags", "classifier"),
        ("span", "qa_outputs"),
    ],
    output_layer: "cls.predictions.decoder",
    output_bias: "cls.predictions.bias",
    embedding: "bert.embeddings.word_embeddings.weight",
};

impl HfModel for Bert {
    fn architecture(&self) -> &'static str {
        FAMILY.model
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        Some(encoder_tensor(path, NAMES))
    }

    fn base_prefix(&self) -> &'static str {
        FAMILY.prefix
    }

    fn is_head(&self, _name: &str) -> bool {
        false
    }
}
