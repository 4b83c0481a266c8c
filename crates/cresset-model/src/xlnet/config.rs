//! XLNet's configuration.

use serde::{Deserialize, Serialize};

use crate::check::{rate, split_into_heads, supported, within};
use crate::error::ModelError;
use crate::hf::one_id;
use crate::layers::Activation;

/// XLNet's `config.json`. Nothing of an earlier text is remembered, so the sizes of the memory change nothing here; they are kept
/// for other readers of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct XlnetConfig {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Width of a vector.
    pub d_model: usize,
    /// Number of layers.
    pub n_layer: usize,
    /// Number of attention heads.
    pub n_head: usize,
    /// Width of an attention head; if given, it must be `d_model / n_head`.
    pub d_head: Option<usize>,
    /// Inner width of the feed-forward blocks.
    pub d_inner: usize,
    /// Activation of the feed-forward blocks.
    pub ff_activation: Activation,
    /// Kind of attention; must be `bi`.
    pub attn_type: String,
    /// Standard deviation of initial weights.
    pub initializer_range: f64,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f64,
    /// Dropout of embeddings, positions, attention probabilities and both inner and outer feed-forward outputs.
    pub dropout: f64,
    /// Positions of earlier texts that Hugging Face's model remembers.
    pub mem_len: Option<usize>,
    /// Positions of this text that it would remember.
    pub reuse_len: Option<usize>,
    /// Whether it returns a memory outside training.
    pub use_mems_eval: bool,
    /// Whether it returns a memory in training.
    pub use_mems_train: bool,
    /// Whether half of a batch is read backwards; must be false.
    pub bi_data: bool,
    /// Distance from which on all positions count as equally far; no limit if it is not positive.
    pub clamp_len: i64,
    /// Whether causal attention reaches equally far from every position; without effect on attention of type `bi`.
    pub same_length: bool,
    /// Whether each layer has position and segment biases of its own; must be true, in older files only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untie_r: Option<bool>,
    /// Which vector stands for a text in a classifier.
    pub summary_type: String,
    /// Whether a classifier projects it first.
    pub summary_use_proj: bool,
    /// Activation after that projection.
    pub summary_activation: String,
    /// Dropout after that projection.
    pub summary_last_dropout: f64,
    /// Beam over starts in question answering.
    pub start_n_top: usize,
    /// Beam over ends in question answering.
    pub end_n_top: usize,
    /// Whether the language model's head shares the token embedding; must be true.
    pub tie_word_embeddings: bool,
    /// Id of the padding token.
    #[serde(deserialize_with = "one_id")]
    pub pad_token_id: Option<u32>,
    /// Id that begins a document.
    #[serde(deserialize_with = "one_id")]
    pub bos_token_id: Option<u32>,
    /// Id that ends a document.
    #[serde(deserialize_with = "one_id")]
    pub eos_token_id: Option<u32>,
}

impl Default for XlnetConfig {
    fn default() -> Self {
        XlnetConfig {
            vocab_size: 32000,
            d_model: 1024,
            n_layer: 24,
            n_head: 16,
            d_head: None,
            d_inner: 4096,
            ff_activation: Activation::Gelu,
            attn_type: "bi".to_owned(),
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            dropout: 0.1,
            mem_len: Some(512),
            reuse_len: None,
            use_mems_eval: true,
            use_mems_train: false,
            bi_data: false,
            clamp_len: -1,
            same_length: false,
            untie_r: None,
            summary_type: "last".to_owned(),
            summary_use_proj: true,
            summary_activation: "tanh".to_owned(),
            summary_last_dropout: 0.1,
            start_n_top: 5,
            end_n_top: 5,
            tie_word_embeddings: true,
            pad_token_id: Some(5),
            bos_token_id: Some(1),
            eos_token_id: Some(2),
        }
    }
}

impl XlnetConfig {
    /// Width of an attention head.
    pub fn head_size(&self) -> usize {
        self.d_model / self.n_head
    }

    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range, or a variant that is not supported.
    pub fn validate(&self) -> Result<(), ModelError> {
        within("vocab_size", self.vocab_size, 1..)?;
        within("n_layer", self.n_layer, 1..)?;
        within("d_inner", self.d_inner, 1..)?;
        split_into_heads(("d_model", self.d_model), ("n_head", self.n_head))?;
        rate("dropout", self.dropout)?;
        rate("summary_last_dropout", self.summary_last_dropout)?;
        supported(
            "d_model",
            self.d_model,
            self.d_model.is_multiple_of(2),
            "positions are pairs of a sine and a cosine, so the width must be even",
        )?;
        supported(
            "d_head",
            self.d_head.unwrap_or_else(|| self.head_size()),
            self.d_head.is_none_or(|size| size == self.head_size()),
            "a head is d_model / n_head wide; leave d_head out",
        )?;
        supported(
            "attn_type",
            &self.attn_type,
            self.attn_type == "bi",
            "only bi is, attention in both directions",
        )?;
        supported(
            "bi_data",
            self.bi_data,
            !self.bi_data,
            "batches are read forwards only",
        )?;
        supported(
            "untie_r",
            self.untie_r.unwrap_or(true),
            self.untie_r.unwrap_or(true),
            "every layer has its own position and segment biases",
        )?;
        supported(
            "tie_word_embeddings",
            self.tie_word_embeddings,
            self.tie_word_embeddings,
            "the language model's head is always tied",
        )
    }
}
