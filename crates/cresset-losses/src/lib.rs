//! Losses of transformers as functions on tensors: always SUMS, with their denominator beside them.
//!
//! * [`cross_entropy`] over classes, with label smoothing, class weights and row weights; [`weight_sum`] is its
//!   denominator.
//! * [`bce`], binary cross entropy over labels each for itself, with positive weights; [`bce_count`] is its denominator.
//! * [`mse`], squared errors of predicted numbers; [`mse_count`] is its denominator.
//! * [`token_nll`] over the tokens of a vocabulary, with ignored positions told by a mask; [`kept`] is its denominator.
//!
//! A mean over a micro-batch is wrong as soon as two micro-batches of a step hold different numbers of targets, so nothing
//! here divides: the trainer adds up the denominators of the whole step first.
//!
//! What is not here: means, models, optimizers.

mod bce;
mod cross_entropy;
mod mse;
mod nll;

pub use bce::{BceOptions, bce, bce_count};
pub use cross_entropy::{CrossEntropyOptions, cross_entropy, weight_sum};
pub use mse::{mse, mse_count};
pub use nll::{kept, token_nll};
