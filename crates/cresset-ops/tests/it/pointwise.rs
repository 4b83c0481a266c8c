use burn::tensor::Tensor;
use cresset_ops::{
    Residual, Run, dropout, gelu, gelu_tanh, layer_norm, linear, reference, residual_layer_norm,
    residual_rms_norm, rms_norm,
};

use crate::device::{assert_close, constant, leaf, same, values};

#[test]
fn gelu_equals_the_plain_version() {
    same(
        "gelu",
        [leaf([3, 37], 1, 4.0)],
        |[x]| gelu(x),
        |[x]| reference::gelu(x),
    );
    same(
        "gelu_tanh",
        [leaf([3, 37], 1, 4.0)],
        |[x]| gelu_tanh(x),
        |[x]| reference::gelu_tanh(x),
    );
}

#[test]
fn norms_equal_the_plain_versions() {
    for width in [1, 7, 16, 50] {
        let leaves = || {
            [
                leaf([70, width], 1, 3.0),
                leaf([1, width], 2, 1.0),
                leaf([1, width], 3, 1.0),
            ]
        };
        let row = |t: Tensor<2>| t.flatten::<1>(0, 1);
        same(
            "layer_norm",
            leaves(),
            |[x, g, b]| layer_norm(x, row(g), row(b), 1e-5),
            |[x, g, b]| reference::layer_norm(x, row(g), row(b), 1e-5),
        );
        let [x, g, _] = leaves();
        same(
            "rms_norm",
            [x, g],
            |[x, g]| rms_norm(x, row(g), 1e-6),
            |[x, g]| reference::rms_norm(x, row(g), 1e-6),
        );
    }
}

#[test]
fn the_norm_of_a_residual_sum_equals_the_plain_version_with_and_without_dropout() {
    for (width, rate) in [(1, 0.0), (7, 0.3), (16, 0.1), (50, 0.5)] {
        let leaves = [
            leaf([70, width], 1, 3.0),
            leaf([70, width], 4, 3.0),
            leaf([1, width], 2, 1.0),
            leaf([1, width], 3, 1.0),
        ];
        let row = |t: Tensor<2>| t.flatten::<1>(0, 1);
        let sum = |x, branch| Residual {
            x,
            branch,
            dropout: rate,
        };
        let run = || Run::training(3, 1, 0);
        same(
            "residual_layer_norm",
            leaves,
            |[x, branch, g, b]| residual_layer_norm(sum(x, branch), row(g), row(b), 1e-5, &run()),
            |[x, branch, g, b]| {
                reference::residual_layer_norm(sum(x, branch), row(g), row(b), 1e-5, &run())
            },
        );
        let leaves = [
            leaf([70, width], 1, 3.0),
            leaf([70, width], 4, 3.0),
            leaf([1, width], 2, 1.0),
        ];
        same(
            "residual_rms_norm",
            leaves,
            |[x, branch, g]| residual_rms_norm(sum(x, branch), row(g), 1e-6, &run()),
            |[x, branch, g]| reference::residual_rms_norm(sum(x, branch), row(g), 1e-6, &run()),
        );
    }
}

#[test]
fn linear_equals_the_plain_version() {
    // The last is large enough to be shared among threads, with sums over many rows of both signs.
    for [rows, inner, columns] in [[1, 1, 1], [5, 3, 7], [130, 16, 9], [300, 160, 170]] {
        let leaves = || {
            [
                leaf([rows, inner], 1, 1.0),
                leaf([inner, columns], 2, 1.0),
                leaf([1, columns], 3, 1.0),
            ]
        };
        let batched = |x: Tensor<2>| x.unsqueeze::<3>();
        let row = |t: Tensor<2>| t.flatten::<1>(0, 1);
        same(
            "linear",
            leaves(),
            |[x, w, b]| linear(batched(x), w, Some(row(b))),
            |[x, w, b]| reference::linear(batched(x), w, Some(row(b))),
        );
        let [x, w, _] = leaves();
        same(
            "linear without bias",
            [x, w],
            |[x, w]| linear(x, w.clone(), None),
            |[x, w]| reference::linear(x, w, None),
        );
    }
}

#[test]
fn linear_reads_transposed_operands_right() {
    let (x, w) = (constant([6, 5], 1, 1.0), constant([4, 6], 2, 1.0));
    let found = linear(x.clone().transpose(), w.clone().transpose(), None);
    let expected = reference::linear(x.transpose(), w.transpose(), None);
    assert_close("transposed", &values(found), &values(expected));
}

#[test]
fn a_norm_of_a_transposed_tensor_reads_the_right_rows() {
    let x = constant([5, 9], 1, 2.0).transpose();
    let (gamma, beta) = (constant([5], 2, 1.0), constant([5], 3, 1.0));
    let found = values(layer_norm(x.clone(), gamma.clone(), beta.clone(), 1e-5));
    assert_close(
        "transposed",
        &found,
        &values(reference::layer_norm(x, gamma, beta, 1e-5)),
    );
}

#[test]
fn dropout_keeps_the_mean_and_passes_the_same_gradient() {
    let x = leaf([40, 50], 1, 1.0);
    let run = Run::training(0, 1, 0);
    let y = dropout(x.clone(), 0.3, &run);
    let (before, after) = (values(x.clone()), values(y.clone()));
    let dropped = after.iter().filter(|v| **v == 0.0).count() as f32 / 2000.0;
    assert!((dropped - 0.3).abs() < 0.05, "{dropped}");
    let grad = values(x.grad(&y.sum().backward()).expect("a gradient"));
    for ((b, a), g) in before.iter().zip(&after).zip(&grad) {
        assert!((b * g - a).abs() < 1e-5, "the gradient is the factor");
        assert!(*g == 0.0 || (g - 1.0 / 0.7).abs() < 1e-5);
    }
    let again = values(dropout(x.clone(), 0.3, &Run::training(0, 1, 0)));
    assert_eq!(after, again);
    assert_eq!(before, values(dropout(x, 0.3, &Run::inference())));
}

#[test]
fn dropout_equals_the_plain_version_element_by_element() {
    let x = constant([33, 17], 5, 1.0);
    let (fused, plain) = (Run::training(7, 2, 1), Run::training(7, 2, 1));
    for _ in 0..2 {
        assert_eq!(
            values(dropout(x.clone(), 0.2, &fused)),
            values(reference::dropout(x.clone(), 0.2, &plain))
        );
    }
}
