//! Classification of whole texts.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::Run;

use crate::bert::BertForSequenceClassification;
use crate::encoder::{EncoderConfig, EncoderInput};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, inner_path};

/// An encoder that puts a text, or a pair of texts, in one class.
#[derive(Module, Debug)]
pub enum SequenceClassifier {
    /// `BertForSequenceClassification`: pooler and linear layer.
    Bert(BertForSequenceClassification),
}

impl SequenceClassifier {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate, or no labels.
    pub fn new(
        config: &EncoderConfig,
        n_labels: usize,
        seed: u64,
        device: &Device,
    ) -> Result<SequenceClassifier, ModelError> {
        match config {
            EncoderConfig::Bert(config) => Ok(SequenceClassifier::Bert(
                BertForSequenceClassification::new(config, n_labels, seed, device)?,
            )),
        }
    }

    /// # Shapes
    /// out: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<2> {
        match self {
            SequenceClassifier::Bert(model) => model.forward(input, run),
        }
    }
}

impl HfModel for SequenceClassifier {
    fn architecture(&self) -> &'static str {
        match self {
            SequenceClassifier::Bert(model) => model.architecture(),
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        match self {
            SequenceClassifier::Bert(model) => model.hf_name(inner_path(path)),
        }
    }

    fn base_prefix(&self) -> &'static str {
        match self {
            SequenceClassifier::Bert(model) => model.base_prefix(),
        }
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match self {
            SequenceClassifier::Bert(model) => model.spellings(name),
        }
    }
}
