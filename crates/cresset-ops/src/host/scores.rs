//! Cross entropy of an output layer, chunk by chunk of its rows.

use super::array::Array;
use super::linear::{WeightLayout, add_bias, column_sums, rows_of};
use super::matrix::{Matrix, Product, Start, large_product};
use super::softmax::{self, Targets};
use crate::fused::{Keep, Kernel};
use rayon::prelude::*;

/// See [`crate::linear_cross_entropy`]. Inputs: rows `[n, hidden]`, the weight and, if there is one, the bias `[classes]`.
#[derive(Debug)]
pub(crate) struct LinearCrossEntropy {
    pub(crate) layout: WeightLayout,
    /// `[n]`
    pub(crate) targets: Vec<u32>,
    /// `[n]`
    pub(crate) weights: Vec<f32>,
    pub(crate) smoothing: f32,
}

/// Scores of a chunk are let grow to this number whatever the weight's size.
const CHUNK_SCORES: usize = 2 * 1024 * 1024;

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    rows: usize,
    hidden: usize,
    classes: usize,
    /// Rows of a chunk.
    chunk: usize,
}

impl LinearCrossEntropy {
    fn sizes(&self, inputs: &[Array<'_>]) -> Sizes {
        let (rows, hidden) = (inputs[0].shape[0], inputs[0].shape[1]);
        let classes = match self.layout {
            WeightLayout::OutIn => inputs[1].shape[0],
            WeightLayout::InOut => inputs[1].shape[1],
        };
        // A chunk costs one more pass over the gradient of the weight, so its scores are no fewer than the weight's elements.
        let chunk = (CHUNK_SCORES / classes.max(1)).max(hidden).max(1);
        Sizes {
            rows,
            hidden,
            classes,
            chunk,
        }
    }

    /// What is asked of some rows.
    fn asked(&self, rows: std::ops::Range<usize>) -> Targets<'_> {
        Targets {
            ids: &self.targets[rows.clone()],
            weights: &self.weights[rows],
            smoothing: self.smoothing,
        }
    }

    /// The scores of some rows.
    fn score(
        &self,
        scores: &mut [f32],
        inputs: &[Array<'_>],
        rows: Matrix<'_>,
        [n, hidden, classes]: [usize; 3],
    ) {
        let weight = rows_of(&inputs[1]);
        let weight = match self.layout {
            WeightLayout::OutIn => weight.transposed(),
            WeightLayout::InOut => weight,
        };
        large_product(scores, Product::of([n, hidden, classes]), rows, weight);
        if let Some(bias) = inputs.get(2) {
            scores
                .par_chunks_mut(classes)
                .for_each(|row| add_bias(row, Some(&bias.values)));
        }
    }

    /// From the gradient of some scores, `factor` times those of their rows, and of the weight added to what it has so far.
    fn spread(
        &self,
        (d_rows, d_weight): (&mut [f32], &mut [f32]),
        (grad, rows, weight): (Matrix<'_>, Matrix<'_>, Matrix<'_>),
        [n, hidden, classes]: [usize; 3],
        (factor, start): (f32, Start),
    ) {
        let of_rows = Product::of([n, classes, hidden]).times(factor);
        match self.layout {
            WeightLayout::OutIn => {
                large_product(d_rows, of_rows, grad, weight);
                let of_weight = Product::of([classes, n, hidden]);
                let of_weight = of_weight.times(factor).start(start);
                large_product(d_weight, of_weight, grad.transposed(), rows);
            }
            WeightLayout::InOut => {
                large_product(d_rows, of_rows, grad, weight.transposed());
                let of_weight = Product::of([hidden, n, classes]);
                let of_weight = of_weight.times(factor).start(start);
                large_product(d_weight, of_weight, rows.transposed(), grad);
            }
        }
    }
}

impl Kernel for LinearCrossEntropy {
    fn forward(&self, inputs: &[Array<'_>], keep: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let Sizes {
            rows,
            hidden,
            classes,
            chunk,
        } = self.sizes(inputs);
        let in_one = rows <= chunk;
        let mut scores = vec![0.0; rows.min(chunk) * classes];
        let gradients = keep == Keep::ForBackward && !in_one;
        let zeros = |n: usize| vec![0.0; if gradients { n } else { 0 }];
        let (mut d_rows, mut d_weight) = (zeros(rows * hidden), zeros(hidden * classes));
        let mut d_bias = zeros(classes * inputs.len().saturating_sub(2));
        let mut sum = 0.0;
        let mut start = Start::Overwritten;
        for first in (0..rows).step_by(chunk) {
            let n = chunk.min(rows - first);
            let sizes = [n, hidden, classes];
            let scores = &mut scores[..n * classes];
            let of_chunk = Matrix {
                values: &inputs[0].values[first * hidden..(first + n) * hidden],
                row: hidden,
                column: 1,
            };
            self.score(scores, inputs, of_chunk, sizes);
            let asked = self.asked(first..first + n);
            sum += match keep {
                Keep::Nothing => softmax::cross_entropy(scores, classes, asked),
                Keep::ForBackward => softmax::cross_entropy_with_gradient(scores, classes, asked),
            };
            if !gradients {
                continue;
            }
            for (total, add) in d_bias.iter_mut().zip(column_sums(scores, classes)) {
                *total += add;
            }
            let grad = Matrix {
                values: scores,
                row: classes,
                column: 1,
            };
            self.spread(
                (&mut d_rows[first * hidden..], &mut d_weight),
                (grad, of_chunk, rows_of(&inputs[1])),
                sizes,
                (1.0, start),
            );
            start = Start::Added;
        }
        let kept = match (keep, in_one) {
            (Keep::Nothing, _) => Vec::new(),
            (Keep::ForBackward, true) => vec![Array::new(scores, &[rows, classes])],
            (Keep::ForBackward, false) => {
                let mut kept = vec![
                    Array::new(d_rows, &inputs[0].shape),
                    Array::new(d_weight, &inputs[1].shape),
                ];
                kept.extend(inputs.get(2).map(|bias| Array::new(d_bias, &bias.shape)));
                kept
            }
        };
        (Array::new(vec![sum as f32], &[1]), kept)
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        kept: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let factor = grad.values[0];
        let Sizes {
            rows,
            hidden,
            classes,
            chunk,
        } = self.sizes(inputs);
        if rows > chunk {
            let scaled = |array: Array<'_>| {
                let shape = array.shape.clone();
                let mut values = array.into_values();
                values
                    .par_chunks_mut(CHUNK_SCORES / 64)
                    .for_each(|values| values.iter_mut().for_each(|v| *v *= factor));
                Array::new(values, &shape)
            };
            return kept.into_iter().map(scaled).collect();
        }
        // The scores were all in one chunk: their gradient is what was kept.
        let of_scores = &kept[0];
        let (mut d_rows, mut d_weight) = (vec![0.0; rows * hidden], vec![0.0; hidden * classes]);
        self.spread(
            (&mut d_rows, &mut d_weight),
            (rows_of(of_scores), rows_of(&inputs[0]), rows_of(&inputs[1])),
            [rows, hidden, classes],
            (factor, Start::Overwritten),
        );
        let mut results = vec![
            Array::new(d_rows, &inputs[0].shape),
            Array::new(d_weight, &inputs[1].shape),
        ];
        results.extend(inputs.get(2).map(|bias| {
            let mut sums = column_sums(&of_scores.values, classes);
            sums.iter_mut().for_each(|sum| *sum *= factor);
            Array::new(sums, &bias.shape)
        }));
        results
    }
}
