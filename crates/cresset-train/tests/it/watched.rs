//! What a step does to single rows.

use cresset_train::{RowRule, Scope, TableRows, Trainer, WatchedRow};

use crate::task::{self, Network};

/// The rows 0 and 2 of a table of three, and one that is not there.
fn rows() -> Vec<WatchedRow> {
    let row = |parameter: &str, row| WatchedRow {
        parameter: parameter.to_owned(),
        row,
    };
    vec![
        row("first", 2),
        row("first", 0),
        row("first", 3),
        row("none", 0),
        row("idle", 1),
    ]
}

fn trainer() -> Trainer<Network> {
    task::trainer(|n| n.with_dropout(0.25), task::config(6))
}

fn row(trainer: &Trainer<Network>, row: usize) -> Vec<f32> {
    let table = task::weights(trainer.model()).remove("first").unwrap();
    table[row * 4..(row + 1) * 4].to_vec()
}

fn norm(numbers: impl IntoIterator<Item = f32>) -> f64 {
    let squares = numbers.into_iter().map(|x| f64::from(x).powi(2));
    squares.sum::<f64>().sqrt()
}

#[test]
fn a_step_that_is_watched_is_the_same_step() {
    let (mut plain, mut watched) = (trainer(), trainer());
    for _ in 0..4 {
        let report = plain.step(&task::next(&plain)).unwrap();
        let batches = task::next(&watched);
        assert_eq!(watched.step_watching(&batches, &rows()).unwrap().0, report);
    }
    assert_eq!(task::weights(plain.model()), task::weights(watched.model()));
}

#[test]
fn a_rows_gradient_and_update_are_those_of_the_step() {
    let mut trainer = trainer();
    // The first step of the warm-up has no learning rate.
    trainer.step(&task::next(&trainer)).unwrap();
    let batches = task::next(&trainer);
    let gradients = trainer.gradients(&batches).unwrap();
    let gradient: Vec<f32> = gradients.to_data(trainer.model())["first"].iter().collect();
    let before = [2, 0].map(|r| row(&trainer, r));
    let (_, done) = trainer.step_watching(&batches, &rows()).unwrap();
    let after = [2, 0].map(|r| row(&trainer, r));

    let names: Vec<(&str, usize)> = done
        .iter()
        .map(|step| (step.row.parameter.as_str(), step.row.row))
        .collect();
    assert_eq!(names, [("first", 2), ("first", 0), ("idle", 1)]);
    for (at, number) in [2, 0].into_iter().enumerate() {
        let of_row = gradient[number * 4..(number + 1) * 4].iter().copied();
        assert_eq!(done[at].gradient_norm, Some(norm(of_row)));
        assert_eq!(done[at].norm, norm(before[at].iter().copied()));
        let moved = norm(after[at].iter().zip(&before[at]).map(|(a, b)| a - b));
        assert!((done[at].update_norm - moved).abs() < 1e-7 && moved > 0.0);
    }
    // It takes no part in the loss.
    assert_eq!((done[2].gradient_norm, done[2].update_norm), (None, 0.0));
}

#[test]
fn a_frozen_row_has_neither_gradient_nor_update() {
    let scope = Scope {
        rows: vec![TableRows {
            parameter: "first".to_owned(),
            rows: vec![2],
            rule: RowRule::Frozen,
        }],
        ..Scope::default()
    };
    let mut trainer = trainer().with_scope(scope).unwrap();
    trainer.step(&task::next(&trainer)).unwrap();
    let batches = task::next(&trainer);
    let (_, done) = trainer.step_watching(&batches, &rows()).unwrap();
    assert_eq!(
        (done[0].gradient_norm, done[0].update_norm),
        (Some(0.0), 0.0)
    );
    assert!(done[1].gradient_norm > Some(0.0) && done[1].update_norm > 0.0);
}
