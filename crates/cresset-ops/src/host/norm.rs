//! Layer norm and RMS norm.

use rayon::prelude::*;

use super::array::Array;
use super::math::{sum_of, sum_of_pairs, vectorised};
use crate::fused::{Keep, Kernel};
use crate::run::DropoutKey;

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

/// A normalised row, scaled and shifted.
#[inline(always)]
fn normalise(out: &mut [f32], row: &[f32], [gamma, beta]: [&[f32]; 2], epsilon: f32) {
    let (mean, scale) = moments(row, epsilon);
    let affine = gamma.iter().zip(beta);
    for ((out, &v), (&gamma, &beta)) in out.iter_mut().zip(row).zip(affine) {
        *out = (v - mean) * scale * gamma + beta;
    }
}

/// The gradients of some rows.
struct RowGradients<'a> {
    gamma: &'a [f32],
    epsilon: f32,
    d_gamma: Vec<f32>,
    d_beta: Vec<f32>,
    weighted: Vec<f32>,
    normed: Vec<f32>,
}

impl<'a> RowGradients<'a> {
    fn new(gamma: &'a [f32], epsilon: f32) -> Self {
        let zeros = || vec![0.0; gamma.len()];
        RowGradients {
            gamma,
            epsilon,
            d_gamma: zeros(),
            d_beta: zeros(),
            weighted: zeros(),
            normed: zeros(),
        }
    }

    /// Writes the gradient of a row and adds to those of gamma and beta.
    #[inline(always)]
    fn add(&mut self, dx: &mut [f32], row: &[f32], grad: &[f32]) {
        let width = row.len();
        let n = width as f32;
        let (mean, scale) = moments(row, self.epsilon);
        for i in 0..width {
            self.normed[i] = (row[i] - mean) * scale;
            self.weighted[i] = grad[i] * self.gamma[i];
            self.d_gamma[i] += grad[i] * self.normed[i];
            self.d_beta[i] += grad[i];
        }
        let mean_weighted = sum_of(
            &self.weighted,
            #[inline(always)]
            |v| v,
        ) / n;
        let mean_product = sum_of_pairs(
            &self.weighted,
            &self.normed,
            #[inline(always)]
            |a, b| a * b,
        ) / n;
        let parts = self.weighted.iter().zip(&self.normed);
        for (dx, (weighted, normed)) in dx.iter_mut().zip(parts) {
            *dx = scale * (weighted - mean_weighted - normed * mean_product);
        }
    }

    /// The gradients of gamma and beta over all parts, in the order of their rows.
    fn columns(parts: Vec<Self>, width: usize) -> [Array<'static>; 2] {
        let (gammas, betas): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|p| (p.d_gamma, p.d_beta)).unzip();
        [gammas, betas].map(|columns| Array::new(add_up(columns, width), &[width]))
    }
}

impl Kernel for LayerNorm {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
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
                            normalise(out, row, [&gamma.values, &beta.values], self.epsilon);
                        }
                    },
                );
            });
        (Array::new(out, &x.shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let (x, gamma) = (&inputs[0], &inputs[1]);
        let width = x.width();
        let mut dx = vec![0.0; x.values.len()];
        let parts: Vec<RowGradients<'_>> = dx
            .par_chunks_mut(ROWS * width)
            .zip(x.values.par_chunks(ROWS * width))
            .zip(grad.values.par_chunks(ROWS * width))
            .map(|((dx, x), grad)| {
                let mut gradients = RowGradients::new(&gamma.values, self.epsilon);
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = dx
                            .chunks_exact_mut(width)
                            .zip(x.chunks_exact(width))
                            .zip(grad.chunks_exact(width));
                        for ((dx, row), grad) in rows {
                            gradients.add(dx, row, grad);
                        }
                    },
                );
                gradients
            })
            .collect();
        let [d_gamma, d_beta] = RowGradients::columns(parts, width);
        vec![Array::new(dx, &x.shape), d_gamma, d_beta]
    }
}

/// See [`crate::residual_layer_norm`]. Inputs: x, branch, gamma, beta.
#[derive(Debug)]
pub(crate) struct ResidualLayerNorm {
    pub(crate) epsilon: f32,
    pub(crate) dropout: Option<DropoutKey>,
}

impl ResidualLayerNorm {
    /// The factor of an element of the branch.
    #[inline(always)]
    fn factor(&self, element: usize) -> f32 {
        match &self.dropout {
            Some(key) => key.factor(element as u32),
            None => 1.0,
        }
    }

    /// A row of the sum; `first` is the number of its first element.
    #[inline(always)]
    fn add_up(&self, sum: &mut [f32], x: &[f32], branch: &[f32], first: usize) {
        for (i, (sum, (&x, &branch))) in (first..).zip(sum.iter_mut().zip(x.iter().zip(branch))) {
            *sum = x + branch * self.factor(i);
        }
    }
}

impl Kernel for ResidualLayerNorm {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let [x, branch, gamma, beta] = inputs else {
            unreachable!("four inputs")
        };
        let width = x.width();
        let mut out = vec![0.0; x.values.len()];
        out.par_chunks_mut(ROWS * width)
            .zip(x.values.par_chunks(ROWS * width))
            .zip(branch.values.par_chunks(ROWS * width))
            .enumerate()
            .for_each(|(part, ((out, x), branch))| {
                let mut sum = vec![0.0; width];
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = out
                            .chunks_exact_mut(width)
                            .zip(x.chunks_exact(width))
                            .zip(branch.chunks_exact(width));
                        for (row, ((out, x), branch)) in (part * ROWS..).zip(rows) {
                            self.add_up(&mut sum, x, branch, row * width);
                            normalise(out, &sum, [&gamma.values, &beta.values], self.epsilon);
                        }
                    },
                );
            });
        (Array::new(out, &x.shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let (x, branch, gamma) = (&inputs[0], &inputs[1], &inputs[2]);
        let width = x.width();
        let mut dx = vec![0.0; x.values.len()];
        let mut d_branch = vec![0.0; x.values.len()];
        let parts: Vec<RowGradients<'_>> = dx
            .par_chunks_mut(ROWS * width)
            .zip(d_branch.par_chunks_mut(ROWS * width))
            .zip(x.values.par_chunks(ROWS * width))
            .zip(branch.values.par_chunks(ROWS * width))
            .zip(grad.values.par_chunks(ROWS * width))
            .enumerate()
            .map(|(part, ((((dx, d_branch), x), branch), grad))| {
                let mut gradients = RowGradients::new(&gamma.values, self.epsilon);
                let mut sum = vec![0.0; width];
                vectorised(
                    #[inline(always)]
                    || {
                        let rows = dx
                            .chunks_exact_mut(width)
                            .zip(d_branch.chunks_exact_mut(width))
                            .zip(x.chunks_exact(width))
                            .zip(branch.chunks_exact(width))
                            .zip(grad.chunks_exact(width));
                        for (row, ((((dx, d_branch), x), branch), grad)) in
                            (part * ROWS..).zip(rows)
                        {
                            let first = row * width;
                            self.add_up(&mut sum, x, branch, first);
                            gradients.add(dx, &sum, grad);
                            for (i, (d_branch, &dx)) in
                                (first..).zip(d_branch.iter_mut().zip(dx.iter()))
                            {
                                *d_branch = dx * self.factor(i);
                            }
                        }
                    },
                );
                gradients
            })
            .collect();
        let [d_gamma, d_beta] = RowGradients::columns(parts, width);
        vec![
            Array::new(dx, &x.shape),
            Array::new(d_branch, &x.shape),
            d_gamma,
            d_beta,
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
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
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
        _: Vec<Array<'_>>,
        grad: Array<'_>,
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
