//! Self-checks of a model folder: what goes wrong silently with special tokens, padding and generation, tried on the very model.

mod both_ways;
mod checks;
mod probe;

use burn::tensor::Device;
use cresset_model::LoadReport;
use serde::Serialize;

use crate::forward::RawModel;
use crate::preview::{Reader, Shown};
use crate::{ModelFolder, RunError};

/// What the checks found.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// Class of the model.
    pub architecture: String,
    /// Name of the convention.
    pub convention: String,
    /// Its frames in words, a line each.
    pub frames: String,
    /// A text, or a pair, as the model reads and writes it.
    pub examples: Vec<Shown>,
    /// Tensors that were loaded.
    pub n_loaded: usize,
    /// Tensors that the folder lacks.
    pub new: Vec<String>,
    /// Tensors that the model does not read.
    pub unused: Vec<String>,
    /// The checks.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What should hold.
    pub name: &'static str,
    /// Whether it does.
    pub outcome: Outcome,
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds; what was seen.
    Passed(String),
    /// It does not; what was seen, and the way out.
    Failed(String),
    /// It does not concern this model; why.
    NotForThis(&'static str),
}

impl Diagnosis {
    /// The checks that failed, each with what was seen.
    pub fn failures(&self) -> Vec<(&'static str, &str)> {
        self.checks
            .iter()
            .filter_map(|check| match &check.outcome {
                Outcome::Failed(seen) => Some((check.name, seen.as_str())),
                _ => None,
            })
            .collect()
    }
}

/// Examines a folder; `text` and `pair` are shown as the model reads them.
///
/// # Errors
/// A folder that cannot be opened at all; what can be opened but is wrong is a failed check.
pub fn examine(
    folder: &ModelFolder,
    text: &str,
    pair: &str,
    device: &Device,
) -> Result<Diagnosis, RunError> {
    let convention = folder.convention()?;
    let (model, report) = RawModel::open(&folder.files, device)?;
    let reader = Reader::new(&folder.tokenizer, &convention);
    let ids = folder.tokenizer.encode(text);
    let other = folder.tokenizer.encode(pair);
    let longest = folder.files.config.max_positions().unwrap_or(512);
    let mut examples = Vec::new();
    if convention.encoder_frame().is_some() {
        let single = convention.encoder_input(&ids, None, longest)?;
        examples.push(reader.show("encoder input", &single.ids));
        if convention.decoder_frame().is_none() {
            let both = convention.encoder_input(&ids, Some(&other), longest)?;
            examples.push(reader.show("encoder input of a pair", &both.ids));
            examples.push(reader.note("segments", crate::session::join(&both.segments)));
        }
    }
    if convention.decoder_frame().is_some() {
        let target = if convention.encoder_frame().is_some() {
            &other
        } else {
            &ids
        };
        let (input, labels) = convention.decoder_pair(target, longest)?;
        examples.push(reader.show("decoder input", &input));
        examples.push(reader.show("labels", &labels));
    }
    let subject = checks::Subject {
        folder,
        convention: &convention,
        model: &model,
        report: &report,
        texts: (text, pair),
    };
    let checks = checks::all(&subject)?;
    let LoadReport {
        loaded,
        new,
        unused,
    } = report.clone();
    Ok(Diagnosis {
        architecture: folder.files.architecture().unwrap_or("(none)").to_owned(),
        convention: convention.name().to_owned(),
        frames: convention.describe(),
        examples,
        n_loaded: loaded.len(),
        new,
        unused,
        checks,
    })
}
