//! What a run writes down while it trains.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use cresset_objectives::Earlier;
use cresset_train::{Event, MetricsLog, TrainError, VectorLog};

use crate::config::TrainConfig;
use crate::folder::RunFolder;
use crate::tensorboard::TensorBoard;

/// The logs of a run folder.
pub struct Logs {
    metrics: MetricsLog,
    vectors: Option<VectorLog>,
    board: Option<TensorBoard>,
}

impl Logs {
    /// Opens or creates those that the config asks for.
    ///
    /// # Errors
    /// A file that cannot be opened for writing.
    pub fn open(folder: &RunFolder, config: &TrainConfig) -> Result<Logs, TrainError> {
        let vectors = folder.vectors();
        Ok(Logs {
            metrics: MetricsLog::open(&folder.metrics())?,
            // Lines of steps that are done again must go, though nothing new may come.
            vectors: (config.telemetry || vectors.exists())
                .then(|| VectorLog::open(&vectors))
                .transpose()?,
            board: config
                .tensorboard
                .then(|| TensorBoard::create(&folder.tensorboard(), SystemTime::now()))
                .transpose()?,
        })
    }

    /// Writes what happened.
    ///
    /// # Errors
    /// A line that cannot be written.
    pub fn write(&mut self, event: &Event) -> Result<(), TrainError> {
        self.metrics.write(event)?;
        if let Some(vectors) = &mut self.vectors {
            vectors.write(event)?;
        }
        match &mut self.board {
            Some(board) => board.write(event, SystemTime::now()),
            None => Ok(()),
        }
    }
}

/// What the run in a folder has told of its special vectors; nothing in a new one.
///
/// # Errors
/// A file that cannot be read.
pub fn earlier(folder: &RunFolder) -> anyhow::Result<Earlier> {
    let mut earlier = Earlier {
        start: VectorLog::start(&folder.vectors())?,
        ..Earlier::default()
    };
    let text = read(&folder.metrics())?;
    let looks = text.lines().filter(|line| line.contains("\"special\""));
    for line in looks {
        // A line cut short belongs to a step that is done again.
        if let Ok(Event::Special(look)) = serde_json::from_str(line) {
            earlier.looks.push(*look);
        }
    }
    Ok(earlier)
}

/// A file's text; none if it is not there.
fn read(path: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        other => other.with_context(|| format!("cannot read {}", path.display())),
    }
}
