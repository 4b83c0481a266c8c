//! A run folder: its config, its curves, and what was recorded of its special vectors.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{json_lines, or_default, text};
use crate::failure::user;
use crate::table::visible;

/// The log of a run.
pub const METRICS: &str = "metrics.jsonl";
/// The effective config of a run.
pub const CONFIG: &str = "config.toml";

/// A run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The folder, as it was named.
    pub name: String,
    /// The config's text; empty if there is none.
    pub config_text: String,
    /// The config.
    pub config: toml::Table,
    /// What it was made from, `run.json`.
    pub facts: BTreeMap<String, Value>,
    /// The step that the run was to end with.
    pub steps: Option<u64>,
    /// Whether it came to its end.
    pub is_finished: bool,
    /// Optimizer steps.
    pub trained: Vec<Trained>,
    /// Evaluations.
    pub evaluated: Vec<Evaluated>,
    /// What was recorded of the special vectors, in the order of steps.
    pub special: Vec<Special>,
    /// The vectors themselves.
    pub recorded: Vec<Recorded>,
}

/// An optimizer step.
#[derive(Clone, Debug, Deserialize)]
pub struct Trained {
    /// Which, from 1.
    pub step: u64,
    /// The loss.
    pub loss: Option<f64>,
    /// The loss's terms.
    #[serde(default)]
    pub terms: BTreeMap<String, Option<f64>>,
    /// Norm of the gradients.
    pub grad_norm: Option<f64>,
    /// Learning rate.
    pub lr: Option<f64>,
}

/// An evaluation.
#[derive(Clone, Debug, Deserialize)]
pub struct Evaluated {
    /// After this step.
    pub step: u64,
    /// Metrics by name.
    #[serde(default)]
    pub values: BTreeMap<String, Option<f64>>,
}

/// What was recorded of the special vectors at an evaluation.
#[derive(Clone, Debug, Deserialize)]
pub struct Special {
    /// After this step.
    pub step: u64,
    /// One by one.
    #[serde(default)]
    pub vectors: Vec<Vector>,
    /// Of the attention that goes to and comes from them.
    #[serde(default)]
    pub attention: Vec<Attention>,
    /// The cloud of the vectors that stand for texts.
    pub cloud: Option<Cloud>,
    /// What is alarming.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// A special vector at a time.
#[derive(Clone, Debug, Deserialize)]
pub struct Vector {
    /// What it is for.
    #[serde(default)]
    pub role: String,
    /// Its token.
    #[serde(default)]
    pub token: String,
    /// Whose table it is in, where there are two.
    pub stack: Option<String>,
    /// Its length.
    pub norm: Option<f64>,
    /// Mean length of the vocabulary's vectors.
    pub mean_norm: Option<f64>,
    /// Cosine with what it was at step 0.
    pub cosine_to_start: Option<f64>,
    /// Distance from what it was at step 0.
    pub distance_to_start: Option<f64>,
    /// Cosine with the vocabulary's mean.
    pub cosine_to_mean: Option<f64>,
    /// Distance from the vocabulary's mean.
    pub distance_to_mean: Option<f64>,
    /// The nearest ordinary tokens.
    #[serde(default)]
    pub nearest: Vec<Near>,
    /// Norm of its gradient.
    pub gradient_norm: Option<f64>,
    /// Norm of its last update over its own.
    pub update_ratio: Option<f64>,
}

/// Which special vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Its token.
    pub token: String,
    /// Whose table it is in, where there are two.
    pub stack: Option<String>,
}

/// A token nearby.
#[derive(Clone, Debug, Deserialize)]
pub struct Near {
    /// As the tokenizer spells it.
    #[serde(default)]
    pub token: String,
    /// How near.
    pub cosine: Option<f64>,
}

/// Attention to and from a token.
#[derive(Clone, Debug, Deserialize)]
pub struct Attention {
    /// Which attention: of the encoder, of the decoder, or from the decoder to the encoder.
    #[serde(default)]
    pub stack: String,
    /// The token.
    #[serde(default)]
    pub token: String,
    /// Texts looked at.
    pub n_texts: Option<usize>,
    /// Share that other positions give to the token's, by layer and head; empty where it is not looked at.
    #[serde(default, deserialize_with = "or_default")]
    pub to: Vec<Vec<Option<f64>>>,
    /// Entropy of what the token's own position looks at, in nats.
    #[serde(default, deserialize_with = "or_default")]
    pub from_entropy: Vec<Vec<Option<f64>>>,
    /// Share that the token gives to itself.
    #[serde(default, deserialize_with = "or_default")]
    pub from_self: Vec<Vec<Option<f64>>>,
}

/// The cloud of the vectors that stand for texts.
#[derive(Clone, Debug, Deserialize)]
pub struct Cloud {
    /// Whose vectors.
    #[serde(default)]
    pub pooling: String,
    /// How many.
    pub n: Option<usize>,
    /// Mean cosine of two of them.
    pub mean_cosine: Option<f64>,
    /// How many directions they use.
    pub effective_rank: Option<f64>,
    /// The share of the first direction.
    pub first_direction: Option<f64>,
    /// Of how many.
    pub width: Option<usize>,
}

/// The vectors at an evaluation, in the order of steps.
#[derive(Clone, Debug, Deserialize)]
pub struct Recorded {
    /// The mean of the vocabulary, of two tables that of the first.
    #[serde(default)]
    pub mean: Vec<f64>,
    /// That of the decoder's table, where there are two.
    #[serde(default, deserialize_with = "or_default")]
    pub decoder_mean: Vec<f64>,
    /// The special vectors.
    #[serde(default)]
    pub vectors: Vec<RecordedVector>,
}

/// A vector as it was.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedVector {
    /// Its token.
    #[serde(default)]
    pub token: String,
    /// Whose table it is in, where there are two.
    pub stack: Option<String>,
    /// Its numbers.
    #[serde(default)]
    pub vector: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event {
    Started {
        steps: Option<u64>,
    },
    Step(Trained),
    Evaluated(Evaluated),
    Special(Special),
    Finished,
    #[serde(other)]
    Other,
}

impl Run {
    /// The vectors that were recorded, each with its name, in the order in which they first occur.
    pub fn special_names(&self) -> Vec<Name> {
        let mut names = Vec::new();
        for vector in self.special.iter().flat_map(|s| &s.vectors) {
            let name = vector.name();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl Vector {
    /// Which vector it is.
    pub fn name(&self) -> Name {
        Name::new(&self.token, self.stack.as_deref())
    }
}

impl RecordedVector {
    /// Which vector it is.
    pub fn name(&self) -> Name {
        Name::new(&self.token, self.stack.as_deref())
    }
}

impl Name {
    fn new(token: &str, stack: Option<&str>) -> Name {
        Name {
            token: token.to_owned(),
            stack: stack.map(str::to_owned),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.token))?;
        match &self.stack {
            Some(stack) => write!(f, " ({stack})"),
            None => Ok(()),
        }
    }
}

/// Reads a run folder.
///
/// # Errors
/// A line or a config that does not parse.
pub fn read(folder: &Path) -> anyhow::Result<Run> {
    let path = folder.join(CONFIG);
    let config_text = text(&path)?.unwrap_or_default();
    let config = config_text.parse::<toml::Table>().map_err(|e| {
        let line = e
            .span()
            .map_or(1, |s| config_text[..s.start].lines().count().max(1));
        user(format!(
            "{}, line {line}: {}; restore the file, or take it out",
            path.display(),
            e.message().replace('\n', " ")
        ))
    })?;
    let facts = folder.join("run.json");
    let mut run = Run {
        name: folder.display().to_string(),
        config_text,
        config,
        facts: match facts.is_file() {
            true => super::json(&facts, "the run.json that the run wrote, or take it out")?,
            false => BTreeMap::new(),
        },
        recorded: json_lines(&folder.join("vectors.jsonl"))?,
        ..Run::default()
    };
    for event in json_lines(&folder.join(METRICS))? {
        match event {
            Event::Started { steps } => run.steps = steps.or(run.steps),
            Event::Step(step) => run.trained.push(step),
            Event::Evaluated(evaluation) => run.evaluated.push(evaluation),
            Event::Special(special) => run.special.push(special),
            Event::Finished => run.is_finished = true,
            Event::Other => {}
        }
    }
    Ok(run)
}
