//! A run that is cut in two is the run.

use cresset_train::{
    Direction, Event, KeepBest, MetricsLog, Outcome, RunHooks, RunPlan, TrainError, Trainer, run,
};
use serde_json::json;

use crate::task::{self, Network};

fn fresh() -> Trainer<Network> {
    task::trainer(|n| n.with_dropout(0.25), task::config(9))
}

fn steps(trainer: &mut Trainer<Network>, n: u64) -> Vec<f64> {
    (0..n)
        .map(|_| trainer.step(&task::next(trainer)).unwrap().loss)
        .collect()
}

#[test]
fn bug_class_06_k_steps_a_checkpoint_and_the_rest_give_the_same_bytes() {
    if !task::is_cpu() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut whole = fresh();
    let whole_losses = steps(&mut whole, 9);
    for k in [0, 1, 4, 8] {
        let checkpoint = folder.path().join(format!("step-{k}"));
        let mut first = fresh();
        let mut losses = steps(&mut first, k);
        first
            .save_checkpoint(&checkpoint, &json!({ "note": k }))
            .unwrap();
        drop(first);

        let mut second = fresh();
        assert_eq!(
            second.load_checkpoint(&checkpoint).unwrap(),
            json!({ "note": k })
        );
        assert_eq!(second.steps_done(), k);
        losses.extend(steps(&mut second, 9 - k));
        assert_eq!(losses, whole_losses, "cut after {k}");
        assert_eq!(
            task::weights(second.model()),
            task::weights(whole.model()),
            "cut after {k}"
        );

        // The optimizer's state too: both write the same files.
        let (a, b) = (
            folder.path().join(format!("a-{k}")),
            folder.path().join(format!("b-{k}")),
        );
        whole.save_checkpoint(&a, &json!(null)).unwrap();
        second.save_checkpoint(&b, &json!(null)).unwrap();
        for name in [
            "weights.safetensors",
            "optimizer.safetensors",
            "trainer.json",
        ] {
            assert_eq!(
                std::fs::read(a.join(name)).unwrap(),
                std::fs::read(b.join(name)).unwrap(),
                "{name}, cut after {k}"
            );
        }
    }
}

#[test]
fn bug_class_06_an_interrupted_run_goes_on_with_the_same_batches_and_log() {
    let folder = tempfile::tempdir().unwrap();
    let whole = record(&mut fresh(), folder.path().join("whole"), None).unwrap();
    assert_eq!(whole.outcome, Outcome::Finished);

    let cut = folder.path().join("cut");
    let first = record(&mut fresh(), cut.clone(), Some(5)).unwrap();
    assert_eq!(first.outcome, Outcome::Interrupted { step: 5 });
    assert_eq!(first.indices, (0..10).collect::<Vec<_>>());

    // The process is killed a step later: its log has a line more than its last checkpoint, and half of another.
    let log = cut.join("metrics.jsonl");
    let mut text = std::fs::read_to_string(&log).unwrap();
    text.push_str("{\"event\":\"step\",\"step\":6,\"loss\":1.0}\n{\"event\":\"st");
    std::fs::write(&log, text).unwrap();

    let mut second = fresh();
    let latest = cresset_train::Checkpoints::new(cut.join("checkpoints"))
        .latest()
        .unwrap()
        .unwrap();
    assert_eq!(latest.step, 5);
    second.load_checkpoint(&latest.path).unwrap();
    let rest = record(&mut second, cut.clone(), None).unwrap();
    assert_eq!(rest.indices, (10..18).collect::<Vec<_>>());
    assert_eq!(rest.trainer_best, whole.trainer_best);
    if task::is_cpu() {
        assert_eq!(rest.weights, whole.weights);
        assert_eq!(losses(&cut), losses(&folder.path().join("whole")));
    }
    let steps: Vec<u64> = losses(&cut).into_iter().map(|(step, _)| step).collect();
    assert_eq!(
        steps,
        (1..=9).collect::<Vec<_>>(),
        "every step stands once in the log"
    );
}

struct Recorded {
    outcome: Outcome,
    indices: Vec<u64>,
    weights: std::collections::BTreeMap<String, Vec<f32>>,
    trainer_best: Option<cresset_train::Best>,
}

fn record(
    trainer: &mut Trainer<Network>,
    folder: std::path::PathBuf,
    stop_after: Option<u64>,
) -> Result<Recorded, TrainError> {
    std::fs::create_dir_all(&folder).unwrap();
    let plan = RunPlan {
        eval_every: Some(2),
        checkpoint_every: Some(3),
        keep_last: 2,
        keep_best: Some(KeepBest {
            metric: "loss".to_owned(),
            direction: Direction::Lower,
        }),
        checkpoints: folder.join("checkpoints"),
        user: json!({}),
    };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let mut log = MetricsLog::open(&folder.join("metrics.jsonl"))?;
    let mut indices = Vec::new();
    let outcome = run(
        trainer,
        &plan,
        RunHooks {
            batch: &mut |index| {
                indices.push(index);
                Ok(task::micro_batch(index))
            },
            evaluate: Some(&mut |trainer| {
                Ok(trainer
                    .evaluate([Ok::<_, TrainError>(task::Rows::of(100..120))])?
                    .values())
            }),
            look: None,
            save_best: &mut |_| Ok(()),
            on_event: &mut |event| {
                log.write(event)?;
                if let Event::Step { report, .. } = event {
                    stop.store(
                        Some(report.step) == stop_after,
                        std::sync::atomic::Ordering::Relaxed,
                    );
                }
                Ok(())
            },
        },
        &stop,
    )?;
    Ok(Recorded {
        outcome,
        indices,
        weights: task::weights(trainer.model()),
        trainer_best: trainer.best().cloned(),
    })
}

fn losses(folder: &std::path::Path) -> Vec<(u64, f64)> {
    let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str::<Event>(line).unwrap())
        .filter_map(|event| match event {
            Event::Step { report, .. } => Some((report.step, report.loss)),
            _ => None,
        })
        .collect()
}
