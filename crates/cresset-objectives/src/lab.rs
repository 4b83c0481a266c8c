//! The lab: what the special vectors of a trained model do, in numbers.

mod ablate;
mod change;
mod geometry;
mod interval;
mod layers;
mod logistic;
mod replacement;
mod start;
mod vectors;

use burn::tensor::Device;
use cresset_data::Example;
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

pub use self::ablate::{Ablation, Ablations, Measured};
pub use self::change::Change;
pub use self::geometry::Cloud;
pub(crate) use self::geometry::cloud;
pub use self::interval::Share;
use self::layers::{Classes, clouds};
pub use self::layers::{Clouds, LayerProbe, LayerProbes};
pub(crate) use self::logistic::Rows as CloudRows;
pub use self::start::{Likely, StartChange, StartProbe};
use self::vectors::VectorReader;
use crate::{ModelFolder, RunError};

/// How a model is probed.
#[derive(Clone, Copy, Debug)]
pub struct ProbeOptions {
    /// Most texts looked at; more are drawn from at random.
    pub limit: usize,
    /// Seed of the draw, the split and the noise.
    pub seed: u64,
    /// Texts that go through the model together.
    pub batch_size: usize,
}

/// What a probe found. What does not concern the model or the data is absent, and `notes` say why.
#[derive(Clone, Debug, Serialize)]
pub struct ProbeReport {
    /// Class of the model.
    pub architecture: String,
    /// Name of the convention.
    pub convention: String,
    /// Which stack the vectors are of.
    pub stack: &'static str,
    /// Texts looked at.
    pub n_texts: usize,
    /// Texts of the data.
    pub n_given: usize,
    /// Texts longer than the model takes, which were shortened.
    pub n_shortened: usize,
    /// Linear probes of every layer.
    pub layers: Option<LayerProbes>,
    /// The cloud of the vector that stands for a text, layer by layer.
    pub clouds: Option<Clouds>,
    /// A classifier with other vectors in the place of its special tokens.
    pub ablations: Option<Ablations>,
    /// The start token of a model that writes.
    pub start: Option<StartProbe>,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

/// What is probed, on what.
struct Subject<'a> {
    folder: &'a ModelFolder,
    examples: &'a [Example],
    batch_size: usize,
    seed: u64,
    device: &'a Device,
}

/// Probes a folder's model on texts.
///
/// # Errors
/// No text; data that fits nothing that can be probed in the model: no labels for an encoder, one class only, too few texts.
pub fn probe(
    folder: &ModelFolder,
    examples: &[Example],
    options: ProbeOptions,
    device: &Device,
) -> Result<ProbeReport, RunError> {
    let n_given = examples.len();
    let examples = &drawn(examples, options)?;
    let mut notes = Vec::new();
    let (judges, writes) = (ablate::is_classifier(folder), start::writes(folder));
    let has_scores = examples.iter().all(|e| e.score.is_some());
    let classes = match Classes::of(examples) {
        Ok(None) if !(writes || judges && has_scores) => {
            return Err(RunError::Data(
                "no text has a label, but a probe needs them to tell what a vector knows; give data with a label in every line".into(),
            ));
        }
        Ok(None) => {
            notes.push("no linear probes: the texts have no labels".to_owned());
            None
        }
        Ok(classes) => classes,
        // A model that has other things to look at is not refused for labels that cannot be probed.
        Err(reason) if writes || judges => {
            notes.push(format!("no linear probes: {reason}"));
            None
        }
        Err(reason) => return Err(reason),
    };
    let reader = VectorReader::open(folder, device)?;
    let vectors = reader.read(examples, options.batch_size)?;
    let layers = classes
        .as_ref()
        .map(|classes| layers::probe(&vectors, classes, examples, options.seed));
    let subject = Subject {
        folder,
        examples,
        batch_size: options.batch_size,
        seed: options.seed,
        device,
    };
    let ablations = match judges.then(|| ablate::ablate(&subject)) {
        // A classifier may be probed on the classes of another task.
        Some(Err(RunError::Data(reason))) if layers.is_some() => {
            notes.push(format!("no ablations: {reason}"));
            None
        }
        found => found.transpose()?,
    };
    let start = match writes.then(|| start::probe(&subject)) {
        Some(Err(RunError::Config(reason))) => {
            notes.push(format!("no start token: {reason}"));
            None
        }
        found => found.transpose()?,
    };
    Ok(ProbeReport {
        architecture: folder.files.architecture().unwrap_or("(none)").to_owned(),
        convention: folder.convention()?.name().to_owned(),
        stack: reader.stack(),
        n_texts: examples.len(),
        n_given,
        n_shortened: reader.n_shortened(examples)?,
        layers,
        clouds: clouds(&vectors, classes.as_ref()),
        ablations,
        start,
        notes,
    })
}

/// At most `limit` examples, drawn at random, in their order.
fn drawn(examples: &[Example], options: ProbeOptions) -> Result<Vec<Example>, RunError> {
    if examples.is_empty() || options.limit == 0 {
        return Err(RunError::Data(
            "there is no text to probe on; give data with texts, and --limit 1 or more".into(),
        ));
    }
    if examples.len() <= options.limit {
        return Ok(examples.to_vec());
    }
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut places = sample(&mut rng, examples.len(), options.limit).into_vec();
    places.sort_unstable();
    Ok(places.into_iter().map(|at| examples[at].clone()).collect())
}
