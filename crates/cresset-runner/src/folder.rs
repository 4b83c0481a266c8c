//! The run folder: what is in it, whether it can be written, whether it holds a run to continue.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::failure::user;

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

/// `run.json`: what a run was made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunFacts {
    /// The tool's version.
    pub version: String,
    /// The seed.
    pub seed: u64,
    /// The device, as asked for.
    pub device: String,
    /// Hash of the training files.
    pub train_hash: String,
    /// Hash of the tokenizer file.
    pub tokenizer_hash: String,
}

impl RunFolder {
    /// Opens or makes the folder.
    ///
    /// # Errors
    /// A folder that cannot be written, or that holds something else than a run.
    pub fn open(root: &Path) -> anyhow::Result<RunFolder> {
        let folder = RunFolder {
            root: root.to_owned(),
        };
        let unwritable = |e: std::io::Error| {
            user(format!(
                "cannot write the output folder {}: {e}; choose another train.out",
                root.display()
            ))
        };
        if root.exists() {
            let mut entries = fs::read_dir(root)
                .map_err(unwritable)?
                .filter_map(Result::ok);
            if !folder.config().exists() && entries.next().is_some() {
                return Err(user(format!(
                    "the output folder {} holds something that is not a run (no config.toml); choose another train.out or empty it",
                    root.display()
                )));
            }
        }
        fs::create_dir_all(root).map_err(unwritable)?;
        tempfile::Builder::new()
            .prefix(".probe")
            .tempfile_in(root)
            .map_err(unwritable)?;
        Ok(folder)
    }

    /// Whether a run was begun here.
    pub fn holds_run(&self) -> bool {
        self.config().exists()
    }

    /// The effective config.
    pub fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// What the run was made from.
    pub fn facts(&self) -> PathBuf {
        self.root.join("run.json")
    }

    /// One line per event.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }

    /// The special vectors, as numbers.
    pub fn vectors(&self) -> PathBuf {
        self.root.join("vectors.jsonl")
    }

    /// Event files for TensorBoard.
    pub fn tensorboard(&self) -> PathBuf {
        self.root.join("tensorboard")
    }

    /// `step-N` folders.
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }

    /// The model with the best value of `keep_best`.
    pub fn best(&self) -> PathBuf {
        self.root.join("best")
    }

    /// The model after the last step.
    pub fn model(&self) -> PathBuf {
        self.root.join("model")
    }

    /// The tokenizer of the run.
    pub fn tokenizer(&self) -> PathBuf {
        self.root.join("tokenizer")
    }

    /// Refuses to continue a run under another config. The `[train]` section may change: a run may be made longer.
    ///
    /// # Errors
    /// A section that differs, by name.
    pub fn check_same_config(&self, config: &RunConfig) -> anyhow::Result<()> {
        let path = self.config();
        let text = fs::read_to_string(&path)
            .map_err(|e| user(format!("cannot read {}: {e}", path.display())))?;
        let saved: toml::Table = text.parse().map_err(|e| {
            user(format!(
                "{} is damaged ({e}); choose another train.out",
                path.display()
            ))
        })?;
        let now: toml::Table = toml::Table::try_from(config)?;
        let (saved, now) = (without_preparation(saved), without_preparation(now));
        for section in [
            "seed",
            "data",
            "tokenizer",
            "special",
            "model",
            "objective",
            "optim",
            "schedule",
        ] {
            if saved.get(section) != now.get(section) {
                return Err(user(format!(
                    "{} holds a run whose [{section}] differs from this config's; choose another train.out, or restore the section to continue it",
                    self.root.display()
                )));
            }
        }
        Ok(())
    }

    /// Saves the effective config and the facts of the run.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn begin(&self, config: &RunConfig, facts: &RunFacts) -> anyhow::Result<()> {
        write_whole(
            &self.facts(),
            serde_json::to_string_pretty(facts)?.as_bytes(),
        )?;
        write_whole(&self.config(), toml::to_string_pretty(config)?.as_bytes())
    }
}

/// A config without what says only where tokenized texts are kept: the batches are the same with them and without.
fn without_preparation(mut config: toml::Table) -> toml::Table {
    if let Some(toml::Value::Table(data)) = config.get_mut("data") {
        data.remove("prepared");
        data.remove("prepare");
    }
    config
}

/// Writes a file by way of a temporary one, so that it is never half-written.
///
/// # Errors
/// The path and what the system said.
pub fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        // A temporary file is private by default; what it becomes is an ordinary file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e| anyhow::anyhow!("cannot write {}: {e}", path.display()))
}

/// Checks that something can be written beside, or into, the target, before anything is computed.
///
/// # Errors
/// What the system said.
pub fn check_writable(out: &Path) -> anyhow::Result<()> {
    let parent = out.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new("."));
    let tried = tempfile::Builder::new()
        .prefix(".probe")
        .tempfile_in(folder);
    tried.map(|_| ()).map_err(|e| {
        user(format!(
            "cannot write {}: {e}; choose another --out",
            out.display()
        ))
    })
}
