//! The run loop: steps, evaluations, checkpoints, until the last step or a request to stop.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    BoxError, Checkpoints, Event, Objective, RowStep, Special, TrainError, Trainer, WatchedRow,
};

/// When a run evaluates and what it keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPlan {
    /// Steps between evaluations; `None` evaluates only after the last step.
    pub eval_every: Option<u64>,
    /// Steps between checkpoints; `None` writes one only after the last step.
    pub checkpoint_every: Option<u64>,
    /// Checkpoints that are kept besides the best; at least 1.
    pub keep_last: usize,
    /// By which metric the best model is chosen.
    pub keep_best: Option<KeepBest>,
    /// The folder of the checkpoints.
    pub checkpoints: PathBuf,
    /// The caller's own value, written into every checkpoint.
    pub user: Value,
}

/// How the best evaluation is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepBest {
    /// The metric's name.
    pub metric: String,
    /// Which way is better.
    pub direction: Direction,
}

impl KeepBest {
    /// The more, the better, as with accuracy.
    pub fn higher(metric: impl Into<String>) -> Self {
        KeepBest {
            metric: metric.into(),
            direction: Direction::Higher,
        }
    }

    /// The less, the better, as with a loss.
    pub fn lower(metric: impl Into<String>) -> Self {
        KeepBest {
            metric: metric.into(),
            direction: Direction::Lower,
        }
    }
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As accuracy.
    Higher,
    /// As loss.
    Lower,
}

/// The best evaluation so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// After this step.
    pub step: u64,
    /// Value of the deciding metric.
    pub value: f64,
}

/// Computes metrics by name from a trainer's model.
pub type Evaluate<'a, O> =
    &'a mut dyn FnMut(&Trainer<O>) -> Result<BTreeMap<String, f64>, BoxError>;

/// What the run loop asks of its caller. Batches come from outside by index, so that going on is asking for later ones.
pub struct RunHooks<'a, O: Objective> {
    /// The micro-batch with this global index, from 0.
    pub batch: &'a mut dyn FnMut(u64) -> Result<O::Batch, BoxError>,
    /// Metrics of the model as it is; [`Trainer::evaluate`] makes the report. `None`: there is nothing to evaluate on.
    pub evaluate: Option<Evaluate<'a, O>>,
    /// What is looked at before the first step and beside the evaluations, those of a run that has nothing to evaluate on
    /// included.
    pub look: Option<Look<'a, O>>,
    /// Saves the model of the best evaluation so far.
    pub save_best: &'a mut dyn FnMut(&O) -> Result<(), BoxError>,
    /// Told of everything that happens.
    pub on_event: &'a mut dyn FnMut(&Event) -> Result<(), BoxError>,
}

/// A look at a model in training, which changes nothing in it.
pub struct Look<'a, O: Objective> {
    /// Rows of which the look is told what the last step did to them.
    pub rows: &'a [WatchedRow],
    /// Looks; before the first step nothing has been done to any row.
    pub look: LookAt<'a, O>,
}

/// What is told of a trainer's model, given what the last step did to the rows.
pub type LookAt<'a, O> = &'a mut dyn FnMut(&Trainer<O>, &[RowStep]) -> Result<Special, BoxError>;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done and a checkpoint of the last one is written.
    Finished,
    /// The stop flag was seen after `step`, and a checkpoint is written.
    Interrupted {
        /// Steps done.
        step: u64,
    },
}

/// Trains from where the trainer stands to its last step.
///
/// A trainer that was loaded from a checkpoint goes on exactly: the micro-batch indices, the dropout and the schedule are
/// functions of the step.
///
/// # Errors
/// As [`Trainer::step`] and [`Trainer::save_checkpoint`]; an error of a hook; an evaluation without the metric of
/// `keep_best`.
pub fn run<O: Objective>(
    trainer: &mut Trainer<O>,
    plan: &RunPlan,
    hooks: RunHooks<'_, O>,
    stop: &AtomicBool,
) -> Result<Outcome, TrainError> {
    let checkpoints = Checkpoints::new(&plan.checkpoints);
    checkpoints.clean()?;
    let mut running = Running {
        trainer,
        plan,
        hooks,
        checkpoints,
    };
    let steps = running.trainer.config().steps;
    running.tell(Event::Started {
        step: running.trainer.steps_done(),
        steps,
    })?;
    if running.trainer.steps_done() == 0 {
        running.look(&[])?;
    }
    let mut saved = None;
    while running.trainer.steps_done() < steps {
        if stop.load(Ordering::Relaxed) {
            let step = running.trainer.steps_done();
            if saved != Some(step) {
                running.save()?;
            }
            running.tell(Event::Interrupted { step })?;
            return Ok(Outcome::Interrupted { step });
        }
        let step = running.trainer.steps_done() + 1;
        let last = step == steps;
        if last || is_due(plan.eval_every, step) {
            let rows = running
                .hooks
                .look
                .as_ref()
                .map_or(&[][..], |look| look.rows);
            let done = running.step(rows)?;
            running.evaluate(step)?;
            running.look(&done)?;
        } else {
            running.step(&[])?;
        }
        if last || is_due(plan.checkpoint_every, step) {
            running.save()?;
            saved = Some(step);
        }
    }
    running.tell(Event::Finished { step: steps })?;
    Ok(Outcome::Finished)
}

fn is_due(every: Option<u64>, step: u64) -> bool {
    every.is_some_and(|every| step.is_multiple_of(every.max(1)))
}

struct Running<'a, 'h, O: Objective> {
    trainer: &'a mut Trainer<O>,
    plan: &'a RunPlan,
    hooks: RunHooks<'h, O>,
    checkpoints: Checkpoints,
}

impl<O: Objective> Running<'_, '_, O> {
    fn step(&mut self, rows: &[WatchedRow]) -> Result<Vec<RowStep>, TrainError> {
        let began = Instant::now();
        let accumulate = self.trainer.config().accumulate as u64;
        let first = self.trainer.steps_done() * accumulate;
        let micro_batches = (first..first + accumulate)
            .map(|index| (self.hooks.batch)(index))
            .collect::<Result<Vec<_>, _>>()
            .map_err(TrainError::Callback)?;
        let data_wait_seconds = began.elapsed().as_secs_f64();
        let (report, done) = self.trainer.step_watching(&micro_batches, rows)?;
        let seconds = began.elapsed().as_secs_f64();
        let tokens_per_second = report.tokens as f64 / seconds.max(f64::MIN_POSITIVE);
        self.tell(Event::Step {
            report,
            seconds,
            data_wait_seconds,
            tokens_per_second,
        })?;
        Ok(done)
    }

    fn look(&mut self, done: &[RowStep]) -> Result<(), TrainError> {
        let Some(look) = &mut self.hooks.look else {
            return Ok(());
        };
        let special = (look.look)(self.trainer, done).map_err(TrainError::Callback)?;
        self.tell(Event::Special(Box::new(special)))
    }

    fn evaluate(&mut self, step: u64) -> Result<(), TrainError> {
        let Some(evaluate) = &mut self.hooks.evaluate else {
            return Ok(());
        };
        let began = Instant::now();
        let values = evaluate(self.trainer).map_err(TrainError::Callback)?;
        let decisive = self
            .plan
            .keep_best
            .as_ref()
            .map(|keep| find(keep, &values))
            .transpose()?;
        self.tell(Event::Evaluated {
            step,
            values,
            seconds: began.elapsed().as_secs_f64(),
        })?;
        let (Some(keep), Some(value)) = (&self.plan.keep_best, decisive) else {
            return Ok(());
        };
        let better = match (&self.trainer.best, keep.direction) {
            _ if value.is_nan() => false,
            (None, _) => true,
            (Some(best), Direction::Higher) => value > best.value,
            (Some(best), Direction::Lower) => value < best.value,
        };
        if better {
            (self.hooks.save_best)(self.trainer.model()).map_err(TrainError::Callback)?;
            self.trainer.best = Some(Best { step, value });
            self.tell(Event::BestSaved {
                step,
                metric: keep.metric.clone(),
                value,
            })?;
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), TrainError> {
        let step = self.trainer.steps_done();
        let path = self.checkpoints.path(step);
        self.trainer.save_checkpoint(&path, &self.plan.user)?;
        let best = self.trainer.best.as_ref().map(|best| best.step);
        self.checkpoints.prune(self.plan.keep_last.max(1), best)?;
        self.tell(Event::CheckpointSaved { step, path })
    }

    fn tell(&mut self, event: Event) -> Result<(), TrainError> {
        (self.hooks.on_event)(&event).map_err(TrainError::Callback)
    }
}

fn find(keep: &KeepBest, values: &BTreeMap<String, f64>) -> Result<f64, TrainError> {
    values
        .get(&keep.metric)
        .copied()
        .ok_or_else(|| TrainError::Config {
            key: "train.keep_best",
            value: keep.metric.clone(),
            must: format!(
                "the evaluation gives {}; choose one of them",
                values.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
        })
}
