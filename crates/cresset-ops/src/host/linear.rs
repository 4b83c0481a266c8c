//! The affine map: the bias stands in the result before the product is added to it, and no operand is copied.

use rayon::prelude::*;

use super::array::Array;
use super::math::vectorised;
use super::matrix::{Matrix, Start, large_product};
use crate::fused::Kernel;

/// See [`crate::linear`]. Inputs: x `[.., in]`, weight `[in, out]` and, if there is one, bias `[out]`.
#[derive(Debug)]
pub(crate) struct Linear;

impl Kernel for Linear {
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>) {
        let [rows, size_in, size_out] = sizes(&inputs[0], &inputs[1]);
        let mut out = Vec::with_capacity(rows * size_out);
        let start = match inputs.get(2) {
            Some(bias) => {
                (0..rows).for_each(|_| out.extend_from_slice(&bias.values));
                Start::Added
            }
            None => {
                out.resize(rows * size_out, 0.0);
                Start::Overwritten
            }
        };
        let (x, weight) = (rows_of(&inputs[0]), rows_of(&inputs[1]));
        large_product(&mut out, [rows, size_in, size_out], x, weight, start);
        let mut shape = inputs[0].shape.clone();
        *shape.last_mut().expect("at least one dimension") = size_out;
        (Array::new(out, &shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: &[Array<'_>],
        grad: &Array<'_>,
    ) -> Vec<Array<'static>> {
        let (x, weight) = (&inputs[0], &inputs[1]);
        let [rows, size_in, size_out] = sizes(x, weight);
        let mut dx = vec![0.0; rows * size_in];
        let start = Start::Overwritten;
        large_product(
            &mut dx,
            [rows, size_out, size_in],
            rows_of(grad),
            transposed(weight),
            start,
        );
        let mut d_weight = vec![0.0; size_in * size_out];
        large_product(
            &mut d_weight,
            [size_in, rows, size_out],
            transposed(x),
            rows_of(grad),
            start,
        );
        let mut results = vec![
            Array::new(dx, &inputs[0].shape),
            Array::new(d_weight, &inputs[1].shape),
        ];
        if let Some(bias) = inputs.get(2) {
            results.push(Array::new(
                column_sums(&grad.values, grad.width()),
                &bias.shape,
            ));
        }
        results
    }
}

/// Rows, inner size and columns of the forward product.
fn sizes(x: &Array<'_>, weight: &Array<'_>) -> [usize; 3] {
    let (size_in, size_out) = (weight.shape[0], weight.shape[1]);
    [x.values.len() / size_in.max(1), size_in, size_out]
}

/// All dimensions but the last as rows.
fn rows_of<'a>(array: &'a Array<'_>) -> Matrix<'a> {
    Matrix {
        values: &array.values,
        row: array.width(),
        column: 1,
    }
}

/// The same, with rows and columns exchanged.
fn transposed<'a>(array: &'a Array<'_>) -> Matrix<'a> {
    Matrix {
        values: &array.values,
        row: 1,
        column: array.width(),
    }
}

/// Rows per task; fixed, so that the sums do not depend on the number of threads.
const ROWS: usize = 64;

/// The sum of each column.
fn column_sums(values: &[f32], width: usize) -> Vec<f32> {
    let sum = |rows: &[f32]| {
        let mut total = vec![0.0; width];
        vectorised(
            #[inline(always)]
            || {
                for row in rows.chunks_exact(width) {
                    for (total, v) in total.iter_mut().zip(row) {
                        *total += v;
                    }
                }
            },
        );
        total
    };
    let parts: Vec<Vec<f32>> = values.par_chunks(ROWS * width).map(sum).collect();
    sum(&parts.concat())
}
