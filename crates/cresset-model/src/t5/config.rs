//! T5's configuration.

use serde::{Deserialize, Serialize};

use crate::check::{rate, within};
use crate::error::ModelError;
use crate::hf::one_id;

/// Kind of feed-forward block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeedForwardKind {
    /// Two matrices around a rectifier: T5 as published first.
    #[default]
    #[serde(rename = "relu")]
    Relu,
    /// Gated by the tanh approximation of GELU: version 1.1.
    #[serde(rename = "gated-gelu")]
    GatedGelu,
}

/// T5's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct T5Config {
    /// Rows of the shared embedding.
    pub vocab_size: usize,
    /// Width of a vector.
    pub d_model: usize,
    /// Width of an attention head; `num_heads * d_kv` need not be `d_model`.
    pub d_kv: usize,
    /// Inner width of the feed-forward blocks.
    pub d_ff: usize,
    /// Layers of the encoder.
    pub num_layers: usize,
    /// Layers of the decoder; `num_layers` by default.
    pub num_decoder_layers: Option<usize>,
    /// Number of attention heads.
    pub num_heads: usize,
    /// Buckets of the relative position bias.
    pub relative_attention_num_buckets: usize,
    /// Distance from which on all positions share the last bucket.
    pub relative_attention_max_distance: usize,
    /// Dropout everywhere.
    pub dropout_rate: f64,
    /// Dropout of the classification head.
    pub classifier_dropout: f64,
    /// Added to the mean square in norms.
    pub layer_norm_epsilon: f64,
    /// Factor on all initial weights.
    pub initializer_factor: f64,
    /// Kind of feed-forward block.
    pub feed_forward_proj: FeedForwardKind,
    /// Whether the output layer is the transposed embedding. Published files of version 1.1 say false; transformers 5 always writes
    /// true, beside an output layer of its own.
    pub tie_word_embeddings: bool,
    /// Whether the decoder's output is multiplied by `d_model^-0.5`; where absent, tied models do.
    pub scale_decoder_outputs: Option<bool>,
    /// Id that starts decoding.
    #[serde(deserialize_with = "one_id")]
    pub decoder_start_token_id: Option<u32>,
    /// Whether the decoder starts with a vector of its own, which is no token's; unknown to transformers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub decoder_start_vector: bool,
    /// Id of the padding token.
    #[serde(deserialize_with = "one_id")]
    pub pad_token_id: Option<u32>,
    /// Id that ends a sequence.
    #[serde(deserialize_with = "one_id")]
    pub eos_token_id: Option<u32>,
}

impl Default for T5Config {
    fn default() -> Self {
        T5Config {
            vocab_size: 32128,
            d_model: 512,
            d_kv: 64,
            d_ff: 2048,
            num_layers: 6,
            num_decoder_layers: None,
            num_heads: 8,
            relative_attention_num_buckets: 32,
            relative_attention_max_distance: 128,
            dropout_rate: 0.1,
            classifier_dropout: 0.0,
            layer_norm_epsilon: 1e-6,
            initializer_factor: 1.0,
            feed_forward_proj: FeedForwardKind::Relu,
            tie_word_embeddings: true,
            scale_decoder_outputs: None,
            decoder_start_token_id: Some(0),
            decoder_start_vector: false,
            pad_token_id: Some(0),
            eos_token_id: Some(1),
        }
    }
}

impl T5Config {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (key, value) in [
            ("vocab_size", self.vocab_size),
            ("d_model", self.d_model),
            ("d_kv", self.d_kv),
            ("d_ff", self.d_ff),
            ("num_layers", self.num_layers),
            ("num_decoder_layers", self.n_decoder_layers()),
            ("num_heads", self.num_heads),
        ] {
            within(key, value, 1..)?;
        }
        within(
            "relative_attention_num_buckets",
            self.relative_attention_num_buckets,
            4..,
        )?;
        within(
            "relative_attention_max_distance",
            self.relative_attention_max_distance,
            self.relative_attention_num_buckets..,
        )?;
        rate("dropout_rate", self.dropout_rate)?;
        rate("classifier_dropout", self.classifier_dropout)
    }

    /// Layers of the decoder.
    pub fn n_decoder_layers(&self) -> usize {
        self.num_decoder_layers.unwrap_or(self.num_layers)
    }

    /// What starts decoding: T5's published start is the padding token, where nothing else is said.
    pub fn start_token_id(&self) -> Option<u32> {
        self.decoder_start_token_id.or(self.pad_token_id)
    }

    /// Whether the decoder's output is scaled before the output layer.
    pub fn scales_outputs(&self) -> bool {
        self.scale_decoder_outputs
            .unwrap_or(self.tie_word_embeddings)
    }
}
