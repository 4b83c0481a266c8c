//! The affine map: the bias stands in the result before the product is added to it, and no operand is copied.

use rayon::prelude::*;

use super::array::Array;
use super::math::vectorised;
use crate::fused::Kernel;

/// See [`crate::linear`]. Inputs: x `[.., in]`, weight `[in, out]` and, if there is one, bias `[out]`.
#[derive(Debug)]
pub(crate) struct Linear;

impl Kernel for Linear {
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>) {
        let (x, weight) = (Matrix::rows_of(&inputs[0]), Matrix::rows_of(&inputs[1]));
        let (rows, size_out) = (x.rows, weight.columns);
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
        product(&mut out, x, weight, start);
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
        let (x, weight) = (Matrix::rows_of(&inputs[0]), Matrix::rows_of(&inputs[1]));
        let grad_matrix = Matrix::rows_of(grad);
        let mut dx = vec![0.0; x.rows * x.columns];
        product(
            &mut dx,
            grad_matrix,
            weight.transposed(),
            Start::Overwritten,
        );
        let mut d_weight = vec![0.0; weight.rows * weight.columns];
        product(
            &mut d_weight,
            x.transposed(),
            grad_matrix,
            Start::Overwritten,
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

/// What stands in a result before a product comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Numbers that the product is added to.
    Added,
    /// Nothing that counts.
    Overwritten,
}

/// A matrix over a dense slice.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// Distance between rows and between columns.
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// All dimensions but the last as rows.
    fn rows_of(array: &'a Array<'_>) -> Self {
        let columns = array.width();
        Matrix {
            values: &array.values,
            rows: array.values.len() / columns.max(1),
            columns,
            strides: [columns, 1],
        }
    }

    fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Matrix {
            rows: self.columns,
            columns: self.rows,
            strides: [column, row],
            ..self
        }
    }

    /// Whether every element lies inside the slice.
    fn is_inside(&self) -> bool {
        let [row, column] = self.strides;
        (self.rows - 1) * row + (self.columns - 1) * column < self.values.len()
    }
}

/// Products with at least so many multiplications are shared among the threads.
const PARALLEL: usize = 192 * 192 * 192;

/// `out = a b`, or `out += a b`; `out` is dense.
fn product(out: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, start: Start) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows, "the inner sizes are the same");
    assert_eq!(out.len(), m * n, "room for the result");
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(
        a.is_inside() && b.is_inside(),
        "the matrices lie inside their slices"
    );
    let parallelism = if m * k * n >= PARALLEL {
        gemm::Parallelism::Rayon(0)
    } else {
        gemm::Parallelism::None
    };
    let [a_row, a_column] = a.strides.map(|s| s as isize);
    let [b_row, b_column] = b.strides.map(|s| s as isize);
    // SAFETY: the assertions above say that every element that is read or written lies inside its slice.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            start == Start::Added,
            a.values.as_ptr(),
            a_column,
            a_row,
            b.values.as_ptr(),
            b_column,
            b_row,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
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
