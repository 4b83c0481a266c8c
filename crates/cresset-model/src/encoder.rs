//! The encoder shape: text in, one vector per position out.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run};

use crate::bert::{Bert, BertConfig, Pooler};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, inner_path};

/// A batch of framed texts.
#[derive(Clone, Debug)]
pub struct EncoderInput {
    /// Token ids, `[batch, seq]`.
    pub ids: Tensor<2, Int>,
    /// Which positions hold text, `[batch, seq]`.
    pub keep: KeepMask,
    /// Segment of each position, `[batch, seq]`; all zero by default.
    pub segments: Option<Tensor<2, Int>>,
    /// Position ids, `[batch, seq]`; counted from the left by default.
    pub positions: Option<Tensor<2, Int>>,
}

/// Configuration of an encoder.
#[derive(Clone, Debug, PartialEq)]
pub enum EncoderConfig {
    /// BERT.
    Bert(BertConfig),
}

/// An encoder without a task head.
#[derive(Module, Debug)]
pub enum Encoder {
    /// BERT, with its pooler.
    Bert(Bert),
}

impl Encoder {
    /// An encoder with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &EncoderConfig, seed: u64, device: &Device) -> Result<Encoder, ModelError> {
        match config {
            EncoderConfig::Bert(config) => Ok(Encoder::Bert(Bert::new(
                config,
                Pooler::With,
                seed,
                device,
            )?)),
        }
    }

    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        match self {
            Encoder::Bert(bert) => bert.forward(input, run),
        }
    }

    /// Hugging Face's `hidden_states`: the embeddings, then every layer's output.
    ///
    /// # Shapes
    /// out: layers + 1 times `[batch, seq, hidden]`
    pub fn hidden_states(&self, input: EncoderInput, run: &Run) -> Vec<Tensor<3>> {
        match self {
            Encoder::Bert(bert) => bert.hidden_states(input, run),
        }
    }

    /// The vector that stands for the whole text.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, hidden]`
    pub fn pooled(&self, hidden: Tensor<3>) -> Tensor<2> {
        match self {
            Encoder::Bert(bert) => bert.pooled(hidden),
        }
    }
}

impl HfModel for Encoder {
    fn architecture(&self) -> &'static str {
        match self {
            Encoder::Bert(bert) => bert.architecture(),
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        match self {
            Encoder::Bert(bert) => bert.hf_name(inner_path(path)),
        }
    }

    fn base_prefix(&self) -> &'static str {
        match self {
            Encoder::Bert(bert) => bert.base_prefix(),
        }
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match self {
            Encoder::Bert(bert) => bert.spellings(name),
        }
    }

    fn is_head(&self, _name: &str) -> bool {
        false
    }
}
