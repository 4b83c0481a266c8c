//! The decoder shape: a text continued from left to right.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run, Scores};

use crate::error::ModelError;
use crate::gpt2::{Gpt2Config, Gpt2LmHead};
use crate::hf::{HfModel, HfTensor, inner_path};
use crate::layers::Cache;

/// Configuration of a decoder.
#[derive(Clone, Debug, PartialEq)]
pub enum DecoderConfig {
    /// GPT-2.
    Gpt2(Gpt2Config),
}

/// New positions for a model that may have read others before.
#[derive(Clone, Debug)]
pub struct CausalInput {
    /// Token ids, `[batch, new]`.
    pub ids: Tensor<2, Int>,
    /// Which positions hold text, those in the cache included, `[batch, cached + new]`; all by default.
    pub keep: Option<KeepMask>,
    /// Position ids, `[batch, new]`; counted on from the cache by default.
    pub positions: Option<Tensor<2, Int>>,
}

/// A causal language model.
#[derive(Module, Debug)]
pub enum CausalLm {
    /// `GPT2LMHeadModel`.
    Gpt2(Gpt2LmHead),
}

impl CausalLm {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &DecoderConfig, seed: u64, device: &Device) -> Result<CausalLm, ModelError> {
        match config {
            DecoderConfig::Gpt2(config) => {
                Ok(CausalLm::Gpt2(Gpt2LmHead::new(config, seed, device)?))
            }
        }
    }

    /// The last layer's output. A mask is needed only where padding stands in front of text.
    ///
    /// # Shapes
    /// ids: `[batch, seq]`, out: `[batch, seq, hidden]`
    pub fn hidden(&self, ids: Tensor<2, Int>, keep: Option<KeepMask>, run: &Run) -> Tensor<3> {
        match self {
            CausalLm::Gpt2(model) => model.hidden(ids, keep, run),
        }
    }

    /// The last layer's output, at inference, for the positions that follow those in the cache.
    ///
    /// # Shapes
    /// out: `[batch, new, hidden]`
    pub fn hidden_on(&self, input: CausalInput, cache: &mut Cache) -> Tensor<3> {
        match self {
            CausalLm::Gpt2(model) => model.hidden_on(input, cache, &Run::inference()),
        }
    }

    /// A cache for a model that has read nothing.
    pub fn cache(&self) -> Cache {
        match self {
            CausalLm::Gpt2(model) => model.cache(),
        }
    }

    /// Longest sequence, where the model has a table of positions.
    pub fn max_positions(&self) -> Option<usize> {
        match self {
            CausalLm::Gpt2(model) => Some(model.max_positions()),
        }
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn scores_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Scores {
        match self {
            CausalLm::Gpt2(model) => model.scores_at(hidden, flat_positions),
        }
    }
}

impl HfModel for CausalLm {
    fn architecture(&self) -> &'static str {
        match self {
            CausalLm::Gpt2(model) => model.architecture(),
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        match self {
            CausalLm::Gpt2(model) => model.hf_name(inner_path(path)),
        }
    }

    fn base_prefix(&self) -> &'static str {
        match self {
            CausalLm::Gpt2(model) => model.base_prefix(),
        }
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match self {
            CausalLm::Gpt2(model) => model.spellings(name),
        }
    }

    fn ignores(&self, name: &str) -> bool {
        match self {
            CausalLm::Gpt2(model) => model.ignores(name),
        }
    }
}
