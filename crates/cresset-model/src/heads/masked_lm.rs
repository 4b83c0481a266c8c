//! Masked language modelling.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::Run;

use crate::bert::BertForMaskedLm;
use crate::encoder::{EncoderConfig, EncoderInput};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, inner_path};

/// An encoder that guesses hidden tokens.
#[derive(Module, Debug)]
pub enum MaskedLm {
    /// `BertForMaskedLM`.
    Bert(BertForMaskedLm),
}

impl MaskedLm {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &EncoderConfig, seed: u64, device: &Device) -> Result<MaskedLm, ModelError> {
        match config {
            EncoderConfig::Bert(config) => {
                Ok(MaskedLm::Bert(BertForMaskedLm::new(config, seed, device)?))
            }
        }
    }

    /// The encoder's output.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn hidden(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        match self {
            MaskedLm::Bert(model) => model.hidden(input, run),
        }
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn logits_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Tensor<2> {
        match self {
            MaskedLm::Bert(model) => model.logits_at(hidden, flat_positions),
        }
    }
}

impl HfModel for MaskedLm {
    fn architecture(&self) -> &'static str {
        match self {
            MaskedLm::Bert(model) => model.architecture(),
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        match self {
            MaskedLm::Bert(model) => model.hf_name(inner_path(path)),
        }
    }

    fn base_prefix(&self) -> &'static str {
        match self {
            MaskedLm::Bert(model) => model.base_prefix(),
        }
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match self {
            MaskedLm::Bert(model) => model.spellings(name),
        }
    }
}
