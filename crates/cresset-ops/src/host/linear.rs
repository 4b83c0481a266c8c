//! The affine map: no operand is copied, and what goes over the result or its gradient goes over it once.

use rayon::prelude::*;

use super::array::Array;
use super::few_rows::{FEW, FewRows};
use super::math::vectorised;
use super::matrix::{Matrix, Product, Start, large_product, new_product};
use crate::activation::Activation;
use crate::fused::{Keep, Kernel};

/// How a weight lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WeightLayout {
    /// `[in, out]`
    InOut,
    /// `[out, in]`, a table of vectors that scores are taken against.
    OutIn,
}

/// See [`crate::linear`] and [`crate::linear_activation`]. Inputs: x `[.., in]`, the weight and, if there is one, the bias `[out]`.
#[derive(Debug)]
pub(crate) struct Linear {
    pub(crate) layout: WeightLayout,
    pub(crate) activation: Option<Activation>,
}

impl Linear {
    pub(crate) fn plain(layout: WeightLayout) -> Self {
        Linear {
            layout,
            activation: None,
        }
    }

    /// Rows, inner size and columns of the forward product.
    fn sizes(&self, x: &Array<'_>, weight: &Array<'_>) -> [usize; 3] {
        let (size_in, size_out) = match self.layout {
            WeightLayout::InOut => (weight.shape[0], weight.shape[1]),
            WeightLayout::OutIn => (weight.shape[1], weight.shape[0]),
        };
        [x.values.len() / size_in.max(1), size_in, size_out]
    }
}

impl Kernel for Linear {
    fn forward(&self, inputs: &[Array<'_>], keep: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let [rows, size_in, size_out] = self.sizes(&inputs[0], &inputs[1]);
        let (x, weight) = (&inputs[0], &inputs[1]);
        let bias = inputs.get(2).map(|bias| &*bias.values);
        let mut shape = x.shape.clone();
        *shape.last_mut().expect("at least one dimension") = size_out;
        if keep == Keep::Nothing && rows <= FEW {
            let few = FewRows {
                x: &x.values,
                weight: &weight.values,
                layout: self.layout,
                size_in,
                size_out,
                bias,
            };
            let mut out = few.product(rows);
            if let Some(activation) = self.activation {
                activation.apply(&mut out);
            }
            return (Array::new(out, &shape), Vec::new());
        }
        let product = Product::of([rows, size_in, size_out]);
        let weight = match self.layout {
            WeightLayout::InOut => rows_of(weight),
            WeightLayout::OutIn => transposed(weight),
        };
        let Some(activation) = self.activation else {
            let out = match bias {
                None => new_product(product, rows_of(x), weight),
                Some(bias) => {
                    let mut out = in_every_row(bias, rows);
                    large_product(&mut out, product.start(Start::Added), rows_of(x), weight);
                    out
                }
            };
            return (Array::new(out, &shape), Vec::new());
        };
        let mut inner = new_product(product, rows_of(x), weight);
        let block = ROWS * size_out.max(1);
        match keep {
            Keep::Nothing => {
                inner.par_chunks_mut(block).for_each(|inner| {
                    add_bias(inner, bias);
                    activation.apply(inner);
                });
                (Array::new(inner, &shape), Vec::new())
            }
            Keep::ForBackward => {
                let mut out = vec![0.0; rows * size_out];
                out.par_chunks_mut(block)
                    .zip(inner.par_chunks_mut(block))
                    .for_each(|(out, inner)| {
                        add_bias(inner, bias);
                        out.copy_from_slice(inner);
                        activation.apply(out);
                    });
                let kept = Array::new(inner, &shape);
                (Array::new(out, &shape), vec![kept])
            }
        }
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        kept: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let (x, weight) = (&inputs[0], &inputs[1]);
        let [rows, size_in, size_out] = self.sizes(x, weight);
        let (grad, of_bias) = match self.activation {
            None => {
                let sums = inputs
                    .get(2)
                    .map(|_| column_sums(&grad.values, size_out.max(1)));
                (grad, sums)
            }
            Some(activation) => {
                let shape = grad.shape.clone();
                let mut values = grad.into_values();
                let sums = through(activation, &mut values, &kept[0].values, size_out.max(1));
                (
                    Array::new(values, &shape),
                    inputs.get(2).is_some().then_some(sums),
                )
            }
        };
        let of_x = Product::of([rows, size_out, size_in]);
        let (dx, d_weight) = match self.layout {
            WeightLayout::InOut => {
                let product = Product::of([size_in, rows, size_out]);
                (
                    new_product(of_x, rows_of(&grad), transposed(weight)),
                    new_product(product, transposed(x), rows_of(&grad)),
                )
            }
            WeightLayout::OutIn => {
                let product = Product::of([size_out, rows, size_in]);
                (
                    new_product(of_x, rows_of(&grad), rows_of(weight)),
                    new_product(product, transposed(&grad), rows_of(x)),
                )
            }
        };
        let mut results = vec![
            Array::new(dx, &x.shape),
            Array::new(d_weight, &weight.shape),
        ];
        results.extend(of_bias.map(|sums| Array::new(sums, &[size_out])));
        results
    }
}

/// See [`crate::linear_packed`]. Inputs: x `[.., in]`, the weights `[in, out]`, and the biases `[out]` if there are any.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) maps: usize,
}

impl Kernel for Packed {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let n = self.maps;
        let x = &inputs[0];
        let (size_in, size_out) = (inputs[1].shape[0], inputs[1].shape[1]);
        let rows = x.values.len() / size_in.max(1);
        let biases = &inputs[1 + n..];
        let row_of_biases: Vec<f32> = biases.iter().flat_map(|b| b.values.to_vec()).collect();
        let bias = (!biases.is_empty()).then_some(&*row_of_biases);
        let (mut out, start) = match bias {
            Some(bias) => (in_every_row(bias, rows), Start::Added),
            None => (vec![0.0; rows * n * size_out], Start::Overwritten),
        };
        for (map, weight) in inputs[1..=n].iter().enumerate() {
            let product = Product {
                first: map * size_out,
                row: n * size_out,
                ..Product::of([rows, size_in, size_out]).start(start)
            };
            large_product(&mut out, product, rows_of(x), rows_of(weight));
        }
        let mut shape = x.shape.clone();
        *shape.last_mut().expect("at least one dimension") = n;
        shape.push(size_out);
        (Array::new(out, &shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let n = self.maps;
        let x = &inputs[0];
        let (size_in, size_out) = (inputs[1].shape[0], inputs[1].shape[1]);
        let rows = x.values.len() / size_in.max(1);
        let mut dx = vec![0.0; rows * size_in];
        let mut results = Vec::new();
        for (map, weight) in inputs[1..=n].iter().enumerate() {
            let start = match map {
                0 => Start::Overwritten,
                _ => Start::Added,
            };
            let of_map = Matrix {
                values: &grad.values[(map * size_out).min(grad.values.len())..],
                row: n * size_out,
                column: 1,
            };
            let product = Product::of([rows, size_out, size_in]).start(start);
            large_product(&mut dx, product, of_map, transposed(weight));
            let product = Product::of([size_in, rows, size_out]);
            let d_weight = new_product(product, transposed(x), of_map);
            results.push(Array::new(d_weight, &weight.shape));
        }
        results.insert(0, Array::new(dx, &x.shape));
        if inputs.len() > 1 + n {
            let sums = column_sums(&grad.values, (n * size_out).max(1));
            let of_biases = sums.chunks_exact(size_out);
            results.extend(of_biases.map(|sums| Array::new(sums.to_vec(), &[size_out])));
        }
        results
    }
}

/// The bias in every row of a result, before the product is added to it.
fn in_every_row(bias: &[f32], rows: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows * bias.len());
    (0..rows).for_each(|_| out.extend_from_slice(bias));
    out
}

pub(super) fn add_bias(rows: &mut [f32], bias: Option<&[f32]>) {
    let Some(bias) = bias else { return };
    vectorised(
        #[inline(always)]
        || {
            for row in rows.chunks_exact_mut(bias.len()) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value += bias;
                }
            }
        },
    );
}

/// All dimensions but the last as rows.
pub(super) fn rows_of<'a>(array: &'a Array<'_>) -> Matrix<'a> {
    Matrix {
        values: &array.values,
        row: array.width(),
        column: 1,
    }
}

/// The same, with rows and columns exchanged.
pub(super) fn transposed<'a>(array: &'a Array<'_>) -> Matrix<'a> {
    rows_of(array).transposed()
}

/// Rows per task; fixed, so that the sums do not depend on the number of threads.
const ROWS: usize = 64;

/// Adds each row to the totals.
#[inline(always)]
fn add_rows(totals: &mut [f32], rows: &[f32]) {
    vectorised(
        #[inline(always)]
        || {
            for row in rows.chunks_exact(totals.len()) {
                for (total, v) in totals.iter_mut().zip(row) {
                    *total += v;
                }
            }
        },
    );
}

/// The sum of each column, from the sums of its parts in their order.
fn total_of(parts: Vec<Vec<f32>>, width: usize) -> Vec<f32> {
    let mut total = vec![0.0; width];
    add_rows(&mut total, &parts.concat());
    total
}

/// The sum of each column.
pub(super) fn column_sums(values: &[f32], width: usize) -> Vec<f32> {
    let sums = |rows: &[f32]| {
        let mut sums = vec![0.0; width];
        add_rows(&mut sums, rows);
        sums
    };
    total_of(values.par_chunks(ROWS * width).map(sums).collect(), width)
}

/// Takes gradients back through an activation of `inner`, and returns the sum of each column.
fn through(activation: Activation, grad: &mut [f32], inner: &[f32], width: usize) -> Vec<f32> {
    let sums = |(grad, inner): (&mut [f32], &[f32])| {
        activation.apply_backward(grad, inner);
        let mut sums = vec![0.0; width];
        add_rows(&mut sums, grad);
        sums
    };
    let parts = grad
        .par_chunks_mut(ROWS * width)
        .zip(inner.par_chunks(ROWS * width))
        .map(sums)
        .collect();
    total_of(parts, width)
}
