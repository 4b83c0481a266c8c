//! What can go wrong while an objective is opened or run.

use std::path::PathBuf;

/// An error of a run: the user's data or configuration, or a crate below.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The data does not fit the objective.
    #[error("{0}")]
    Data(String),
    /// The configuration does not fit the objective or the model.
    #[error("{0}")]
    Config(String),
    /// A file of the model folder cannot be written.
    #[error("cannot write {}: {source}; free some space or choose another train.out", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// From cresset-data.
    #[error(transparent)]
    Source(#[from] cresset_data::DataError),
    /// From cresset-model.
    #[error(transparent)]
    Model(#[from] cresset_model::ModelError),
    /// From cresset-train.
    #[error(transparent)]
    Train(#[from] cresset_train::TrainError),
}

impl RunError {
    /// Whether the user's input is at fault (exit code 2) rather than the machine or the run.
    pub fn is_users(&self) -> bool {
        match self {
            RunError::Data(_) | RunError::Config(_) => true,
            RunError::Source(error) => !matches!(error, cresset_data::DataError::Write { .. }),
            RunError::Model(error) => !matches!(
                error,
                cresset_model::ModelError::Io {
                    action: "write",
                    ..
                }
            ),
            RunError::Write { .. } | RunError::Train(_) => false,
        }
    }
}
