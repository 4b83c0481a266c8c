//! Masked language modelling.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{Run, Scores};

use super::{HeadSizes, rows_at, tensor_of};
use crate::bert::Pooler;
use crate::encoder::{Encoder, EncoderConfig, EncoderInput};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor};
use crate::init::{initialise_under, usual};
use crate::layers::{Activation, Bias, Embedding, LayerNorm, Linear};
use crate::token_table::TokenTable;

/// An encoder that guesses hidden tokens: Hugging Face's `BertForMaskedLM` and its like.
#[derive(Module, Debug)]
pub struct MaskedLm {
    encoder: Encoder,
    head: MaskedLmHead,
}

/// A layer, a norm and an output layer tied to the token embedding (Devlin et al. 2019).
#[derive(Module, Debug)]
pub(crate) struct MaskedLmHead {
    dense: Linear,
    norm: LayerNorm,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    activation: Activation,
}

impl MaskedLm {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate, or a family that does not guess hidden tokens.
    pub fn new(config: &EncoderConfig, seed: u64, device: &Device) -> Result<MaskedLm, ModelError> {
        let encoder = Encoder::new(config, Pooler::Without, seed, device)?;
        MaskedLm::check_family(&encoder)?;
        let head = MaskedLmHead::new(&config.head_sizes(), ("head", seed), device);
        Ok(MaskedLm::of(encoder, head))
    }

    /// An encoder under a head.
    pub(crate) fn of(encoder: Encoder, head: MaskedLmHead) -> MaskedLm {
        MaskedLm { encoder, head }
    }

    /// Refuses a family that does not guess hidden tokens.
    ///
    /// # Errors
    /// The families that do.
    pub(crate) fn check_family(encoder: &Encoder) -> Result<(), ModelError> {
        match encoder.family().masked_lm {
            Some(_) => Ok(()),
            None => Err(ModelError::NoSuchHead {
                architecture: encoder.architecture(),
                head: "masked tokens",
                known: "bert, roberta and albert have one",
            }),
        }
    }

    /// The encoder's output.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn hidden(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        self.encoder.forward(input, run)
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn scores_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Scores {
        self.head
            .forward(rows_at(hidden, flat_positions), self.encoder.words())
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

impl MaskedLmHead {
    /// A head with initial weights, drawn under a path and a seed.
    pub(crate) fn new(
        sizes: &HeadSizes,
        (path, seed): (&str, u64),
        device: &Device,
    ) -> MaskedLmHead {
        let size = sizes.embedding_size;
        let blank = MaskedLmHead {
            dense: Linear::new(sizes.hidden_size, size, Bias::With, device),
            norm: LayerNorm::new(size, sizes.layer_norm_eps, device),
            bias: Param::from_tensor(Tensor::zeros([sizes.vocab_size], device)),
            activation: sizes.activation,
        };
        initialise_under(path, blank, seed, |path| usual(path, sizes.std))
    }

    /// Scores of every token.
    ///
    /// # Shapes
    /// rows: `[n, hidden]`, out: scores `[n, vocab]`
    pub(crate) fn forward(&self, rows: Tensor<2>, words: &Embedding) -> Scores {
        let rows = self.dense.forward_activated(rows, self.activation);
        words.scores(self.norm.forward(rows), Some(self.bias.val()))
    }
}

impl HfModel for MaskedLm {
    fn architecture(&self) -> &'static str {
        self.encoder
            .family()
            .masked_lm
            .expect("checked when the model was made")
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        tensor_of(&self.encoder, path)
    }

    fn base_prefix(&self) -> &'static str {
        self.encoder.base_prefix()
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        self.encoder.family().tied_spellings(name)
    }
}
