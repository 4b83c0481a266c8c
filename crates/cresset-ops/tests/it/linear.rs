//! The affine map with what goes over it, and several of one input.

use burn::tensor::Tensor;
use cresset_ops::{
    Activation, Affine, Residual, Run, ScoreWeight, Scores, gated, linear_activation,
    linear_packed, reference, residual_sum,
};

use crate::device::{assert_close, leaf, same, values};

const ACTIVATIONS: [Activation; 5] = [
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Relu,
    Activation::Silu,
    Activation::Tanh,
];

fn row(t: Tensor<2>) -> Tensor<1> {
    t.flatten(0, 1)
}

#[test]
fn every_activation_equals_the_plain_version() {
    for activation in ACTIVATIONS {
        same(
            &format!("{activation:?}"),
            [leaf([3, 37], 1, 4.0)],
            |[x]| activation.forward(x),
            |[x]| reference::activation(x, activation),
        );
        same(
            &format!("gated by {activation:?}"),
            [leaf([3, 37], 1, 4.0), leaf([3, 37], 2, 2.0)],
            |[gate, up]| gated(gate, up, activation),
            |[gate, up]| reference::gated(gate, up, activation),
        );
    }
}

#[test]
fn linear_with_an_activation_equals_the_plain_version() {
    for activation in ACTIVATIONS {
        for [rows, inner, columns] in [[1, 1, 1], [5, 3, 7], [130, 16, 9]] {
            let [x, w, b] = [
                leaf([rows, inner], 1, 1.0),
                leaf([inner, columns], 2, 1.0),
                leaf([1, columns], 3, 1.0),
            ];
            same(
                &format!("{activation:?}"),
                [x.clone(), w.clone(), b],
                |[x, w, b]| linear_activation(x, w, Some(row(b)), activation),
                |[x, w, b]| reference::linear_activation(x, w, Some(row(b)), activation),
            );
            same(
                &format!("{activation:?} without bias"),
                [x, w],
                |[x, w]| linear_activation(x, w, None, activation),
                |[x, w]| reference::linear_activation(x, w, None, activation),
            );
        }
    }
}

#[test]
fn linear_with_an_activation_gives_the_same_bytes_with_and_without_autodiff() {
    let (x, w, b) = (
        leaf::<2>([70, 8], 1, 1.0),
        leaf([8, 12], 2, 1.0),
        leaf([12], 3, 1.0),
    );
    let of = |x: Tensor<2>, w: Tensor<2>, b: Tensor<1>| {
        values(linear_activation(x, w, Some(b), Activation::Gelu))
    };
    let tracked = of(x.clone(), w.clone(), b.clone());
    assert_eq!(tracked, of(x.inner(), w.inner(), b.inner()));
}

#[test]
fn packed_maps_equal_the_maps_one_by_one() {
    let x = || leaf([6, 5], 1, 1.0);
    let weights = || [2, 3, 4].map(|seed| leaf([5, 7], seed, 1.0));
    let biases = || [5, 6, 7].map(|seed| leaf([1, 7], seed, 1.0));
    let batched = |x: Tensor<2>| x.reshape([2, 3, 5]);
    let map = |weight, bias| Affine { weight, bias };
    let ([w1, w2, w3], [b1, b2, b3]) = (weights(), biases());
    let three = |[w1, w2, w3]: [Tensor<2>; 3], [b1, b2, b3]: [Tensor<2>; 3]| {
        vec![
            map(w1, Some(row(b1))),
            map(w2, Some(row(b2))),
            map(w3, Some(row(b3))),
        ]
    };
    same(
        "queries, keys and values",
        [x(), w1.clone(), w2.clone(), w3.clone(), b1, b2, b3],
        |[x, w1, w2, w3, b1, b2, b3]| linear_packed(batched(x), three([w1, w2, w3], [b1, b2, b3])),
        |[x, w1, w2, w3, b1, b2, b3]| {
            reference::linear_packed(batched(x), three([w1, w2, w3], [b1, b2, b3]))
        },
    );
    same(
        "three without bias",
        [x(), w1.clone(), w2.clone(), w3.clone()],
        |[x, a, b, c]| linear_packed(batched(x), [a, b, c].map(|w| map(w, None)).to_vec()),
        |[x, a, b, c]| {
            reference::linear_packed(batched(x), [a, b, c].map(|w| map(w, None)).to_vec())
        },
    );
    let [b1, b2, _] = biases();
    let two = |w1, w2, b1, b2| vec![map(w1, Some(row(b1))), map(w2, Some(row(b2)))];
    same(
        "keys and values",
        [x(), w1.clone(), w2.clone(), b1, b2],
        |[x, w1, w2, b1, b2]| linear_packed(batched(x), two(w1, w2, b1, b2)),
        |[x, w1, w2, b1, b2]| reference::linear_packed(batched(x), two(w1, w2, b1, b2)),
    );
    same(
        "two without bias",
        [x(), w1, w2],
        |[x, a, b]| linear_packed(batched(x), [a, b].map(|w| map(w, None)).to_vec()),
        |[x, a, b]| reference::linear_packed(batched(x), [a, b].map(|w| map(w, None)).to_vec()),
    );
}

#[test]
fn a_residual_sum_equals_the_plain_version_with_and_without_dropout() {
    for rate in [0.0, 0.4] {
        let sum = |x, branch| Residual {
            x,
            branch,
            dropout: rate,
        };
        let run = || Run::training(2, 1, 0);
        same(
            "residual_sum",
            [leaf([40, 30], 1, 1.0), leaf([40, 30], 2, 1.0)],
            |[x, branch]| residual_sum(sum(x, branch), &run()),
            |[x, branch]| reference::residual_sum(sum(x, branch), &run()),
        );
    }
    let (x, branch) = (leaf::<2>([4, 3], 1, 1.0), leaf([4, 3], 2, 1.0));
    let plain = values(x.clone() + branch.clone());
    let dropout = 0.4;
    let found = residual_sum(Residual { x, branch, dropout }, &Run::inference());
    assert_close("at inference", &values(found), &plain);
}

#[test]
fn products_of_a_few_rows_without_gradients_equal_the_plain_version() {
    // The last is shared among tasks; sums over an inner size that no unrolling divides.
    for [rows, inner, columns] in [[1, 1, 1], [3, 7, 5], [8, 21, 130], [2, 130, 700]] {
        let (x, w, b) = (
            leaf::<2>([rows, inner], 1, 1.0).inner(),
            leaf::<2>([inner, columns], 2, 1.0).inner(),
            leaf::<1>([columns], 3, 1.0).inner(),
        );
        let what = format!("{rows} rows, {inner} to {columns}");
        for bias in [None, Some(b)] {
            assert_close(
                &what,
                &values(cresset_ops::linear(x.clone(), w.clone(), bias.clone())),
                &values(reference::linear(x.clone(), w.clone(), bias.clone())),
            );
            let tied = Scores {
                rows: x.clone(),
                weight: ScoreWeight::ByClass(w.clone().transpose()),
                bias: bias.clone(),
            };
            assert_close(
                &format!("{what}, tied"),
                &values(tied.logits()),
                &values(reference::linear(x.clone(), w.clone(), bias)),
            );
        }
    }
}

#[test]
fn a_row_has_the_same_bytes_whatever_rows_stand_beside_it() {
    let (x, w) = (
        leaf::<2>([6, 50], 1, 1.0).inner(),
        leaf::<2>([50, 300], 2, 1.0).inner(),
    );
    let all = values(cresset_ops::linear(x.clone(), w.clone(), None));
    for row in 0..6 {
        let one = cresset_ops::linear(x.clone().narrow(0, row, 1), w.clone(), None);
        assert_eq!(values(one), all[row * 300..(row + 1) * 300]);
    }
}
