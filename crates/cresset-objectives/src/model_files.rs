//! A model's own files: sizes, class and labels, all that raw numbers need.

use std::path::{Path, PathBuf};

use cresset_model::{HeadKind, ModelConfig, TextHead, read_config};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Poolings, RunError};

/// Key of `config.json` for what a classifier of texts reads, where it is not what its class reads in transformers.
pub(crate) const POOLING_KEY: &str = "classifier_pooling";
/// Key of `config.json` for how many tokens stand for a text, where it is more than one and they are read.
pub(crate) const N_CLS_KEY: &str = "n_cls_tokens";

/// What `config.json` says, and where the weights are.
#[derive(Clone, Debug)]
pub struct ModelFiles {
    /// The folder.
    pub path: PathBuf,
    /// The architecture's sizes.
    pub config: ModelConfig,
    /// All of `config.json`.
    pub raw: Map<String, Value>,
}

impl ModelFiles {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// A file that is missing or damaged.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        if !path.is_dir() {
            return Err(RunError::Config(format!(
                "the model folder {} does not exist; check the path",
                path.display()
            )));
        }
        if !path.join("config.json").is_file() {
            return Err(RunError::Config(format!(
                "{} holds no config.json, so it is not a model folder; give one, such as the best/ of a run",
                path.display()
            )));
        }
        let (config, raw) = read_config(path)?;
        Ok(ModelFiles {
            path: path.to_owned(),
            config,
            raw,
        })
    }

    /// The architecture's class name, as in `BertForMaskedLM`.
    pub fn architecture(&self) -> Option<&str> {
        self.raw.get("architectures")?.get(0)?.as_str()
    }

    /// What the model's outputs are for.
    ///
    /// # Errors
    /// A class that is not known.
    pub fn head(&self) -> Result<HeadKind, RunError> {
        let class = self.architecture().unwrap_or("(none)");
        HeadKind::of_class(class).ok_or_else(|| {
            RunError::Config(format!(
                "{}: config.json names the class {class} in `architectures`, which is not known; name one of those in the README",
                self.path.display()
            ))
        })
    }

    /// Outputs of a classifier: as many as it has labels, two if config.json names none, as in Hugging Face.
    pub fn n_labels(&self) -> usize {
        let counted = self.raw.get("num_labels").and_then(Value::as_u64);
        self.labels()
            .map(|labels| labels.len())
            .or(counted.map(|n| n as usize))
            .unwrap_or(2)
    }

    /// The head of a classifier of texts: that of its class, unless `classifier_pooling` says otherwise, which transformers does not know.
    ///
    /// # Errors
    /// A pooling that does not exist.
    pub fn text_head(&self) -> Result<TextHead, RunError> {
        let Some(poolings) = self.raw.get(POOLING_KEY) else {
            return Ok(TextHead::of_class(self.n_labels()));
        };
        let Poolings(poolings) = Poolings::deserialize(poolings).map_err(|error| {
            RunError::Config(format!(
                "{}: config.json has a {POOLING_KEY} that cannot be used: {error}; restore the file",
                self.path.display()
            ))
        })?;
        let n_cls = self.raw.get(N_CLS_KEY).and_then(Value::as_u64);
        Ok(TextHead {
            n_labels: self.n_labels(),
            poolings,
            n_cls: n_cls.unwrap_or(1) as usize,
        })
    }

    /// The class names of a classifier, in the order of its outputs.
    pub fn labels(&self) -> Option<Vec<String>> {
        let map = self.raw.get("id2label")?.as_object()?;
        (0..map.len())
            .map(|i| map.get(&i.to_string())?.as_str().map(str::to_owned))
            .collect()
    }
}
