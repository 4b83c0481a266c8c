//! The files of a checkpoint: weights and optimizer state by parameter path, and the trainer's own numbers.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use safetensors::tensor::{SafeTensorError, SafeTensors, serialize_to_file};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::optim::AdamW;
use crate::tensors::{Collected, Saved, collect, restore};
use crate::{Best, Objective, Scope, TrainError, Trainer, TrainerConfig};

const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const TRAINER: &str = "trainer.json";
const FORMAT: u32 = 1;

/// `trainer.json`.
#[derive(Debug, Serialize, Deserialize)]
struct TrainerFile {
    format: u32,
    step: u64,
    config: TrainerConfig,
    /// What is trained; everything in files that do not say.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    scope: Scope,
    best: Option<Best>,
    /// Updates of each parameter that had a gradient at least once.
    updates: BTreeMap<String, u64>,
    /// The caller's own.
    user: Value,
    /// Size and content of the files beside it.
    files: BTreeMap<String, Fingerprint>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fingerprint {
    bytes: u64,
    sha256: String,
}

/// Writes the files of a checkpoint into an existing folder and flushes them to the disk.
pub(crate) fn write<O: Objective>(
    trainer: &Trainer<O>,
    user: &Value,
    folder: &Path,
) -> Result<(), TrainError> {
    let Collected {
        weights,
        moments,
        updates,
    } = collect(trainer.model(), &trainer.optimizer);
    let mut files = BTreeMap::new();
    for (name, tensors) in [(WEIGHTS, weights), (OPTIMIZER, moments)] {
        let path = folder.join(name);
        let written = serialize_to_file(tensors, None, &path).map_err(|error| match error {
            SafeTensorError::IoError(error) => error,
            other => io::Error::other(other),
        });
        let fingerprint = written
            .and_then(|()| sync(&path))
            .and_then(|()| fingerprint(&path));
        files.insert(
            name.to_owned(),
            fingerprint.map_err(|source| TrainError::Write { path, source })?,
        );
    }
    let file = TrainerFile {
        format: FORMAT,
        step: trainer.step,
        config: trainer.config.clone(),
        scope: trainer.scope().clone(),
        best: trainer.best.clone(),
        updates,
        user: user.clone(),
        files,
    };
    let path = folder.join(TRAINER);
    serde_json::to_vec_pretty(&file)
        .map_err(io::Error::from)
        .and_then(|bytes| fs::write(&path, bytes))
        .and_then(|()| sync(&path))
        .map_err(|source| TrainError::Write { path, source })
}

/// Puts a checkpoint's state into a trainer and returns the caller's own value. On an error nothing has changed.
pub(crate) fn read<O: Objective>(
    trainer: &mut Trainer<O>,
    folder: &Path,
) -> Result<Value, TrainError> {
    let file = read_trainer(folder)?;
    let mismatch = |problem: String| TrainError::Mismatch {
        checkpoint: folder.to_owned(),
        problem,
    };
    for (key, saved, now) in [
        ("seed", file.config.seed, trainer.config.seed),
        (
            "train.accumulate",
            file.config.accumulate as u64,
            trainer.config.accumulate as u64,
        ),
    ] {
        if saved != now {
            return Err(mismatch(format!(
                "it was written with {key} {saved}, not {now}; set it back or start a new run"
            )));
        }
    }
    if file.step > trainer.config.steps {
        return Err(mismatch(format!(
            "it stands at step {} of a run of {}; raise train.steps",
            file.step, trainer.config.steps
        )));
    }
    if !says_the_same(&file.scope, trainer.scope()) {
        return Err(mismatch(
            "it was written by a run that trained other parameters or rows, or by other rules; restore [special] or start a new run".to_owned(),
        ));
    }
    let weights = read_verified(folder, WEIGHTS, &file)?;
    let moments = read_verified(folder, OPTIMIZER, &file)?;
    let saved = Saved {
        weights: open(&weights, folder, WEIGHTS)?,
        moments: open(&moments, folder, OPTIMIZER)?,
        updates: &file.updates,
    };
    let fresh = AdamW::new(trainer.config.optim.adamw.clone(), trainer.scope().clone());
    let (objective, optimizer) =
        restore(trainer.model().clone(), fresh, &saved).map_err(mismatch)?;
    trainer.objective = Some(objective);
    trainer.optimizer = optimizer;
    trainer.step = file.step;
    trainer.best = file.best;
    Ok(file.user)
}

/// Whether a scope from a file is the one in memory. A number may come back from JSON a last digit off, so that the latter
/// goes through it too.
fn says_the_same(saved: &Scope, now: &Scope) -> bool {
    let written = serde_json::to_vec(now);
    let read: Option<Scope> = written.ok().and_then(|w| serde_json::from_slice(&w).ok());
    read.as_ref() == Some(saved)
}

fn read_trainer(folder: &Path) -> Result<TrainerFile, TrainError> {
    let path = folder.join(TRAINER);
    let bytes = fs::read(&path).map_err(|source| TrainError::Read {
        path: path.clone(),
        source,
    })?;
    let damaged = |problem: String| TrainError::Damaged {
        path: path.clone(),
        checkpoint: folder.to_owned(),
        problem,
    };
    let file: TrainerFile =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if file.format != FORMAT {
        let problem = format!(
            "its format is {}, but this version reads {FORMAT}; use the version that wrote it",
            file.format
        );
        return Err(TrainError::Mismatch {
            checkpoint: folder.to_owned(),
            problem,
        });
    }
    Ok(file)
}

fn read_verified(folder: &Path, name: &str, file: &TrainerFile) -> Result<Vec<u8>, TrainError> {
    let path = folder.join(name);
    let damaged = |problem: String| TrainError::Damaged {
        path: path.clone(),
        checkpoint: folder.to_owned(),
        problem,
    };
    let expected = file
        .files
        .get(name)
        .ok_or_else(|| damaged(format!("{TRAINER} does not list it")))?;
    let bytes = fs::read(&path).map_err(|source| TrainError::Read {
        path: path.clone(),
        source,
    })?;
    if bytes.len() as u64 != expected.bytes {
        return Err(damaged(format!(
            "it has {} bytes instead of {}",
            bytes.len(),
            expected.bytes
        )));
    }
    if hex(&Sha256::digest(&bytes)) != expected.sha256 {
        return Err(damaged(
            "its content is not what was written (SHA-256 differs)".to_owned(),
        ));
    }
    Ok(bytes)
}

fn open<'a>(bytes: &'a [u8], folder: &Path, name: &str) -> Result<SafeTensors<'a>, TrainError> {
    SafeTensors::deserialize(bytes).map_err(|error| TrainError::Damaged {
        path: folder.join(name),
        checkpoint: folder.to_owned(),
        problem: error.to_string(),
    })
}

pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn fingerprint(path: &Path) -> io::Result<Fingerprint> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Fingerprint {
                bytes,
                sha256: hex(&hash.finalize()),
            });
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
