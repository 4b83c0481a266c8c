//! What the trainer knows of a task: batches become named loss sums.

use std::rc::Rc;

use burn::module::Module;
use burn::tensor::Tensor;
use cresset_ops::{LayerTape, Run};

use crate::Report;

/// A model together with what it learns.
///
/// An implementation returns SUMS over targets; the trainer divides each by the target count of the whole optimizer step,
/// so that 1 x 8 rows and 4 x 2 rows give the same gradient however the targets are spread.
pub trait Objective: Module + 'static {
    /// Plain numbers of one micro-batch.
    type Batch: Send + Sync + 'static;

    /// What each loss term of this batch is divided by, known on the host.
    fn denominators(batch: &Self::Batch) -> Denominators;

    /// Number of input tokens, padding not counted; for the tokens per second of the log.
    fn tokens(batch: &Self::Batch) -> usize;

    /// The loss terms of a training batch. Dropout comes from [`StepContext::run`].
    fn loss(&self, batch: &Self::Batch, at: &StepContext) -> LossTerms;

    /// Adds an evaluation batch to the report; called on a model without autodiff.
    fn observe(&self, batch: &Self::Batch, report: &mut Report);
}

/// Where in the training a forward pass stands; the key of its randomness.
#[derive(Clone, Debug)]
pub struct StepContext {
    /// Seed of the run.
    pub seed: u64,
    /// Optimizer step, from 1.
    pub step: u64,
    /// Micro-batch within the step, from 0.
    pub micro: u64,
    /// Where layers are noted down under activation checkpointing.
    pub tape: Option<Rc<LayerTape>>,
}

impl StepContext {
    /// The dropout of this forward pass.
    pub fn run(&self) -> Run {
        let run = Run::training(self.seed, self.step, self.micro);
        match &self.tape {
            Some(tape) => run.on_tape(tape.clone()),
            None => run,
        }
    }
}

/// One named part of the loss.
#[derive(Clone, Debug)]
pub struct LossTerm {
    /// Its name, as in [`Objective::denominators`].
    pub name: &'static str,
    /// The sum over the batch's targets: one element.
    pub sum: Tensor<1>,
    /// Weight in the total loss.
    pub weight: f64,
}

/// The loss of one micro-batch.
#[derive(Clone, Debug)]
pub struct LossTerms(pub Vec<LossTerm>);

/// By what each term's sum is divided: the number of targets, or the sum of their weights. Zero is allowed: such a term
/// contributes zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Denominators(pub Vec<(&'static str, f64)>);

impl Denominators {
    /// The denominator of a term.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }

    /// Adds those of another micro-batch of the same step.
    pub fn add(&mut self, other: &Denominators) {
        for &(name, value) in &other.0 {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += value,
                None => self.0.push((name, value)),
            }
        }
    }
}
