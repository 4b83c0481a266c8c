//! Classification of every token: tagging.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::{Run, dropout};

use super::tensor_of;
use crate::bert::Pooler;
use crate::check::within;
use crate::encoder::{Encoder, EncoderConfig, EncoderInput};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor};
use crate::init::{initialise_under, usual};
use crate::layers::{Bias, Linear};

/// An encoder with a linear layer on every position: Hugging Face's `BertForTokenClassification` and its like.
#[derive(Module, Debug)]
pub struct TokenClassifier {
    encoder: Encoder,
    tags: Linear,
    #[module(skip)]
    dropout: f64,
}

impl TokenClassifier {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate, or no labels.
    pub fn new(
        config: &EncoderConfig,
        n_labels: usize,
        seed: u64,
        device: &Device,
    ) -> Result<TokenClassifier, ModelError> {
        within("num_labels", n_labels, 1..)?;
        let sizes = config.head_sizes();
        let tags = Linear::new(sizes.hidden_size, n_labels, Bias::With, device);
        Ok(TokenClassifier {
            encoder: Encoder::new(config, Pooler::Without, seed, device)?,
            tags: initialise_under("tags", tags, seed, |path| usual(path, sizes.std)),
            dropout: sizes.token_dropout,
        })
    }

    /// # Shapes
    /// out: `[batch, seq, labels]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        let hidden = self.encoder.forward(input, run);
        self.logits(hidden, run)
    }

    /// The scores, given the encoder's output.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, seq, labels]`
    pub fn logits(&self, hidden: Tensor<3>, run: &Run) -> Tensor<3> {
        self.tags.forward(dropout(hidden, self.dropout, run))
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

impl HfModel for TokenClassifier {
    fn architecture(&self) -> &'static str {
        self.encoder.family().token_classifier
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        tensor_of(&self.encoder, path)
    }

    fn base_prefix(&self) -> &'static str {
        self.encoder.base_prefix()
    }
}
