//! Rows of a table, alone and tied to an output layer.

use burn::tensor::{Int, Tensor, TensorData};
use cresset_ops::{ScoreWeight, Scores, embedding, linear_cross_entropy, reference};

use crate::device::{device, leaf, same, values};

fn ids(values: &[i32], shape: [usize; 2]) -> Tensor<2, Int> {
    Tensor::from_data(
        TensorData::new(values.to_vec(), shape),
        &device().autodiff(),
    )
}

#[test]
fn an_embedding_and_its_gradient_equal_the_plain_version() {
    // The second table is large enough to be shared among tasks; ids come more than once.
    for (n, width) in [(5, 3), (900, 2)] {
        let at = || ids(&[0, 4, 4, 1, (n - 1) as i32, 4], [2, 3]);
        same(
            "embedding",
            [leaf([n, width], 1, 1.0)],
            |[table]| embedding(table, at()),
            |[table]| reference::embedding(table, at()),
        );
    }
}

#[test]
fn a_table_that_is_looked_up_twice_gets_both_gradients() {
    let (first, second) = (|| ids(&[0, 1, 1], [1, 3]), || ids(&[1, 3, 0], [1, 3]));
    same(
        "two lookups",
        [leaf([4, 3], 1, 1.0)],
        |[table]| embedding(table.clone(), first()) * embedding(table, second()),
        |[table]| {
            reference::embedding(table.clone(), first()) * reference::embedding(table, second())
        },
    );
}

#[test]
fn a_table_tied_to_the_output_layer_gets_the_gradients_of_both() {
    let (at, targets) = (
        || ids(&[0, 4, 2, 2, 1, 4], [2, 3]),
        || ids(&[1, 2, 0, 0, 3, 4], [1, 6]).flatten::<1>(0, 1),
    );
    let loss = |rows: Tensor<3>, table: Tensor<2>, fused: bool| {
        let scores = Scores {
            rows: rows.reshape([6, 3]),
            weight: ScoreWeight::ByClass(table),
            bias: None,
        };
        let ones = Tensor::ones([6], &device().autodiff());
        match fused {
            true => linear_cross_entropy(scores, targets(), ones, 0.0),
            false => reference::linear_cross_entropy(scores, targets(), ones, 0.0),
        }
    };
    same(
        "tied",
        [leaf([5, 3], 1, 1.0)],
        |[table]| loss(embedding(table.clone(), at()), table, true),
        |[table]| loss(reference::embedding(table.clone(), at()), table, false),
    );
}

#[test]
fn a_graph_that_is_dropped_before_its_backward_pass_leaves_the_table_usable() {
    let table = leaf::<2>([5, 3], 1, 1.0);
    let at = || ids(&[0, 4], [1, 2]);
    for _ in 0..3 {
        drop(embedding(table.clone(), at()).sum());
    }
    let grads = embedding(table.clone(), at()).sum().backward();
    let grad = values(table.grad(&grads).expect("a gradient"));
    let mut expected = vec![0.0; 15];
    expected[..3].fill(1.0);
    expected[12..].fill(1.0);
    assert_eq!(grad, expected);
}
