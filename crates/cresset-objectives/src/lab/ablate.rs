//! A classifier with another vector in the place of a special token: what becomes of its metrics.

use std::collections::BTreeMap;

use cresset_data::{BatchSize, Bucketing, Piece};
use cresset_model::{HeadKind, TextClassifier, TokenTable};
use cresset_ops::Run;
use serde::Serialize;

use super::Subject;
use super::change::Change;
use super::interval::Share;
use super::replacement::{Replacement, replacements};
use crate::classify::{ClassifyConfig, ClassifyTask, open_changed};
use crate::load::load;
use crate::predict::Frame;
use crate::{
    DataSetup, Labels, ModelFolder, ModelSource, NewHead, ObjectiveConfig, RowSharing, RunError,
    Setup, upload,
};

/// Ablations of a classifier or regression.
#[derive(Clone, Debug, Serialize)]
pub struct Ablations {
    /// Texts measured on.
    pub n: usize,
    /// The metric whose change is told.
    pub metric: &'static str,
    /// The model as it is.
    pub untouched: Measured,
    /// One per special token and what was put in its place.
    pub changed: Vec<Ablation>,
}

/// One ablation.
#[derive(Clone, Debug, Serialize)]
pub struct Ablation {
    /// The token whose vector was replaced, at every place where it stands.
    pub token: String,
    /// What was put there.
    pub by: String,
    /// The model so changed.
    pub measured: Measured,
    /// The metric minus that of the untouched model.
    pub change: f64,
    /// Of an accuracy the change with its interval, from the texts that one of the two models gets right and the other wrong.
    pub paired: Option<Change>,
}

/// A model's metrics.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// As by `cresset evaluate`.
    pub metrics: BTreeMap<String, f64>,
    /// The accuracy with its interval, where there is one.
    pub accuracy: Option<Share>,
}

/// Whether a folder's model judges whole texts.
pub(super) fn is_classifier(folder: &ModelFolder) -> bool {
    matches!(folder.files.head(), Ok(HeadKind::SequenceClassification))
}

/// Replaces the vector of every special token that stands in the frame of a text, one after the other, and measures the model each time
/// as `cresset evaluate` would.
///
/// # Errors
/// Examples without what the model was trained to say.
pub(super) fn ablate(subject: &Subject<'_>) -> Result<Ablations, RunError> {
    let folder = subject.folder;
    let config = match folder.facts.as_ref().map(|facts| &facts.objective) {
        Some(ObjectiveConfig::Classify(config)) => config.clone(),
        // A folder from elsewhere says by its `problem_type` what its outputs are.
        _ => ClassifyConfig {
            task: ClassifyTask::of_folder(folder)?,
            ..ClassifyConfig::default()
        },
    };
    let metric = config.task.metrics()[0];
    let convention = folder.convention()?;
    let head = folder.files.text_head()?;
    let model = TextClassifier::with_head(&folder.files.config, &head, 0, subject.device)?;
    let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
    let table = model.rows();
    let frame = Frame::of(folder)?;
    let right = |model: &TextClassifier| match config.task {
        ClassifyTask::SingleLabel => right(model, subject, &frame).map(Some),
        _ => Ok(None),
    };
    let measure = |change: Option<(u32, &Replacement)>| -> Result<Measured, RunError> {
        let changed = |model: TextClassifier| match change {
            Some((id, by)) => model.with_row(id as usize, &by.vector),
            None => model,
        };
        let metrics = open_changed(&config, setup(subject, &config)?, changed)?.evaluate()?;
        let n = subject.examples.len();
        let accuracy = metrics.get("accuracy");
        let accuracy = accuracy.map(|share| Share::of((share * n as f64).round() as usize, n));
        Ok(Measured { metrics, accuracy })
    };
    let value = |measured: &Measured| measured.metrics.get(metric).copied().unwrap_or(f64::NAN);
    let untouched = measure(None)?;
    let right_before = right(&model)?;
    let slots = convention.encoder_frame().map(|frame| {
        let has_pairs = subject.examples.iter().any(|e| e.pair.is_some());
        if has_pairs {
            &frame.pair
        } else {
            &frame.single
        }
    });
    let mut tokens: Vec<(String, u32)> = Vec::new();
    for slot in slots.into_iter().flatten() {
        if let Piece::Special(token) = &slot.piece
            && !tokens.iter().any(|(_, id)| *id == token.id)
        {
            tokens.push((token.token.clone(), token.id));
        }
    }
    let mut changed = Vec::new();
    for (token, id) in tokens {
        let by = replacements(&table, id, (&folder.tokenizer, &convention), subject.seed);
        for by in by {
            let measured = measure(Some((id, &by)))?;
            let right_after = right(&model.with_row(id as usize, &by.vector))?;
            changed.push(Ablation {
                token: token.clone(),
                by: by.name,
                change: value(&measured) - value(&untouched),
                paired: right_before
                    .as_ref()
                    .zip(right_after)
                    .map(|(before, after)| Change::of_shares(before, &after)),
                measured,
            });
        }
    }
    Ok(Ablations {
        n: subject.examples.len(),
        metric,
        untouched,
        changed,
    })
}

/// Whether each text gets its own class.
fn right(
    model: &TextClassifier,
    subject: &Subject<'_>,
    frame: &Frame,
) -> Result<Vec<bool>, RunError> {
    let labels = Labels::from_names(subject.folder.files.labels().unwrap_or_default());
    let mut found = Vec::new();
    for batch in subject.examples.chunks(subject.batch_size.max(1)) {
        let texts: Vec<String> = batch.iter().map(|e| e.text.clone()).collect();
        let pairs: Vec<Option<&str>> = batch.iter().map(|e| e.pair.as_deref()).collect();
        let input = frame.batch(&frame.framed(&texts, &pairs)?, subject.device);
        let logits = model.forward(input, &Run::inference());
        let classes = upload::read_indices(logits.argmax(1).flatten::<1>(0, 1));
        for (example, class) in batch.iter().zip(classes) {
            found.push(labels.index_of(example)? == class);
        }
    }
    Ok(found)
}

fn setup(subject: &Subject<'_>, config: &ClassifyConfig) -> Result<Setup, RunError> {
    let folder = subject.folder;
    let facts = folder.facts.as_ref();
    let positions = folder.files.config.max_positions().unwrap_or(512);
    let batch = BatchSize::Examples(subject.batch_size);
    Ok(Setup {
        seed: 0,
        tokenizer: folder.tokenizer.clone(),
        convention: std::sync::Arc::new(folder.convention()?),
        model: ModelSource::Folder(Box::new(folder.clone()), NewHead::Refused),
        device: subject.device.clone(),
        objective: ObjectiveConfig::Classify(config.clone()),
        source: serde_json::Value::Null,
        data: DataSetup {
            train: Vec::new(),
            train_sources: Vec::new(),
            eval: subject.examples.to_vec(),
            max_length: facts.map_or(positions, |facts| facts.max_length),
            max_target_length: facts.map_or(positions, |facts| facts.max_target_length),
            batch,
            bucketing: Bucketing::ByLength,
            eval_batch: batch,
            parts: Vec::new(),
            sharing: RowSharing::None,
            prepared: None,
        },
        train: None,
    })
}
