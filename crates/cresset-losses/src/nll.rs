//! Negative log likelihood of tokens.

use burn::tensor::{Int, Tensor};
use cresset_ops::{Scores, linear_cross_entropy};

use crate::{CrossEntropyOptions, cross_entropy};

/// `-sum_t log p(y_t)` over the positions that are kept: the language-model loss under teacher forcing.
///
/// Which positions count is told by the mask, never by the target's id, so padding may carry any id and the stop token is
/// learnt even where it has the id of the padding.
///
/// # Shapes
/// logits: `[n, vocabulary]`, targets: `[n]`, keep: `[n]`, 1 where a position counts and 0 elsewhere; out: `[1]`, in nats
pub fn token_nll(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    keep: Option<Tensor<1>>,
    label_smoothing: f64,
) -> Tensor<1> {
    cross_entropy(
        logits,
        targets,
        CrossEntropyOptions {
            label_smoothing,
            class_weights: None,
            row_weights: keep,
        },
    )
}

/// [`token_nll`] of an output layer that has not been applied: the scores of the whole vocabulary never stand in memory
/// together.
///
/// # Shapes
/// scores: `[n, vocabulary]`, the rest as there
pub fn vocabulary_nll(
    scores: Scores,
    targets: Tensor<1, Int>,
    keep: Option<Tensor<1>>,
    label_smoothing: f64,
) -> Tensor<1> {
    let [n, _] = scores.rows.dims();
    let keep = keep.unwrap_or_else(|| Tensor::ones([n], &scores.rows.device()));
    linear_cross_entropy(scores, targets, keep, label_smoothing)
}

/// The denominator of [`token_nll`]: how many positions count.
pub fn kept(keep: &[bool]) -> f64 {
    keep.iter().filter(|k| **k).count() as f64
}
