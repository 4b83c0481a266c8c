//! Classification of whole texts by whichever architecture can.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::{KeepMask, Run};

use super::{Seq2SeqClassifier, SequenceClassifier};
use crate::config::ModelConfig;
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, inner_path};

/// A model that puts a text, or a pair of texts, in one class; with one label it is a regression.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a process holds one or two models, and layers lie on the heap"
)]
pub enum TextClassifier {
    /// On an encoder.
    Encoder(SequenceClassifier),
    /// On an encoder-decoder.
    EncoderDecoder(Seq2SeqClassifier),
}

/// What a classifier computes before its scores.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The encoder's output, of an encoder-decoder only, `[batch, seq, hidden]`.
    pub memory: Option<Tensor<3>>,
    /// The last layer's output, `[batch, seq, hidden]`.
    pub hidden: Tensor<3>,
}

impl TextClassifier {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate, an architecture that has no such class, or no labels.
    pub fn new(
        config: &ModelConfig,
        n_labels: usize,
        seed: u64,
        device: &Device,
    ) -> Result<TextClassifier, ModelError> {
        if let Ok(config) = config.encoder_decoder() {
            let model = Seq2SeqClassifier::new(&config, n_labels, seed, device)?;
            return Ok(TextClassifier::EncoderDecoder(model));
        }
        let model = SequenceClassifier::new(&config.encoder()?, n_labels, seed, device)?;
        Ok(TextClassifier::Encoder(model))
    }

    /// # Shapes
    /// out: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<2> {
        let keep = input.keep.clone();
        let reading = self.read(input, run);
        self.logits(reading.hidden, &keep, run)
    }

    /// Everything before the scores.
    pub fn read(&self, input: EncoderInput, run: &Run) -> Reading {
        match self {
            TextClassifier::Encoder(model) => Reading {
                memory: None,
                hidden: model.encoder().forward(input, run),
            },
            TextClassifier::EncoderDecoder(model) => {
                let (ids, keep) = (input.ids.clone(), input.keep.clone());
                let memory = model.encode(input, run);
                Reading {
                    hidden: model.decode(ids, memory.clone(), keep, run),
                    memory: Some(memory),
                }
            }
        }
    }

    /// The scores, given the last layer's output.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, labels]`
    pub fn logits(&self, hidden: Tensor<3>, keep: &KeepMask, run: &Run) -> Tensor<2> {
        match self {
            TextClassifier::Encoder(model) => model.logits(hidden, run),
            TextClassifier::EncoderDecoder(model) => model.logits(hidden, keep, run),
        }
    }
}

impl HfModel for TextClassifier {
    fn architecture(&self) -> &'static str {
        match self {
            TextClassifier::Encoder(model) => model.architecture(),
            TextClassifier::EncoderDecoder(model) => model.architecture(),
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        let path = inner_path(path);
        match self {
            TextClassifier::Encoder(model) => model.hf_name(path),
            TextClassifier::EncoderDecoder(model) => model.hf_name(path),
        }
    }

    fn base_prefix(&self) -> &'static str {
        match self {
            TextClassifier::Encoder(model) => model.base_prefix(),
            TextClassifier::EncoderDecoder(model) => model.base_prefix(),
        }
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match self {
            TextClassifier::Encoder(model) => model.spellings(name),
            TextClassifier::EncoderDecoder(model) => model.spellings(name),
        }
    }

    fn ignores(&self, name: &str) -> bool {
        match self {
            TextClassifier::Encoder(model) => model.ignores(name),
            TextClassifier::EncoderDecoder(model) => model.ignores(name),
        }
    }
}
