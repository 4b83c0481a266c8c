//! Files of one JSON value per line, each with the step it belongs to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Event;
use super::special::VectorSnapshot;
use crate::TrainError;

/// `metrics.jsonl`: one event per line, each flushed when written.
#[derive(Debug)]
pub struct MetricsLog(Lines);

/// `vectors.jsonl`: the special vectors of each look, as numbers.
#[derive(Debug)]
pub struct VectorLog(Lines);

impl MetricsLog {
    /// Opens or creates the log; lines that are there stay until the run says where it starts.
    ///
    /// # Errors
    /// A file that cannot be opened for writing.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        Lines::open(path).map(MetricsLog)
    }

    /// Appends an event. [`Event::Started`] first drops the lines of later steps and a last line cut short: the run does
    /// those steps again.
    ///
    /// # Errors
    /// A line that cannot be written; a file that cannot be read.
    pub fn write(&mut self, event: &Event) -> Result<(), TrainError> {
        self.0.begin_again_at(event)?;
        self.0.append(event)
    }
}

impl VectorLog {
    /// As [`MetricsLog::open`].
    ///
    /// # Errors
    /// A file that cannot be opened for writing.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        Lines::open(path).map(VectorLog)
    }

    /// Appends the vectors of an event that has some; drops lines as [`MetricsLog::write`] does.
    ///
    /// # Errors
    /// A line that cannot be written; a file that cannot be read.
    pub fn write(&mut self, event: &Event) -> Result<(), TrainError> {
        self.0.begin_again_at(event)?;
        match event {
            Event::Special(special) => match &special.snapshot {
                Some(snapshot) => self.0.append(snapshot),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The vectors as they were before the first step; `None` if the file does not have them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn start(path: &Path) -> Result<Option<VectorSnapshot>, TrainError> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(unreadable(path))?,
        };
        let first = text.lines().next().unwrap_or_default();
        let snapshot: Option<VectorSnapshot> = serde_json::from_str(first).ok();
        Ok(snapshot.filter(|snapshot| snapshot.step == 0))
    }
}

#[derive(Debug)]
struct Lines {
    path: PathBuf,
    file: File,
}

/// What a line must have to be placed in time.
#[derive(Deserialize)]
struct Stamp {
    step: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, TrainError> {
        Ok(Lines {
            path: path.to_owned(),
            file: append_to(path)?,
        })
    }

    /// Where the event is the start of a run, drops what the run does again.
    fn begin_again_at(&mut self, event: &Event) -> Result<(), TrainError> {
        if let Event::Started { step, .. } = event {
            keep_until(&self.path, *step)?;
            self.file = append_to(&self.path)?;
        }
        Ok(())
    }

    fn append<T: Serialize>(&mut self, value: &T) -> Result<(), TrainError> {
        let written = serde_json::to_vec(value)
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

fn keep_until(path: &Path, step: u64) -> Result<(), TrainError> {
    let bytes = fs::read(path).map_err(unreadable(path))?;
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

fn append_to(path: &Path) -> Result<File, TrainError> {
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

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> TrainError + use<> {
    let path = path.to_owned();
    move |source| TrainError::Read { path, source }
}
