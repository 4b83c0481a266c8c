//! Fits a line to four points in a temporary folder, stops in the middle, and goes on in a second trainer.
//!
//! ```sh
//! cargo run --release -p cresset-train --example regression
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use cresset_train::{
    AdamWConfig, BoxError, Checkpoints, Denominators, Event, KeepBest, LossTerm, LossTerms,
    Objective, OptimConfig, Outcome, Report, RunHooks, RunPlan, ScheduleConfig, StepContext,
    Trainer, TrainerConfig, run,
};

/// `y = slope x + offset`.
#[derive(Module, Debug)]
struct Line {
    slope: Param<Tensor<1>>,
    offset: Param<Tensor<1>>,
}

/// Points `(x, y)`.
type Points = Vec<(f32, f32)>;

impl Line {
    fn squared_error(&self, points: &Points) -> Tensor<1> {
        let device = self.slope.device();
        let (x, y): (Vec<f32>, Vec<f32>) = points.iter().copied().unzip();
        let x = Tensor::<1>::from_floats(x.as_slice(), &device);
        let y = Tensor::<1>::from_floats(y.as_slice(), &device);
        (x * self.slope.val() + self.offset.val() - y)
            .square()
            .sum()
    }
}

impl Objective for Line {
    type Batch = Points;

    fn denominators(points: &Points) -> Denominators {
        Denominators(vec![("squared_error", points.len() as f64)])
    }

    fn tokens(points: &Points) -> usize {
        points.len()
    }

    fn loss(&self, points: &Points, _at: &StepContext) -> LossTerms {
        LossTerms(vec![LossTerm {
            name: "squared_error",
            sum: self.squared_error(points),
            weight: 1.0,
        }])
    }

    fn observe(&self, points: &Points, report: &mut Report) {
        report.add(
            "loss",
            self.squared_error(points).into_data().iter::<f64>().sum(),
            points.len() as f64,
        );
    }
}

fn trainer() -> Result<Trainer<Line>, BoxError> {
    let device = Device::flex().autodiff();
    let line = Line {
        slope: Param::from_tensor(Tensor::zeros([1], &device)),
        offset: Param::from_tensor(Tensor::zeros([1], &device)),
    };
    let config = TrainerConfig {
        seed: 0,
        steps: 200,
        accumulate: 2,
        checkpoint_layers: false,
        optim: OptimConfig {
            adamw: AdamWConfig {
                lr: 0.1,
                ..AdamWConfig::default()
            },
            clip: Some(10.0),
        },
        schedule: ScheduleConfig::default(),
    };
    Ok(Trainer::new(line, config)?)
}

/// Trains to the end or, where `stop_at` is given, to that step.
fn train(
    trainer: &mut Trainer<Line>,
    plan: &RunPlan,
    stop_at: Option<u64>,
) -> Result<Outcome, BoxError> {
    let points = [(0.0, 1.0), (1.0, 3.0), (2.0, 5.0), (3.0, 7.0)];
    let stop = AtomicBool::new(false);
    let outcome = run(
        trainer,
        plan,
        RunHooks {
            // Two points per micro-batch, as a function of the index.
            batch: &mut |index| Ok(points[(index % 2 * 2) as usize..][..2].to_vec()),
            evaluate: Some(&mut |trainer| {
                Ok(trainer
                    .evaluate([Ok::<_, BoxError>(points.to_vec())])?
                    .values())
            }),
            look: None,
            save_best: &mut |_| Ok(()),
            on_event: &mut |event| {
                match event {
                    Event::Step { report, .. } if Some(report.step) == stop_at => {
                        stop.store(true, Ordering::Relaxed)
                    }
                    Event::Step { .. } => {}
                    other => println!("{other:?}"),
                }
                Ok(())
            },
        },
        &stop,
    )?;
    Ok(outcome)
}

fn main() -> Result<(), BoxError> {
    let folder = tempfile::tempdir()?;
    let checkpoints = Checkpoints::new(folder.path().join("checkpoints"));
    let plan = RunPlan {
        eval_every: Some(50),
        checkpoint_every: None,
        keep_last: 1,
        keep_best: Some(KeepBest::lower("loss")),
        checkpoints: folder.path().join("checkpoints"),
        user: serde_json::Value::Null,
    };
    println!("{:?}", train(&mut trainer()?, &plan, Some(120))?);

    let mut second = trainer()?;
    let latest = checkpoints
        .latest()?
        .ok_or("the first run wrote a checkpoint")?;
    second.load_checkpoint(&latest.path)?;
    println!("{:?}", train(&mut second, &plan, None)?);
    let Line { slope, offset } = second.into_model();
    println!(
        "y = {:.2} x + {:.2}",
        slope.val().into_scalar::<f32>(),
        offset.val().into_scalar::<f32>()
    );
    Ok(())
}
