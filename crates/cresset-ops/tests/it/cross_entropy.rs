use burn::tensor::{Int, Tensor, TensorData};
use cresset_ops::{reference, softmax_cross_entropy};

use crate::device::{assert_close, constant, device, leaf, same, values};

fn targets(ids: &[i32]) -> Tensor<1, Int> {
    Tensor::from_data(
        TensorData::new(ids.to_vec(), [ids.len()]),
        &device().autodiff(),
    )
}

fn weights(values: &[f32]) -> Tensor<1> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), [values.len()]),
        &device().autodiff(),
    )
}

#[test]
fn value_and_gradient_equal_the_plain_version() {
    for (classes, smoothing) in [(2, 0.0), (7, 0.1), (33, 0.3), (100, 0.0)] {
        let (ids, weight) = (targets(&[0, 1, 1, 0]), weights(&[1.0, 0.5, 0.0, 2.0]));
        same(
            &format!("{classes} classes, smoothing {smoothing}"),
            [leaf([4, classes], 1, 5.0)],
            |[x]| softmax_cross_entropy(x, ids.clone(), weight.clone(), smoothing),
            |[x]| reference::softmax_cross_entropy(x, ids.clone(), weight.clone(), smoothing),
        );
    }
}

#[test]
fn the_gradient_equals_finite_differences_of_the_formula() {
    let (classes, smoothing) = (5, 0.1);
    let x = leaf([2, classes], 3, 2.0);
    let loss = softmax_cross_entropy(x.clone(), targets(&[4, 2]), weights(&[1.0, 3.0]), smoothing);
    let grad = values(x.grad(&loss.backward()).expect("a gradient"));
    let logits: Vec<f64> = values(x).into_iter().map(f64::from).collect();
    let formula = |logits: &[f64]| -> f64 {
        let row = |row: usize, target: usize, weight: f64| {
            let z = &logits[row * classes..(row + 1) * classes];
            let log_total = z.iter().map(|v| v.exp()).sum::<f64>().ln();
            let mean: f64 = z.iter().map(|v| v - log_total).sum::<f64>() / classes as f64;
            -weight * ((1.0 - smoothing) * (z[target] - log_total) + smoothing * mean)
        };
        row(0, 4, 1.0) + row(1, 2, 3.0)
    };
    let expected: Vec<f32> = (0..logits.len())
        .map(|i| {
            let moved = |by: f64| {
                let mut logits = logits.clone();
                logits[i] += by;
                formula(&logits)
            };
            ((moved(1e-4) - moved(-1e-4)) / 2e-4) as f32
        })
        .collect();
    assert_close("gradient", &grad, &expected);
}

#[test]
fn bug_class_23_rows_of_weight_zero_contribute_nothing_whatever_they_hold() {
    let mut numbers = values(constant([3, 4], 1, 1.0));
    numbers[4] = f32::INFINITY;
    numbers[5] = f32::NAN;
    let x = Tensor::<2>::from_data(TensorData::new(numbers, [3, 4]), &device().autodiff())
        .require_grad();
    let loss = softmax_cross_entropy(
        x.clone(),
        targets(&[0, 1, 2]),
        weights(&[1.0, 0.0, 1.0]),
        0.1,
    );
    let grad = values(x.grad(&loss.clone().backward()).expect("a gradient"));
    assert!(values(loss)[0].is_finite());
    assert!(grad.iter().all(|g| g.is_finite()), "{grad:?}");
    assert!(grad[4..8].iter().all(|g| *g == 0.0), "{grad:?}");
}

#[test]
fn bug_class_22_a_kept_row_with_nan_gives_nan() {
    let x = Tensor::<2>::from_data(
        TensorData::new(vec![0.0f32, f32::NAN, 1.0, 2.0], [2, 2]),
        &device().autodiff(),
    );
    let loss = softmax_cross_entropy(x, targets(&[0, 1]), weights(&[1.0, 1.0]), 0.0);
    assert!(values(loss)[0].is_nan());
}
