//! Gradients of the fused operations against central differences of the plain versions in double precision.

use burn::tensor::{DType, Device, Tensor, TensorData};
use cresset_ops::{
    Activation, Affine, AttentionInput, Causality, Qkv, Residual, Run, ScoreWeight, Scores,
    attention, gated, layer_norm, linear, linear_activation, linear_cross_entropy, linear_packed,
    reference, residual_layer_norm, rms_norm, softmax_cross_entropy,
};

use crate::device::{assert_within, device, is_flex, numbers, tolerance, values};

/// How far an element is moved either way.
const STEP: f64 = 1e-5;

/// An input of some shape, as a row vector of numbers.
struct Leaf {
    shape: [usize; 2],
    numbers: Vec<f32>,
}

fn leaf(shape: [usize; 2], seed: u64) -> Leaf {
    Leaf {
        shape,
        numbers: numbers(shape[0] * shape[1], seed, 1.5),
    }
}

fn single(leaf: &Leaf) -> Tensor<2> {
    let data = TensorData::new(leaf.numbers.clone(), leaf.shape);
    Tensor::from_data(data, &device().autodiff()).require_grad()
}

fn double(numbers: &[f64], shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(
        TensorData::new(numbers.to_vec(), shape),
        (&Device::flex(), DType::F64),
    )
}

/// Compares the gradients of all leaves. The output's elements are weighted, so that none can hide behind another.
fn check<const R: usize, const N: usize>(
    what: &str,
    leaves: [Leaf; N],
    fused: impl Fn([Tensor<2>; N]) -> Tensor<R>,
    plain: impl Fn([Tensor<2>; N]) -> Tensor<R>,
) {
    let tensors: [Tensor<2>; N] = std::array::from_fn(|i| single(&leaves[i]));
    let output = fused(tensors.clone());
    let weights = numbers(output.shape().num_elements(), 77, 1.0);
    let weight = TensorData::new(weights.clone(), output.dims());
    let weight = Tensor::<R>::from_data(weight, &device().autodiff());
    let grads = (output * weight).sum().backward();

    let inputs: Vec<Vec<f64>> = leaves
        .iter()
        .map(|leaf| leaf.numbers.iter().map(|&v| f64::from(v)).collect())
        .collect();
    let value = |inputs: &[Vec<f64>]| -> f64 {
        let tensors = std::array::from_fn(|i| double(&inputs[i], leaves[i].shape));
        let output: Vec<f64> = plain(tensors).into_data().iter::<f64>().collect();
        let terms = output.iter().zip(&weights);
        terms.map(|(o, &w)| o * f64::from(w)).sum()
    };
    for (which, tensor) in tensors.iter().enumerate() {
        let found = values(tensor.grad(&grads).expect("a gradient"));
        let slope = |i: usize| {
            let moved = |by: f64| {
                let mut inputs = inputs.clone();
                inputs[which][i] += by;
                value(&inputs)
            };
            ((moved(STEP) - moved(-STEP)) / (2.0 * STEP)) as f32
        };
        let expected: Vec<f32> = (0..found.len()).map(slope).collect();
        // Elsewhere the operation is burn's own, whose error function is good to four digits on some backends.
        let limit = if is_flex() { tolerance() } else { 2e-3 };
        assert_within(
            limit,
            &format!("{what}, gradient {which}"),
            &found,
            &expected,
        );
    }
}

fn row(t: Tensor<2>) -> Tensor<1> {
    t.flatten(0, 1)
}

#[test]
fn the_plain_versions_compute_in_double_precision_here() {
    let third = reference::rms_norm(
        double(&[1.0, 2.0, 3.0], [1, 3]),
        row(double(&[1.0; 3], [1, 3])),
        0.0,
    );
    let found: Vec<f64> = third.into_data().iter::<f64>().collect();
    let expected = 1.0 / (14.0f64 / 3.0).sqrt();
    assert!((found[0] - expected).abs() < 1e-14, "{}", found[0]);
}

#[test]
fn gradients_of_activations_and_gates() {
    for activation in [
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Relu,
        Activation::Silu,
        Activation::Tanh,
    ] {
        check(
            &format!("{activation:?}"),
            [leaf([2, 9], 1)],
            |[x]| activation.forward(x),
            |[x]| reference::activation(x, activation),
        );
        check(
            &format!("gated {activation:?}"),
            [leaf([2, 9], 1), leaf([2, 9], 2)],
            |[a, b]| gated(a, b, activation),
            |[a, b]| reference::gated(a, b, activation),
        );
        check(
            &format!("linear {activation:?}"),
            [leaf([3, 4], 1), leaf([4, 5], 2), leaf([1, 5], 3)],
            |[x, w, b]| linear_activation(x, w, Some(row(b)), activation),
            |[x, w, b]| reference::linear_activation(x, w, Some(row(b)), activation),
        );
    }
}

#[test]
fn gradients_of_affine_maps() {
    check(
        "linear",
        [leaf([3, 4], 1), leaf([4, 5], 2), leaf([1, 5], 3)],
        |[x, w, b]| linear(x, w, Some(row(b))),
        |[x, w, b]| reference::linear(x, w, Some(row(b))),
    );
    let maps = |weights: [Tensor<2>; 3]| {
        let map = |weight| Affine { weight, bias: None };
        weights.map(map).to_vec()
    };
    check(
        "packed",
        [
            leaf([6, 4], 1),
            leaf([4, 3], 2),
            leaf([4, 3], 3),
            leaf([4, 3], 4),
        ],
        |[x, a, b, c]| linear_packed(x.reshape([2, 3, 4]), maps([a, b, c])),
        |[x, a, b, c]| reference::linear_packed(x.reshape([2, 3, 4]), maps([a, b, c])),
    );
}

#[test]
fn gradients_of_norms() {
    let leaves = || [leaf([3, 6], 1), leaf([1, 6], 2), leaf([1, 6], 3)];
    check(
        "layer norm",
        leaves(),
        |[x, g, b]| layer_norm(x, row(g), row(b), 1e-5),
        |[x, g, b]| reference::layer_norm(x, row(g), row(b), 1e-5),
    );
    let [x, g, b] = leaves();
    check(
        "norm of a residual sum",
        [x, leaf([3, 6], 4), g, b],
        |[x, branch, g, b]| {
            let dropout = 0.0;
            let sum = Residual { x, branch, dropout };
            residual_layer_norm(sum, row(g), row(b), 1e-5, &Run::inference())
        },
        |[x, branch, g, b]| reference::layer_norm(x + branch, row(g), row(b), 1e-5),
    );
    let [x, g, _] = leaves();
    check(
        "rms norm",
        [x, g],
        |[x, g]| rms_norm(x, row(g), 1e-6),
        |[x, g]| reference::rms_norm(x, row(g), 1e-6),
    );
}

#[test]
fn gradients_of_attention() {
    let heads = |t: Tensor<2>| t.reshape([1, 5, 2, 3]);
    for causality in [Causality::Bidirectional, Causality::Causal] {
        let input = |[q, k, v, bias]: [Tensor<2>; 4]| AttentionInput {
            qkv: Qkv::Apart {
                q: heads(q),
                k: heads(k),
                v: heads(v),
            },
            bias: Some(bias.reshape([1, 2, 5, 5])),
            keep: None,
            causality,
            scale: 0.6,
            dropout: 0.0,
        };
        check(
            &format!("{causality:?} attention"),
            [
                leaf([5, 6], 1),
                leaf([5, 6], 2),
                leaf([5, 6], 3),
                leaf([2, 25], 4),
            ],
            |leaves| attention(input(leaves), &Run::inference()),
            |leaves| reference::attention(input(leaves), &Run::inference()),
        );
    }
}

#[test]
fn gradients_of_cross_entropies() {
    let targets =
        |device: &Device| Tensor::from_data(TensorData::new(vec![1i32, 0, 3], [3]), device);
    let plain_device = Device::flex();
    let fused_device = device().autodiff();
    let weights = [1.0, 0.5, 2.0];
    let single_weights = Tensor::from_floats(weights.map(|w| w as f32), &fused_device);
    let double_weights = row(double(&weights, [1, 3]));
    check(
        "cross entropy",
        [leaf([3, 4], 1)],
        |[x]| softmax_cross_entropy(x, targets(&fused_device), single_weights.clone(), 0.1),
        |[x]| {
            reference::softmax_cross_entropy(x, targets(&plain_device), double_weights.clone(), 0.1)
        },
    );
    let scores = |rows, weight, bias| Scores {
        rows,
        weight: ScoreWeight::ByClass(weight),
        bias: Some(row(bias)),
    };
    check(
        "linear cross entropy",
        [leaf([3, 2], 1), leaf([4, 2], 2), leaf([1, 4], 3)],
        |[x, w, b]| {
            let scores = scores(x, w, b);
            linear_cross_entropy(scores, targets(&fused_device), single_weights.clone(), 0.1)
        },
        |[x, w, b]| {
            let (scores, weights) = (scores(x, w, b), double_weights.clone());
            reference::linear_cross_entropy(scores, targets(&plain_device), weights, 0.1)
        },
    );
}
