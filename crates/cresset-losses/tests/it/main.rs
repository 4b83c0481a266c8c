//! Losses against PyTorch's figures and against what must never happen.

mod bce;
mod golden;
#[cfg(target_os = "linux")]
mod memory;
mod mse;
mod stability;

use burn::tensor::{Device, Int, Tensor};
use cresset_losses::{CrossEntropyOptions, cross_entropy, kept, token_nll, weight_sum};

fn logits() -> Tensor<2> {
    Tensor::from_floats(
        [[1.0, -0.5, 2.0], [0.3, 0.2, -1.0], [-2.0, 1.5, 0.5]],
        &Device::flex(),
    )
}

fn targets(ids: [i32; 3]) -> Tensor<1, Int> {
    Tensor::from_ints(ids, &Device::flex())
}

fn value(loss: Tensor<1>) -> f64 {
    f64::from(loss.into_scalar::<f32>())
}

/// torch.nn.functional.cross_entropy(z, [2, 0, 1], reduction='sum', ...) of the logits above.
#[test]
fn sums_equal_pytorchs() {
    let plain = value(cross_entropy(
        logits(),
        targets([2, 0, 1]),
        CrossEntropyOptions::default(),
    ));
    assert!((plain - TORCH_PLAIN).abs() < 1e-5, "{plain}");
    let options = CrossEntropyOptions {
        label_smoothing: 0.1,
        ..CrossEntropyOptions::default()
    };
    let smoothed = value(cross_entropy(logits(), targets([2, 0, 1]), options));
    assert!((smoothed - TORCH_SMOOTHED).abs() < 1e-5, "{smoothed}");
    let options = CrossEntropyOptions {
        class_weights: Some(vec![0.5, 2.0, 1.5]),
        ..CrossEntropyOptions::default()
    };
    let weighted = value(cross_entropy(logits(), targets([2, 0, 1]), options));
    assert!((weighted - TORCH_WEIGHTED).abs() < 1e-5, "{weighted}");
    assert_eq!(weight_sum(&[2, 0, 1], &[0.5, 2.0, 1.5]), 4.0);
}

const TORCH_PLAIN: f64 = 1.484753992;
const TORCH_SMOOTHED: f64 = 1.798087325;
const TORCH_WEIGHTED: f64 = 1.616562421;

#[test]
fn bug_class_03_positions_that_are_not_kept_change_nothing() {
    let keep = Tensor::<1>::from_floats([1.0, 1.0, 0.0], &Device::flex());
    let two = value(token_nll(
        logits(),
        targets([2, 0, 1]),
        Some(keep.clone()),
        0.1,
    ));
    let other = value(token_nll(logits(), targets([2, 0, 2]), Some(keep), 0.1));
    assert_eq!(two, other);
    assert_eq!(kept(&[true, true, false]), 2.0);
    let alone = value(token_nll(
        logits().slice(0..2),
        targets([2, 0, 1]).slice(0..2),
        None,
        0.1,
    ));
    assert!((two - alone).abs() < 1e-6);
}

#[test]
fn bug_class_04_a_target_with_the_id_of_the_padding_is_learnt() {
    let device = Device::flex().autodiff();
    let logits =
        Tensor::<2>::from_floats([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], &device).require_grad();
    let pad_and_eos = 0;
    let targets = Tensor::<1, Int>::from_ints([pad_and_eos, pad_and_eos], &device);
    let keep = Tensor::<1>::from_floats([1.0, 0.0], &device);
    let grads = token_nll(logits.clone(), targets, Some(keep), 0.0).backward();
    let grad: Vec<f32> = logits
        .grad(&grads)
        .expect("a gradient")
        .into_data()
        .iter::<f32>()
        .collect();
    assert!(grad[0] < -0.5, "the stop token is pushed up: {grad:?}");
    assert!(
        grad[3..].iter().all(|g| *g == 0.0),
        "the padding is not: {grad:?}"
    );
}

#[test]
fn bug_class_23_no_target_at_all_gives_zero() {
    let keep = Tensor::<1>::zeros([3], &Device::flex());
    assert_eq!(
        value(token_nll(logits(), targets([0, 1, 2]), Some(keep), 0.1)),
        0.0
    );
}
