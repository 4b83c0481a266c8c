//! The output layer and its cross entropy.

use burn::tensor::{Int, Tensor, TensorData};
use cresset_ops::{ScoreWeight, Scores, linear_cross_entropy, reference, softmax_cross_entropy};

use crate::device::{assert_close, constant, device, leaf, numbers, same, values};

fn row(t: Tensor<2>) -> Tensor<1> {
    t.flatten(0, 1)
}

fn targets(n: usize, classes: usize) -> Tensor<1, Int> {
    let ids: Vec<i32> = (0..n).map(|i| (i * 7 % classes) as i32).collect();
    Tensor::from_data(TensorData::new(ids, [n]), &device().autodiff())
}

/// Weights of rows, some of them zero.
fn weights(n: usize) -> Tensor<1> {
    let values: Vec<f32> = (0..n).map(|i| [1.0, 0.0, 0.5][i % 3]).collect();
    Tensor::from_data(TensorData::new(values, [n]), &device().autodiff())
}

/// A tied table and an output layer of its own.
const LAYOUTS: [fn(Tensor<2>) -> ScoreWeight; 2] = [ScoreWeight::ByClass, ScoreWeight::ByInput];

fn weight_shape(layout: usize, hidden: usize, classes: usize) -> [usize; 2] {
    [[classes, hidden], [hidden, classes]][layout]
}

#[test]
fn scores_equal_the_plain_product_in_both_layouts() {
    for (layout, of) in LAYOUTS.into_iter().enumerate() {
        let scores = |rows, weight, bias| Scores {
            rows,
            weight: of(weight),
            bias,
        };
        let [x, w, b] = [
            leaf([6, 5], 1, 1.0),
            leaf(weight_shape(layout, 5, 9), 2, 1.0),
            leaf([1, 9], 3, 1.0),
        ];
        same(
            "scores",
            [x.clone(), w.clone(), b],
            |[x, w, b]| scores(x, w, Some(row(b))).logits(),
            |[x, w, b]| reference::logits(scores(x, w, Some(row(b)))),
        );
        same(
            "scores without bias",
            [x, w],
            |[x, w]| scores(x, w, None).logits(),
            |[x, w]| reference::logits(scores(x, w, None)),
        );
    }
}

/// Value and gradients with and without bias, in both layouts.
fn check([n, hidden, classes]: [usize; 3], smoothing: f64) {
    for (layout, of) in LAYOUTS.into_iter().enumerate() {
        let scores = |rows, weight, bias| Scores {
            rows,
            weight: of(weight),
            bias,
        };
        let [x, w, b] = [
            leaf([n, hidden], 1, 1.0),
            leaf(weight_shape(layout, hidden, classes), 2, 1.0),
            leaf([1, classes], 3, 1.0),
        ];
        let (y, r) = (targets(n, classes), weights(n));
        let fused = |scores| linear_cross_entropy(scores, y.clone(), r.clone(), smoothing);
        let plain =
            |scores| reference::linear_cross_entropy(scores, y.clone(), r.clone(), smoothing);
        same(
            "linear cross entropy",
            [x.clone(), w.clone(), b],
            |[x, w, b]| fused(scores(x, w, Some(row(b)))),
            |[x, w, b]| plain(scores(x, w, Some(row(b)))),
        );
        same(
            "linear cross entropy without bias",
            [x, w],
            |[x, w]| fused(scores(x, w, None)),
            |[x, w]| plain(scores(x, w, None)),
        );
    }
}

#[test]
fn linear_cross_entropy_in_one_chunk_equals_the_plain_version() {
    check([6, 5, 9], 0.0);
    check([6, 5, 9], 0.2);
}

#[test]
fn linear_cross_entropy_in_several_chunks_equals_the_plain_version() {
    // 2^21 scores make a chunk: 262 rows here.
    check([600, 3, 8000], 0.1);
}

#[test]
fn the_loss_without_gradients_is_the_loss_with_them() {
    let (n, hidden, classes) = (7, 4, 11);
    let scores = || Scores {
        rows: constant([n, hidden], 1, 2.0),
        weight: ScoreWeight::ByClass(constant([classes, hidden], 2, 2.0)),
        bias: None,
    };
    let alone = linear_cross_entropy(scores(), targets(n, classes), weights(n), 0.1);
    let made = softmax_cross_entropy(scores().logits(), targets(n, classes), weights(n), 0.1);
    assert_close("loss", &values(alone), &values(made));
}

#[test]
fn bug_class_22_a_kept_row_with_nan_gives_nan() {
    let mut rows = numbers(6, 1, 1.0);
    rows[4] = f32::NAN;
    let scores = Scores {
        rows: Tensor::from_data(TensorData::new(rows, [2, 3]), &device().autodiff()),
        weight: ScoreWeight::ByClass(constant([5, 3], 2, 1.0)),
        bias: None,
    };
    let ones = Tensor::ones([2], &device().autodiff());
    let loss = linear_cross_entropy(scores, targets(2, 5), ones, 0.0);
    assert!(values(loss)[0].is_nan());
}
