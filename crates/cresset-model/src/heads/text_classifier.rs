//! Classification of whole texts by whichever architecture can.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::{KeepMask, Run};

use super::{Seq2SeqClassifier, SequenceClassifier, TextHead};
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
    /// What the head reads, `[batch, seq, hidden]` each, of an encoder-decoder of its decoder: the last layer's output, and where the head reads the first layer's, those of the
    /// embeddings and all layers.
    pub states: Vec<Tensor<3>>,
}

impl Reading {
    /// The last layer's output; of an encoder-decoder the encoder's where nothing of the decoder is read.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn hidden(&self) -> Tensor<3> {
        self.states
            .last()
            .or(self.memory.as_ref())
            .expect("a reading holds the last layer's output")
            .clone()
    }
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
        TextClassifier::with_head(config, &TextHead::of_class(n_labels), seed, device)
    }

    /// A model with initial weights that reads what its head asks for.
    ///
    /// # Errors
    /// As [`TextClassifier::new`]; no pooling, one twice, or one that the model's shape does not have.
    pub fn with_head(
        config: &ModelConfig,
        head: &TextHead,
        seed: u64,
        device: &Device,
    ) -> Result<TextClassifier, ModelError> {
        let Ok(config) = config.encoder_decoder() else {
            let model = SequenceClassifier::with_head(&config.encoder()?, head, seed, device)?;
            return Ok(TextClassifier::Encoder(model));
        };
        let model = Seq2SeqClassifier::with_head(&config, head, seed, device)?;
        Ok(TextClassifier::EncoderDecoder(model))
    }

    /// # Shapes
    /// out: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<2> {
        let keep = input.keep.clone();
        let reading = self.read(input, run);
        self.logits(&reading, &keep, run)
    }

    /// Everything before the scores.
    pub fn read(&self, input: EncoderInput, run: &Run) -> Reading {
        match self {
            TextClassifier::Encoder(model) => Reading {
                memory: None,
                states: model.states(input, run),
            },
            TextClassifier::EncoderDecoder(model) => {
                let (memory, states) = model.read(input, run);
                Reading {
                    states,
                    memory: Some(memory),
                }
            }
        }
    }

    /// The scores, given everything before them.
    ///
    /// # Shapes
    /// out: `[batch, labels]`
    pub fn logits(&self, reading: &Reading, keep: &KeepMask, run: &Run) -> Tensor<2> {
        match self {
            TextClassifier::Encoder(model) => model.logits(&reading.states, keep, run),
            TextClassifier::EncoderDecoder(model) => {
                let memory = reading.memory.as_ref();
                let memory = memory.expect("an encoder-decoder's reading holds its memory");
                model.logits((memory, &reading.states), keep, run)
            }
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
