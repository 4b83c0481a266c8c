//! Squared errors.

use burn::tensor::{Device, Tensor};
use cresset_losses::{mse, mse_count};

use crate::value;

const TARGETS: [f32; 3] = [0.5, 3.0, 1.0];
const PREDICTIONS: [f32; 3] = [1.0, 2.5, -1.0];

fn row(values: [f32; 3]) -> Tensor<1> {
    Tensor::from_floats(values, &Device::flex())
}

/// 0.25 + 0.25 + 4; torch.nn.functional.mse_loss gives the mean, 1.5.
#[test]
fn the_sum_over_its_count_is_pytorchs_mean() {
    let sum = value(mse(row(PREDICTIONS), row(TARGETS), None));
    assert_eq!(sum, 4.5);
    assert_eq!(sum / mse_count(3, None), 1.5);
}

#[test]
fn a_row_counts_with_its_weight() {
    let weights = [2.0, 1.0, 0.0];
    let sum = value(mse(row(PREDICTIONS), row(TARGETS), Some(row(weights))));
    assert_eq!(sum, 0.75);
    assert_eq!(mse_count(3, Some(&weights)), 3.0);
}

#[test]
fn the_gradient_is_twice_the_weighted_error() {
    let device = Device::flex().autodiff();
    let predictions = Tensor::<1>::from_floats(PREDICTIONS, &device).require_grad();
    let weights = Tensor::<1>::from_floats([1.0, 3.0, 1.0], &device);
    let targets = Tensor::<1>::from_floats(TARGETS, &device);
    let gradients = mse(predictions.clone(), targets, Some(weights)).backward();
    let gradient: Vec<f32> = predictions
        .grad(&gradients)
        .expect("a gradient")
        .into_data()
        .iter::<f32>()
        .collect();
    assert_eq!(gradient, [1.0, -3.0, -4.0]);
}
