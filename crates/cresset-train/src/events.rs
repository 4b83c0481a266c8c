//! What happens in a run, and its logs.

mod lines;
mod special;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::lines::{MetricsLog, VectorLog};
pub use self::special::{
    CloudShape, NamedVector, Neighbour, Special, SpecialVector, TokenAttention, VectorSnapshot,
};
use crate::StepReport;

/// Something that happened in a run; one line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run begins or goes on after `step` of `steps`.
    Started {
        /// Steps done before.
        step: u64,
        /// Steps of the whole run.
        steps: u64,
    },
    /// An optimizer step.
    Step {
        /// What it did.
        #[serde(flatten)]
        report: StepReport,
        /// Wall-clock seconds that it took, its batches included.
        seconds: f64,
        /// Of these, seconds spent waiting for the batches.
        #[serde(default)]
        data_wait_seconds: f64,
        /// Input tokens per second.
        tokens_per_second: f64,
    },
    /// An evaluation.
    Evaluated {
        /// After this step.
        step: u64,
        /// Metrics by name.
        values: BTreeMap<String, f64>,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// A look at the special vectors, before the first step and beside evaluations.
    Special(Box<Special>),
    /// The last evaluation was the best so far and its model is saved.
    BestSaved {
        /// After this step.
        step: u64,
        /// The metric that decides.
        metric: String,
        /// Its value.
        value: f64,
    },
    /// A checkpoint is on the disk.
    CheckpointSaved {
        /// After this step.
        step: u64,
        /// Its folder.
        path: PathBuf,
    },
    /// The run was asked to stop and has a checkpoint.
    Interrupted {
        /// After this step.
        step: u64,
    },
    /// All steps are done.
    Finished {
        /// The last step.
        step: u64,
    },
}

impl Event {
    /// The step after which it happened.
    pub fn step(&self) -> u64 {
        match self {
            Event::Step { report, .. } => report.step,
            Event::Special(special) => special.step,
            Event::Started { step, .. }
            | Event::Evaluated { step, .. }
            | Event::BestSaved { step, .. }
            | Event::CheckpointSaved { step, .. }
            | Event::Interrupted { step }
            | Event::Finished { step } => *step,
        }
    }
}
