//! Layer norm and RMS norm, of a tensor or of a residual sum: one kernel, row by row.

use rayon::prelude::*;

use super::array::Array;
use super::math::{sum_of, sum_of_pairs, vectorised};
use crate::fused::{Keep, Kernel};
use crate::run::DropoutKey;

/// Rows per task; also the grain of the column sums, so that they do not depend on the number of threads.
const ROWS: usize = 32;

/// A norm over the last dimension. Inputs: x, the branch if what is normalised is a residual sum, gamma, and beta in a layer norm.
#[derive(Debug)]
pub(crate) struct Norm {
    pub(crate) kind: Kind,
    pub(crate) of: Normed,
    pub(crate) epsilon: f32,
}

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The mean is taken off and beta added.
    Layer,
    /// Neither.
    Rms,
}

/// What is normalised.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Normed {
    /// x.
    Tensor,
    /// x plus the branch after dropout, which is not kept for the backward pass but made again.
    Sum(Option<DropoutKey>),
}

/// The inputs by name.
struct Inputs<'a> {
    x: &'a Array<'a>,
    branch: Option<&'a [f32]>,
    gamma: &'a [f32],
    beta: Option<&'a [f32]>,
    width: usize,
}

/// Some rows of x and of the branch, and the number of their first element.
#[derive(Clone, Copy)]
struct Part<'a> {
    x: &'a [f32],
    branch: Option<&'a [f32]>,
    first: usize,
}

impl<'a> Inputs<'a> {
    fn part(&self, index: usize) -> Part<'a> {
        let first = index * ROWS * self.width;
        let end = (first + ROWS * self.width).min(self.x.values.len());
        Part {
            x: &self.x.values[first..end],
            branch: self.branch.map(|branch| &branch[first..end]),
            first,
        }
    }
}

impl Norm {
    fn inputs<'a>(&self, inputs: &'a [Array<'a>]) -> Inputs<'a> {
        let (branch, rest) = match self.of {
            Normed::Tensor => (None, &inputs[1..]),
            Normed::Sum(_) => (Some(&*inputs[1].values), &inputs[2..]),
        };
        Inputs {
            x: &inputs[0],
            branch,
            gamma: &rest[0].values,
            beta: rest.get(1).map(|beta| &*beta.values),
            width: inputs[0].width(),
        }
    }

    /// The factor of an element of the branch.
    #[inline(always)]
    fn factor(&self, element: usize) -> f32 {
        match &self.of {
            Normed::Sum(Some(key)) => key.factor(element as u32),
            Normed::Sum(None) | Normed::Tensor => 1.0,
        }
    }

    /// A row of what is normalised, in `sum` where it must be added up.
    #[inline(always)]
    fn row<'a>(&self, sum: &'a mut [f32], part: Part<'a>, row: usize) -> &'a [f32] {
        let width = sum.len();
        let here = row * width..(row + 1) * width;
        let x = &part.x[here.clone()];
        let Some(branch) = part.branch else { return x };
        let terms = x.iter().zip(&branch[here.clone()]);
        for (i, (sum, (x, branch))) in (part.first + here.start..).zip(sum.iter_mut().zip(terms)) {
            *sum = x + branch * self.factor(i);
        }
        sum
    }

    /// What is taken off a row, and what it is multiplied by.
    #[inline(always)]
    fn moments(&self, row: &[f32]) -> (f32, f32) {
        let n = row.len() as f32;
        let mean = match self.kind {
            Kind::Layer => {
                sum_of(
                    row,
                    #[inline(always)]
                    |v| v,
                ) / n
            }
            Kind::Rms => 0.0,
        };
        let square = sum_of(
            row,
            #[inline(always)]
            |v| (v - mean) * (v - mean),
        ) / n;
        (mean, 1.0 / (square + self.epsilon).sqrt())
    }

    /// A normalised row.
    #[inline(always)]
    fn normalise(&self, out: &mut [f32], row: &[f32], gamma: &[f32], beta: Option<&[f32]>) {
        let (mean, scale) = self.moments(row);
        let terms = row.iter().zip(gamma);
        match beta {
            Some(beta) => {
                for ((out, (v, gamma)), beta) in out.iter_mut().zip(terms).zip(beta) {
                    *out = (v - mean) * scale * gamma + beta;
                }
            }
            None => {
                for (out, (v, gamma)) in out.iter_mut().zip(terms) {
                    *out = (v - mean) * scale * gamma;
                }
            }
        }
    }

    /// The gradient of a row; those of gamma and beta are added to the sums.
    #[inline(always)]
    fn differentiate(
        &self,
        dx: &mut [f32],
        (row, grad, gamma): (&[f32], &[f32], &[f32]),
        sums: &mut Sums,
    ) {
        let width = row.len();
        let n = width as f32;
        let (mean, scale) = self.moments(row);
        // Slices of one length, so that the loop needs no bounds checks, which would keep it from being vectorised.
        let (grad, gamma) = (&grad[..width], &gamma[..width]);
        let (normed, weighted) = (&mut sums.normed[..width], &mut sums.weighted[..width]);
        let (d_gamma, d_beta) = (&mut sums.d_gamma[..width], &mut sums.d_beta[..width]);
        for i in 0..width {
            normed[i] = (row[i] - mean) * scale;
            weighted[i] = grad[i] * gamma[i];
            d_gamma[i] += grad[i] * normed[i];
            d_beta[i] += grad[i];
        }
        let mean_weighted = match self.kind {
            Kind::Layer => {
                sum_of(
                    &sums.weighted,
                    #[inline(always)]
                    |v| v,
                ) / n
            }
            Kind::Rms => 0.0,
        };
        let mean_product = sum_of_pairs(
            &sums.weighted,
            &sums.normed,
            #[inline(always)]
            |a, b| a * b,
        ) / n;
        let parts = sums.weighted.iter().zip(&sums.normed);
        for (dx, (weighted, normed)) in dx.iter_mut().zip(parts) {
            *dx = scale * (weighted - mean_weighted - normed * mean_product);
        }
    }
}

/// The gradients of gamma and beta over some rows, and room for a row.
struct Sums {
    d_gamma: Vec<f32>,
    d_beta: Vec<f32>,
    weighted: Vec<f32>,
    normed: Vec<f32>,
}

impl Sums {
    fn new(width: usize) -> Self {
        let zeros = || vec![0.0; width];
        Sums {
            d_gamma: zeros(),
            d_beta: zeros(),
            weighted: zeros(),
            normed: zeros(),
        }
    }
}

impl Kernel for Norm {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let inputs = self.inputs(inputs);
        let width = inputs.width;
        let mut out = vec![0.0; inputs.x.values.len()];
        out.par_chunks_mut(ROWS * width)
            .enumerate()
            .for_each(|(index, out)| {
                let part = inputs.part(index);
                let mut sum = vec![0.0; width];
                vectorised(
                    #[inline(always)]
                    || {
                        for (row, out) in out.chunks_exact_mut(width).enumerate() {
                            let row = self.row(&mut sum, part, row);
                            self.normalise(out, row, inputs.gamma, inputs.beta);
                        }
                    },
                );
            });
        (Array::new(out, &inputs.x.shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let inputs = self.inputs(inputs);
        let (width, n) = (inputs.width, inputs.x.values.len());
        let mut dx = vec![0.0; n];
        let mut d_branch = vec![0.0; if inputs.branch.is_some() { n } else { 0 }];
        let task = |(index, dx, d_branch): (usize, &mut [f32], &mut [f32])| {
            let part = inputs.part(index);
            let grad = &grad.values[part.first..part.first + part.x.len()];
            let mut sums = Sums::new(width);
            let mut sum = vec![0.0; width];
            vectorised(
                #[inline(always)]
                || {
                    let rows = dx.chunks_exact_mut(width).zip(grad.chunks_exact(width));
                    for (index, (dx, grad)) in rows.enumerate() {
                        let row = self.row(&mut sum, part, index);
                        self.differentiate(dx, (row, grad, inputs.gamma), &mut sums);
                    }
                    for (i, (d_branch, dx)) in (part.first..).zip(d_branch.iter_mut().zip(&*dx)) {
                        *d_branch = dx * self.factor(i);
                    }
                },
            );
            sums
        };
        let chunk = ROWS * width;
        let parts: Vec<Sums> = match inputs.branch {
            Some(_) => dx
                .par_chunks_mut(chunk)
                .zip(d_branch.par_chunks_mut(chunk))
                .enumerate()
                .map(|(index, (dx, d_branch))| task((index, dx, d_branch)))
                .collect(),
            None => dx
                .par_chunks_mut(chunk)
                .enumerate()
                .map(|(index, dx)| task((index, dx, &mut [])))
                .collect(),
        };
        let (d_gamma, d_beta): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|p| (p.d_gamma, p.d_beta)).unzip();
        let column = |parts| Array::new(add_up(parts, width), &[width]);
        let mut results = vec![Array::new(dx, &inputs.x.shape)];
        if inputs.branch.is_some() {
            results.push(Array::new(d_branch, &inputs.x.shape));
        }
        results.push(column(d_gamma));
        if inputs.beta.is_some() {
            results.push(column(d_beta));
        }
        results
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
