//! Texts, or pairs of texts, judged from the `[CLS]` vector or from other vectors of the text ([`Poolings`]): one of several classes, a number, or any number of labels.
//!
//! | `task` | outputs | loss | answer |
//! | --- | --- | --- | --- |
//! | `single-label` | one per class | cross entropy, `-log softmax(z)[y]` | the class of the largest |
//! | `regression` | one | squared error, `(z - y)^2` | the number itself |
//! | `multi-label` | one per label | binary cross entropy of each label's `sigmoid(z)` | the labels above one half |
//!
//! The first is Devlin et al. (2019, BERT, section 4.1). All three have the head and the loss of Hugging Face's
//! `..ForSequenceClassification`, where `problem_type` tells them apart.

mod batch;
mod loss;

use std::collections::BTreeMap;

use cresset_data::{Convention, Example, Length};
use cresset_model::{ModelConfig, TextClassifier, TextHead, TextPooling};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::batch::{ClassifyBatch, ClassifyCollate, ClassifyItem, Target, Targets};
pub(crate) use self::loss::holding;
pub use self::loss::{ClassLosses, Classify};
use crate::added_losses::{DistillConfig, RDropConfig, Teacher};
use crate::labels::Labels;
use crate::model_files::{N_CLS_KEY, POOLING_KEY};
use crate::rows::Rows;
use crate::session::{self, OpenRun, Parts};
use crate::sources::both_splits;
use crate::{ModelFolder, ModelSource, Poolings, RunError, Setup};

/// `[objective] classify = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifyConfig {
    /// What is said of a text.
    pub task: ClassifyTask,
    /// Which vector stands for the text, or which ones, one behind the other.
    pub pooling: Poolings<TextPooling>,
    /// Share of the target's probability spread over all classes; of a single label only.
    pub label_smoothing: f64,
    /// Weight of each class in the loss by name; a class not named has 1. With several labels it is the weight of a label
    /// where it holds.
    pub class_weights: BTreeMap<String, f32>,
    /// Turns to the texts that are still judged wrongly (Lin et al. 2017); of a single label only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal: Option<FocalConfig>,
    /// Two passes with different dropout that shall say the same; of a single label only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_drop: Option<RDropConfig>,
    /// A teacher; of a single label only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distill: Option<DistillConfig>,
}

/// `focal = { .. }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FocalConfig {
    /// How strongly: 0 is cross entropy.
    pub gamma: f64,
}

impl Default for FocalConfig {
    fn default() -> Self {
        FocalConfig { gamma: 2.0 }
    }
}

/// What is said of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassifyTask {
    /// One of several classes, the example's `label`.
    #[default]
    SingleLabel,
    /// A number, the example's `score`.
    Regression,
    /// Any number of labels, the example's `label` as a list.
    MultiLabel,
}

impl ClassifyTask {
    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            ClassifyTask::SingleLabel => "single-label",
            ClassifyTask::Regression => "regression",
            ClassifyTask::MultiLabel => "multi-label",
        }
    }

    /// Hugging Face's `problem_type`.
    pub fn problem_type(self) -> &'static str {
        match self {
            ClassifyTask::SingleLabel => "single_label_classification",
            ClassifyTask::Regression => "regression",
            ClassifyTask::MultiLabel => "multi_label_classification",
        }
    }

    /// The task of a classifier's folder: its `problem_type`, and without one a regression if it has a single output.
    ///
    /// # Errors
    /// A `problem_type` that does not exist.
    pub fn of_folder(folder: &ModelFolder) -> Result<Self, RunError> {
        let tasks = [
            ClassifyTask::SingleLabel,
            ClassifyTask::Regression,
            ClassifyTask::MultiLabel,
        ];
        let given = folder
            .files
            .raw
            .get("problem_type")
            .and_then(|v| v.as_str());
        match given {
            Some(given) => tasks
                .into_iter()
                .find(|task| task.problem_type() == given)
                .ok_or_else(|| {
                    RunError::Config(format!(
                        "{}: config.json has problem_type {given:?}; it must be one of {}",
                        folder.files.path.display(),
                        tasks.map(ClassifyTask::problem_type).join(", ")
                    ))
                }),
            None if folder.files.labels().is_some_and(|l| l.len() == 1) => {
                Ok(ClassifyTask::Regression)
            }
            None => Ok(ClassifyTask::SingleLabel),
        }
    }

    /// The metrics its evaluation reports.
    pub fn metrics(self) -> &'static [&'static str] {
        match self {
            ClassifyTask::SingleLabel => &["accuracy", "macro_f1", "loss"],
            ClassifyTask::Regression => &["spearman", "pearson", "mse", "loss"],
            ClassifyTask::MultiLabel => &["micro_f1", "macro_f1", "exact_match", "loss"],
        }
    }
}

impl ClassifyConfig {
    /// Checks the values against the task: one that it has no use for is refused, not ignored.
    ///
    /// # Errors
    /// Class weights of a regression, or weights that are no weights; smoothing of anything but single labels.
    pub fn validate(&self) -> Result<(), RunError> {
        let task = self.task.name();
        if self.task == ClassifyTask::Regression && !self.class_weights.is_empty() {
            return Err(RunError::Config(format!(
                "objective.classify.class_weights are given, but a {task} has no classes; remove them or choose another objective.classify.task"
            )));
        }
        if self.task != ClassifyTask::SingleLabel && self.label_smoothing != 0.0 {
            return Err(RunError::Config(format!(
                "objective.classify.label_smoothing is {}, but only task single-label knows it, not {task}; remove it",
                self.label_smoothing
            )));
        }
        self.pooling.validate("objective.classify.pooling")?;
        self.validate_losses()?;
        let bad = |weight: &f32| !weight.is_finite() || *weight < 0.0;
        match self.class_weights.iter().find(|(_, weight)| bad(weight)) {
            Some((name, weight)) => Err(RunError::Config(format!(
                "objective.classify.class_weights gives {name:?} the weight {weight}, which must be 0 or more"
            ))),
            None => Ok(()),
        }
    }
}

impl ClassifyConfig {
    fn validate_losses(&self) -> Result<(), RunError> {
        let given = [
            ("focal", self.focal.is_some()),
            ("r_drop", self.r_drop.is_some()),
            ("distill", self.distill.is_some()),
        ];
        let task = self.task.name();
        if self.task != ClassifyTask::SingleLabel
            && let Some((key, _)) = given.iter().find(|(_, is_given)| *is_given)
        {
            return Err(RunError::Config(format!(
                "objective.classify.{key} is given, but only task single-label knows it, not {task}; remove it"
            )));
        }
        if let Some(focal) = self.focal {
            if !(focal.gamma >= 0.0 && focal.gamma.is_finite()) {
                return Err(RunError::Config(format!(
                    "objective.classify.focal.gamma is {} but must be 0 or more; the usual value is 2.0",
                    focal.gamma
                )));
            }
            if self.label_smoothing != 0.0 {
                return Err(RunError::Config(
                    "objective.classify.focal and label_smoothing are both given, but a focal loss has no smoothing; keep one of them".into(),
                ));
            }
        }
        if let Some(r_drop) = &self.r_drop {
            r_drop.validate("classify")?;
        }
        match (&self.distill, &self.r_drop) {
            (Some(_), Some(_)) => Err(RunError::Config(
                "objective.classify.distill and r_drop are both given; keep one of them".into(),
            )),
            (Some(distill), None) => distill.validate("classify"),
            (None, _) => Ok(()),
        }
    }

    /// The losses it asks for.
    pub fn losses(&self) -> ClassLosses {
        ClassLosses {
            label_smoothing: self.label_smoothing,
            focal: self.focal.map(|focal| focal.gamma),
            r_drop: self.r_drop.map(|r_drop| r_drop.alpha),
        }
    }
}

pub(crate) fn open(config: &ClassifyConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    open_changed(config, setup, |model| model)
}

/// Refuses to read the vector of a token that no input has.
fn check_cls(
    poolings: &[TextPooling],
    model: &ModelConfig,
    convention: &Convention,
) -> Result<(), RunError> {
    let reads_cls = poolings.iter().find(|pooling| {
        matches!(
            pooling,
            TextPooling::Cls | TextPooling::ClsWithoutPooler | TextPooling::AllCls
        )
    });
    match reads_cls {
        Some(pooling) if model.encoder().is_ok() && !convention.encoder_input_has_cls() => {
            Err(RunError::Config(format!(
                "the pooling {pooling} reads the token that stands for the text, but inputs of the convention {} have none; set objective.classify.pooling to \"mean\", or special.convention to \"bert\"",
                convention.name()
            )))
        }
        _ => Ok(()),
    }
}

/// The same with something changed in the loaded model.
pub(crate) fn open_changed(
    config: &ClassifyConfig,
    setup: Setup,
    change: impl FnOnce(TextClassifier) -> TextClassifier,
) -> Result<Box<dyn OpenRun>, RunError> {
    let labels = labels(config.task, &setup)?;
    let model_config = setup.model_config()?;
    check_cls(&config.pooling.0, &model_config, &setup.convention)?;
    let head = head(config, &labels, &setup);
    let device = setup.model_device();
    let model = TextClassifier::with_head(&model_config, &head, setup.seed, &device)?;
    let (model, load) = setup.load_into(model)?;
    let mut n_shortened = 0;
    let rows = |examples: &[Example]| rows((config, &labels), &setup, examples, &mut n_shortened);
    let (train, eval) = both_splits(&setup.data, rows)?;
    let keys = keys(config, &labels, &head);
    let objective = Classify::new(change(model), config.label_smoothing)
        .with_losses(config.losses())
        .with_teacher(teacher((config, &labels), &setup)?);
    let description = setup.description(model_config, keys);
    session::open(
        &setup,
        Parts {
            objective,
            train,
            eval,
            description,
            load,
            n_shortened,
        },
    )
}

/// The teacher of a training, if there is one.
fn teacher(
    (config, labels): (&ClassifyConfig, &Labels),
    setup: &Setup,
) -> Result<Option<Teacher<TextClassifier>>, RunError> {
    let open = |distill: &DistillConfig| {
        Teacher::open(distill, setup, |folder| {
            let known = folder.files.labels().unwrap_or_default();
            if known != labels.names() {
                return Err(RunError::Config(format!(
                    "the teacher {} knows the labels {}, the data has {}; take a teacher of the same labels",
                    distill.teacher.display(),
                    known.join(", "),
                    labels.names().join(", ")
                )));
            }
            let (config, head) = (&folder.files.config, folder.files.text_head()?);
            Ok(TextClassifier::with_head(config, &head, 0, &setup.device)?)
        })
    };
    let wanted = config.distill.as_ref().filter(|_| setup.train.is_some());
    wanted.map(open).transpose()
}

/// The rows of some examples.
///
/// # Errors
/// An example without what is to be said of it, a weight of a class that does not exist.
pub(crate) fn rows(
    (config, labels): (&ClassifyConfig, &Labels),
    setup: &Setup,
    examples: &[Example],
    n_shortened: &mut usize,
) -> Result<Rows<Classify>, RunError> {
    let target = |example: &Example| target(config.task, labels, example);
    let items = encode(setup, examples, target, n_shortened)?;
    let class_weights = class_weights(config, labels)?;
    let lengths: Vec<Length> = items.iter().map(|i| Length::from(i.ids.len())).collect();
    let collate = ClassifyCollate {
        pad_id: setup.convention.pad_id(),
        pad_side: setup.convention.pad_side(),
        no_targets: no_targets(config.task, &class_weights),
        class_weights,
    };
    Ok(Rows::new(items, lengths, collate))
}

/// The head that the model needs.
pub(crate) fn head(config: &ClassifyConfig, labels: &Labels, setup: &Setup) -> TextHead {
    TextHead {
        n_labels: labels.len(),
        poolings: config.pooling.0.clone(),
        n_cls: 1 + setup.convention.roles().more_cls.len(),
    }
}

/// Keys of `config.json`: what the outputs mean, and what they are made from.
pub(crate) fn keys(
    config: &ClassifyConfig,
    labels: &Labels,
    head: &TextHead,
) -> Map<String, Value> {
    let mut keys = labels.to_config();
    keys.insert("problem_type".into(), config.task.problem_type().into());
    if !config.pooling.is_of_class() {
        let poolings = config.pooling.0.iter();
        let named: Value = poolings.map(|pooling| pooling.name()).collect();
        keys.insert(POOLING_KEY.into(), named);
        if head.n_cls > 1 {
            keys.insert(N_CLS_KEY.into(), head.n_cls.into());
        }
    }
    keys
}

/// The names of the model's outputs: those of a trained model, or those of the training data.
///
/// # Errors
/// Training data without labels of this kind.
pub(crate) fn labels(task: ClassifyTask, setup: &Setup) -> Result<Labels, RunError> {
    let known = match &setup.model {
        ModelSource::Folder(folder, _) if setup.train.is_none() => folder.files.labels(),
        _ => None,
    };
    match (known, task) {
        (Some(names), _) => Ok(Labels::from_names(names)),
        (None, ClassifyTask::SingleLabel) => Labels::from_examples(&setup.data.train),
        (None, ClassifyTask::MultiLabel) => Labels::from_label_lists(&setup.data.train),
        (None, ClassifyTask::Regression) => Ok(Labels::of_a_score()),
    }
}

/// One weight per output.
fn class_weights(config: &ClassifyConfig, labels: &Labels) -> Result<Vec<f32>, RunError> {
    let names = labels.names();
    if let Some(unknown) = config.class_weights.keys().find(|k| !names.contains(k)) {
        return Err(RunError::Config(format!(
            "objective.classify.class_weights names {unknown:?}, which is not a label of the data ({})",
            names.join(", ")
        )));
    }
    let weight = |name: &String| config.class_weights.get(name).copied().unwrap_or(1.0);
    Ok(names.iter().map(weight).collect())
}

fn no_targets(task: ClassifyTask, class_weights: &[f32]) -> Targets {
    match task {
        ClassifyTask::SingleLabel => Targets::Classes {
            classes: Vec::new(),
            weights: Vec::new(),
        },
        ClassifyTask::Regression => Targets::Scores(Vec::new()),
        ClassifyTask::MultiLabel => Targets::Labels {
            hold: Vec::new(),
            positive_weights: class_weights.to_vec(),
        },
    }
}

fn target(task: ClassifyTask, labels: &Labels, example: &Example) -> Result<Target, RunError> {
    match task {
        ClassifyTask::SingleLabel => labels.index_of(example).map(Target::Class),
        ClassifyTask::Regression => score_of(example).map(Target::Score),
        ClassifyTask::MultiLabel => labels.hold_in(example).map(Target::Labels),
    }
}

fn score_of(example: &Example) -> Result<f32, RunError> {
    let score = example.score.ok_or_else(|| {
        RunError::Data(format!(
            "{} has no score; set data.fields.score to the field that holds the number to predict",
            example.place()
        ))
    })?;
    if (score as f32).is_finite() {
        return Ok(score as f32);
    }
    Err(RunError::Data(format!(
        "{} has the score {score}, which is beyond 32-bit numbers; correct or rescale it",
        example.place()
    )))
}

fn encode(
    setup: &Setup,
    examples: &[Example],
    target: impl Fn(&Example) -> Result<Target, RunError>,
    n_shortened: &mut usize,
) -> Result<Vec<ClassifyItem>, RunError> {
    let texts: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    let item = |(example, text): (&Example, Vec<u32>)| {
        let pair = example.pair.as_ref().map(|p| setup.tokenizer.encode(p));
        let framed =
            setup
                .convention
                .encoder_input(&text, pair.as_deref(), setup.data.max_length)?;
        *n_shortened += usize::from(framed.truncated > 0);
        Ok(ClassifyItem {
            ids: framed.ids,
            segments: framed.segments,
            target: target(example)?,
        })
    };
    examples
        .iter()
        .zip(setup.tokenizer.encode_batch(&texts))
        .map(item)
        .collect()
}
