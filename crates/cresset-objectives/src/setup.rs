//! What an objective needs to open: data, tokenizer, convention, model, device. Made by the runner from a checked plan.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::Device;
use cresset_data::{
    BatchPlan, BatchSize, Bucketing, Convention, Example, Length, Order, TextForm, TokenizedTexts,
    Tokenizer, WeightedRows,
};
use cresset_model::{HfModel, LoadReport, ModelConfig, check_vocabulary};
use cresset_train::{OptimConfig, ScheduleConfig};
use serde_json::{Map, Value};

use crate::load::load;
use crate::model_folder::{Description, ModelFolder, TaskFacts};
use crate::multi::PartExamples;
use crate::packed::RowSharing;
use crate::rows::Side;
use crate::{ObjectiveConfig, RunError, TokenPolicies};

/// Where the weights come from.
#[derive(Clone, Debug)]
pub enum ModelSource {
    /// Initialised from the seed.
    New(Box<ModelConfig>),
    /// A Hugging Face folder; tensors that it lacks are initialised only under `NewHead::Allowed` and `NewHead::Reset`.
    Folder(Box<ModelFolder>, NewHead),
    /// Two pre-trained encoders that become an encoder-decoder.
    WarmStart(Box<WarmStart>),
}

/// Two folders whose models become the halves of an encoder-decoder.
#[derive(Clone, Debug)]
pub struct WarmStart {
    /// The encoder-decoder's configuration.
    pub config: ModelConfig,
    /// What reads.
    pub encoder: PathBuf,
    /// What writes.
    pub decoder: PathBuf,
}

/// Whether tensors that the folder lacks may be initialised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewHead {
    /// Those of the task head, and of the pre-trained model those under the given prefixes: for fine-tuning.
    Allowed(Vec<String>),
    /// The same, and those under some prefixes are initialised though the folder has them.
    Reset {
        /// Prefixes of what the folder may lack.
        allow_new: Vec<String>,
        /// Prefixes of what begins anew.
        reset: Vec<String>,
    },
    /// For evaluation and prediction: a random head would answer at random.
    Refused,
}

/// The examples of a run and how they are batched.
#[derive(Clone, Debug)]
pub struct DataSetup {
    /// Training examples, source after source; empty for an evaluation.
    pub train: Vec<Example>,
    /// How many of them are of each source, and how often an epoch draws each of its rows; none if each is drawn once.
    pub train_sources: Vec<WeightedRows>,
    /// Held-out examples.
    pub eval: Vec<Example>,
    /// Longest encoder (or decoder-only) input in tokens, special tokens counted.
    pub max_length: usize,
    /// Longest decoder input in tokens.
    pub max_target_length: usize,
    /// The size of a training batch.
    pub batch: BatchSize,
    /// Whether rows of like length go together.
    pub bucketing: Bucketing,
    /// The size of an evaluation batch.
    pub eval_batch: BatchSize,
    /// The examples of the parts of objective `multi` that have files of their own, part by part.
    pub parts: Vec<Option<PartExamples>>,
    /// Whether texts share rows; an objective that cannot says so.
    pub sharing: RowSharing,
    /// The texts of the examples, tokenized before, in place of `train` and `eval`.
    pub prepared: Option<PreparedTexts>,
}

/// Texts that were tokenized before.
#[derive(Clone, Debug)]
pub struct PreparedTexts {
    /// How they became tokens: as [`ObjectiveConfig::text_form`] asks.
    pub form: TextForm,
    /// To train on.
    pub train: TokenizedTexts,
    /// Held out.
    pub eval: TokenizedTexts,
}

impl DataSetup {
    /// Whether an epoch draws rows more or less often than once.
    pub fn is_weighted(&self) -> bool {
        self.train_sources.iter().any(|source| source.weight != 1.0)
    }

    /// The order and grouping of the training batches.
    pub fn train_plan(&self, lengths: impl IntoIterator<Item = Length>, seed: u64) -> BatchPlan {
        BatchPlan::new(
            lengths,
            self.batch,
            self.bucketing,
            Order::Shuffled { seed },
        )
    }

    /// The order and grouping of the evaluation batches.
    pub fn eval_plan(&self, lengths: impl IntoIterator<Item = Length>) -> BatchPlan {
        BatchPlan::new(
            lengths,
            self.eval_batch,
            Bucketing::ByLength,
            Order::Sequential,
        )
    }
}

/// The length of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Duration {
    /// Optimizer steps.
    Steps(u64),
    /// Passes over the training data.
    Epochs(f64),
}

/// How the weights are trained.
#[derive(Clone, Debug)]
pub struct TrainSetup {
    /// How long.
    pub duration: Duration,
    /// Micro-batches per optimizer step.
    pub accumulate: usize,
    /// Whether layers are checkpointed.
    pub checkpoint_layers: bool,
    /// The optimizer.
    pub optim: OptimConfig,
    /// The learning rate over the steps.
    pub schedule: ScheduleConfig,
    /// How the vectors of special tokens begin and are trained, where otherwise than the rest.
    pub policies: TokenPolicies,
}

/// Everything an objective needs.
#[derive(Clone)]
pub struct Setup {
    /// Seed of initial weights, order, corruption and dropout.
    pub seed: u64,
    /// The tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// The special-token convention.
    pub convention: Arc<Convention>,
    /// Where the weights come from.
    pub model: ModelSource,
    /// The device, without autodiff.
    pub device: Device,
    /// The objective, stored with the model.
    pub objective: ObjectiveConfig,
    /// How the data was read, stored with the model; the runner's own.
    pub source: Value,
    /// The data.
    pub data: DataSetup,
    /// The training; `None` opens the objective for evaluation and preview only.
    pub train: Option<TrainSetup>,
}

impl Setup {
    /// The sizes of the model, checked against the tokenizer.
    ///
    /// # Errors
    /// A tokenizer with ids that the model's embedding has no row for; layers that are to be checkpointed but cannot.
    pub fn model_config(&self) -> Result<ModelConfig, RunError> {
        let config = match &self.model {
            ModelSource::New(config) => config.as_ref().clone(),
            ModelSource::Folder(folder, _) => folder.files.config.clone(),
            ModelSource::WarmStart(halves) => halves.config.clone(),
        };
        check_vocabulary(&config, self.tokenizer.vocab_size())?;
        let checkpoints = self
            .train
            .as_ref()
            .is_some_and(|train| train.checkpoint_layers);
        if checkpoints && matches!(config, ModelConfig::Xlnet(_)) {
            return Err(RunError::Config(
                "train.checkpoint_layers is true but the two streams of an xlnet are not checkpointed; leave it out, or take smaller batches with train.accumulate".into(),
            ));
        }
        let Some((_, decoder)) = self.train.as_ref().zip(self.convention.decoder_frame()) else {
            return Ok(config);
        };
        // What a model is trained to begin with is what its folder shall say, whatever it said before. Beside a learned start it
        // names the token for readers that know of no such vector.
        let config = config.with_learned_start(decoder.start_is_learned);
        Ok(match &decoder.start {
            Some(start) => config.with_decoder_start(start.id),
            None => config,
        })
    }

    /// The tokenized texts of a side, as the objective's [`ObjectiveConfig::text_form`] says.
    ///
    /// # Panics
    /// If they were prepared in another form, or the objective does not read texts alone.
    pub fn texts(&self, side: Side) -> TokenizedTexts {
        let form = self
            .objective
            .text_form()
            .expect("asked by an objective that reads texts alone");
        if let Some(prepared) = &self.data.prepared {
            assert_eq!(prepared.form, form, "texts are prepared for the objective");
            return match side {
                Side::Train => prepared.train.clone(),
                Side::Eval => prepared.eval.clone(),
            };
        }
        let examples = match side {
            Side::Train => &self.data.train,
            Side::Eval => &self.data.eval,
        };
        let texts: Vec<Cow<'_, str>> = examples.iter().map(|e| form.text_of(e)).collect();
        TokenizedTexts::encode(&texts, &self.tokenizer, form)
    }

    /// Where the model is made: with autodiff if it is to be trained.
    pub fn model_device(&self) -> Device {
        match self.train {
            Some(_) => self.device.clone().autodiff(),
            None => self.device.clone(),
        }
    }

    /// The model with the folder's weights, and what was loaded, where there is a folder.
    ///
    /// # Errors
    /// A damaged file, or tensors the folder lacks.
    pub fn load_into<M: HfModel>(&self, model: M) -> Result<(M, Option<LoadReport>), RunError> {
        match &self.model {
            ModelSource::New(_) => Ok((model, None)),
            ModelSource::Folder(folder, new_head) => {
                let (model, report) = load(model, &folder.files.path, new_head.clone())?;
                Ok((model, Some(report)))
            }
            ModelSource::WarmStart(_) => Err(RunError::Config(format!(
                "objective {} has no use for a warm start; take objective seq2seq, or model.path",
                self.objective.name()
            ))),
        }
    }

    /// What is written beside the weights; `extra` are more keys of `config.json`.
    pub fn description(&self, config: ModelConfig, extra: Map<String, Value>) -> Description {
        Description {
            config,
            extra,
            tokenizer: Arc::clone(&self.tokenizer),
            convention: Arc::clone(&self.convention),
            facts: TaskFacts {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                objective: self.objective.clone(),
                pooling: self.objective.pooling(),
                max_length: self.data.max_length,
                max_target_length: self.data.max_target_length,
                source: self.source.clone(),
            },
        }
    }
}
