//! Softmax with cross entropy over rows of logits.

use rayon::prelude::*;

use super::array::Array;
use super::math::{exp, largest, sum_of, vectorised};

/// What is asked of the rows: their targets and weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Targets<'a> {
    pub(crate) ids: &'a [u32],
    pub(crate) weights: &'a [f32],
    pub(crate) smoothing: f32,
}

/// Sum over rows of weight times cross entropy, in f64 and in the order of the rows.
pub(crate) fn cross_entropy(logits: &Array<'_>, targets: Targets<'_>) -> f32 {
    let width = logits.width();
    let rows: Vec<f64> = logits
        .values
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
                    let mean = sum_of(
                        row,
                        #[inline(always)]
                        |v| v - most,
                    ) / width as f32;
                    (most, total, mean)
                },
            );
            let log_total = f64::from(total).ln();
            let at_target = f64::from(row[target as usize] - most) - log_total;
            let smoothing = f64::from(targets.smoothing);
            let mut value = (1.0 - smoothing) * at_target;
            if smoothing > 0.0 {
                value += smoothing * (f64::from(mean) - log_total);
            }
            -f64::from(weight) * value
        })
        .collect();
    rows.iter().sum::<f64>() as f32
}

/// Gradient of [`cross_entropy`] times `grad`.
pub(crate) fn cross_entropy_backward(
    logits: &Array<'_>,
    targets: Targets<'_>,
    grad: f32,
) -> Array<'static> {
    let width = logits.width();
    let mut out = vec![0.0; logits.values.len()];
    let rows = out
        .par_chunks_exact_mut(width)
        .zip(logits.values.par_chunks_exact(width));
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
                    let most = largest(row);
                    for (out, &v) in out.iter_mut().zip(row) {
                        *out = exp(v - most);
                    }
                    let scale = factor
                        / sum_of(
                            out,
                            #[inline(always)]
                            |v| v,
                        );
                    let spread = factor * targets.smoothing / width as f32;
                    for out in out.iter_mut() {
                        *out = *out * scale - spread;
                    }
                },
            );
            out[target as usize] -= factor * (1.0 - targets.smoothing);
        });
    Array::new(out, &logits.shape)
}
