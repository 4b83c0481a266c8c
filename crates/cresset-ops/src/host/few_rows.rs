//! Products of a few rows with a weight, as in decoding: the weight is read once, in order and where it lies. A matrix kernel
//! would pack it first, which costs more than the product.

use rayon::prelude::*;

use super::linear::WeightLayout;
use super::math::{sum_of_pairs, vectorised};

/// Up to so many rows.
pub(super) const FEW: usize = 8;

/// Multiplications below which one thread does it alone.
const ALONE: usize = 64 * 1024;
/// Fewest columns of a task.
const COLUMNS: usize = 128;

/// A product of rows `[m, size_in]` with a weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct FewRows<'a> {
    pub(super) x: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) layout: WeightLayout,
    pub(super) size_in: usize,
    pub(super) size_out: usize,
    pub(super) bias: Option<&'a [f32]>,
}

impl FewRows<'_> {
    /// `x W + b`, `[m, size_out]`.
    ///
    /// Every sum is taken in the order of the inner dimension, so that neither the number of threads nor that of rows changes it.
    pub(super) fn product(&self, m: usize) -> Vec<f32> {
        let tasks = match m * self.size_in * self.size_out {
            ..ALONE => 1,
            _ => 4 * rayon::current_num_threads(),
        };
        let columns = self
            .size_out
            .div_ceil(tasks)
            .next_multiple_of(16)
            .max(COLUMNS);
        let parts: Vec<Vec<f32>> = (0..self.size_out)
            .step_by(columns)
            .collect::<Vec<_>>()
            .into_par_iter()
            .with_min_len(if tasks == 1 { usize::MAX } else { 1 })
            .map(|first| self.part(m, first..(first + columns).min(self.size_out)))
            .collect();
        if parts.len() == 1 {
            return parts.into_iter().next().expect("one part");
        }
        let mut out = Vec::with_capacity(m * self.size_out);
        for row in 0..m {
            for part in &parts {
                let width = part.len() / m;
                out.extend_from_slice(&part[row * width..(row + 1) * width]);
            }
        }
        out
    }

    /// Some columns of all rows.
    fn part(&self, m: usize, columns: std::ops::Range<usize>) -> Vec<f32> {
        let width = columns.len();
        let mut out = vec![0.0; m * width];
        if let Some(bias) = self.bias {
            out.chunks_exact_mut(width)
                .for_each(|row| row.copy_from_slice(&bias[columns.clone()]));
        }
        match self.layout {
            WeightLayout::InOut => self.add_rows(&mut out, columns),
            WeightLayout::OutIn => self.add_products(&mut out, columns),
        }
        out
    }

    /// The weight row by row: each row of the result is a sum of rows of the weight.
    fn add_rows(&self, out: &mut [f32], columns: std::ops::Range<usize>) {
        /// Rows of the weight that are added at a time.
        const ROWS: usize = 4;
        let (width, n) = (columns.len(), self.size_out);
        let of = |row: usize| &self.weight[row * n + columns.start..][..width];
        vectorised(
            #[inline(always)]
            || {
                let whole = self.size_in / ROWS * ROWS;
                for first in (0..whole).step_by(ROWS) {
                    let [w0, w1, w2, w3] = [0, 1, 2, 3].map(|i| of(first + i));
                    let rows = out
                        .chunks_exact_mut(width)
                        .zip(self.x.chunks_exact(self.size_in));
                    for (out, x) in rows {
                        let [x0, x1, x2, x3] = [0, 1, 2, 3].map(|i| x[first + i]);
                        for i in 0..width {
                            out[i] += x0 * w0[i] + x1 * w1[i] + (x2 * w2[i] + x3 * w3[i]);
                        }
                    }
                }
                for row in whole..self.size_in {
                    let w = of(row);
                    let rows = out
                        .chunks_exact_mut(width)
                        .zip(self.x.chunks_exact(self.size_in));
                    for (out, x) in rows {
                        for (out, w) in out.iter_mut().zip(w) {
                            *out += x[row] * w;
                        }
                    }
                }
            },
        );
    }

    /// The weight class by class: each element of the result is a product of two vectors.
    fn add_products(&self, out: &mut [f32], columns: std::ops::Range<usize>) {
        let width = columns.len();
        vectorised(
            #[inline(always)]
            || {
                let classes =
                    self.weight[columns.start * self.size_in..].chunks_exact(self.size_in);
                for (column, class) in classes.take(width).enumerate() {
                    for (row, x) in self.x.chunks_exact(self.size_in).enumerate() {
                        out[row * width + column] += sum_of_pairs(
                            class,
                            x,
                            #[inline(always)]
                            |a, b| a * b,
                        );
                    }
                }
            },
        );
    }
}
