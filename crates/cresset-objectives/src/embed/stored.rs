//! What a folder says about its embeddings: the files of sentence-transformers, or `cresset.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cresset_model::Pooling;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::model_folder::ModelFolder;
use crate::{Poolings, RunError};

/// How a folder's embeddings are made.
pub(super) struct Stored {
    /// The pooling, if the folder names one; what it does otherwise, if that is not supported.
    pub(super) pooling: Result<Option<Poolings<Pooling>>, String>,
    /// Whether vectors are scaled to length 1, if the folder says.
    pub(super) normalize: Option<bool>,
    /// Longest input in tokens, special tokens counted.
    pub(super) max_length: Option<usize>,
    /// Whether texts are lower-cased before the tokenizer sees them.
    pub(super) lowercases: bool,
    /// What is put in front of every text.
    pub(super) prompt: String,
}

impl Stored {
    /// Reads `modules.json` and the files it names; where there is none, `cresset.json` is asked.
    ///
    /// # Errors
    /// A damaged file.
    pub(super) fn read(folder: &ModelFolder) -> Result<Stored, RunError> {
        let path = &folder.files.path;
        if !path.join("modules.json").exists() {
            return Ok(Stored {
                pooling: Ok(folder
                    .facts
                    .as_ref()
                    .and_then(|facts| facts.pooling.clone())),
                normalize: None,
                max_length: None,
                lowercases: false,
                prompt: String::new(),
            });
        }
        let modules: Vec<SentenceModule> = read_json(&path.join("modules.json"))?;
        let mut stored = Stored {
            pooling: Ok(None),
            normalize: Some(false),
            max_length: None,
            lowercases: false,
            prompt: Prompts::read(path)?.chosen(),
        };
        for module in &modules {
            let place = path.join(&module.path);
            match module.kind() {
                "Transformer" => {
                    let settings = transformer_settings(&place)?;
                    stored.max_length = settings.max_seq_length;
                    stored.lowercases = settings.do_lower_case;
                }
                "Pooling" if stored.pooling.is_ok() => {
                    let config: Map<String, Value> = read_json(&place.join("config.json"))?;
                    stored.pooling = pooling(&config).map(Some);
                }
                "Pooling" => {}
                "Normalize" => stored.normalize = Some(true),
                other => {
                    stored.pooling = Err(format!("uses sentence-transformers' module {other}"))
                }
            }
        }
        Ok(stored)
    }
}

/// An entry of `modules.json`.
#[derive(Deserialize)]
struct SentenceModule {
    path: String,
    r#type: String,
}

impl SentenceModule {
    /// The class without its Python package, which has moved between versions.
    fn kind(&self) -> &str {
        self.r#type.rsplit('.').next().unwrap_or_default()
    }
}

/// `sentence_bert_config.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TransformerSettings {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
}

/// `config_sentence_transformers.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Prompts {
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
}

impl Prompts {
    fn read(folder: &Path) -> Result<Prompts, RunError> {
        let path = folder.join("config_sentence_transformers.json");
        if path.exists() {
            read_json(&path)
        } else {
            Ok(Prompts::default())
        }
    }

    fn chosen(mut self) -> String {
        let name = self.default_prompt_name.as_ref();
        name.and_then(|name| self.prompts.remove(name))
            .unwrap_or_default()
    }
}

/// Older versions named the file after the family.
fn transformer_settings(place: &Path) -> Result<TransformerSettings, RunError> {
    let families = ["bert", "roberta", "albert", "xlnet"];
    families
        .map(|family| place.join(format!("sentence_{family}_config.json")))
        .iter()
        .find(|path| path.exists())
        .map_or(Ok(TransformerSettings::default()), |path| read_json(path))
}

/// The poolings of a `1_Pooling/config.json`, or what else it holds. Older versions have a key for each, newer ones one for all.
fn pooling(config: &Map<String, Value>) -> Result<Poolings<Pooling>, String> {
    let modes: Vec<&str> = match config.get("pooling_mode") {
        Some(Value::Array(modes)) => modes.iter().filter_map(Value::as_str).collect(),
        Some(mode) => mode.as_str().into_iter().collect(),
        None => of_old_keys(config),
    };
    let one = |mode: &&str| match *mode {
        "cls_token" | "cls" => Ok(Pooling::Cls),
        "mean_tokens" | "mean" => Ok(Pooling::Mean),
        "max_tokens" | "max" => Ok(Pooling::Max),
        "lasttoken" => Ok(Pooling::Last),
        mode => Err(format!("pools by {mode}")),
    };
    match modes.is_empty() {
        true => Ok(Poolings(vec![Pooling::Mean])),
        false => modes
            .iter()
            .map(one)
            .collect::<Result<_, _>>()
            .map(Poolings),
    }
}

/// The modes that are on, in the order in which sentence-transformers joins them, whatever the file's.
fn of_old_keys(config: &Map<String, Value>) -> Vec<&str> {
    const ORDER: [&str; 3] = ["cls_token", "max_tokens", "mean_tokens"];
    let mut modes: Vec<&str> = config
        .iter()
        .filter(|(_, value)| **value == Value::Bool(true))
        .filter_map(|(key, _)| key.strip_prefix("pooling_mode_"))
        .collect();
    modes.sort_by_key(|mode| ORDER.iter().position(|m| m == mode).unwrap_or(ORDER.len()));
    modes
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RunError> {
    let damaged = |why: String| {
        RunError::Config(format!(
            "cannot read {}: {why}; copy the file from the model's original folder",
            path.display()
        ))
    };
    let text = fs::read_to_string(path).map_err(|e| damaged(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))
}
