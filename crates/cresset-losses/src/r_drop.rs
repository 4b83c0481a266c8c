//! R-Drop: two passes over the same rows with different dropout shall say the same.

use burn::tensor::Tensor;

use crate::rows::{kept_rows, log_softmax, weighted_sum};

/// `sum_i (KL(p_i || q_i) + KL(q_i || p_i)) / 2` over the rows that are kept, where `p` and `q` are the softmax of two
/// passes (Liang et al. 2021, "R-Drop: regularized dropout for neural networks", equation 2).
///
/// The whole loss of the paper is the cross entropy of both passes plus a factor (`alpha`, 1 to 5) times this; it is the
/// caller's to add up. Both passes get a gradient. As `(p - q)(log p - log q) / 2`, every term is 0 or more, and equal
/// passes give exactly 0. The denominator is [`kept`](crate::kept).
///
/// # Shapes
/// first, second: finite logits `[n, classes]` of the same rows; keep: `[n]`, 1 where a row counts and 0 elsewhere, all
/// rows without it; a row of 0 contributes exactly nothing, whatever its logits are; out: `[1]`, in nats
pub fn r_drop(first: Tensor<2>, second: Tensor<2>, keep: Option<Tensor<1>>) -> Tensor<1> {
    let log_p = log_softmax(kept_rows(first, keep.as_ref()));
    let log_q = log_softmax(kept_rows(second, keep.as_ref()));
    let apart = log_p.clone().exp() - log_q.clone().exp();
    weighted_sum((apart * (log_p - log_q)).sum_dim(1), keep) * 0.5
}
