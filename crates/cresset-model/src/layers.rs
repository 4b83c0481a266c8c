//! The bricks of every architecture.
//!
//! Parameters are made as zeros (norms as ones) and filled by the architecture's own initialisation, so that shapes live here and
//! distributions in one place per model.

mod activation;
mod attention;
mod cache;
mod embedding;
mod feed_forward;
mod linear;
mod norm;
mod positions;
mod post_norm;
mod relative;

pub use activation::Activation;
pub use attention::{Attention, AttentionConfig, KeyValues, Sight};
pub use cache::{Cache, Kept, LayerCache, Memory};
pub(crate) use embedding::StartVector;
pub use embedding::{Embedding, LEARNED_START};
pub use feed_forward::FeedForward;
pub use linear::{Bias, Linear};
pub use norm::{LayerNorm, RmsNorm};
pub use positions::{Sinusoids, relative_sinusoids};
pub(crate) use post_norm::{POST_NORM_NAMES, PostNormKeys};
pub use post_norm::{PostNormConfig, PostNormDecoderLayer, PostNormEncoderLayer};
pub use relative::{RelativeBias, RelativeBiasConfig, Span, relative_bucket};

use burn::module::Param;
use burn::tensor::{Device, Tensor};

pub(crate) fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::zeros(shape, device))
}

fn ones<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(Tensor::ones(shape, device))
}
