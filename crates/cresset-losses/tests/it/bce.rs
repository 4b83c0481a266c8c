//! Binary cross entropy against PyTorch and against finite differences.

use burn::tensor::{Device, Tensor};
use cresset_losses::{BceOptions, bce, bce_count};

use crate::value;

/// One logit is exactly 0, where a formula of absolute values has a kink.
const LOGITS: [[f32; 3]; 2] = [[1.0, -0.5, 2.0], [0.3, 0.0, -1.0]];
const TARGETS: [[f32; 3]; 2] = [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]];
const POSITIVE_WEIGHTS: [f32; 3] = [2.0, 1.0, 0.5];

fn matrix(values: [[f32; 3]; 2]) -> Tensor<2> {
    Tensor::from_floats(values, &Device::flex())
}

fn weighted() -> BceOptions {
    BceOptions {
        positive_weights: Some(POSITIVE_WEIGHTS.to_vec()),
        ..BceOptions::default()
    }
}

/// torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction='sum' and 'mean', pos_weight=..) in f64.
#[test]
fn sums_and_means_equal_pytorchs() {
    let plain = value(bce(matrix(LOGITS), matrix(TARGETS), BceOptions::default()));
    assert!((plain - 5.775_030_795).abs() < 1e-5, "{plain}");
    let mean = plain / bce_count(2, 3, None);
    assert!((mean - 0.962_505_133).abs() < 1e-6, "{mean}");
    let weighted = value(bce(matrix(LOGITS), matrix(TARGETS), weighted()));
    assert!((weighted - 5.431_661_639).abs() < 1e-5, "{weighted}");
}

#[test]
fn a_row_counts_with_its_weight() {
    let first = value(bce(
        matrix(LOGITS).slice(0..1),
        matrix(TARGETS).slice(0..1),
        BceOptions::default(),
    ));
    let options = BceOptions {
        row_weights: Some(Tensor::from_floats([2.0, 0.0], &Device::flex())),
        ..BceOptions::default()
    };
    let doubled = value(bce(matrix(LOGITS), matrix(TARGETS), options));
    assert!((doubled - 2.0 * first).abs() < 1e-6);
    assert_eq!(bce_count(2, 3, Some(&[2.0, 0.0])), 6.0);
}

/// Far out the loss is the logit's size where it is wrong and nothing where it is right.
#[test]
fn huge_logits_stay_finite() {
    let logits = [[1e4, -1e4, 1e4], [-1e4, 90.0, -90.0]];
    let sum = value(bce(matrix(logits), matrix(TARGETS), BceOptions::default()));
    assert!((sum - (1e4 + 90.0)).abs() < 1e-2, "{sum}");
}

fn gradient(logits: [[f32; 3]; 2], options: BceOptions) -> Vec<f64> {
    let device = Device::flex().autodiff();
    let logits = Tensor::<2>::from_floats(logits, &device).require_grad();
    let targets = Tensor::<2>::from_floats(TARGETS, &device);
    let gradients = bce(logits.clone(), targets, options).backward();
    logits
        .grad(&gradients)
        .expect("a gradient")
        .into_data()
        .iter::<f32>()
        .map(f64::from)
        .collect()
}

/// The gradient that PyTorch gives for the weighted case.
#[test]
fn gradients_equal_pytorchs_at_a_logit_of_zero_too() {
    let theirs = [-0.5379, 0.3775, 0.8808, 0.5744, -0.5, -0.3655];
    for (ours, theirs) in gradient(LOGITS, weighted()).iter().zip(theirs) {
        assert!((ours - theirs).abs() < 1e-4, "{ours} and {theirs}");
    }
}

/// Central differences of an f32 sum of size 5: a step of 0.01 keeps rounding (1e-6 / 0.02) and curvature (1e-4 / 6)
/// below the tolerance.
#[test]
fn gradients_equal_finite_differences() {
    let ours = gradient(LOGITS, weighted());
    for (at, ours) in ours.iter().enumerate() {
        let moved = |by: f32| {
            let mut logits = LOGITS;
            logits[at / 3][at % 3] += by;
            value(bce(matrix(logits), matrix(TARGETS), weighted()))
        };
        let difference = (moved(0.01) - moved(-0.01)) / 0.02;
        assert!((ours - difference).abs() < 5e-4, "{ours} and {difference}");
    }
}

#[test]
fn huge_logits_have_the_gradient_of_a_wrong_or_a_right_answer() {
    let logits = [[1e4, -1e4, 1e4], [-1e4, 90.0, -90.0]];
    let theirs = [0.0, 0.0, 1.0, 0.0, 0.0, -1.0];
    for (ours, theirs) in gradient(logits, BceOptions::default()).iter().zip(theirs) {
        // exp(-90) is not quite 0.
        assert!((ours - theirs).abs() < 1e-30, "{ours} and {theirs}");
    }
}
