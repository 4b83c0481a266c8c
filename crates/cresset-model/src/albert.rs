//! ALBERT (Lan et al. 2020): BERT with two differences. Token vectors are narrower than the layers and mapped up to them; layers stand
//! in groups that share their parameters.
//!
//! Deviation from the paper's code, as in Hugging Face: no dropout behind the feed-forward block.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::Run;
use serde::{Deserialize, Serialize};

use crate::bert::{BertConfig, BertEmbeddings, Pooler, Positions, pooled};
use crate::check::{rate, supported, within};
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::heads::Family;
use crate::hf::{HfModel, HfTensor, encoder_tensor, one_id};
use crate::init::{initialise_under, usual};
use crate::layers::{Activation, Bias, Embedding, Linear, PostNormConfig, PostNormEncoderLayer};

/// ALBERT's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlbertConfig {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Width of a token vector.
    pub embedding_size: usize,
    /// Width of a vector in the layers.
    pub hidden_size: usize,
    /// Number of passes through a group.
    pub num_hidden_layers: usize,
    /// Number of groups; the passes are shared out evenly among them.
    pub num_hidden_groups: usize,
    /// Number of attention heads.
    pub num_attention_heads: usize,
    /// Inner width of the feed-forward block.
    pub intermediate_size: usize,
    /// Layers of a group, each with its own parameters.
    pub inner_group_num: usize,
    /// Activation of the feed-forward block and the masked-LM head.
    pub hidden_act: Activation,
    /// Dropout of embeddings and attention outputs.
    pub hidden_dropout_prob: f64,
    /// Dropout of attention probabilities.
    pub attention_probs_dropout_prob: f64,
    /// Rows of the position embedding.
    pub max_position_embeddings: usize,
    /// Number of segments.
    pub type_vocab_size: usize,
    /// Standard deviation of initial weights.
    pub initializer_range: f64,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f64,
    /// Dropout before the classifier.
    pub classifier_dropout_prob: f64,
    /// Id of the padding token.
    pub pad_token_id: Option<u32>,
    /// Id that begins a text.
    #[serde(deserialize_with = "one_id")]
    pub bos_token_id: Option<u32>,
    /// Id that ends a text.
    #[serde(deserialize_with = "one_id")]
    pub eos_token_id: Option<u32>,
    /// Whether the masked-LM head shares the token embedding; must be true.
    pub tie_word_embeddings: bool,
}

impl Default for AlbertConfig {
    fn default() -> Self {
        AlbertConfig {
            vocab_size: 30000,
            embedding_size: 128,
            hidden_size: 4096,
            num_hidden_layers: 12,
            num_hidden_groups: 1,
            num_attention_heads: 64,
            intermediate_size: 16384,
            inner_group_num: 1,
            hidden_act: Activation::GeluNew,
            hidden_dropout_prob: 0.0,
            attention_probs_dropout_prob: 0.0,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            classifier_dropout_prob: 0.1,
            pad_token_id: Some(0),
            bos_token_id: Some(2),
            eos_token_id: Some(3),
            tie_word_embeddings: true,
        }
    }
}

impl AlbertConfig {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range, or a variant that is not supported.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.as_bert().validate()?;
        within("embedding_size", self.embedding_size, 1..)?;
        within("inner_group_num", self.inner_group_num, 1..)?;
        within("num_hidden_groups", self.num_hidden_groups, 1..)?;
        rate("classifier_dropout_prob", self.classifier_dropout_prob)?;
        let (layers, groups) = (self.num_hidden_layers, self.num_hidden_groups);
        supported(
            "num_hidden_groups",
            groups,
            groups <= layers,
            "a group without a layer would never be trained",
        )
    }

    /// A layer's sizes, as BERT's.
    fn as_bert(&self) -> BertConfig {
        BertConfig {
            vocab_size: self.vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            intermediate_size: self.intermediate_size,
            hidden_act: self.hidden_act,
            hidden_dropout_prob: self.hidden_dropout_prob,
            attention_probs_dropout_prob: self.attention_probs_dropout_prob,
            max_position_embeddings: self.max_position_embeddings,
            type_vocab_size: self.type_vocab_size,
            initializer_range: self.initializer_range,
            layer_norm_eps: self.layer_norm_eps,
            tie_word_embeddings: self.tie_word_embeddings,
            ..BertConfig::default()
        }
    }

    /// The embeddings' sizes, as BERT's.
    fn embeddings(&self) -> BertConfig {
        BertConfig {
            hidden_size: self.embedding_size,
            ..self.as_bert()
        }
    }
}

/// The encoder with its embeddings: Hugging Face's `AlbertModel`.
#[derive(Module, Debug)]
pub struct Albert {
    embeddings: BertEmbeddings,
    mapping: Linear,
    groups: Vec<AlbertGroup>,
    pooler: Option<Linear>,
    #[module(skip)]
    n_layers: usize,
}

/// Layers that are passed through one after the other.
#[derive(Module, Debug)]
struct AlbertGroup {
    layers: Vec<PostNormEncoderLayer>,
}

impl Albert {
    /// An encoder with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &AlbertConfig,
        pooler: Pooler,
        seed: u64,
        device: &Device,
    ) -> Result<Albert, ModelError> {
        config.validate()?;
        let layer = PostNormConfig {
            output_dropout: 0.0,
            ..config.as_bert().layer()
        };
        let blank = Albert {
            embeddings: BertEmbeddings::blank(&config.embeddings(), device),
            mapping: Linear::new(
                config.embedding_size,
                config.hidden_size,
                Bias::With,
                device,
            ),
            groups: (0..config.num_hidden_groups)
                .map(|_| AlbertGroup {
                    layers: PostNormEncoderLayer::stack(&layer, config.inner_group_num, device),
                })
                .collect(),
            pooler: pooler.layer(config.hidden_size, device),
            n_layers: config.num_hidden_layers,
        };
        Ok(initialise_under(FAMILY.prefix, blank, seed, |path| {
            usual(path, config.initializer_range)
        }))
    }

    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        let positions = Positions::of(input.positions, &input.keep);
        let vectors = self
            .embeddings
            .forward(input.ids, input.segments, positions, run);
        let mut hidden = self.mapping.forward(vectors);
        run.show(&hidden);
        for pass in 0..self.n_layers {
            let group = &self.groups[pass * self.groups.len() / self.n_layers];
            for layer in &group.layers {
                hidden = layer.forward_on(hidden, &input.keep, run);
                // Each layer of a group counts, as in transformers 5.
                run.show(&hidden);
            }
        }
        hidden
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

const NAMES: &[(&str, &str)] = &[
    ("groups", "encoder.albert_layer_groups"),
    ("layers", "albert_layers"),
    ("mapping", "encoder.embedding_hidden_mapping_in"),
    ("embeddings.word", "embeddings.word_embeddings"),
    ("embeddings.position", "embeddings.position_embeddings"),
    ("embeddings.segment", "embeddings.token_type_embeddings"),
    ("embeddings.norm", "embeddings.LayerNorm"),
    ("attention.q", "attention.query"),
    ("attention.k", "attention.key"),
    ("attention.v", "attention.value"),
    ("attention.o", "attention.dense"),
    ("attention_norm", "attention.LayerNorm"),
    ("feed_forward.up", "ffn"),
    ("feed_forward.down", "ffn_output"),
    ("output_norm", "full_layer_layer_norm"),
];

/// ALBERT's classes and heads.
pub(crate) const FAMILY: Family = Family {
    prefix: "albert.",
    model: "AlbertModel",
    pre_training: Some("AlbertForPreTraining"),
    masked_lm: Some("AlbertForMaskedLM"),
    sequence_classifier: "AlbertForSequenceClassification",
    token_classifier: "AlbertForTokenClassification",
    question_answering: "AlbertForQuestionAnswering",
    heads: &[
        ("head.dense", "predictions.dense"),
        ("head.norm", "predictions.LayerNorm"),
        ("head.bias", "predictions.bias"),
        ("pair", "sop_classifier.classifier"),
        ("classifier.out", "classifier"),
        ("tags", "classifier"),
        ("span", "qa_outputs"),
    ],
    output_layer: "predictions.decoder",
    output_bias: "predictions.bias",
    embedding: "albert.embeddings.word_embeddings.weight",
};

impl HfModel for Albert {
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
