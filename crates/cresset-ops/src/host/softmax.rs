//! Softmax with cross entropy over rows of logits.

use rayon::prelude::*;

use super::math::{exp, largest, sum_of, vectorised};

/// What is asked of the rows: their targets and weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Targets<'a> {
    pub(crate) ids: &'a [u32],
    pub(crate) weights: &'a [f32],
    pub(crate) smoothing: f32,
}

/// Sum over rows of weight times cross entropy, in f64 and in the order of the rows.
pub(crate) fn cross_entropy(logits: &[f32], width: usize, targets: Targets<'_>) -> f64 {
    let rows: Vec<f64> = logits
        .par_chunks_exact(width)
        .zip(targets.ids)
        .zip(targets.weights)
        .map(|((row, &target), &weight)| {
            if weight == 0.0 {
                return 0.0;
            }
            let (most, total, mean) = vectorised(
                #[inline(always)]
                || {
                    let most = largest(row);
                    let total = sum_of(
                        row,
                        #[inline(always)]
                        |v| exp(v - most),
                    );
                    (most, total, mean_above(row, most, targets.smoothing))
                },
            );
            let at_target = row[target as usize] - most;
            -f64::from(weight) * log_likelihood(at_target, mean, total, targets.smoothing)
        })
        .collect();
    rows.iter().sum()
}

/// The mean of a row less its largest element; read only where the target is smoothed.
#[inline(always)]
fn mean_above(row: &[f32], most: f32, smoothing: f32) -> f32 {
    if smoothing == 0.0 {
        return 0.0;
    }
    let sum = sum_of(
        row,
        #[inline(always)]
        |v| v - most,
    );
    sum / row.len() as f32
}

/// The smoothed log likelihood, from the logit of the target and the mean logit, both less the largest, and the sum of exponentials.
fn log_likelihood(at_target: f32, mean: f32, total: f32, smoothing: f32) -> f64 {
    let log_total = f64::from(total).ln();
    let smoothing = f64::from(smoothing);
    let value = (1.0 - smoothing) * (f64::from(at_target) - log_total);
    if smoothing > 0.0 {
        value + smoothing * (f64::from(mean) - log_total)
    } else {
        value
    }
}

/// As [`cross_entropy`], and the logits become their own gradient.
pub(crate) fn cross_entropy_with_gradient(
    logits: &mut [f32],
    width: usize,
    targets: Targets<'_>,
) -> f64 {
    let rows: Vec<f64> = logits
        .par_chunks_exact_mut(width)
        .zip(targets.ids)
        .zip(targets.weights)
        .map(|((row, &target), &weight)| {
            if weight == 0.0 {
                row.fill(0.0);
                return 0.0;
            }
            let target = target as usize;
            let logit = row[target];
            let (most, total, mean) = vectorised(
                #[inline(always)]
                || {
                    let most = largest(row);
                    let mean = mean_above(row, most, targets.smoothing);
                    (
                        most,
                        to_probabilities(row, most, weight, targets.smoothing),
                        mean,
                    )
                },
            );
            row[target] -= weight * (1.0 - targets.smoothing);
            -f64::from(weight) * log_likelihood(logit - most, mean, total, targets.smoothing)
        })
        .collect();
    rows.iter().sum()
}

/// Logits become `factor` times (probability less the smoothed share). Returns the sum of the exponentials.
#[inline(always)]
fn to_probabilities(row: &mut [f32], most: f32, factor: f32, smoothing: f32) -> f32 {
    for v in row.iter_mut() {
        *v = exp(*v - most);
    }
    let total = sum_of(
        row,
        #[inline(always)]
        |v| v,
    );
    let scale = factor / total;
    let spread = factor * smoothing / row.len() as f32;
    for v in row.iter_mut() {
        *v = *v * scale - spread;
    }
    total
}

/// Gradient of [`cross_entropy`] times `grad`.
pub(crate) fn cross_entropy_backward(
    logits: &[f32],
    width: usize,
    targets: Targets<'_>,
    grad: f32,
) -> Vec<f32> {
    let mut out = vec![0.0; logits.len()];
    let rows = out
        .par_chunks_exact_mut(width)
        .zip(logits.par_chunks_exact(width));
    rows.zip(targets.ids)
        .zip(targets.weights)
        .for_each(|(((out, row), &target), &weight)| {
            if weight == 0.0 {
                return;
            }
            let factor = weight * grad;
            vectorised(
                #[inline(always)]
                || {
                    out.copy_from_slice(row);
                    let most = largest(row);
                    to_probabilities(out, most, factor, targets.smoothing);
                },
            );
            out[target as usize] -= factor * (1.0 - targets.smoothing);
        });
    out
}
