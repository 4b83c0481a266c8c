//! Several objectives on one model: batches of each in turn, mixed by weight.
//!
//! The mix is that of multi-task learning with one shared model (Liu et al. 2019, MT-DNN; Raffel et al. 2020, T5, section 3.5.2):
//! each batch belongs to one part, and a part has `weight / sum of weights` of the batches. Which part's turn it is depends on
//! the seed and the batch's number alone ([`Mix`](cresset_data::Mix)). The losses are those of the parts, each with its own
//! name and denominator, weighed by `loss_weight`; an evaluation goes over the held-out data of every part, and its metrics
//! bear the part's name.
//!
//! | model | objectives that mix | what they share |
//! | --- | --- | --- |
//! | an encoder | `masked-lm`, `classify`, `contrastive` | the encoder; each has its own head |
//! | an encoder-decoder | `seq2seq`, `span-corruption`, `denoise`, `prefix-lm` | everything |
//!
//! The folder is one of the class of the part `save`, the first one by default, and that part's objective is the one
//! `evaluate` and its like go by.

mod objective;
mod part;

use std::path::PathBuf;
use std::sync::Arc;

use cresset_data::{Batches, Chained, Example, FieldNames, Format, Mixed, SourceConfig};
use cresset_model::{HeadSpec, ModelConfig, Seq2SeqLm, SharedEncoder, SharedModel};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::objective::{Multi, MultiBatch};
use self::part::{Opened, PartNames, open_part};
pub use self::part::{PartBatch, Recipe};
use crate::rows::Source;
use crate::session::{self, OpenRun};
use crate::{ObjectiveConfig, RunError, Setup, Shape};

/// `[objective] multi = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiConfig {
    /// The part whose class and objective the saved folder has; the first one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save: Option<String>,
    /// The parts.
    pub parts: Vec<PartConfig>,
}

/// One objective of several.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartConfig {
    /// What its losses and metrics begin with; the objective's name by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its share of the batches, beside those of the others.
    #[serde(default = "one")]
    pub weight: f64,
    /// The weight of its losses.
    #[serde(default = "one")]
    pub loss_weight: f64,
    /// What is learnt.
    pub objective: ObjectiveConfig,
    /// Its own files, in place of those of `[data]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<PartData>,
}

/// Files of a part. How long texts may be and how they are batched stands in `[data]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartData {
    /// Training files.
    pub train: Vec<PathBuf>,
    /// Held-out files; without any the part is not evaluated.
    #[serde(default)]
    pub eval: Vec<PathBuf>,
    /// The format of the files.
    #[serde(default)]
    pub format: Format,
    /// Which fields or columns hold what.
    #[serde(default)]
    pub fields: FieldNames,
}

/// The examples of a part that has files of its own.
#[derive(Clone, Debug, Default)]
pub struct PartExamples {
    /// To train on.
    pub train: Vec<Example>,
    /// Held out.
    pub eval: Vec<Example>,
}

fn one() -> f64 {
    1.0
}

impl PartConfig {
    /// What its losses and metrics begin with.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.objective.name())
    }
}

impl PartData {
    /// How some of its files are read.
    pub fn source(&self, files: Vec<PathBuf>) -> SourceConfig {
        SourceConfig {
            format: self.format,
            files,
            fields: self.fields.clone(),
        }
    }
}

impl MultiConfig {
    /// The shape of model that all parts need.
    pub fn shape(&self) -> Shape {
        self.parts
            .first()
            .map_or(Shape::Encoder, |part| part.objective.shape())
    }

    /// The metrics its evaluation reports: those of the parts.
    pub fn metrics(&self) -> Vec<String> {
        let of_part = |part: &PartConfig| {
            let name = part.name().to_owned();
            let metrics = part.objective.metrics().into_iter();
            metrics.map(move |metric| format!("{name}.{metric}"))
        };
        self.parts.iter().flat_map(of_part).collect()
    }

    /// The number of the part that gives the saved folder its class.
    fn saved(&self) -> usize {
        let named = |save: &String| self.parts.iter().position(|part| part.name() == save);
        self.save.as_ref().and_then(named).unwrap_or(0)
    }

    /// Checks the parts, each by itself and beside the others.
    ///
    /// # Errors
    /// A mix of fewer than two parts, of parts that do not mix or have one name, or with a weight that is none.
    pub fn validate(&self) -> Result<(), RunError> {
        let refuse = |message: String| Err(RunError::Config(message));
        if self.parts.len() < 2 {
            return refuse(format!(
                "objective.multi has {} part(s), but a mix needs at least 2; for one, name its objective directly",
                self.parts.len()
            ));
        }
        let names: Vec<&str> = self.parts.iter().map(PartConfig::name).collect();
        for (at, part) in self.parts.iter().enumerate() {
            let name = part.name();
            if names[..at].contains(&name) {
                return refuse(format!(
                    "two parts of objective.multi are called {name:?}; give one of them another name"
                ));
            }
            if name.is_empty() || name.contains('.') {
                return refuse(format!(
                    "a part of objective.multi is called {name:?}, but its name is put before those of metrics with a dot; take one or more letters without a dot"
                ));
            }
            for (key, weight) in [("weight", part.weight), ("loss_weight", part.loss_weight)] {
                if !(weight > 0.0 && weight.is_finite()) {
                    return refuse(format!(
                        "part {name:?} of objective.multi has {key} {weight}, but it must be above 0; leave the part out to do without it"
                    ));
                }
            }
            if !part::mixes(&part.objective) {
                return refuse(format!(
                    "part {name:?} of objective.multi has objective {}, which does not mix; on an encoder masked-lm, classify and contrastive do, on an encoder-decoder seq2seq, span-corruption, denoise and prefix-lm",
                    part.objective.name()
                ));
            }
            if part.objective.shape() != self.shape() {
                return refuse(format!(
                    "the parts of objective.multi share one model, but {:?} needs {} and {name:?} {}; mix objectives of one shape",
                    names[0],
                    self.shape(),
                    part.objective.shape()
                ));
            }
            if part::distills(&part.objective) {
                return refuse(format!(
                    "part {name:?} of objective.multi has distill, which only an objective by itself knows; remove it"
                ));
            }
            part.objective.validate()?;
        }
        match &self.save {
            Some(save) if !names.contains(&save.as_str()) => refuse(format!(
                "objective.multi.save is {save:?}, but the parts are {}",
                names.join(", ")
            )),
            _ => Ok(()),
        }
    }
}

pub(crate) fn open(config: &MultiConfig, mut setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let model_config = setup.model_config()?;
    let examples = std::mem::take(&mut setup.data.parts);
    let shared = PartExamples {
        train: std::mem::take(&mut setup.data.train),
        eval: std::mem::take(&mut setup.data.eval),
    };
    let mut opened = Vec::new();
    for (at, part) in config.parts.iter().enumerate() {
        let own = examples.get(at).and_then(Option::as_ref);
        if part.data.is_some() && own.is_none() {
            return Err(RunError::Data(format!(
                "part {:?} of objective.multi has files of its own, but they were not read",
                part.name()
            )));
        }
        let examples = own.unwrap_or(&shared);
        if examples.train.is_empty() && setup.train.is_some() {
            return Err(RunError::Data(format!(
                "part {:?} of objective.multi has nothing to train on; name its files",
                part.name()
            )));
        }
        let mut own_setup = setup.clone();
        if own.is_some() {
            // The files of a part have no weights among each other.
            own_setup.data.train_sources = Vec::new();
        }
        own_setup.data.train = examples.train.clone();
        own_setup.data.eval = examples.eval.clone();
        own_setup.objective = part.objective.clone();
        // Parts with the same examples do not see them in the same order.
        own_setup.seed = setup.seed.wrapping_add(at as u64 * 0x9E37_79B9);
        let names = PartNames::new(part.name(), &part.objective);
        opened.push(open_part((at, names), &part.objective, &own_setup)?);
    }
    let saved = config.saved();
    let heads: Vec<HeadSpec> = opened.iter().map(|part| part.head.clone()).collect();
    let network = network(&setup, &model_config, (&heads, saved))?;
    let (network, load) = setup.load_into(network)?;

    let mut description = setup.description(model_config, keys(&opened, saved));
    description.facts.objective = config.parts[saved].objective.clone();
    description.facts.pooling = description.facts.objective.pooling();
    if let Some(data) = &config.parts[saved].data {
        description.facts.source = serde_json::to_value(data.source(Vec::new()))
            .map_err(|error| RunError::Config(error.to_string()))?;
    }
    let recipes = opened
        .iter()
        .zip(&config.parts)
        .map(|(opened, part)| {
            (
                part.name().to_owned(),
                opened.recipe.clone(),
                part.loss_weight,
            )
        })
        .collect();
    session::open_on(
        &setup,
        session::Opened {
            objective: Multi::new(network, recipes),
            train: mixed(&opened, config, setup.seed),
            eval: chained(&opened),
            description,
            load,
            n_shortened: opened.iter().map(|part| part.n_shortened).sum(),
        },
    )
}

fn network(
    setup: &Setup,
    config: &ModelConfig,
    (heads, saved): (&[HeadSpec], usize),
) -> Result<SharedModel, RunError> {
    let device = setup.model_device();
    if config.encoder_decoder().is_ok() {
        let model = Seq2SeqLm::new(&session::seq2seq(config)?, setup.seed, &device)?;
        return Ok(SharedModel::EncoderDecoder(model));
    }
    let config = session::encoder(config, "multi")?;
    let model = SharedEncoder::new(&config, (heads, saved), setup.seed, &device)?;
    Ok(SharedModel::Encoder(model))
}

/// Keys of `config.json`: those of the saved part, or of the first that has any, as a whole: they belong to the one head on texts that
/// the folder holds.
fn keys(opened: &[Opened], saved: usize) -> Map<String, Value> {
    let parts = std::iter::once(&opened[saved]).chain(opened);
    let mut keys = parts.map(|part| &part.keys);
    keys.find(|keys| !keys.is_empty())
        .cloned()
        .unwrap_or_default()
}

fn mixed(opened: &[Opened], config: &MultiConfig, seed: u64) -> Source<Multi> {
    let sources: Vec<_> = opened
        .iter()
        .filter_map(|part| part.train.batches.clone())
        .collect();
    // For evaluation alone there is nothing to train on in any part.
    let is_whole = sources.len() == opened.len();
    let weights: Vec<f64> = config.parts.iter().map(|part| part.weight).collect();
    Source {
        batches: is_whole.then(|| {
            Arc::new(Mixed::new(sources, &weights, seed)) as Arc<dyn Batches<Batch = MultiBatch>>
        }),
        n_rows: opened.iter().map(|part| part.train.n_rows).sum(),
    }
}

fn chained(opened: &[Opened]) -> Source<Multi> {
    let sources: Vec<_> = opened
        .iter()
        .filter_map(|part| part.eval.batches.clone())
        .collect();
    Source {
        batches: (!sources.is_empty())
            .then(|| Arc::new(Chained::new(sources)) as Arc<dyn Batches<Batch = MultiBatch>>),
        n_rows: opened.iter().map(|part| part.eval.n_rows).sum(),
    }
}
