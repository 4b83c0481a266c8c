//! The encoder-decoder shape: a text read whole, another written from left to right.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run, Scores};

use crate::bart::{BartConfig, BartForConditionalGeneration};
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, inner_path};
use crate::layers::Cache;
use crate::marian::{MarianConfig, MarianMtModel};
use crate::t5::{T5Config, T5ForConditionalGeneration};
use crate::warm_start::{EncoderDecoder, EncoderDecoderConfig};

/// Configuration of an encoder-decoder.
#[derive(Clone, Debug, PartialEq)]
pub enum Seq2SeqConfig {
    /// T5.
    T5(T5Config),
    /// The original Transformer in Marian's layout.
    Marian(MarianConfig),
    /// BART.
    Bart(BartConfig),
    /// Two BERTs.
    EncoderDecoder(EncoderDecoderConfig),
}

/// An encoder-decoder with its output layer.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a process holds one or two models, and layers lie on the heap"
)]
pub enum Seq2SeqLm {
    /// `T5ForConditionalGeneration`.
    T5(T5ForConditionalGeneration),
    /// `MarianMTModel`.
    Marian(MarianMtModel),
    /// `BartForConditionalGeneration`.
    Bart(BartForConditionalGeneration),
    /// `EncoderDecoderModel`.
    EncoderDecoder(EncoderDecoder),
}

impl Seq2SeqLm {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &Seq2SeqConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Seq2SeqLm, ModelError> {
        match config {
            Seq2SeqConfig::T5(config) => Ok(Seq2SeqLm::T5(T5ForConditionalGeneration::new(
                config, seed, device,
            )?)),
            Seq2SeqConfig::Marian(config) => {
                Ok(Seq2SeqLm::Marian(MarianMtModel::new(config, seed, device)?))
            }
            Seq2SeqConfig::Bart(config) => Ok(Seq2SeqLm::Bart(BartForConditionalGeneration::new(
                config, seed, device,
            )?)),
            Seq2SeqConfig::EncoderDecoder(config) => Ok(Seq2SeqLm::EncoderDecoder(
                EncoderDecoder::new(config, seed, device)?,
            )),
        }
    }

    /// The encoder's output, the memory of the decoder.
    ///
    /// # Shapes
    /// out: `[batch, source, hidden]`
    pub fn encode(&self, source: EncoderInput, run: &Run) -> Tensor<3> {
        match self {
            Seq2SeqLm::T5(model) => model.encode(source, run),
            Seq2SeqLm::Marian(model) => model.encode(source, run),
            Seq2SeqLm::Bart(model) => model.body().encode(source, run),
            Seq2SeqLm::EncoderDecoder(model) => model.encode(source, run),
        }
    }

    /// The decoder's output under teacher forcing. Rows are padded on the right, so no mask of the target is needed.
    ///
    /// # Shapes
    /// ids: `[batch, target]`, memory: `[batch, source, hidden]`, out: `[batch, target, hidden]`
    pub fn decode(
        &self,
        ids: Tensor<2, Int>,
        memory: Tensor<3>,
        memory_keep: KeepMask,
        run: &Run,
    ) -> Tensor<3> {
        match self {
            Seq2SeqLm::T5(model) => model.decode(ids, memory, memory_keep, run),
            Seq2SeqLm::Marian(model) => model.decode(ids, memory, memory_keep, run),
            Seq2SeqLm::Bart(model) => model.body().decode(ids, memory, memory_keep, run),
            Seq2SeqLm::EncoderDecoder(model) => model.decode(ids, memory, memory_keep, run),
        }
    }

    /// The decoder's output, at inference, for the positions that follow those in the cache.
    ///
    /// # Shapes
    /// ids: `[batch, new]`, memory: `[batch, source, hidden]`, out: `[batch, new, hidden]`
    pub fn decode_on(
        &self,
        ids: Tensor<2, Int>,
        memory: Tensor<3>,
        memory_keep: KeepMask,
        cache: &mut Cache,
    ) -> Tensor<3> {
        let (keep, run) = (memory_keep, &Run::inference());
        match self {
            Seq2SeqLm::T5(model) => model.decode_on(ids, memory, keep, cache, run),
            Seq2SeqLm::Marian(model) => model.decode_on(ids, memory, keep, cache, run),
            Seq2SeqLm::Bart(model) => model.body().decode_on(ids, memory, keep, cache, run),
            Seq2SeqLm::EncoderDecoder(model) => model.decode_on(ids, memory, keep, cache, run),
        }
    }

    /// A cache for a decoder that has read nothing.
    pub fn cache(&self) -> Cache {
        match self {
            Seq2SeqLm::T5(model) => model.cache(),
            Seq2SeqLm::Marian(model) => model.cache(),
            Seq2SeqLm::Bart(model) => model.body().cache(),
            Seq2SeqLm::EncoderDecoder(model) => model.cache(),
        }
    }

    /// Longest sequence, where the model has a table of positions.
    pub fn max_positions(&self) -> Option<usize> {
        match self {
            Seq2SeqLm::T5(_) => None,
            Seq2SeqLm::Marian(model) => Some(model.max_positions()),
            Seq2SeqLm::Bart(model) => Some(model.body().max_positions()),
            Seq2SeqLm::EncoderDecoder(model) => Some(model.max_positions()),
        }
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn scores_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Scores {
        match self {
            Seq2SeqLm::T5(model) => model.scores_at(hidden, flat_positions),
            Seq2SeqLm::Marian(model) => model.scores_at(hidden, flat_positions),
            Seq2SeqLm::Bart(model) => model.scores_at(hidden, flat_positions),
            Seq2SeqLm::EncoderDecoder(model) => model.scores_at(hidden, flat_positions),
        }
    }
}

impl HfModel for Seq2SeqLm {
    fn architecture(&self) -> &'static str {
        match self {
            Seq2SeqLm::T5(model) => model.architecture(),
            Seq2SeqLm::Marian(model) => model.architecture(),
            Seq2SeqLm::Bart(model) => model.architecture(),
            Seq2SeqLm::EncoderDecoder(model) => model.architecture(),
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        match self {
            Seq2SeqLm::T5(model) => model.hf_name(inner_path(path)),
            Seq2SeqLm::Marian(model) => model.hf_name(inner_path(path)),
            Seq2SeqLm::Bart(model) => model.hf_name(inner_path(path)),
            Seq2SeqLm::EncoderDecoder(model) => model.hf_name(inner_path(path)),
        }
    }

    fn base_prefix(&self) -> &'static str {
        match self {
            Seq2SeqLm::T5(model) => model.base_prefix(),
            Seq2SeqLm::Marian(model) => model.base_prefix(),
            Seq2SeqLm::Bart(model) => model.base_prefix(),
            Seq2SeqLm::EncoderDecoder(model) => model.base_prefix(),
        }
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match self {
            Seq2SeqLm::T5(model) => model.spellings(name),
            Seq2SeqLm::Marian(model) => model.spellings(name),
            Seq2SeqLm::Bart(model) => model.spellings(name),
            Seq2SeqLm::EncoderDecoder(model) => model.spellings(name),
        }
    }

    fn is_optional(&self, name: &str) -> bool {
        match self {
            Seq2SeqLm::T5(model) => model.is_optional(name),
            Seq2SeqLm::Marian(model) => model.is_optional(name),
            Seq2SeqLm::Bart(model) => model.is_optional(name),
            Seq2SeqLm::EncoderDecoder(model) => model.is_optional(name),
        }
    }

    fn is_head(&self, name: &str) -> bool {
        match self {
            Seq2SeqLm::T5(model) => model.is_head(name),
            Seq2SeqLm::Marian(model) => model.is_head(name),
            Seq2SeqLm::Bart(model) => model.is_head(name),
            Seq2SeqLm::EncoderDecoder(model) => model.is_head(name),
        }
    }

    fn ignores(&self, name: &str) -> bool {
        match self {
            Seq2SeqLm::T5(model) => model.ignores(name),
            Seq2SeqLm::Marian(model) => model.ignores(name),
            Seq2SeqLm::Bart(model) => model.ignores(name),
            Seq2SeqLm::EncoderDecoder(model) => model.ignores(name),
        }
    }
}
