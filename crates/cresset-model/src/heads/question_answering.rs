//! Extractive question answering: where in the text an answer starts and ends.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::Run;

use super::tensor_of;
use crate::bert::Pooler;
use crate::encoder::{Encoder, EncoderConfig, EncoderInput};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor};
use crate::init::{initialise_under, usual};
use crate::layers::{Bias, Linear};

/// Scores of the answer's first and last position.
#[derive(Clone, Debug)]
pub struct SpanLogits {
    /// `[batch, seq]`
    pub start: Tensor<2>,
    /// `[batch, seq]`
    pub end: Tensor<2>,
}

/// An encoder with two scores on every position (Devlin et al. 2019, section 4.2): Hugging Face's `BertForQuestionAnswering` and its
/// like, `XLNetForQuestionAnsweringSimple`.
#[derive(Module, Debug)]
pub struct QuestionAnswering {
    encoder: Encoder,
    span: Linear,
}

impl QuestionAnswering {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &EncoderConfig,
        seed: u64,
        device: &Device,
    ) -> Result<QuestionAnswering, ModelError> {
        let sizes = config.head_sizes();
        let span = Linear::new(sizes.hidden_size, 2, Bias::With, device);
        Ok(QuestionAnswering {
            encoder: Encoder::new(config, Pooler::Without, seed, device)?,
            span: initialise_under("span", span, seed, |path| usual(path, sizes.std)),
        })
    }

    /// # Shapes
    /// out: twice `[batch, seq]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> SpanLogits {
        self.logits(self.encoder.forward(input, run))
    }

    /// The scores, given the encoder's output.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: twice `[batch, seq]`
    pub fn logits(&self, hidden: Tensor<3>) -> SpanLogits {
        let [batch, seq, _] = hidden.dims();
        let scores = self.span.forward(hidden);
        let part = |at| scores.clone().narrow(2, at, 1).reshape([batch, seq]);
        SpanLogits {
            start: part(0),
            end: part(1),
        }
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

impl HfModel for QuestionAnswering {
    fn architecture(&self) -> &'static str {
        self.encoder.family().question_answering
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        tensor_of(&self.encoder, path)
    }

    fn base_prefix(&self) -> &'static str {
        self.encoder.base_prefix()
    }
}
