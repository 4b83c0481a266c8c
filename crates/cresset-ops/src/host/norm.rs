//! Layer norm and RMS norm.

use rayon::prelude::*;

use super::array::Array;
use super::math::{sum_of, sum_of_pairs, vectorised};
use crate::fused::Kernel;

/// Rows per task; also the grain of the column sums, so that they do not depend on the number of threads.
const ROWS: usize = 32;

/// See [`crate::layer_norm`]. Inputs: x, gamma, beta.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    pub(crate) epsilon: f32,
}

/// Mean of a row and one over its standard deviation.
#[inline(always)]
fn moments(row: &[f32], epsilon: f32) -> (f32, f32) {
    let n = row.len() as f32;
    let mean = sum_of(
        row,
        #[inline(always)]
        |v| v,
    ) / n;
    let variance = sum_of(
        row,
        #[inline(always)]
        |v| (v - mean) * (v - mean),
    ) / n;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

impl Kernel for LayerNorm {
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>) {
        let [x, gamma, beta] = inputs else {
            unreachable!("three inputs")
        };
        let width = x.width();
        let mut out = vec![0.0; x.values.len()];
        out.par_chunks_mut(ROWS * width)
            .zip(x.values.par_chunks(ROWS * width))
            .for_each(|(out, x)| {
                vectorised(
                    #[inline(always)]
                    || {
                        for (out, row) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                            let (mean, scale) = moments(row, self.epsilon);
                            let affine = gamma.values.iter().zip(beta.values.iter());
                            for ((out, &v), (&gamma, &beta)) in out.iter_mut().zip(row).zip(affine)
                            {
                                *out = (v - mean) * scale * gamma + beta;
                            }
                        }
                    },
                );
            });
        (Array::new(out, &x.shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: &[Array<'_>],
        grad: &Array<'_>,
    ) -> Vec<Array<'static>> {
        let (x, gamma) = (&inputs[0], &inputs[1]);
        let width = x.width();
        let n = width as f32;
        let mut dx = vec![0.0; x.values.len()];
        let columns: Vec<(Vec<f32>, Vec<f32>)> = dx
            .par_chunks_mut(ROWS * width)
            .zip(x.values.par_chunks(ROWS * width))
            .zip(grad.values.par_chunks(ROWS * width))
            .map(|((dx, x), grad)| {
                let (mut d_gamma, mut d_beta) = (vec![0.0; width], vec![0.0; width]);
                let mut weighted = vec![0.0; width];
                let mut normed = vec![0.0; width];
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = dx
                            .chunks_exact_mut(width)
                            .zip(x.chunks_exact(width))
                            .zip(grad.chunks_exact(width));
                        for ((dx, row), grad) in rows {
                            let (mean, scale) = moments(row, self.epsilon);
                            for i in 0..width {
                                normed[i] = (row[i] - mean) * scale;
                                weighted[i] = grad[i] * gamma.values[i];
                                d_gamma[i] += grad[i] * normed[i];
                                d_beta[i] += grad[i];
                            }
                            let mean_weighted = sum_of(
                                &weighted,
                                #[inline(always)]
                                |v| v,
                            ) / n;
                            let mean_product = sum_of_pairs(
                                &weighted,
                                &normed,
                                #[inline(always)]
                                |a, b| a * b,
                            ) / n;
                            for i in 0..width {
                                dx[i] = scale
                                    * (weighted[i] - mean_weighted - normed[i] * mean_product);
                            }
                        }
                    },
                );
                (d_gamma, d_beta)
            })
            .collect();
        let (gammas, betas): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        vec![
            Array::new(dx, &x.shape),
            Array::new(add_up(gammas, width), &[width]),
            Array::new(add_up(betas, width), &[width]),
        ]
    }
}

/// See [`crate::rms_norm`]. Inputs: x, gamma.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    pub(crate) epsilon: f32,
}

#[inline(always)]
fn inverse_rms(row: &[f32], epsilon: f32) -> f32 {
    1.0 / (sum_of(
        row,
        #[inline(always)]
        |v| v * v,
    ) / row.len() as f32
        + epsilon)
        .sqrt()
}

impl Kernel for RmsNorm {
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>) {
        let (x, gamma) = (&inputs[0], &inputs[1]);
        let width = x.width();
        let mut out = vec![0.0; x.values.len()];
        out.par_chunks_mut(ROWS * width)
            .zip(x.values.par_chunks(ROWS * width))
            .for_each(|(out, x)| {
                vectorised(
                    #[inline(always)]
                    || {
                        for (out, row) in out.chunks_exact_mut(width).zip(x.chunks_exact(width)) {
                            let scale = inverse_rms(row, self.epsilon);
                            for ((out, &v), &gamma) in
                                out.iter_mut().zip(row).zip(gamma.values.iter())
                            {
                                *out = v * scale * gamma;
                            }
                        }
                    },
                );
            });
        (Array::new(out, &x.shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: &[Array<'_>],
        grad: &Array<'_>,
    ) -> Vec<Array<'static>> {
        let (x, gamma) = (&inputs[0], &inputs[1]);
        let width = x.width();
        let mut dx = vec![0.0; x.values.len()];
        let columns: Vec<Vec<f32>> = dx
            .par_chunks_mut(ROWS * width)
            .zip(x.values.par_chunks(ROWS * width))
            .zip(grad.values.par_chunks(ROWS * width))
            .map(|((dx, x), grad)| {
                let mut d_gamma = vec![0.0; width];
                let mut weighted = vec![0.0; width];
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = dx
                            .chunks_exact_mut(width)
                            .zip(x.chunks_exact(width))
                            .zip(grad.chunks_exact(width));
                        for ((dx, row), grad) in rows {
                            let scale = inverse_rms(row, self.epsilon);
                            for i in 0..width {
                                weighted[i] = grad[i] * gamma.values[i];
                                d_gamma[i] += grad[i] * row[i] * scale;
                            }
                            let product = sum_of_pairs(
                                &weighted,
                                row,
                                #[inline(always)]
                                |a, b| a * b,
                            );
                            let factor = product * scale * scale * scale / width as f32;
                            for i in 0..width {
                                dx[i] = scale * weighted[i] - row[i] * factor;
                            }
                        }
                    },
                );
                d_gamma
            })
            .collect();
        vec![
            Array::new(dx, &x.shape),
            Array::new(add_up(columns, width), &[width]),
        ]
    }
}

/// Adds column sums in the order of their rows.
fn add_up(parts: Vec<Vec<f32>>, width: usize) -> Vec<f32> {
    let mut total = vec![0.0; width];
    for part in parts {
        for (total, part) in total.iter_mut().zip(part) {
            *total += part;
        }
    }
    total
}
