//! The checked configuration. Everything that can be known to be wrong before a file is opened is refused here.

use std::path::PathBuf;

use cresset_data::{BatchSize, Bucketing};
use cresset_model::ModelConfig;
use cresset_objectives::multi::{PartConfig, PartData};
use cresset_objectives::{Duration, ObjectiveConfig, Shape};
use serde_json::{Map, Value};

use crate::config::{DataConfig, RunConfig, TrainConfig, check_train_entries, suggestion};
use crate::failure::user;
use crate::{prepared, special};

/// Where the model comes from.
#[derive(Clone, Debug)]
pub enum PlannedModel {
    /// A new model of this architecture; its vocabulary size and special-token ids are filled in from the tokenizer.
    New {
        /// `bert`, `t5`, ...
        kind: String,
        /// The sizes given in the config.
        sizes: Map<String, Value>,
    },
    /// Two BERT folders that become an encoder-decoder.
    WarmStart {
        /// What reads.
        encoder: PathBuf,
        /// What writes.
        decoder: PathBuf,
    },
    /// A Hugging Face folder.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// Beginnings of names of tensors beyond the task head that are initialised where the folder lacks them.
        allow_new: Vec<String>,
        /// Beginnings of names of tensors that are initialised though the folder has them.
        reset: Vec<String>,
    },
}

/// A config that makes sense.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The raw config, as saved with the run.
    pub config: RunConfig,
    /// Where the model comes from.
    pub model: PlannedModel,
    /// The convention's preset; `None` takes the model folder's own.
    pub convention: Option<String>,
    /// The size of a micro-batch.
    pub batch: BatchSize,
    /// Whether rows of like length go together.
    pub bucketing: Bucketing,
    /// How long to train.
    pub duration: Duration,
}

const ARCHITECTURES: &[(&str, Shape, &str)] = &[
    ("bert", Shape::Encoder, "bert"),
    ("roberta", Shape::Encoder, "roberta"),
    ("albert", Shape::Encoder, "albert"),
    ("xlnet", Shape::Encoder, "xlnet"),
    ("marian", Shape::EncoderDecoder, "mt"),
    ("bart", Shape::EncoderDecoder, "bart"),
    ("t5", Shape::EncoderDecoder, "t5"),
    ("encoder-decoder", Shape::EncoderDecoder, "bert2bert"),
    ("gpt2", Shape::Decoder, "gpt"),
];

impl Plan {
    /// Checks a raw config.
    ///
    /// # Errors
    /// The first value that makes no sense, with its key and the way out.
    pub fn check(config: RunConfig) -> anyhow::Result<Plan> {
        let (batch, bucketing) = check_data(&config.data, &config.objective)?;
        let duration = check_train(&config.train)?;
        config.objective.validate()?;
        if config.data.packing {
            config.objective.check_packing()?;
        }
        config.optim.validate().map_err(|e| user(e.to_string()))?;
        if let Duration::Steps(steps) = duration {
            config
                .schedule
                .validate(steps)
                .map_err(|e| user(e.to_string()))?;
        }
        if config.tokenizer.path.is_some() && config.tokenizer.train.is_some() {
            return Err(user(
                "tokenizer.path and tokenizer.train are both given; keep one of them",
            ));
        }
        special::check(&config.special)?;
        let (model, preset) = check_model(&config)?;
        if let Some(metric) = &config.train.keep_best {
            let known = config.objective.metrics();
            if !known.contains(metric) {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                return Err(user(format!(
                    "train.keep_best = {metric:?} is not a metric of objective {}; choose one of {}{}",
                    config.objective.name(),
                    known.join(", "),
                    suggestion(metric, &names)
                )));
            }
            let evaluates_a_part =
                parts_with_files(&config.objective).any(|data| !data.eval.is_empty());
            if config.data.eval.is_empty() && config.data.split.is_none() && !evaluates_a_part {
                return Err(user(
                    "train.keep_best needs held-out data; set data.eval or data.split",
                ));
            }
        }
        let convention = config.special.convention.clone().or(preset);
        let plan = Plan {
            config,
            model,
            convention,
            batch,
            bucketing,
            duration,
        };
        prepared::check(&plan)?;
        Ok(plan)
    }

    /// Longest decoder input in tokens.
    pub fn max_target_length(&self) -> usize {
        self.config
            .data
            .max_target_length
            .unwrap_or(self.config.data.max_length)
    }
}

/// The files of the parts of a mix that have their own.
pub fn parts_with_files(objective: &ObjectiveConfig) -> impl Iterator<Item = &PartData> {
    let parts: &[PartConfig] = match objective {
        ObjectiveConfig::Multi(multi) => &multi.parts,
        _ => &[],
    };
    parts.iter().filter_map(|part| part.data.as_ref())
}

/// Whether the files of `[data]` are needed: not by a mix whose parts all have their own.
fn needs_files(objective: &ObjectiveConfig) -> bool {
    match objective {
        ObjectiveConfig::Multi(multi) => multi.parts.iter().any(|part| part.data.is_none()),
        _ => true,
    }
}

fn check_data(
    data: &DataConfig,
    objective: &ObjectiveConfig,
) -> anyhow::Result<(BatchSize, Bucketing)> {
    let names_files = !data.train.is_empty() || !data.eval.is_empty();
    if names_files && !needs_files(objective) {
        return Err(user(
            "[data] names files, but every part of objective.multi has its own; set data.train = [] and leave out data.eval",
        ));
    }
    if parts_with_files(objective).any(|part| part.train.is_empty()) {
        return Err(user(
            "a part of objective.multi has data without a file; set its data.train, or leave its data out to take the files of [data]",
        ));
    }
    if needs_files(objective) {
        check_train_entries(&data.train)?;
    }
    if let Some(split) = data.split {
        if !data.eval.is_empty() {
            return Err(user(
                "data.eval and data.split are both given; keep one of them",
            ));
        }
        split.check()?;
    }
    if data.max_length < 3 {
        return Err(user(format!(
            "data.max_length is {} but must be at least 3 tokens, special tokens counted",
            data.max_length
        )));
    }
    if data.eval_batch_size == 0 {
        return Err(user("data.eval_batch_size is 0 but must be at least 1"));
    }
    let batch = match (data.batch_size, data.max_tokens) {
        (Some(_), Some(_)) => {
            return Err(user(
                "data.batch_size and data.max_tokens are both given; keep one of them",
            ));
        }
        (Some(0), None) => return Err(user("data.batch_size is 0 but must be at least 1")),
        (None, Some(tokens)) if tokens < data.max_length => {
            return Err(user(format!(
                "data.max_tokens {tokens} cannot hold one row of data.max_length {} tokens; raise it or lower data.max_length",
                data.max_length
            )));
        }
        (Some(rows), None) => BatchSize::Examples(rows),
        (None, Some(tokens)) => BatchSize::Tokens(tokens),
        (None, None) => BatchSize::Examples(32),
    };
    Ok((
        batch,
        if data.bucket || data.max_tokens.is_some() {
            Bucketing::ByLength
        } else {
            Bucketing::None
        },
    ))
}

fn check_train(train: &TrainConfig) -> anyhow::Result<Duration> {
    if train.accumulate == 0 {
        return Err(user("train.accumulate is 0 but must be at least 1"));
    }
    if train.eval_every == Some(0) || train.checkpoint_every == Some(0) {
        return Err(user(
            "train.eval_every and train.checkpoint_every must be at least 1 step; leave them out for the defaults",
        ));
    }
    if train.keep_last == 0 {
        return Err(user(
            "train.keep_last is 0 but must be at least 1, or the run could not be continued",
        ));
    }
    match (train.steps, train.epochs) {
        (Some(0), None) => Err(user("train.steps is 0 but must be at least 1")),
        (Some(steps), None) => Ok(Duration::Steps(steps)),
        (None, Some(epochs)) if epochs > 0.0 && epochs.is_finite() => Ok(Duration::Epochs(epochs)),
        (None, Some(epochs)) => Err(user(format!(
            "train.epochs is {epochs} but must be above 0"
        ))),
        (Some(_), Some(_)) => Err(user(
            "train.steps and train.epochs are both given; keep one of them",
        )),
        (None, None) => Err(user(
            "neither train.steps nor train.epochs is given; set train.epochs = 3",
        )),
    }
}

fn check_model(config: &RunConfig) -> anyhow::Result<(PlannedModel, Option<String>)> {
    if let Some(model) = check_folder(&config.model)? {
        return Ok((model, None));
    }
    if let Some(model) = check_warm_start(config)? {
        return Ok((model, Some("bert2bert".to_owned())));
    }
    let keys: Vec<&str> = config.model.keys().map(String::as_str).collect();
    let [key] = keys[..] else {
        return Err(user(format!(
            "[model] must hold either path or one architecture ({}), but holds {}",
            names().join(", "),
            if keys.is_empty() {
                "nothing".to_owned()
            } else {
                keys.join(", ")
            }
        )));
    };
    let value = &config.model[key];
    let Some((kind, shape, preset)) = ARCHITECTURES.iter().find(|(name, ..)| *name == key) else {
        return Err(user(format!(
            "model.{key} is not an architecture; choose path or one of {}{}",
            names().join(", "),
            suggestion(key, &names())
        )));
    };
    if !config.objective.takes(*shape) {
        return Err(user(format!(
            "objective {} needs {}, but model.{kind} is {}",
            config.objective.name(),
            config.objective.shape(),
            shape
        )));
    }
    if config.tokenizer.path.is_none() && config.tokenizer.train.is_none() {
        return Err(user(
            "a new model needs a tokenizer; set tokenizer.path = \"folder\" or [tokenizer.train] kind = \"wordpiece\"",
        ));
    }
    let Value::Object(sizes) = serde_json::to_value(value)? else {
        return Err(user(format!(
            "model.{kind} must be a table of sizes, as in model.{kind} = {{ n_layers = 4 }}"
        )));
    };
    let mut probe = sizes.clone();
    probe.entry("vocab_size").or_insert(Value::from(1000));
    let model = ModelConfig::from_toml_table(kind, probe)?;
    check_positions(&model, &config.objective, &config.data)?;
    Ok((
        PlannedModel::New {
            kind: (*kind).to_owned(),
            sizes,
        },
        Some((*preset).to_owned()),
    ))
}

/// The two folders of `warm_start = { encoder = .., decoder = .. }`; `None` without it.
fn check_warm_start(config: &RunConfig) -> anyhow::Result<Option<PlannedModel>> {
    let Some(value) = config.model.get("warm_start") else {
        return Ok(None);
    };
    let folder = |name: &str| value.get(name)?.as_str().map(PathBuf::from);
    let is_whole = value.as_table().is_some_and(|table| table.len() == 2);
    match (folder("encoder"), folder("decoder")) {
        (Some(encoder), Some(decoder)) if is_whole && config.model.len() == 1 => {
            if !config.objective.takes(Shape::EncoderDecoder) {
                return Err(user(format!(
                    "objective {} needs {}, but model.warm_start makes an encoder-decoder",
                    config.objective.name(),
                    config.objective.shape()
                )));
            }
            Ok(Some(PlannedModel::WarmStart { encoder, decoder }))
        }
        _ => Err(user(format!(
            "[model] warm_start is {value} but must hold two folders and stand alone, as in warm_start = {{ encoder = \"models/bert\", decoder = \"models/bert\" }}"
        ))),
    }
}

/// The folder of `path = ..`, and what may be new beside it; `None` without `path`.
fn check_folder(model: &toml::Table) -> anyhow::Result<Option<PlannedModel>> {
    let Some(path) = model.get("path") else {
        return Ok(None);
    };
    let path = path
        .as_str()
        .ok_or_else(|| user("model.path must be a folder name in quotes"))?;
    if let Some(key) = model
        .keys()
        .find(|key| !["path", "allow_new", "reset"].contains(&key.as_str()))
    {
        return Err(user(format!(
            "[model] holds path and {key}, but beside path there can only be allow_new and reset; a folder brings its own sizes{}",
            suggestion(key, &["allow_new", "reset"])
        )));
    }
    let names = |value: &toml::Value| -> Option<Vec<String>> {
        let name = |entry: &toml::Value| entry.as_str().map(str::to_owned);
        value.as_array()?.iter().map(name).collect()
    };
    let list = |key: &str| match model.get(key) {
        None => Ok(Vec::new()),
        Some(value) => names(value).ok_or_else(|| {
            user(format!(
                "model.{key} is {value} but must be a list of names, as in {key} = [\"pooler\"]"
            ))
        }),
    };
    Ok(Some(PlannedModel::Folder {
        path: PathBuf::from(path),
        allow_new: list("allow_new")?,
        reset: list("reset")?,
    }))
}

/// Refuses rows longer than the model has positions.
///
/// # Errors
/// `data.max_length` or `data.max_target_length` above the model's positions.
pub fn check_positions(
    model: &ModelConfig,
    objective: &ObjectiveConfig,
    data: &DataConfig,
) -> anyhow::Result<()> {
    let Some(positions) = model.max_positions() else {
        return Ok(());
    };
    let mut limits = vec![("data.max_length", data.max_length)];
    if objective.shape() == Shape::EncoderDecoder {
        limits.extend(
            data.max_target_length
                .map(|n| ("data.max_target_length", n)),
        );
    }
    for (key, length) in limits {
        if length > positions {
            return Err(user(format!(
                "sequence length {length} exceeds the model's {positions} positions; lower {key} or raise the model's max_positions"
            )));
        }
    }
    Ok(())
}

fn names() -> Vec<&'static str> {
    ARCHITECTURES.iter().map(|(name, ..)| *name).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config;

    #[test]
    fn every_shipped_config_parses_and_checks() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let mut checked = Vec::new();
        for folder in fs::read_dir(configs).expect("configs") {
            let folder = folder.expect("a folder").path();
            // Studies are no configs of a run; a test of theirs checks them.
            if folder.ends_with("studies") {
                continue;
            }
            for file in fs::read_dir(folder).expect("files") {
                let path = file.expect("a file").path();
                let config =
                    config::read(&path, &[]).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                checked.push(config.train.out.clone());
                Plan::check(config).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            }
        }
        assert!(checked.len() >= 12, "only {} configs", checked.len());
        let n = checked.len();
        checked.sort();
        checked.dedup();
        assert_eq!(checked.len(), n, "every config has a run folder of its own");
    }

    #[test]
    fn every_objective_has_a_tiny_config_a_real_one_and_a_row_in_the_docs() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let of = |folder: &str| -> Vec<&'static str> {
            let files = fs::read_dir(root.join("configs").join(folder)).expect("files");
            let name = |file: std::io::Result<fs::DirEntry>| {
                let config = config::read(&file.expect("a file").path(), &[]).expect("parses");
                config.objective.name()
            };
            files.map(name).collect()
        };
        let (tiny, real) = (of("tiny"), [of("pretrain"), of("finetune")].concat());
        let docs = fs::read_to_string(root.join("docs/objectives.md")).expect("the docs");
        // The message names all there are.
        let unknown: Result<ObjectiveConfig, _> = serde_json::from_str("{\"none\": {}}");
        let message = unknown.expect_err("refused").to_string();
        let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        assert!(known.len() >= 14, "{message}");
        for name in known {
            assert!(tiny.contains(&name), "a tiny config for {name}");
            assert!(real.contains(&name), "a real config for {name}");
            assert!(
                docs.contains(&format!("| [`{name}`](#")),
                "{name} in the docs"
            );
        }
    }

    #[test]
    fn the_metric_of_keep_best_must_be_one_of_the_objectives() {
        let text = "[data]\ntrain = [\"a\"]\nsplit = 0.1\n[tokenizer.train]\nkind = \"wordpiece\"\n[model.bert]\n\
                    [objective.classify]\n[train]\nsteps = 1\nout = \"x\"\nkeep_best = \"acuracy\"\n";
        let config = config::parse(text, "c.toml", &[]).expect("parses");
        let message = Plan::check(config).expect_err("refused").to_string();
        assert!(message.contains("did you mean `accuracy`?"), "{message}");
    }
}
