//! Tensor operations of transformers, fused forward and backward, generic over burn backends.
//!
//! * [`softmax_cross_entropy`] is the pattern: the trait [`TransformerOps`] by burn's `#[backend_extension]` has a default
//!   body over any backend's own operations and a hand-written backward pass; flex has kernels of its own.
//! * [`attention`], [`relative_scores`], [`linear`], [`layer_norm`], [`residual_layer_norm`], [`rms_norm`], [`gelu`], [`gelu_tanh`], [`dropout`] and [`adamw`] run kernels over
//!   slices on flex (rayon over rows, vector instructions chosen at run time) and the versions of [`mod@reference`] on
//!   every other backend.
//! * [`prepare_device`] comes before the first tensor on a device: some Vulkan drivers need another shader compiler.
//! * [`Run`] is the key of a forward pass's dropout, [`KeepMask`] says which positions hold something,
//!   [`PairMask`] which queries see which keys.
//!
//! On the CPU the same inputs give the same bytes, however many threads there are. Accuracy of the elementary functions:
//! exp within 3e-7 relative, erf within 1e-6 and tanh within
//! 5e-7 absolute.
//!
//! What is not here: models, text. This is the only crate that names `burn::backend`.

mod activation;
mod adamw;
mod attention;
mod checkpoint;
mod cross_entropy;
mod driver;
mod embedding;
mod fused;
mod host;
mod linear;
mod mask;
mod norm;
pub mod reference;
mod relative;
mod run;
mod scores;
#[cfg(feature = "vulkan")]
mod vulkan;

pub use activation::{Activation, dropout, gated, gelu, gelu_tanh, residual_sum};
pub use adamw::{AdamWStep, StepScale, adamw};
pub use attention::{AttentionInput, Causality, Qkv, attention};
pub use checkpoint::LayerTape;
pub use cross_entropy::{TransformerOps, softmax_cross_entropy};
pub use driver::prepare_device;
pub use embedding::embedding;
pub use linear::{Affine, linear, linear_activation, linear_packed};
pub use mask::{KeepMask, PadSide, PairMask};
pub use norm::{Residual, layer_norm, residual_layer_norm, rms_norm};
pub use relative::{RelativeScores, relative_scores};
pub use run::Run;
pub use scores::{ScoreWeight, Scores, linear_cross_entropy};
