//! The optimizer step.

use std::collections::BTreeMap;

use burn::module::{ModuleVisitor, Param};
use burn::tensor::Tensor;
use cresset_ops::on_workers;
use serde::{Deserialize, Serialize};

use crate::optim::AdamW;
use crate::pass::{Pass, Reading, pass};
use crate::watched::{Before, RowStep, WatchedRow};
use crate::{
    Best, Gradients, Objective, OptimConfig, Report, ScheduleConfig, Scope, TrainError,
    clip_factor, global_norm,
};

/// What a training is, apart from its model and data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig {
    /// Seed of the dropout.
    pub seed: u64,
    /// Optimizer steps of the whole training.
    pub steps: u64,
    /// Micro-batches per optimizer step.
    pub accumulate: usize,
    /// Whether what stands inside a layer is made again in the backward pass instead of kept: less memory, more time.
    #[serde(default)]
    pub checkpoint_layers: bool,
    /// The optimizer.
    pub optim: OptimConfig,
    /// The learning rate over the steps.
    pub schedule: ScheduleConfig,
}

impl TrainerConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// No steps, no micro-batches, or as [`OptimConfig::validate`] and [`ScheduleConfig::validate`].
    pub fn validate(&self) -> Result<(), TrainError> {
        if self.steps == 0 {
            return Err(TrainError::Config {
                key: "train.steps",
                value: "0".to_owned(),
                must: "it must be at least 1".to_owned(),
            });
        }
        if self.accumulate == 0 {
            return Err(TrainError::Config {
                key: "train.accumulate",
                value: "0".to_owned(),
                must: "it must be at least 1 micro-batch per step".to_owned(),
            });
        }
        self.optim.validate()?;
        self.schedule.validate(self.steps)
    }
}

/// What one optimizer step did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step, from 1.
    pub step: u64,
    /// The total loss, weighted, over all targets of the step.
    pub loss: f64,
    /// Each term by name, over its own targets; a term without targets is left out.
    pub terms: BTreeMap<String, f64>,
    /// Global norm of the gradients before clipping.
    pub grad_norm: f64,
    /// Learning rate.
    pub lr: f64,
    /// Input tokens of the step.
    pub tokens: usize,
}

/// An objective in training: its weights, the optimizer's state and the step it stands at.
pub struct Trainer<O: Objective> {
    /// Taken out only during an update, which must own the weights.
    pub(crate) objective: Option<O>,
    pub(crate) optimizer: AdamW,
    pub(crate) config: TrainerConfig,
    pub(crate) step: u64,
    pub(crate) best: Option<Best>,
}

impl<O: Objective> Trainer<O> {
    /// A training at step 0. The objective's parameters lie on a device with autodiff.
    ///
    /// # Errors
    /// As [`TrainerConfig::validate`]; a model without a parameter that takes gradients.
    pub fn new(objective: O, config: TrainerConfig) -> Result<Self, TrainError> {
        config.validate()?;
        let mut trainable = Trainable(0);
        objective.visit(&mut trainable);
        if trainable.0 == 0 {
            return Err(TrainError::NotTrainable);
        }
        let optimizer = AdamW::new(config.optim.adamw.clone(), Scope::default());
        Ok(Trainer {
            objective: Some(objective),
            optimizer,
            config,
            step: 0,
            best: None,
        })
    }

    /// The same training of a part of the model.
    ///
    /// # Errors
    /// As [`Scope::check`].
    pub fn with_scope(self, scope: Scope) -> Result<Self, TrainError> {
        scope.check(self.model())?;
        let optimizer = AdamW::new(self.config.optim.adamw.clone(), scope);
        Ok(Trainer { optimizer, ..self })
    }

    /// What is trained.
    pub fn scope(&self) -> &Scope {
        self.optimizer.scope()
    }

    /// The objective with its weights as they are now, with autodiff.
    pub fn model(&self) -> &O {
        self.objective
            .as_ref()
            .expect("the weights are put back after every update")
    }

    /// Gives the objective back and drops the optimizer's state.
    pub fn into_model(self) -> O {
        self.objective
            .expect("the weights are put back after every update")
    }

    /// The configuration.
    pub fn config(&self) -> &TrainerConfig {
        &self.config
    }

    /// Optimizer steps done.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// The best evaluation so far, where the run loop keeps one.
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// The learning rate of a step, from 1.
    pub fn lr(&self, step: u64) -> f64 {
        self.config.optim.adamw.lr * self.config.schedule.factor(step, self.config.steps)
    }

    /// One optimizer step over its micro-batches.
    ///
    /// Every loss sum is divided by the denominators of all micro-batches together. The loss and the norm of the gradients
    /// are read from the device once and checked before any weight is touched. A parameter without a gradient stays as
    /// it is; a step without any target changes nothing but the step count.
    ///
    /// # Errors
    /// No micro-batch, a term without an announced denominator, a loss or a gradient that is not finite. The weights and
    /// the step count are then as before.
    pub fn step(&mut self, micro_batches: &[O::Batch]) -> Result<StepReport, TrainError> {
        self.step_watching(micro_batches, &[])
            .map(|(report, _)| report)
    }

    /// As [`Trainer::step`], and what it did to some rows, in their order; a row that is not there is left out. The step
    /// itself is the same.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub fn step_watching(
        &mut self,
        micro_batches: &[O::Batch],
        rows: &[WatchedRow],
    ) -> Result<(StepReport, Vec<RowStep>), TrainError> {
        match self.model().devices().first().cloned() {
            Some(device) => on_workers(&device, || self.step_here(micro_batches, rows)),
            None => self.step_here(micro_batches, rows),
        }
    }

    fn step_here(
        &mut self,
        micro_batches: &[O::Batch],
        rows: &[WatchedRow],
    ) -> Result<(StepReport, Vec<RowStep>), TrainError> {
        let pass = self.pass(micro_batches)?;
        let reading = pass.read(self.model());
        let mut report = self.report(&pass, &reading, micro_batches);
        self.check(&pass, &reading, &report)?;

        let factor = self
            .config
            .optim
            .clip
            .map_or(1.0, |clip| clip_factor(report.grad_norm, clip));
        report.lr = self.lr(report.step);
        let before = Before::of(self.model(), &pass.gradients, rows);
        let objective = self
            .objective
            .take()
            .expect("the weights are put back after every update");
        self.objective = Some(
            self.optimizer
                .update(objective, pass.gradients, report.lr, factor),
        );
        self.step = report.step;
        Ok((report, before.after(self.model())))
    }

    /// The gradients that the next step would use, before clipping; nothing is changed.
    ///
    /// # Errors
    /// No micro-batch; a term without an announced denominator.
    pub fn gradients(&self, micro_batches: &[O::Batch]) -> Result<Gradients, TrainError> {
        Ok(self.pass(micro_batches)?.gradients)
    }

    /// Forward and backward of the next step; of the gradients, what the scope follows.
    fn pass(&self, micro_batches: &[O::Batch]) -> Result<Pass, TrainError> {
        let mut pass = pass(self.model(), micro_batches, &self.config, self.step + 1)?;
        pass.gradients.restrict(self.model(), self.scope());
        Ok(pass)
    }

    /// As [`evaluate`], with the weights as they are now.
    ///
    /// # Errors
    /// The first batch that is an error.
    pub fn evaluate<E>(
        &self,
        batches: impl IntoIterator<Item = Result<O::Batch, E>>,
    ) -> Result<Report, E> {
        evaluate(self.model(), batches)
    }

    fn report(&self, pass: &Pass, reading: &Reading, micro_batches: &[O::Batch]) -> StepReport {
        let mut loss = 0.0;
        let mut terms = BTreeMap::new();
        for (term, sum) in pass.sums.iter().zip(&reading.sums) {
            let share = sum / term.denominator;
            loss += term.weight * share;
            *terms.entry(term.name.to_owned()).or_insert(0.0) += share;
        }
        StepReport {
            step: self.step + 1,
            loss,
            terms,
            grad_norm: global_norm(&reading.squares),
            lr: 0.0,
            tokens: micro_batches.iter().map(O::tokens).sum(),
        }
    }

    fn check(&self, pass: &Pass, reading: &Reading, report: &StepReport) -> Result<(), TrainError> {
        let parameter = reading.first_bad_gradient().map(str::to_owned);
        let first_batch = self.step * self.config.accumulate as u64;
        if let Some((term, &value)) = pass
            .sums
            .iter()
            .zip(&reading.sums)
            .find(|(_, sum)| !sum.is_finite())
        {
            return Err(TrainError::NonFiniteLoss {
                step: report.step,
                term: term.name,
                value,
                batch: first_batch + term.micro as u64,
                parameter,
            });
        }
        match parameter {
            Some(parameter) => Err(TrainError::NonFiniteGradient {
                step: report.step,
                parameter,
                loss: report.loss,
                first_batch,
                last_batch: first_batch + pass.n_micro_batches as u64 - 1,
            }),
            None => Ok(()),
        }
    }
}

/// Reports over batches, on a view of the model without autodiff; its weights are shared, not copied.
///
/// # Errors
/// The first batch that is an error.
pub fn evaluate<O: Objective, E>(
    model: &O,
    batches: impl IntoIterator<Item = Result<O::Batch, E>>,
) -> Result<Report, E> {
    let model = model.valid();
    let mut report = Report::new();
    for batch in batches {
        model.observe(&batch?, &mut report);
    }
    Ok(report)
}

impl<O: Objective> std::fmt::Debug for Trainer<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainer")
            .field("step", &self.step)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Counts the parameters that take gradients.
struct Trainable(usize);

impl ModuleVisitor for Trainable {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0 += usize::from(param.base().is_require_grad());
    }
}
