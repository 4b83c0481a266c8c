//! Z-loss: keeps the logits' normaliser near one.

use burn::tensor::Tensor;

use crate::rows::{kept_rows, log_sum_exp, weighted_sum};

/// `c sum_i (log sum_k exp(z_ik))^2` over the rows that are kept: added to a cross entropy it keeps logits from drifting
/// off, which rounding to 16 bits punishes.
///
/// Chowdhery et al. 2022 (PaLM, section 5) add it over the vocabulary with a coefficient of 1e-4; Zoph et al. 2022
/// (ST-MoE, section 3.2) over the experts with 1e-3. Its denominator is [`kept`](crate::kept).
///
/// # Shapes
/// logits: `[n, classes]`, keep: `[n]`, 1 where a row counts and 0 elsewhere, all rows without it; a row of 0 contributes
/// exactly nothing, whatever its logits are; out: `[1]`, in square nats
pub fn z_loss(logits: Tensor<2>, keep: Option<Tensor<1>>, coefficient: f64) -> Tensor<1> {
    let normaliser = log_sum_exp(kept_rows(logits, keep.as_ref()));
    weighted_sum(normaliser.clone() * normaliser, keep) * coefficient
}
