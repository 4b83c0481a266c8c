//! Losses of transformers as functions on tensors: always SUMS, with their denominator beside them.
//!
//! * [`cross_entropy`] over classes, with label smoothing, class weights and row weights; [`weight_sum`] is its
//!   denominator.
//! * [`bce`], binary cross entropy over labels each for itself, with positive weights; [`bce_count`] is its denominator.
//! * [`mse`], squared errors of predicted numbers; [`mse_count`] is its denominator.
//! * [`token_nll`] over the tokens of a vocabulary, with ignored positions told by a mask; [`kept`] is its denominator.
//! * [`focal_loss`], cross entropy that turns to what is still wrong; [`focal_count`] is its denominator.
//! * [`z_loss`], [`r_drop`] and [`distillation`] are added to a cross entropy: against drifting logits, between two passes
//!   with different dropout, and towards a teacher; [`kept`] is their denominator.
//! * [`info_nce`], in-batch contrast of vectors that belong together; [`info_nce_count`] is its denominator.
//! * [`triplet_loss`], nearer to one vector than to another; [`triplet_count`] is its denominator.
//!
//! A mean over a micro-batch is wrong as soon as two micro-batches of a step hold different numbers of targets, so nothing
//! here divides: the trainer adds up the denominators of the whole step first. In contrast within a batch one thing remains
//! that no denominator mends: its negatives are those of the micro-batch.
//!
//! What is not here: means, models, optimizers.

mod bce;
mod cross_entropy;
mod distillation;
mod focal;
mod info_nce;
mod mse;
mod nll;
mod r_drop;
mod rows;
mod triplet;
mod z_loss;

pub use bce::{BceOptions, bce, bce_count};
pub use cross_entropy::{CrossEntropyOptions, cross_entropy, weight_sum};
pub use distillation::distillation;
pub use focal::{FocalOptions, focal_count, focal_loss};
pub use info_nce::{InfoNceOptions, cosines, info_nce, info_nce_count};
pub use mse::{mse, mse_count};
pub use nll::{kept, token_nll, vocabulary_nll};
pub use r_drop::r_drop;
pub use triplet::{Distance, TripletOptions, triplet_count, triplet_loss};
pub use z_loss::z_loss;
