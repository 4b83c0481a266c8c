//! Checkpoint folders: written whole or not at all, listed, pruned.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Objective, TrainError, Trainer, state};

/// Begins the name of a folder that is being written; one that a killed run left behind is ignored and cleaned.
const TEMPORARY: &str = ".writing-";
/// Begins the name of a folder that is being replaced.
const REPLACED: &str = ".replaced-";

/// A complete checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The optimizer step at which it was written.
    pub step: u64,
    /// Its folder.
    pub path: PathBuf,
}

/// The folder `checkpoints/` of a run, with one folder `step-N` per checkpoint.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// The checkpoints in `folder`, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Checkpoints {
            folder: folder.into(),
        }
    }

    /// Where the checkpoint of a step lies.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step}"))
    }

    /// The complete checkpoints, oldest first. Anything else in the folder is ignored.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn list(&self) -> Result<Vec<Checkpoint>, TrainError> {
        let mut found: Vec<Checkpoint> = self
            .names()?
            .into_iter()
            .filter_map(|name| {
                let step = name.strip_prefix("step-")?.parse().ok()?;
                Some(Checkpoint {
                    step,
                    path: self.folder.join(name),
                })
            })
            .collect();
        found.sort_by_key(|checkpoint| checkpoint.step);
        Ok(found)
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// As [`Checkpoints::list`].
    pub fn latest(&self) -> Result<Option<Checkpoint>, TrainError> {
        Ok(self.list()?.pop())
    }

    /// Removes all but the newest `keep_last`, and never the one at step `best`.
    ///
    /// # Errors
    /// A folder that cannot be read or removed.
    pub fn prune(&self, keep_last: usize, best: Option<u64>) -> Result<(), TrainError> {
        let all = self.list()?;
        let old = all.len().saturating_sub(keep_last);
        for checkpoint in all
            .into_iter()
            .take(old)
            .filter(|checkpoint| Some(checkpoint.step) != best)
        {
            remove(&checkpoint.path)?;
        }
        Ok(())
    }

    /// Removes what a killed run left half-written, and puts back a checkpoint that it was replacing.
    ///
    /// # Errors
    /// A folder that cannot be read, moved or removed.
    pub fn clean(&self) -> Result<(), TrainError> {
        for name in self.names()? {
            let path = self.folder.join(&name);
            if name.starts_with(TEMPORARY) {
                remove(&path)?;
            } else if let Some(step) = name.strip_prefix(REPLACED) {
                let home = self.folder.join(step);
                if home.exists() {
                    remove(&path)?;
                } else {
                    fs::rename(&path, &home)
                        .map_err(|source| TrainError::Write { path: home, source })?;
                }
            }
        }
        Ok(())
    }

    /// Names of the folders in the folder; none if it does not exist.
    fn names(&self) -> Result<Vec<String>, TrainError> {
        let failed = |source| TrainError::Read {
            path: self.folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        Ok(names)
    }
}

impl<O: Objective> Trainer<O> {
    /// Writes weights, optimizer state, step and the caller's own value into `folder`.
    ///
    /// Everything is written to a temporary folder beside it and flushed, and only then moved in place: whatever happens,
    /// `folder` is a whole checkpoint or not there.
    ///
    /// # Errors
    /// A file that cannot be written, a full disk included; the temporary folder is then removed.
    pub fn save_checkpoint(&self, folder: &Path, user: &Value) -> Result<(), TrainError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| TrainError::Write { path, source }
        };
        let parent = match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let name = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        fs::create_dir_all(parent).map_err(failed(parent))?;
        let temporary = tempfile::Builder::new()
            .prefix(&format!("{TEMPORARY}{name}-"))
            .tempdir_in(parent)
            .map_err(failed(folder))?;
        // The message names the file where the user will look for it.
        state::write(self, user, temporary.path()).map_err(|error| match error {
            TrainError::Write { path, source } => {
                let path = path
                    .strip_prefix(temporary.path())
                    .map_or_else(|_| path.clone(), |name| folder.join(name));
                TrainError::Write { path, source }
            }
            other => other,
        })?;
        state::sync(temporary.path()).map_err(failed(temporary.path()))?;

        let replaced = parent.join(format!("{REPLACED}{name}"));
        if folder.exists() {
            fs::rename(folder, &replaced).map_err(failed(folder))?;
        }
        fs::rename(temporary.path(), folder).map_err(failed(folder))?;
        // It lies under its own name now: nothing is left to remove.
        let _ = temporary.keep();
        state::sync(parent).map_err(failed(parent))?;
        if replaced.exists() {
            remove(&replaced)?;
        }
        Ok(())
    }

    /// Takes weights, optimizer state and step from a checkpoint and returns the caller's own value.
    ///
    /// # Errors
    /// A file that cannot be read; one that is cut short or altered; a checkpoint of another model, seed or number of
    /// micro-batches per step. The trainer is then as before.
    pub fn load_checkpoint(&mut self, folder: &Path) -> Result<Value, TrainError> {
        state::read(self, folder)
    }
}

fn remove(path: &Path) -> Result<(), TrainError> {
    fs::remove_dir_all(path).map_err(|source| TrainError::Write {
        path: path.to_owned(),
        source,
    })
}
