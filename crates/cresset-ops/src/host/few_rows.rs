//! Products of a few rows with a weight, as in decoding: the weight is read once, in order and where it lies. A matrix kernel
//! would pack it first, which costs more than the product.

use rayon::prelude::*;

use super::linear::WeightLayout;
use super::math::{sum_of_pairs, vectorised};

/// Up to so many rows.
pub(super) const FEW: usize = 8;

/// Elements of a weight below which one thread does it alone.
const ALONE: usize = 32 * 1024;
/// Parts of a larger product; fixed, so that the sums do not depend on the number of threads.
const PARTS: usize = 4;

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
    /// `x W + b`, `[m, size_out]`. A row's numbers do not depend on how many rows there are.
    pub(super) fn product(&self, m: usize) -> Vec<f32> {
        let mut out = vec![0.0; m * self.size_out];
        if let Some(bias) = self.bias {
            out.chunks_exact_mut(self.size_out)
                .for_each(|row| row.copy_from_slice(bias));
        }
        match self.layout {
            WeightLayout::InOut => self.add_rows(&mut out),
            WeightLayout::OutIn => self.add_products(&mut out, m),
        }
        out
    }

    /// The weight row by row, each part of the rows by a task: the result is a sum of rows of the weight.
    fn add_rows(&self, out: &mut [f32]) {
        if self.size_in * self.size_out < ALONE {
            return self.add_some_rows(out, 0..self.size_in);
        }
        let rows = self.size_in.div_ceil(PARTS).next_multiple_of(4);
        let sums: Vec<Vec<f32>> = (0..self.size_in)
            .step_by(rows)
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|first| {
                let mut sums = vec![0.0; out.len()];
                self.add_some_rows(&mut sums, first..(first + rows).min(self.size_in));
                sums
            })
            .collect();
        for sums in sums {
            for (out, sum) in out.iter_mut().zip(sums) {
                *out += sum;
            }
        }
    }

    fn add_some_rows(&self, out: &mut [f32], rows: std::ops::Range<usize>) {
        /// Rows of the weight that are added at a time.
        const ROWS: usize = 4;
        let n = self.size_out;
        let of = |row: usize| &self.weight[row * n..][..n];
        vectorised(
            #[inline(always)]
            || {
                let whole = rows.start + rows.len() / ROWS * ROWS;
                for first in (rows.start..whole).step_by(ROWS) {
                    let [w0, w1, w2, w3] = [0, 1, 2, 3].map(|i| of(first + i));
                    let texts = out
                        .chunks_exact_mut(n)
                        .zip(self.x.chunks_exact(self.size_in));
                    for (out, x) in texts {
                        let [x0, x1, x2, x3] = [0, 1, 2, 3].map(|i| x[first + i]);
                        for i in 0..n {
                            out[i] += x0 * w0[i] + x1 * w1[i] + (x2 * w2[i] + x3 * w3[i]);
                        }
                    }
                }
                for row in whole..rows.end {
                    let w = of(row);
                    let texts = out
                        .chunks_exact_mut(n)
                        .zip(self.x.chunks_exact(self.size_in));
                    for (out, x) in texts {
                        for (out, w) in out.iter_mut().zip(w) {
                            *out += x[row] * w;
                        }
                    }
                }
            },
        );
    }

    /// The weight class by class: each element of the result is a product of two vectors.
    fn add_products(&self, out: &mut [f32], m: usize) {
        let classes = match self.size_in * self.size_out {
            ..ALONE => self.size_out,
            _ => self.size_out.div_ceil(4 * PARTS),
        };
        let products = |weight: &[f32]| -> Vec<f32> {
            let mut products = Vec::with_capacity(weight.len() / self.size_in * m);
            vectorised(
                #[inline(always)]
                || {
                    for class in weight.chunks_exact(self.size_in) {
                        products.extend(self.x.chunks_exact(self.size_in).map(
                            #[inline(always)]
                            |x| {
                                sum_of_pairs(
                                    class,
                                    x,
                                    #[inline(always)]
                                    |a, b| a * b,
                                )
                            },
                        ));
                    }
                },
            );
            products
        };
        let parts: Vec<Vec<f32>> = self
            .weight
            .par_chunks(classes.max(1) * self.size_in)
            .map(products)
            .collect();
        for (class, products) in parts
            .iter()
            .flat_map(|part| part.chunks_exact(m))
            .enumerate()
        {
            for (row, product) in products.iter().enumerate() {
                out[row * self.size_out + class] += product;
            }
        }
    }
}
