//! A step-based training loop with exact checkpoints.
//!
//! # Tour
//!
//! * An [`Objective`] is a model with its loss. It returns named SUMS over targets ([`LossTerms`]) and says on the host by what
//!   each is to be divided ([`Denominators`]); only the trainer divides, by the counts of the whole optimizer step.
//! * A [`Trainer`] does optimizer steps: forward and backward over the micro-batches, one read of losses and gradient norms,
//!   the check that they are finite, clipping by the global norm ([`clip_factor`]), the schedule ([`ScheduleConfig`]) and AdamW
//!   ([`OptimConfig`]), whose state is keyed by parameter path.
//! * A [`Scope`] says what of the model is trained: all of it, some parameters, and rows of a table by a [`RowRule`] of their own.
//! * [`run`] is the loop around it: evaluations, checkpoints, the best model, a flag to stop. What it needs from outside comes
//!   through [`RunHooks`]; what happens is told as [`Event`]s, which a [`MetricsLog`] writes to `metrics.jsonl`.
//! * [`Trainer::step_watching`] says what a step did to single rows ([`RowStep`]); a [`Look`] beside the evaluations makes a
//!   [`Special`] of it, whose vectors a [`VectorLog`] writes to `vectors.jsonl`.
//! * [`Checkpoints`] lists, prunes and cleans the folders that [`Trainer::save_checkpoint`] writes, each whole or not at all.
//!   A checkpoint and the micro-batches by index are everything a run needs to go on exactly: on the CPU k steps, a new process and
//!   the rest give the same bytes as all steps in one go.
//! * A [`Report`] adds up an evaluation.
//!
//! # What it does not do
//!
//! It knows no text, no model and no metric, makes no batches, prints nothing and picks no device: the objective's parameters
//! lie on the device (with autodiff) where they are to be trained.
//!
//! See `examples/regression.rs` for a whole training in a page.

mod checkpoint;
mod clip;
mod error;
mod events;
mod gradients;
mod objective;
mod optim;
mod pass;
mod report;
mod run;
mod schedule;
mod scope;
mod state;
mod tensors;
mod trainer;
mod watched;

pub use checkpoint::{Checkpoint, Checkpoints};
pub use clip::{clip_factor, global_norm};
pub use error::{BoxError, TrainError};
pub use events::{
    CloudShape, Event, MetricsLog, NamedVector, Neighbour, Special, SpecialVector, TokenAttention,
    VectorLog, VectorSnapshot,
};
pub use gradients::Gradients;
pub use objective::{Denominators, LossTerm, LossTerms, Objective, StepContext};
pub use optim::{AdamWConfig, Decay, OptimConfig};
pub use report::{Pairs, Report};
pub use run::{Best, Direction, Evaluate, KeepBest, Look, LookAt, Outcome, RunHooks, RunPlan, run};
pub use schedule::{ConstantConfig, CosineConfig, ScheduleConfig, Warmup, WarmupConfig};
pub use scope::{ParameterAt, Parameters, RowRule, Scope, TableRows, parameters};
pub use trainer::{StepReport, Trainer, TrainerConfig, evaluate};
pub use watched::{RowStep, WatchedRow};
