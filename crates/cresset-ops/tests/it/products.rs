//! Matrix products and sums against loops: the first to go wrong on a device with wrong shared memory, or where the
//! autotuner takes a wrong kernel.

use burn::tensor::Tensor;

use crate::device::{assert_close, leaf, numbers, values};

/// `[rows, inner]` times `[inner, columns]`, by loops.
fn product(a: &[f32], b: &[f32], [rows, inner, columns]: [usize; 3]) -> Vec<f32> {
    let at = |i: usize| {
        let (row, column) = (i / columns, i % columns);
        let terms = (0..inner).map(|k| a[row * inner + k] * b[k * columns + column]);
        terms.sum()
    };
    (0..rows * columns).map(at).collect()
}

/// Rows become columns.
fn transposed(a: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    (0..rows * columns)
        .map(|i| a[(i % rows) * columns + i / rows])
        .collect()
}

#[test]
fn products_and_their_gradients_are_right_in_every_shape() {
    let shapes = [
        [4, 5, 3],
        [7, 5, 1],
        [1, 9, 6],
        [300, 32, 8],
        [8, 300, 32],
        [64, 64, 64],
    ];
    for [rows, inner, columns] in shapes {
        let what = format!("{rows} x {inner} times {inner} x {columns}");
        let (a, b) = (
            leaf([rows, inner], 1, 1.0),
            leaf::<2>([inner, columns], 2, 1.0),
        );
        let weight = leaf::<2>([rows, columns], 3, 1.0).detach();
        let out = a.clone().matmul(b.clone());
        let grads = (out.clone() * weight).sum().backward();

        let (x, y) = (
            numbers(rows * inner, 1, 1.0),
            numbers(inner * columns, 2, 1.0),
        );
        let w = numbers(rows * columns, 3, 1.0);
        assert_close(
            &what,
            &values(out),
            &product(&x, &y, [rows, inner, columns]),
        );
        let of_a = product(
            &w,
            &transposed(&y, [inner, columns]),
            [rows, columns, inner],
        );
        let of_b = product(&transposed(&x, [rows, inner]), &w, [inner, rows, columns]);
        assert_close(&what, &values(a.grad(&grads).expect("tracked")), &of_a);
        assert_close(&what, &values(b.grad(&grads).expect("tracked")), &of_b);
    }
}

#[test]
fn sums_along_both_dimensions_are_right() {
    for [rows, columns] in [[3, 5], [2, 700], [700, 2], [64, 64]] {
        let what = format!("{rows} x {columns}");
        let x: Tensor<2> = leaf([rows, columns], 4, 1.0);
        let numbers = numbers(rows * columns, 4, 1.0);
        let by_row: Vec<f32> = numbers.chunks(columns).map(|r| r.iter().sum()).collect();
        let flipped = transposed(&numbers, [rows, columns]);
        let by_column: Vec<f32> = flipped.chunks(rows).map(|c| c.iter().sum()).collect();
        assert_close(&what, &values(x.clone().sum_dim(1)), &by_row);
        assert_close(&what, &values(x.clone().sum_dim(0)), &by_column);
        assert_close(&what, &values(x.sum()), &[numbers.iter().sum()]);
    }
}
