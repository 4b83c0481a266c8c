//! Pre-training on pairs of texts: masked tokens, and a guess about the pair.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{Run, Scores, dropout};

use super::{MaskedLmHead, rows_at, tensor_of};
use crate::bert::Pooler;
use crate::encoder::{Encoder, EncoderConfig, EncoderInput};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor};
use crate::init::{initialise_under, usual};
use crate::layers::{Bias, Linear};
use crate::token_table::TokenTable;

/// An encoder with both heads of its pre-training. The head on pairs says whether the second text follows the first (BERT, class 0 =
/// it does) or whether the two were swapped (ALBERT, class 1 = they were): Hugging Face's `BertForPreTraining` and
/// `AlbertForPreTraining`.
#[derive(Module, Debug)]
pub struct PreTraining {
    encoder: Encoder,
    head: MaskedLmHead,
    pair: Linear,
    #[module(skip)]
    dropout: f64,
}

impl PreTraining {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate, or a family that is not pre-trained on pairs.
    pub fn new(
        config: &EncoderConfig,
        seed: u64,
        device: &Device,
    ) -> Result<PreTraining, ModelError> {
        let encoder = Encoder::new(config, Pooler::With, seed, device)?;
        if encoder.family().pre_training.is_none() {
            return Err(ModelError::NoSuchHead {
                architecture: encoder.architecture(),
                head: "pre-training on pairs of texts",
                known: "bert and albert have one",
            });
        }
        let sizes = config.head_sizes();
        let pair = Linear::new(sizes.hidden_size, 2, Bias::With, device);
        Ok(PreTraining {
            encoder,
            head: MaskedLmHead::new(&sizes, ("head", seed), device),
            pair: initialise_under("pair", pair, seed, |path| usual(path, sizes.std)),
            dropout: sizes.pair_dropout,
        })
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

    /// Scores of the two classes of a pair.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, 2]`
    pub fn pair_logits(&self, hidden: Tensor<3>, run: &Run) -> Tensor<2> {
        let pooled = self.encoder.pooled(hidden);
        self.pair.forward(dropout(pooled, self.dropout, run))
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

impl HfModel for PreTraining {
    fn architecture(&self) -> &'static str {
        self.encoder
            .family()
            .pre_training
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
