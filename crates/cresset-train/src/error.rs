//! What can go wrong in training.

use std::error::Error;
use std::io;
use std::path::PathBuf;

/// An error that a callback of the run loop returns; it comes back inside [`TrainError::Callback`].
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// What can go wrong in training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A value of the configuration makes no sense.
    #[error("{key} is {value}, but {must}")]
    Config {
        /// The key as in the config file.
        key: &'static str,
        /// The value given.
        value: String,
        /// What it must be, and the way out.
        must: String,
    },
    /// The model has nothing to train.
    #[error("the model has no parameter that takes gradients; build it on `device.autodiff()`")]
    NotTrainable,
    /// What is to be trained is not there, or is told in two ways.
    #[error("{0}")]
    Scope(String),
    /// A step without a micro-batch.
    #[error("step {step} was given no micro-batch; give at least one")]
    NoBatch {
        /// The step, from 1.
        step: u64,
    },
    /// An objective returned a term whose denominator it did not announce.
    #[error(
        "the objective returned the loss term `{term}` but announced denominators for {known}; use the same names in both"
    )]
    UnknownTerm {
        /// The term's name.
        term: &'static str,
        /// The announced names.
        known: String,
    },
    /// A loss term is infinite or not a number. Nothing was updated.
    #[error(
        "the loss term `{term}` is {value} at step {step}, batch {batch} ({}); no weight was changed; \
         lower optim.adamw.lr, lengthen the warm-up, or look at this batch",
        first_bad(parameter)
    )]
    NonFiniteLoss {
        /// The step, from 1.
        step: u64,
        /// The term's name.
        term: &'static str,
        /// NaN or an infinity.
        value: f64,
        /// Global index of the first micro-batch with such a loss.
        batch: u64,
        /// Path of the first parameter with a non-finite gradient.
        parameter: Option<String>,
    },
    /// The loss is finite but a gradient is not. Nothing was updated.
    #[error(
        "the gradient of `{parameter}` is not finite at step {step}, batches {first_batch} to {last_batch} (loss {loss}); \
         no weight was changed; lower optim.adamw.lr, lengthen the warm-up, or look at these batches"
    )]
    NonFiniteGradient {
        /// The step, from 1.
        step: u64,
        /// Path of the first parameter with such a gradient.
        parameter: String,
        /// The loss of the step.
        loss: f64,
        /// Global index of the step's first micro-batch.
        first_batch: u64,
        /// Global index of the step's last micro-batch.
        last_batch: u64,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}; free some space or choose another folder", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A checkpoint is cut short or altered.
    #[error("{} is damaged: {problem}; delete the checkpoint {} and go on from an earlier one", path.display(), checkpoint.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The checkpoint it belongs to.
        checkpoint: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A checkpoint belongs to another model or another run.
    #[error("the checkpoint {} does not fit this run: {problem}", checkpoint.display())]
    Mismatch {
        /// The checkpoint.
        checkpoint: PathBuf,
        /// What differs, and the way out.
        problem: String,
    },
    /// A callback of the run loop failed.
    #[error(transparent)]
    Callback(BoxError),
}

fn first_bad(parameter: &Option<String>) -> String {
    match parameter {
        Some(path) => format!("first bad gradient: `{path}`"),
        None => "all gradients are finite".to_owned(),
    }
}
