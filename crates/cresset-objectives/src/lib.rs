//! Objectives: how a batch is made and how it becomes a loss, one file each.
//!
//! * [`ObjectiveConfig`] is the list; [`open`] opens one on data and a model, as an [`OpenRun`] that trains, evaluates,
//!   previews and saves without naming the objective.
//! * [`classify`], [`extract`], [`masked_lm`], [`bert_pretraining`], [`albert_pretraining`], [`causal_lm`], [`seq2seq`], [`span_corruption`],
//!   [`denoise`], [`prefix_lm`], [`permuted_lm`], [`contrastive`] and [`tag`] each hold a configuration, a batch of plain numbers, what
//!   makes it, and a module that turns it into summed loss terms; [`multi`] mixes several, [`added_losses`] is what some of
//!   them can add.
//! * [`TokenPolicy`] is how the vector of a special token begins and how it is trained; what becomes of it is told beside every
//!   evaluation, for which a batch says what the model [`Reads`] and a model is [`Watchable`].
//! * [`open_predictor`], [`open_generator`] and [`open_embedder`] answer with a trained model; [`ModelFolder`] is what is read
//!   of its folder, [`Description`] what is written; [`examine`] tries on it what goes wrong silently,
//!   [`lab`] what its special vectors do.
//!
//! What is not here: command lines, config files, the choice of a device.

pub mod added_losses;
pub mod albert_pretraining;
pub mod bert_pretraining;
pub mod causal_lm;
pub mod classify;
pub mod contrastive;
mod cut;
pub mod denoise;
pub mod denoising;
mod doctor;
mod documents;
mod embed;
mod error;
pub mod extract;
mod forward;
pub mod lab;
mod labels;
mod load;
pub mod masked_lm;
mod model_files;
mod model_folder;
pub mod multi;
mod packed;
pub mod pair_pre_training;
pub mod permuted_lm;
mod poolings;
mod predict;
pub mod prefix_lm;
mod preview;
mod registry;
mod rows;
pub mod seq2seq;
mod session;
mod setup;
mod sources;
pub mod span_corruption;
mod special;
mod stream;
pub mod tag;
mod telemetry;
pub mod upload;
mod values;
mod watched;

pub use doctor::{Check, Diagnosis, Outcome, examine};
pub use embed::{EmbedOptions, Embedder, Embeddings, open_embedder};
pub use error::RunError;
pub use forward::{ForwardInput, Output, RawModel, forward, forward_watched};
pub use labels::Labels;
pub use load::load;
pub use model_files::ModelFiles;
pub use model_folder::{Description, ModelFolder, TaskFacts, new_model_config, warm_start_config};
pub use packed::{InRows, Pack, RowSharing};
pub use poolings::Poolings;
pub use predict::{Answer, Generate, Predict, open_generator, open_predictor};
pub use preview::{Places, PositionIds, Preview, Reader, Role, Shown, Targets};
pub use registry::{ObjectiveConfig, Shape, open};
pub use rows::{Rows, Side};
pub use session::{Facts, OpenRun, Parts, Task, TrainOrder};
pub use setup::{
    DataSetup, Duration, ModelSource, NewHead, PreparedTexts, Setup, TrainSetup, WarmStart,
};
pub use sources::TrainRows;
pub use special::{
    TokenInit, TokenPolicies, TokenPolicy, TokenRole, TokenTraining, check_policies,
};
pub use stream::{RowKind, Stream, Window};
pub use telemetry::{Earlier, ReadText, Reads};
pub use watched::{Trace, Watchable, WatchedInput};
