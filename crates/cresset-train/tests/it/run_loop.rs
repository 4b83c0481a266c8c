//! What the run loop does when.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use cresset_train::{
    BoxError, Checkpoints, Event, KeepBest, Look, Outcome, RowStep, RunHooks, RunPlan, Special,
    TrainError, Trainer, WatchedRow, run,
};
use serde_json::json;

use crate::task::{self, Network};

fn plan(folder: &std::path::Path) -> RunPlan {
    RunPlan {
        eval_every: Some(2),
        checkpoint_every: Some(3),
        keep_last: 1,
        keep_best: None,
        checkpoints: folder.to_owned(),
        user: json!(null),
    }
}

/// What happened, in words; evaluations take their value from `scores`, in turn.
fn happened(
    trainer: &mut Trainer<Network>,
    plan: &RunPlan,
    scores: &[f64],
    stop: &AtomicBool,
) -> (Result<Outcome, TrainError>, Vec<String>) {
    let mut words = Vec::new();
    let mut scores = scores.iter();
    let mut best = Vec::new();
    let outcome = run(
        trainer,
        plan,
        RunHooks {
            batch: &mut |index| Ok(task::micro_batch(index)),
            evaluate: Some(&mut |_| {
                Ok(BTreeMap::from([(
                    "score".to_owned(),
                    *scores.next().unwrap(),
                )]))
            }),
            look: None,
            save_best: &mut |network| {
                best.push(task::weights(network));
                Ok(())
            },
            on_event: &mut |event| {
                words.push(match event {
                    Event::Started { step, steps } => format!("start {step}/{steps}"),
                    Event::Step { report, .. } => format!("step {}", report.step),
                    Event::Evaluated { step, values, .. } => {
                        format!("eval {step} {}", values["score"])
                    }
                    Event::BestSaved { step, value, .. } => format!("best {step} {value}"),
                    Event::CheckpointSaved { step, .. } => format!("save {step}"),
                    Event::Interrupted { step } => format!("stop {step}"),
                    Event::Finished { step } => format!("end {step}"),
                    other => panic!("{other:?}"),
                });
                Ok(())
            },
        },
        stop,
    );
    (outcome, words)
}

#[test]
fn evaluations_checkpoints_and_the_end_come_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = task::trainer(|n| n, task::config(5));
    let plan = plan(folder.path());
    let (outcome, words) = happened(
        &mut trainer,
        &plan,
        &[0.1, 0.2, 0.3],
        &AtomicBool::new(false),
    );
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    let expected = [
        "start 0/5",
        "step 1",
        "step 2",
        "eval 2 0.1",
        "step 3",
        "save 3",
        "step 4",
        "eval 4 0.2",
        "step 5",
        "eval 5 0.3",
        "save 5",
        "end 5",
    ];
    assert_eq!(words, expected);
    // A run that is done is done.
    let (outcome, words) = happened(&mut trainer, &plan, &[], &AtomicBool::new(false));
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    assert_eq!(words, ["start 5/5", "end 5"]);
}

#[test]
fn the_best_is_saved_and_its_checkpoint_is_never_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = task::trainer(|n| n, task::config(6));
    let plan = RunPlan {
        eval_every: Some(1),
        checkpoint_every: Some(1),
        keep_best: Some(KeepBest::higher("score")),
        ..plan(folder.path())
    };
    let scores = [f64::NAN, 0.5, 0.9, 0.9, 0.7, 0.8];
    let (outcome, words) = happened(&mut trainer, &plan, &scores, &AtomicBool::new(false));
    outcome.unwrap();
    let best: Vec<&String> = words
        .iter()
        .filter(|word| word.starts_with("best"))
        .collect();
    assert_eq!(best, ["best 2 0.5", "best 3 0.9"]);
    let left: Vec<u64> = Checkpoints::new(folder.path())
        .list()
        .unwrap()
        .iter()
        .map(|c| c.step)
        .collect();
    assert_eq!(left, [3, 6]);

    // The checkpoint knows the best so far.
    let mut second = task::trainer(|n| n, task::config(6));
    second
        .load_checkpoint(&Checkpoints::new(folder.path()).path(6))
        .unwrap();
    assert_eq!(
        second.best().map(|best| (best.step, best.value)),
        Some((3, 0.9))
    );
}

#[test]
fn a_metric_that_the_evaluation_does_not_give_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let plan = RunPlan {
        keep_best: Some(KeepBest::lower("perplexity")),
        ..plan(folder.path())
    };
    let (outcome, _) = happened(
        &mut task::trainer(|n| n, task::config(5)),
        &plan,
        &[1.0],
        &AtomicBool::new(false),
    );
    let message = outcome.unwrap_err().to_string();
    assert_eq!(
        message,
        "train.keep_best is perplexity, but the evaluation gives score; choose one of them"
    );
}

#[test]
fn the_stop_flag_ends_with_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(true);
    let mut trainer = task::trainer(|n| n, task::config(5));
    let (outcome, words) = happened(&mut trainer, &plan(folder.path()), &[], &stop);
    assert_eq!(outcome.unwrap(), Outcome::Interrupted { step: 0 });
    assert_eq!(words, ["start 0/5", "save 0", "stop 0"]);
    stop.store(false, Ordering::Relaxed);
    let (outcome, _) = happened(&mut trainer, &plan(folder.path()), &[0.0; 3], &stop);
    assert_eq!(outcome.unwrap(), Outcome::Finished);
}

#[test]
fn an_error_of_a_hook_comes_back_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(
        &mut task::trainer(|n| n, task::config(5)),
        &plan(folder.path()),
        RunHooks {
            batch: &mut |_| Err(BoxError::from("line 7 has no label")),
            evaluate: None,
            look: None,
            save_best: &mut |_| Ok(()),
            on_event: &mut |_| Ok(()),
        },
        &AtomicBool::new(false),
    );
    assert_eq!(outcome.unwrap_err().to_string(), "line 7 has no label");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The steps of looks, each with what the last step did to a row.
fn looks(trainer: &mut Trainer<Network>, plan: &RunPlan) -> Vec<(u64, Option<RowStep>)> {
    let rows = [WatchedRow {
        parameter: "first".to_owned(),
        row: 1,
    }];
    let mut seen = Vec::new();
    let mut told = Vec::new();
    run(
        trainer,
        plan,
        RunHooks {
            batch: &mut |index| Ok(task::micro_batch(index)),
            evaluate: None,
            look: Some(Look {
                rows: &rows,
                look: &mut |trainer, done| {
                    let step = trainer.steps_done();
                    seen.push((step, done.first().cloned()));
                    Ok(Special {
                        step,
                        ..Special::default()
                    })
                },
            }),
            save_best: &mut |_| Ok(()),
            on_event: &mut |event| {
                if let Event::Special(look) = event {
                    told.push(look.step);
                }
                Ok(())
            },
        },
        &AtomicBool::new(false),
    )
    .unwrap();
    assert_eq!(told, seen.iter().map(|look| look.0).collect::<Vec<_>>());
    seen
}

#[test]
fn looks_come_before_the_first_step_and_whenever_an_evaluation_is_due_even_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = task::trainer(|n| n, task::config(5));
    let seen = looks(&mut trainer, &plan(folder.path()));
    let steps: Vec<u64> = seen.iter().map(|look| look.0).collect();
    assert_eq!(steps, [0, 2, 4, 5]);
    assert_eq!(seen[0].1, None);
    assert!(seen[1..].iter().all(|look| look.1.is_some()));
}

#[test]
fn a_run_that_goes_on_does_not_look_where_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let mut trainer = task::trainer(|n| n, task::config(5));
    trainer.step(&task::next(&trainer)).unwrap();
    let seen = looks(&mut trainer, &plan(folder.path()));
    assert_eq!(
        seen.iter().map(|look| look.0).collect::<Vec<_>>(),
        [2, 4, 5]
    );
}
