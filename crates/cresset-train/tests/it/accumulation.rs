//! The gradient of a step does not depend on how its rows are cut into micro-batches.

use std::collections::BTreeMap;

use crate::task::{self, Rows};

fn gradients(micro_batches: &[Rows]) -> BTreeMap<String, Vec<f32>> {
    let trainer = task::trainer(|n| n, task::config(1));
    let gradients = trainer
        .gradients(micro_batches)
        .unwrap()
        .to_data(trainer.model());
    gradients
        .into_iter()
        .map(|(path, data)| (path, data.iter::<f32>().collect()))
        .collect()
}

fn assert_close(found: &BTreeMap<String, Vec<f32>>, expected: &BTreeMap<String, Vec<f32>>) {
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (path, values) in expected {
        let size = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        for (a, b) in found[path].iter().zip(values) {
            assert!(
                (a - b).abs() <= 1e-6 * size,
                "{path}: {a} is not {b} within 1e-6 of the tensor's norm {size}"
            );
        }
    }
}

#[test]
fn bug_class_05_micro_batches_of_ragged_targets_give_the_gradient_of_the_whole() {
    let whole = gradients(&[Rows::of(0..8)]);
    assert!(
        whole["first"].iter().any(|v| v.abs() > 1e-3),
        "the gradient is not trivially zero"
    );
    for size in [4, 2, 1] {
        let cut: Vec<Rows> = (0..8 / size)
            .map(|k| Rows::of(k * size..(k + 1) * size))
            .collect();
        assert_close(&gradients(&cut), &whole);
    }
    // Unequal cuts too, with all targets of one term in one of them.
    assert_close(
        &gradients(&[Rows::of(0..1), Rows::of(1..7), Rows::of(7..8)]),
        &whole,
    );
}

#[test]
fn bug_class_05_the_reported_loss_does_not_depend_on_the_cut() {
    let loss = |micro_batches: &[Rows]| {
        let report = task::trainer(|n| n, task::config(1))
            .step(micro_batches)
            .unwrap();
        (
            report.loss,
            report.terms["squared"],
            report.terms["absolute"],
            report.grad_norm,
            report.tokens,
        )
    };
    let whole = loss(&[Rows::of(0..8)]);
    let cut = loss(&[Rows::of(0..3), Rows::of(3..4), Rows::of(4..8)]);
    assert!(
        (whole.0 - (whole.1 + 0.3 * whole.2)).abs() < 1e-6,
        "the total is the weighted sum of the terms"
    );
    for (a, b) in [
        (whole.0, cut.0),
        (whole.1, cut.1),
        (whole.2, cut.2),
        (whole.3, cut.3),
    ] {
        assert!((a - b).abs() <= 1e-6 * a.abs(), "{a} is not {b}");
    }
    assert_eq!(whole.4, 8);
    assert_eq!(cut.4, 8);
}

#[test]
fn the_same_seed_gives_the_same_loss() {
    let losses = |seed: u64| -> Vec<f64> {
        let mut trainer = task::trainer(
            |n| n.with_dropout(0.3),
            cresset_train::TrainerConfig {
                seed,
                ..task::config(5)
            },
        );
        (0..5)
            .map(|_| trainer.step(&task::next(&trainer)).unwrap().loss)
            .collect()
    };
    if task::is_cpu() {
        assert_eq!(losses(1), losses(1));
    }
    assert_ne!(losses(1), losses(2));
}

#[test]
fn the_loss_falls() {
    let mut trainer = task::trainer(|n| n, task::config(60));
    let before = trainer
        .evaluate(evaluation())
        .unwrap()
        .mean("loss")
        .unwrap();
    for _ in 0..60 {
        trainer.step(&task::next(&trainer)).unwrap();
    }
    let after = trainer
        .evaluate(evaluation())
        .unwrap()
        .mean("loss")
        .unwrap();
    assert!(after < before * 0.7, "{before} fell only to {after}");
}

fn evaluation() -> [Result<Rows, std::convert::Infallible>; 2] {
    [Ok(Rows::of(0..16)), Ok(Rows::of(16..20))]
}
