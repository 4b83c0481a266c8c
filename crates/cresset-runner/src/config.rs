//! The raw configuration: a TOML file with `--set` overrides, shaped but not yet checked.

mod sources;

use std::path::{Path, PathBuf};

use cresset_data::{FieldNames, Format, Overrides, Split, TokenizerTrainConfig};
use cresset_objectives::{ObjectiveConfig, TokenPolicies};
use cresset_train::{OptimConfig, ScheduleConfig};
use serde::{Deserialize, Serialize};

use crate::failure::user;
use crate::prepared::Prepare;

pub use sources::{TrainEntry, check as check_train_entries};

/// A config file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Seed of initial weights, order, corruption and dropout.
    #[serde(default)]
    pub seed: u64,
    /// What to train on.
    pub data: DataConfig,
    /// The tokenizer; a model folder brings its own.
    #[serde(default)]
    pub tokenizer: TokenizerConfig,
    /// The special tokens.
    #[serde(default)]
    pub special: SpecialConfig,
    /// `path = "folder"` with `allow_new`, or the architecture's name with its sizes.
    pub model: toml::Table,
    /// What is learnt.
    pub objective: ObjectiveConfig,
    /// How the weights are updated.
    #[serde(default)]
    pub optim: OptimConfig,
    /// The learning rate over time.
    #[serde(default)]
    pub schedule: ScheduleConfig,
    /// How long, and what is kept.
    pub train: TrainConfig,
}

/// `[data]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Training files or patterns, relative to the working directory, for `parallel` source and target in turn; and tables
    /// with a weight, as in `{ files = ["more.jsonl"], weight = 0.5 }`.
    pub train: Vec<TrainEntry>,
    /// Held-out files or patterns.
    #[serde(default)]
    pub eval: Vec<PathBuf>,
    /// Share of the examples of each source held out instead of `eval`: the last ones, or with `{ ratio = 0.1, seed = 0 }` any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// The format of the files.
    #[serde(default)]
    pub format: Format,
    /// Which fields or columns hold what.
    #[serde(default)]
    pub fields: FieldNames,
    /// Longest input in tokens, special tokens counted.
    #[serde(default = "default_max_length")]
    pub max_length: usize,
    /// Longest decoder input in tokens; `max_length` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_target_length: Option<usize>,
    /// Rows per micro-batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// Tokens per micro-batch, padding counted, instead of `batch_size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// Whether rows of like length go together.
    #[serde(default)]
    pub bucket: bool,
    /// Rows per evaluation batch.
    #[serde(default = "default_eval_batch_size")]
    pub eval_batch_size: usize,
    /// Whether several texts share a row, without attention from one to another.
    #[serde(default, skip_serializing_if = "is_default")]
    pub packing: bool,
    /// The folder of texts that are tokenized once; `prepared` beside `train.out` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<PathBuf>,
    /// Whether texts are tokenized once: auto, always, never.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prepare: Prepare,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn default_max_length() -> usize {
    128
}

fn default_eval_batch_size() -> usize {
    64
}

/// `[tokenizer]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerConfig {
    /// A folder with `tokenizer.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Train one on the training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<TokenizerTrainConfig>,
}

/// `[special]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialConfig {
    /// A preset: bert, bert-without-cls, bert2bert, roberta, albert, xlnet, t5, t5-s, bart, mt, marian, gpt. By default the model folder's own, or
    /// the architecture's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convention: Option<String>,
    /// Tokens that differ from the preset's.
    #[serde(default)]
    pub overrides: Overrides,
    /// How the vectors of tokens begin and are trained, by role.
    #[serde(default, skip_serializing_if = "is_default")]
    pub policy: TokenPolicies,
}

/// `[train]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Optimizer steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Passes over the training data, instead of `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// Micro-batches per optimizer step.
    #[serde(default = "one")]
    pub accumulate: usize,
    /// Whether what stands inside a layer is made again in the backward pass instead of kept: less memory, more time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub checkpoint_layers: bool,
    /// Steps between evaluations; an epoch by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_every: Option<u64>,
    /// Steps between checkpoints; only at the end by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<u64>,
    /// Checkpoints that are kept.
    #[serde(default = "two")]
    pub keep_last: usize,
    /// Whether the special vectors are looked at before the first step and beside every evaluation; see docs/lab/telemetry.md.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub telemetry: bool,
    /// Whether event files for TensorBoard are written to `tensorboard/` in the run folder.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tensorboard: bool,
    /// The metric by which `best/` is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_best: Option<String>,
    /// The run folder.
    pub out: PathBuf,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

fn two() -> usize {
    2
}

/// Reads a config file and applies the overrides.
///
/// # Errors
/// A file that is not there or not TOML; an unknown key, with the nearest known one; a value of the wrong type.
pub fn read(path: &Path, overrides: &[String]) -> anyhow::Result<RunConfig> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        user(format!(
            "cannot read the config {}: {e}; check the path",
            path.display()
        ))
    })?;
    parse(&text, &path.display().to_string(), overrides)
}

/// As [`read`], from text; `name` is what errors call it.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str, name: &str, overrides: &[String]) -> anyhow::Result<RunConfig> {
    let mut table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e
            .span()
            .map_or(1, |span| text[..span.start].lines().count().max(1));
        user(format!(
            "{name}, line {line}: not valid TOML: {}",
            e.message().replace('\n', " ")
        ))
    })?;
    for one in overrides {
        apply(&mut table, one)?;
    }
    serde_path_to_error::deserialize(table).map_err(|e| {
        let message = e.inner().message().to_owned();
        user(explain(text, name, &e.path().to_string(), &message))
    })
}

/// Sets one `a.b=value`.
fn apply(table: &mut toml::Table, assignment: &str) -> anyhow::Result<()> {
    let Some((key, value)) = assignment.split_once('=') else {
        return Err(user(format!(
            "--set {assignment:?} has no '='; write --set train.steps=100"
        )));
    };
    let parsed: toml::Value = format!("value = {value}")
        .parse::<toml::Table>()
        .ok()
        .and_then(|mut t| t.remove("value"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    let Some(last) = parts.pop().filter(|p| !p.is_empty()) else {
        return Err(user(format!(
            "--set {assignment:?} names no key; write --set train.steps=100"
        )));
    };
    let mut here = table;
    for part in parts {
        let next = here
            .entry(part)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let Some(inner) = next.as_table_mut() else {
            return Err(user(format!(
                "--set {assignment:?}: {part} is a value in the config, not a section"
            )));
        };
        here = inner;
    }
    here.insert(last.to_owned(), parsed);
    Ok(())
}

/// One sentence from a deserialisation error: file, line, key, and the nearest known key.
fn explain(text: &str, name: &str, path: &str, message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    let key = if unknown {
        quoted.first().copied().unwrap_or(path)
    } else {
        path.rsplit('.').next().unwrap_or(path)
    };
    let place = match line_of(text, key) {
        Some(line) => format!("{name}, line {line}"),
        None => name.to_owned(),
    };
    let hint = if unknown {
        suggestion(key, &quoted[1.min(quoted.len())..])
    } else {
        String::new()
    };
    let at = if path.is_empty() || path == "." {
        String::new()
    } else {
        format!(" in `{path}`")
    };
    format!("{place}: {message}{at}{hint}")
}

/// `; did you mean ..?` for the known name nearest to an unknown one.
pub fn suggestion(unknown: &str, known: &[&str]) -> String {
    known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(unknown, k), k))
        .filter(|(distance, k)| *distance <= 2.max(k.len() / 3))
        .min()
        .map_or(String::new(), |(_, k)| format!("; did you mean `{k}`?"))
}

fn line_of(text: &str, key: &str) -> Option<usize> {
    let starts = |line: &str| {
        line.match_indices(key).any(|(at, _)| {
            let before = line[..at]
                .chars()
                .next_back()
                .is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-');
            let after = line[at + key.len()..].trim_start();
            before && (after.starts_with('=') || after.starts_with(']') || after.starts_with('.'))
        })
    };
    (!key.is_empty())
        .then(|| text.lines().position(starts).map(|i| i + 1))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "[data]\ntrain = [\"a\"]\n[model.bert]\n[objective.classify]\n[train]\nsteps = 1\nout = \"x\"\n";

    #[test]
    fn bug_class_20_a_misspelt_key_is_refused_with_line_and_suggestion() {
        let error = parse(&MINIMAL.replace("steps", "stesp"), "c.toml", &[])
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("c.toml, line 6") && error.contains("did you mean `steps`?"),
            "{error}"
        );
    }

    #[test]
    fn an_override_reaches_a_nested_key() {
        let config = parse(
            MINIMAL,
            "c.toml",
            &["train.steps=7".into(), "train.out=elsewhere".into()],
        )
        .expect("parses");
        assert_eq!(
            (config.train.steps, config.train.out),
            (Some(7), PathBuf::from("elsewhere"))
        );
    }

    #[test]
    fn an_override_of_an_unknown_key_is_refused() {
        let error = parse(MINIMAL, "c.toml", &["optim.clipp=1.0".into()])
            .expect_err("refused")
            .to_string();
        assert!(error.contains("clip"), "{error}");
    }
}
