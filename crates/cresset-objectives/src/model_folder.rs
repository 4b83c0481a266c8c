//! A model folder with everything a task needs: Hugging Face's files and `cresset.json` beside them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use cresset_data::{Convention, Overrides, Tokenizer};
use cresset_model::warm_start::EncoderDecoderConfig;
use cresset_model::{HfModel, ModelConfig, Pooling, check_vocabulary, save_weights, write_config};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ModelFiles, ObjectiveConfig, Poolings, RunError};

/// What was read from a model folder, but the weights.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    /// The model's files.
    pub files: ModelFiles,
    /// The tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// The tool's own facts; a folder from elsewhere has none.
    pub facts: Option<TaskFacts>,
    /// What is otherwise than the folder's own convention has it.
    overrides: Overrides,
}

/// The task's part of `cresset.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskFacts {
    /// The version that wrote it.
    pub version: String,
    /// The objective the model was trained by.
    pub objective: ObjectiveConfig,
    /// The pooling that the model's embeddings were trained with, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Poolings<Pooling>>,
    /// Longest input in tokens.
    pub max_length: usize,
    /// Longest decoder input in tokens.
    pub max_target_length: usize,
    /// How the training data was read; the runner's own.
    pub source: Value,
}

/// Name of the file that holds the convention and the task's facts.
const FACTS_FILE: &str = "cresset.json";

impl ModelFolder {
    /// Reads config, tokenizer and facts.
    ///
    /// # Errors
    /// A file that is missing or damaged.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let files = ModelFiles::open(path)?;
        let tokenizer = Arc::new(Tokenizer::load(path)?);
        let facts = match fs::read_to_string(path.join(FACTS_FILE)) {
            Ok(text) => {
                let value: Value =
                    serde_json::from_str(&text).map_err(|e| damaged(path, &e.to_string()))?;
                match value.get("task") {
                    Some(task) => Some(
                        serde_json::from_value(task.clone())
                            .map_err(|e| damaged(path, &e.to_string()))?,
                    ),
                    None => None,
                }
            }
            Err(_) => None,
        };
        Ok(ModelFolder {
            files,
            tokenizer,
            facts,
            overrides: Overrides::default(),
        })
    }

    /// The same folder with another token as the first that its decoder reads.
    ///
    /// # Errors
    /// A model without decoder; a token that the tokenizer or the model's vocabulary does not have.
    pub fn starting_with(mut self, token: &str) -> Result<Self, RunError> {
        let path = self.files.path.display();
        let convention = self.convention()?;
        if self.files.config.encoder().is_ok() || convention.decoder_frame().is_none() {
            return Err(RunError::Config(format!(
                "{path} is an encoder ({}), which has no decoder to start with {token:?}; choose a model that writes text",
                self.files.config.kind()
            )));
        }
        let vocabulary = self.files.config.target_vocab_size();
        let id = self.tokenizer.token_to_id(token);
        let Some(id) = id.filter(|id| (*id as usize) < vocabulary) else {
            let known = convention.special_ids().into_iter();
            let known: Vec<String> = known
                .filter_map(|id| self.tokenizer.id_to_token(id))
                .take(8)
                .collect();
            return Err(RunError::Config(format!(
                "the vocabulary of {path} has no token {token:?} to start decoding with; spell one as its tokenizer does, such as {}",
                known.join(" or ")
            )));
        };
        let config = self.files.config.with_decoder_start(id);
        self.files.config = config.with_learned_start(false);
        self.overrides.decoder_start = Some(token.to_owned());
        Ok(self)
    }

    /// The convention stored in the folder, or the preset of its architecture, with the token of [`ModelFolder::starting_with`].
    ///
    /// # Errors
    /// A special token that the tokenizer does not have.
    pub fn convention(&self) -> Result<Convention, RunError> {
        let own = if self.files.path.join(FACTS_FILE).exists() {
            Convention::load(&self.files.path, &self.tokenizer)?
        } else {
            Convention::preset(preset_of(&self.files.config), &self.tokenizer)?
        };
        let convention = match self.overrides == Overrides::default() {
            true => own,
            false => own.changed(&self.overrides, &self.tokenizer)?,
        };
        let decoder = convention.decoder_frame();
        if decoder.is_some_and(|d| d.start_is_learned) && !self.files.config.has_learned_start() {
            return Err(damaged(
                &self.files.path,
                "its convention starts decoding with a learned vector, which config.json does not have (decoder_start_vector)",
            ));
        }
        Ok(convention)
    }
}

fn damaged(path: &Path, why: &str) -> RunError {
    RunError::Config(format!(
        "{} is damaged: {why}; restore it or remove it to use the architecture's preset",
        path.join(FACTS_FILE).display()
    ))
}

fn preset_of(config: &ModelConfig) -> &'static str {
    match config {
        ModelConfig::Bert(_) => "bert",
        ModelConfig::Roberta(_) => "roberta",
        ModelConfig::Albert(_) => "albert",
        ModelConfig::T5(_) => "t5",
        ModelConfig::Marian(_) => "marian",
        ModelConfig::Bart(_) => "bart",
        ModelConfig::EncoderDecoder(_) => "bert2bert",
        ModelConfig::Gpt2(_) => "gpt",
        ModelConfig::Xlnet(_) => "xlnet",
    }
}

/// What is written beside the weights.
#[derive(Clone, Debug)]
pub struct Description {
    /// The architecture's sizes.
    pub config: ModelConfig,
    /// More keys of `config.json`: labels, token ids.
    pub extra: Map<String, Value>,
    /// The tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// The convention.
    pub convention: Arc<Convention>,
    /// The task's facts.
    pub facts: TaskFacts,
}

impl Description {
    /// The names of the classes, if the task has any.
    pub fn classes(&self) -> Vec<String> {
        let Some(names) = self.extra.get("id2label") else {
            return Vec::new();
        };
        let name = |class: usize| names.get(class.to_string())?.as_str().map(str::to_owned);
        (0..).map_while(name).collect()
    }

    /// Writes a whole model folder, all or nothing: into a temporary folder beside it, then renamed into place.
    ///
    /// # Errors
    /// A file that cannot be written; the temporary folder is removed.
    pub fn save<M: HfModel>(&self, model: &M, folder: &Path) -> Result<(), RunError> {
        let fail = |source| RunError::Write {
            path: folder.to_owned(),
            source,
        };
        let parent = folder
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(fail)?;
        let temporary = tempfile::Builder::new()
            .prefix(".saving")
            .tempdir_in(parent)
            .map_err(fail)?;
        self.write_files(model, temporary.path())?;
        let old = parent.join(format!(
            ".old-{}",
            folder
                .file_name()
                .map_or_else(String::new, |n| n.to_string_lossy().into_owned())
        ));
        let had_old = folder.exists();
        if had_old {
            let _ = fs::remove_dir_all(&old);
            fs::rename(folder, &old).map_err(fail)?;
        }
        fs::rename(temporary.keep(), folder).map_err(fail)?;
        if had_old {
            fs::remove_dir_all(&old).map_err(fail)?;
        }
        Ok(())
    }

    fn write_files<M: HfModel>(&self, model: &M, folder: &Path) -> Result<(), RunError> {
        write_config(
            &self.config,
            model.architecture(),
            self.extra.clone(),
            folder,
        )?;
        save_weights(model, folder)?;
        self.tokenizer.save(folder, &self.convention)?;
        self.convention.save(folder)?;
        let path = folder.join(FACTS_FILE);
        let fail = |source| RunError::Write {
            path: path.clone(),
            source,
        };
        let mut facts: Map<String, Value> = fs::read(&path)
            .map_err(fail)
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| fail(e.into())))?;
        facts.insert(
            "task".into(),
            serde_json::to_value(&self.facts).map_err(|e| fail(e.into()))?,
        );
        fs::write(
            &path,
            serde_json::to_vec_pretty(&facts).map_err(|e| fail(e.into()))?,
        )
        .map_err(fail)?;
        for entry in fs::read_dir(folder).map_err(fail)? {
            fs::File::open(entry.map_err(fail)?.path())
                .and_then(|f| f.sync_all())
                .map_err(fail)?;
        }
        Ok(())
    }
}

/// The token that starts decoding, or that stands for a learned start.
fn start_token_id(convention: &Convention) -> Option<u32> {
    let start = convention.decoder_frame()?.start.as_ref();
    start.map(|token| token.id)
}

/// The configuration of an encoder-decoder made of two BERTs, with the special tokens of the convention.
///
/// # Errors
/// A folder that is no BERT; tokenizers that differ.
pub fn warm_start_config(
    encoder: &ModelFolder,
    decoder: &ModelFolder,
    convention: &Convention,
) -> Result<ModelConfig, RunError> {
    let bert = |folder: &ModelFolder| match &folder.files.config {
        ModelConfig::Bert(config) => Ok(config.clone()),
        other => Err(RunError::Config(format!(
            "{} is a {}, but a warm start takes two bert folders",
            folder.files.path.display(),
            other.kind()
        ))),
    };
    if !encoder.tokenizer.has_the_vocabulary_of(&decoder.tokenizer) {
        return Err(RunError::Config(format!(
            "{} and {} have different vocabularies, but the halves of an encoder-decoder share one tokenizer; take two models of one vocabulary",
            encoder.files.path.display(),
            decoder.files.path.display()
        )));
    }
    let frame = convention.generation()?;
    let mut config = EncoderDecoderConfig::of(&bert(encoder)?, &bert(decoder)?);
    config.decoder_start_token_id = start_token_id(convention);
    config.eos_token_id = Some(frame.stop);
    config.pad_token_id = Some(frame.pad);
    Ok(ModelConfig::EncoderDecoder(config))
}

/// The sizes of a new model: those given, and those that the tokenizer and the convention decide.
///
/// # Errors
/// An unknown key; sizes that make no sense; a vocabulary smaller than the tokenizer's.
pub fn new_model_config(
    kind: &str,
    mut sizes: Map<String, Value>,
    tokenizer: &Tokenizer,
    convention: &Convention,
) -> Result<ModelConfig, RunError> {
    sizes
        .entry("vocab_size")
        .or_insert_with(|| Value::from(tokenizer.vocab_size()));
    let roles = convention.roles();
    let mut decided = vec![("pad_token_id", Some(convention.pad_id()))];
    if let Some(frame) = convention.decoder_frame().and(convention.generation().ok()) {
        decided.push(("eos_token_id", Some(frame.stop)));
        if convention.encoder_frame().is_some() {
            decided.push(("decoder_start_token_id", start_token_id(convention)));
        }
        if kind != "t5" && kind != "encoder-decoder" {
            decided.push(("bos_token_id", roles.bos.as_ref().map(|t| t.id)));
        }
        if kind == "bart" {
            decided.push(("forced_bos_token_id", frame.start.get(1).copied()));
            decided.push(("forced_eos_token_id", Some(frame.stop)));
        }
    }
    for (key, id) in decided {
        if let Some(id) = id {
            sizes.entry(key).or_insert_with(|| Value::from(id));
        }
    }
    let config = ModelConfig::from_toml_table(kind, sizes)?;
    check_vocabulary(&config, tokenizer.vocab_size())?;
    Ok(config)
}
