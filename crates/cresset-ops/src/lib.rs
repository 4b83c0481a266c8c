//! Tensor operations of transformers, fused forward and backward, generic over burn backends.
//!
//! * [`softmax_cross_entropy`] is the pattern: the trait [`TransformerOps`] by burn's `#[backend_extension]` has a default
//!   body over any backend's own operations and a hand-written backward pass; flex has kernels of its own.
//! * The others run kernels over slices on flex (rayon over rows, vector instructions chosen at run time) and the versions of
//!   [`mod@reference`] on every other backend: [`attention`] with [`relative_scores`] and [`masked_softmax`]; the affine maps
//!   [`linear`], [`linear_activation`] and [`linear_packed`]; [`layer_norm`], [`rms_norm`] and those of a sum, [`residual_layer_norm`] and [`residual_rms_norm`];
//!   [`embedding`]; [`linear_cross_entropy`], which never makes the [`Scores`] of a vocabulary as a whole; [`Activation`],
//!   [`gated`], [`residual_sum`] and [`dropout`]; [`adamw`].
//! * [`on_workers`] runs work next to its kernels; [`Run::layer`] makes a layer's inside again in the backward pass, noted down on a [`LayerTape`].
//! * [`prepare_device`] comes before the first tensor on a device: some Vulkan drivers need another shader compiler. [`keep_kernels`] comes
//!   before the first look for GPUs: later processes start in seconds.
//! * [`Run`] is the key of a forward pass's dropout and lets it be watched ([`Watched`]), [`KeepMask`] says which positions hold something,
//!   [`PairMask`] which queries see which keys.
//!
//! On the CPU the same inputs give the same bytes, however many threads there are. Relative errors of the elementary functions:
//! exp below 3e-7, erf and tanh below 4e-7.
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
mod softmax;
#[cfg(feature = "vulkan")]
mod vulkan;
mod watch;
mod workers;

pub use activation::{Activation, dropout, gated, gelu, gelu_tanh, residual_sum};
pub use adamw::{AdamWStep, StepScale, adamw};
pub use attention::{AttentionInput, Causality, Qkv, attention};
pub use checkpoint::{LayerTape, beside};
pub use cross_entropy::{TransformerOps, softmax_cross_entropy};
pub use driver::{keep_kernels, prepare_device};
pub use embedding::embedding;
pub use linear::{Affine, linear, linear_activation, linear_packed};
pub use mask::{KeepMask, PadSide, PairMask};
pub use norm::{Residual, layer_norm, residual_layer_norm, residual_rms_norm, rms_norm};
pub use relative::{RelativeScores, relative_scores};
pub use run::Run;
pub use scores::{ScoreWeight, Scores, linear_cross_entropy};
pub use softmax::{SoftmaxInput, masked_softmax};
pub use watch::{Seen, Watched};
pub use workers::on_workers;
