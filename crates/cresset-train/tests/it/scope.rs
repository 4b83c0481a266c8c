//! Parts of a model, and rows of a table, that are trained by a rule of their own.

use std::collections::BTreeSet;
use std::path::Path;

use cresset_train::{
    AdamWConfig, Parameters, RowRule, Scope, TableRows, TrainError, Trainer, TrainerConfig,
};
use safetensors::SafeTensors;
use serde_json::json;

use crate::task::{self, Network};

/// The table under test: three rows of four numbers.
const TABLE: &str = "first";
const WIDTH: usize = 4;

fn rows(rows: &[usize], rule: RowRule) -> TableRows {
    TableRows {
        parameter: TABLE.to_owned(),
        rows: rows.to_vec(),
        rule,
    }
}

fn own(lr_factor: f64, weight_decay: Option<f64>) -> RowRule {
    RowRule::Own {
        lr_factor,
        weight_decay,
    }
}

fn with_rows(rows: Vec<TableRows>) -> Scope {
    Scope {
        parameters: Parameters::All,
        rows,
    }
}

/// Nothing as a whole.
fn only_rows(rows: Vec<TableRows>) -> Scope {
    Scope {
        parameters: Parameters::Only(BTreeSet::new()),
        rows,
    }
}

/// With a decay that would be seen.
fn config(steps: u64) -> TrainerConfig {
    let mut config = task::config(steps);
    config.optim.adamw.weight_decay = 0.1;
    config
}

fn trainer(scope: Scope, config: TrainerConfig) -> Trainer<Network> {
    task::trainer(|n| n.with_dropout(0.25), config)
        .with_scope(scope)
        .unwrap()
}

fn steps(trainer: &mut Trainer<Network>, n: u64) {
    for _ in 0..n {
        trainer.step(&task::next(trainer)).unwrap();
    }
}

fn table(trainer: &Trainer<Network>) -> Vec<Vec<f32>> {
    let values: Vec<f32> = trainer.model().first.val().into_data().iter().collect();
    values.chunks(WIDTH).map(<[f32]>::to_vec).collect()
}

/// A tensor of the optimizer's file.
fn moment(checkpoint: &Path, name: &str) -> Vec<f32> {
    let bytes = std::fs::read(checkpoint.join("optimizer.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let data = file.tensor(name).unwrap().data().to_vec();
    let words = data.as_chunks::<4>().0.iter();
    words.map(|word| f32::from_le_bytes(*word)).collect()
}

#[test]
fn a_frozen_row_keeps_its_bits_and_its_moments_while_the_others_move() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = trainer(with_rows(vec![rows(&[1], RowRule::Frozen)]), config(6));
    let before = table(&trainer);
    steps(&mut trainer, 6);
    let after = table(&trainer);
    assert_eq!(before[1], after[1]);
    assert!(before[0] != after[0] && before[2] != after[2]);

    let checkpoint = folder.path().join("c");
    trainer.save_checkpoint(&checkpoint, &json!(null)).unwrap();
    for name in ["first#mean", "first#square"] {
        let moment = moment(&checkpoint, name);
        assert_eq!(moment[WIDTH..2 * WIDTH], [0.0; WIDTH], "{name}");
        assert!(moment[..WIDTH].iter().all(|m| *m != 0.0), "{name}");
    }
}

#[test]
fn a_frozen_rows_gradient_counts_in_no_norm() {
    let everything = trainer(Scope::default(), config(1));
    let frozen = trainer(with_rows(vec![rows(&[1], RowRule::Frozen)]), config(1));
    let gradient = |trainer: &Trainer<Network>| -> Vec<f32> {
        let gradients = trainer.gradients(&task::next(trainer)).unwrap();
        gradients.to_data(trainer.model())[TABLE].iter().collect()
    };
    let (all, some) = (gradient(&everything), gradient(&frozen));
    assert_eq!(some[WIDTH..2 * WIDTH], [0.0; WIDTH]);
    assert_eq!(some[..WIDTH], all[..WIDTH]);
    assert_eq!(some[2 * WIDTH..], all[2 * WIDTH..]);
}

#[test]
fn a_row_with_a_rate_of_its_own_is_what_adamw_with_that_rate_makes_of_it() {
    let (factor, decay) = (0.25, 0.3);
    let mut config = config(5);
    config.optim.clip = None;
    let AdamWConfig { betas, eps, .. } = config.optim.adamw;
    let mut trainer = trainer(
        with_rows(vec![rows(&[2], own(factor, Some(decay)))]),
        config,
    );
    let mut expected: Vec<f64> = table(&trainer)[2].iter().map(|&w| f64::from(w)).collect();
    let (mut mean, mut square) = ([0.0f64; WIDTH], [0.0f64; WIDTH]);
    for step in 1..=5 {
        let batches = task::next(&trainer);
        let gradients = trainer.gradients(&batches).unwrap();
        let gradient: Vec<f64> = gradients.to_data(trainer.model())[TABLE].iter().collect();
        let rate = trainer.lr(step) * factor;
        for i in 0..WIDTH {
            let g = gradient[2 * WIDTH + i];
            mean[i] = betas[0] * mean[i] + (1.0 - betas[0]) * g;
            square[i] = betas[1] * square[i] + (1.0 - betas[1]) * g * g;
            let unbiased = |moment: f64, beta: f64| moment / (1.0 - beta.powi(step as i32));
            expected[i] -= rate * decay * expected[i];
            expected[i] -=
                rate * unbiased(mean[i], betas[0]) / (unbiased(square[i], betas[1]).sqrt() + eps);
        }
        trainer.step(&batches).unwrap();
    }
    for (ours, right) in table(&trainer)[2].iter().zip(&expected) {
        // Five steps in single precision.
        assert!(
            (f64::from(*ours) - right).abs() < 1e-6,
            "{ours} and {right}"
        );
    }
}

#[test]
fn a_factor_of_one_is_no_rule_at_all() {
    let mut plain = trainer(Scope::default(), config(4));
    let mut ruled = trainer(with_rows(vec![rows(&[0, 2], own(1.0, None))]), config(4));
    steps(&mut plain, 4);
    steps(&mut ruled, 4);
    // On a GPU the rows go through another kernel than the whole; the difference is rounding.
    for (a, b) in table(&plain).concat().iter().zip(table(&ruled).concat()) {
        assert!((a - b).abs() < 1e-6, "{a} and {b}");
    }
    if task::is_cpu() {
        assert_eq!(task::weights(plain.model()), task::weights(ruled.model()));
    }
}

#[test]
fn rows_that_are_trained_alone_are_all_that_changes() {
    let mut alone = trainer(only_rows(vec![rows(&[1], own(1.0, None))]), config(4));
    let (before, others) = (table(&alone), task::weights(alone.model()));
    steps(&mut alone, 4);
    let after = table(&alone);
    assert_ne!(before[1], after[1]);
    assert_eq!([&before[0], &before[2]], [&after[0], &after[2]]);
    for (path, weights) in task::weights(alone.model()) {
        assert!(path == TABLE || weights == others[&path], "{path}");
    }
    // And with the last layer beside it, that too.
    let beside = Parameters::Only(BTreeSet::from(["second".to_owned()]));
    let mut with_head = trainer(
        Scope {
            parameters: beside,
            rows: vec![rows(&[1], own(1.0, None))],
        },
        config(4),
    );
    steps(&mut with_head, 4);
    for (path, weights) in task::weights(with_head.model()) {
        let moves = [TABLE, "second"].contains(&path.as_str());
        assert_eq!(moves, weights != others[&path], "{path}");
    }
}

#[test]
fn bug_class_06_a_run_with_ruled_rows_resumes_to_the_same_bytes() {
    if !task::is_cpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scope = || {
        with_rows(vec![
            rows(&[1], RowRule::Frozen),
            // A number that JSON does not give back to the last digit everywhere.
            rows(&[2], own(0.1 + 0.2, Some(1.0 / 3.0))),
        ])
    };
    let mut whole = trainer(scope(), config(7));
    steps(&mut whole, 7);
    let checkpoint = folder.path().join("step-3");
    let mut first = trainer(scope(), config(7));
    steps(&mut first, 3);
    first.save_checkpoint(&checkpoint, &json!(null)).unwrap();
    let mut second = trainer(scope(), config(7));
    second.load_checkpoint(&checkpoint).unwrap();
    steps(&mut second, 4);
    assert_eq!(task::weights(second.model()), task::weights(whole.model()));

    let mut other = trainer(Scope::default(), config(7));
    let error = other.load_checkpoint(&checkpoint).unwrap_err();
    assert!(
        matches!(error, TrainError::Mismatch { .. }) && error.to_string().contains("[special]"),
        "{error}"
    );
}

#[test]
fn a_scope_that_does_not_fit_the_model_is_refused() {
    let refused = |scope: Scope| {
        let trainer = task::trainer(|n| n, config(1));
        trainer.with_scope(scope).unwrap_err().to_string()
    };
    let message = refused(with_rows(vec![rows(&[3], RowRule::Frozen)]));
    assert!(message.contains("there is no row 3"), "{message}");
    let twice = vec![rows(&[0], RowRule::Frozen), rows(&[0], own(1.0, None))];
    assert!(refused(with_rows(twice)).contains("two rules"));
    assert!(refused(with_rows(vec![rows(&[0], own(0.0, None))])).contains("above 0"));
    assert!(refused(with_rows(vec![rows(&[0], own(1.0, Some(-1.0)))])).contains("0 or more"));
    let nowhere = Parameters::Only(BTreeSet::from(["third".to_owned()]));
    let message = refused(Scope {
        parameters: nowhere,
        rows: Vec::new(),
    });
    assert!(message.contains("no parameter `third`"), "{message}");
}
