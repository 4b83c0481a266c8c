//! What happens in a run, and its log.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{StepReport, TrainError};

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
            Event::Started { step, .. }
            | Event::Evaluated { step, .. }
            | Event::BestSaved { step, .. }
            | Event::CheckpointSaved { step, .. }
            | Event::Interrupted { step }
            | Event::Finished { step } => *step,
        }
    }
}

/// `metrics.jsonl`: one event per line, each flushed when written.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
}

impl MetricsLog {
    /// Opens or creates the log; lines that are there stay until the run says where it starts.
    ///
    /// # Errors
    /// A file that cannot be opened for writing.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        Ok(MetricsLog {
            path: path.to_owned(),
            file: append(path)?,
        })
    }

    /// Appends an event. [`Event::Started`] first drops the lines of later steps and a last line cut short: the run does
    /// those steps again.
    ///
    /// # Errors
    /// A line that cannot be written; a file that cannot be read.
    pub fn write(&mut self, event: &Event) -> Result<(), TrainError> {
        if let Event::Started { step, .. } = event {
            keep_until(&self.path, *step)?;
            self.file = append(&self.path)?;
        }
        let written = serde_json::to_vec(event)
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.file.write_all(&line)
            });
        written
            .and_then(|()| self.file.flush())
            .map_err(failed(&self.path))
    }
}

/// What a line must have to be placed in time.
#[derive(Deserialize)]
struct Stamp {
    step: u64,
}

fn keep_until(path: &Path, step: u64) -> Result<(), TrainError> {
    let bytes = fs::read(path).map_err(|source| TrainError::Read {
        path: path.to_owned(),
        source,
    })?;
    let text = String::from_utf8_lossy(&bytes);
    let kept: String = text
        .split_inclusive('\n')
        .filter(|line| {
            line.ends_with('\n')
                && serde_json::from_str::<Stamp>(line)
                    .is_ok_and(|stamp| step > 0 && stamp.step <= step)
        })
        .collect();
    if kept.len() == text.len() {
        return Ok(());
    }
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(parent).map_err(failed(path))?;
    temporary
        .write_all(kept.as_bytes())
        .and_then(|()| temporary.as_file().sync_all())
        .map_err(failed(path))?;
    temporary
        .persist(path)
        .map_err(|error| failed(path)(error.error))?;
    Ok(())
}

fn append(path: &Path) -> Result<File, TrainError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> TrainError + use<> {
    let path = path.to_owned();
    move |source| TrainError::Write { path, source }
}
