//! BERT's configuration.

use serde::{Deserialize, Serialize};

use crate::check::{rate, split_into_heads, supported, within};
use crate::error::ModelError;
use crate::layers::{Activation, PostNormConfig};

/// BERT's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BertConfig {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Width of a vector.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads.
    pub num_attention_heads: usize,
    /// Inner width of the feed-forward block.
    pub intermediate_size: usize,
    /// Activation of the feed-forward block and the masked-LM head.
    pub hidden_act: Activation,
    /// Dropout of embeddings and block outputs.
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
    /// Dropout before the classifier; `hidden_dropout_prob` by default.
    pub classifier_dropout: Option<f64>,
    /// Id of the padding token.
    pub pad_token_id: Option<u32>,
    /// Whether the masked-LM head shares the token embedding; must be true.
    pub tie_word_embeddings: bool,
    /// Whether attention is causal: true in the decoder half of a warm-started encoder-decoder only.
    pub is_decoder: bool,
    /// Whether layers look at an encoder's output as well; goes with `is_decoder`.
    pub add_cross_attention: bool,
    /// Kind of positions in older files; must be `absolute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position_embedding_type: Option<String>,
}

impl Default for BertConfig {
    fn default() -> Self {
        BertConfig {
            vocab_size: 30522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            hidden_act: Activation::Gelu,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            classifier_dropout: None,
            pad_token_id: Some(0),
            tie_word_embeddings: true,
            is_decoder: false,
            add_cross_attention: false,
            position_embedding_type: None,
        }
    }
}

impl BertConfig {
    /// The sizes of a layer.
    pub(crate) fn layer(&self) -> PostNormConfig {
        PostNormConfig {
            hidden_size: self.hidden_size,
            n_heads: self.num_attention_heads,
            intermediate_size: self.intermediate_size,
            activation: self.hidden_act,
            norm_epsilon: self.layer_norm_eps,
            dropout: self.hidden_dropout_prob,
            output_dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            activation_dropout: 0.0,
        }
    }

    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range, or a variant that is not supported.
    pub fn validate(&self) -> Result<(), ModelError> {
        within("vocab_size", self.vocab_size, 1..)?;
        within("num_hidden_layers", self.num_hidden_layers, 1..)?;
        within("intermediate_size", self.intermediate_size, 1..)?;
        within("max_position_embeddings", self.max_position_embeddings, 1..)?;
        within("type_vocab_size", self.type_vocab_size, 1..)?;
        split_into_heads(
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
        )?;
        rate("hidden_dropout_prob", self.hidden_dropout_prob)?;
        rate(
            "attention_probs_dropout_prob",
            self.attention_probs_dropout_prob,
        )?;
        rate("classifier_dropout", self.classifier_dropout.unwrap_or(0.0))?;
        supported(
            "add_cross_attention",
            self.add_cross_attention,
            self.add_cross_attention == self.is_decoder,
            "a decoder has cross-attention and an encoder has none",
        )?;
        supported(
            "tie_word_embeddings",
            self.tie_word_embeddings,
            self.tie_word_embeddings,
            "the masked-LM head is always tied",
        )?;
        let kind = self
            .position_embedding_type
            .as_deref()
            .unwrap_or("absolute");
        supported(
            "position_embedding_type",
            kind,
            kind == "absolute",
            "only absolute positions are",
        )
    }

    /// Checks the values of a model that stands alone: it reads text in both directions.
    ///
    /// # Errors
    /// As [`BertConfig::validate`], and the configuration of a decoder.
    pub fn validate_as_encoder(&self) -> Result<(), ModelError> {
        self.validate()?;
        supported(
            "is_decoder",
            self.is_decoder,
            !self.is_decoder,
            "a BERT decoder is so only as the half of an encoder-decoder",
        )
    }
}
