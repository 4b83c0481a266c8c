//! Losses as sums.
#![allow(missing_docs)]
use burn::tensor::{Int, Tensor};
use cresset_ops::softmax_cross_entropy;
#[derive(Clone, Debug, Default)]
pub struct CrossEntropyOptions { pub label_smoothing: f64, pub class_weights: Option<Vec<f32>>, pub row_weights: Option<Tensor<1>> }
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>, options: CrossEntropyOptions) -> Tensor<1> {
    let n = targets.dims()[0];
    let w = options.row_weights.unwrap_or_else(|| Tensor::ones([n], &logits.device()));
    softmax_cross_entropy(logits, targets, w, options.label_smoothing)
}
pub fn token_nll(logits: Tensor<2>, targets: Tensor<1, Int>, keep: Option<Tensor<1>>, label_smoothing: f64) -> Tensor<1> {
    cross_entropy(logits, targets, CrossEntropyOptions { label_smoothing, class_weights: None, row_weights: keep })
}
