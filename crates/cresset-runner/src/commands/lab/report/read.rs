//! What a report is made of, read from folders and files into plain structs. Fields that are missing are absent, fields that are
//! not known are passed over: a report is of whatever there is.

mod attention;
mod probe;
mod run;
mod sweep;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

pub use attention::{Attended, Layer, Looking, Target, read as attention};
pub use probe::{
    Ablation, Ablations, Clouds, LayerCloud, Probe, Probes, Share, Start, StartChange,
};
pub use run::{Attention, Cloud, Name, Run, Special, Trained, Vector};
pub use sweep::{Arm, CurvePoint, Effect, Interval, Sweep};

use crate::failure::user;

/// What was found in the folders and files.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Training runs.
    pub runs: Vec<Run>,
    /// Sweeps of `lab ablate`.
    pub sweeps: Vec<Sweep>,
    /// Reports of `lab probe`.
    pub probes: Vec<Probe>,
}

/// Reads folders, of runs and sweeps in any order, and reports of probes.
///
/// # Errors
/// A folder that is neither; a file that is damaged, with its line.
pub fn read(folders: &[PathBuf], probes: &[PathBuf]) -> anyhow::Result<Sources> {
    let mut sources = Sources::default();
    for folder in folders {
        let has = |name: &str| folder.join(name).is_file();
        let name = folder.display();
        if has(sweep::FILE) {
            sources.sweeps.push(sweep::read(folder)?);
        } else if has(run::METRICS) || has(run::CONFIG) {
            sources.runs.push(run::read(folder)?);
        } else if !folder.is_dir() {
            return Err(user(format!(
                "{name} is no folder; give the folder of a run or of a sweep"
            )));
        } else if has("config.json") {
            return Err(user(format!(
                "{name} is a model's folder, not a run's; give the run's folder, or --model {name} for its attention maps"
            )));
        } else {
            return Err(user(format!(
                "{name} is neither the folder of a run (it has no metrics.jsonl) nor of a sweep (it has no results.json); give what `cresset train` or `cresset lab ablate` wrote"
            )));
        }
    }
    for path in probes {
        sources.probes.push(probe::read(path)?);
    }
    Ok(sources)
}

/// A file's text; `None` if there is no such file.
fn text(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(user(format!("cannot read {}: {e}", path.display()))),
    }
}

/// One JSON value that fills a file; `what` says what the file should be.
fn json<T: DeserializeOwned>(path: &Path, what: &str) -> anyhow::Result<T> {
    let text = text(path)?.ok_or_else(|| {
        user(format!(
            "cannot read {}: there is no such file; check the path",
            path.display()
        ))
    })?;
    serde_json::from_str(&text).map_err(|e| {
        user(format!(
            "{}, line {}: {}; give {what}",
            path.display(),
            e.line(),
            reason(&e)
        ))
    })
}

/// A value per line. A last line that was cut short, as a run that was killed leaves it, is left out.
fn json_lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = text(path)?.unwrap_or_default();
    let mut values = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(line) {
            Ok(value) => values.push(value),
            Err(_) if !line.ends_with('\n') => break,
            Err(e) => {
                return Err(user(format!(
                    "{}, line {}: {}; the file is damaged there: restore it, or take the line out",
                    path.display(),
                    index + 1,
                    reason(&e)
                )));
            }
        }
    }
    Ok(values)
}

/// A value that may be there, absent or null.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What is wrong, without the place, which is told by the caller.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}
