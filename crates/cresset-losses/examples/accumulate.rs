//! Sums over ragged micro-batches, divided once, give the mean of the whole batch; a mean of means does not.

use burn::tensor::{Device, Int, Tensor};
use cresset_losses::token_nll;

fn main() {
    let device = Device::flex();
    let logits = Tensor::<2>::from_floats(
        [
            [2.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 0.0, 3.0],
            [1.0, 1.0, 0.0],
        ],
        &device,
    );
    let targets = Tensor::<1, Int>::from_ints([0, 2, 2, 1], &device);
    let part = |rows: std::ops::Range<usize>| {
        token_nll(
            logits.clone().slice(rows.clone()),
            targets.clone().slice(rows),
            None,
            0.0,
        )
        .into_scalar::<f32>()
    };
    let (first, second) = (part(0..1), part(1..4));
    println!("whole batch:        {:.4}", part(0..4) / 4.0);
    println!("sums, divided once: {:.4}", (first + second) / 4.0);
    println!(
        "mean of the means:  {:.4}",
        (first / 1.0 + second / 3.0) / 2.0
    );
}
