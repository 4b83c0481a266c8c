//! One model for several objectives, of either shape that has them.

use burn::module::Module;

use super::SharedEncoder;
use crate::encoder_decoder::Seq2SeqLm;
use crate::hf::{HfModel, HfTensor, inner_path};

/// What several objectives train together.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a process holds one or two models, and layers lie on the heap"
)]
pub enum SharedModel {
    /// An encoder with a head for each.
    Encoder(SharedEncoder),
    /// An encoder-decoder, which has one output layer for whatever it writes.
    EncoderDecoder(Seq2SeqLm),
}

impl HfModel for SharedModel {
    fn architecture(&self) -> &'static str {
        match self {
            SharedModel::Encoder(model) => model.architecture(),
            SharedModel::EncoderDecoder(model) => model.architecture(),
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        let path = inner_path(path);
        match self {
            SharedModel::Encoder(model) => model.hf_name(path),
            SharedModel::EncoderDecoder(model) => model.hf_name(path),
        }
    }

    fn base_prefix(&self) -> &'static str {
        match self {
            SharedModel::Encoder(model) => model.base_prefix(),
            SharedModel::EncoderDecoder(model) => model.base_prefix(),
        }
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match self {
            SharedModel::Encoder(model) => model.spellings(name),
            SharedModel::EncoderDecoder(model) => model.spellings(name),
        }
    }

    fn is_optional(&self, name: &str) -> bool {
        match self {
            SharedModel::Encoder(model) => model.is_optional(name),
            SharedModel::EncoderDecoder(model) => model.is_optional(name),
        }
    }

    fn is_head(&self, name: &str) -> bool {
        match self {
            SharedModel::Encoder(model) => model.is_head(name),
            SharedModel::EncoderDecoder(model) => model.is_head(name),
        }
    }

    fn ignores(&self, name: &str) -> bool {
        match self {
            SharedModel::Encoder(model) => model.ignores(name),
            SharedModel::EncoderDecoder(model) => model.ignores(name),
        }
    }
}
