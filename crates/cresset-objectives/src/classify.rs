//! Text classification from the `[CLS]` vector: one distribution over classes per text or pair of texts.
//!
//! Loss: cross entropy over classes, `L = -log softmax(z)[y]` (Devlin et al. 2019, BERT, section 4.1).

use std::collections::BTreeMap;

use burn::module::Module;
use cresset_data::{Collate, DataError, Example, Length, PadSide, PaddedIds, pad};
use cresset_losses::{CrossEntropyOptions, cross_entropy};
use cresset_metrics::{accuracy, macro_f1};
use cresset_model::{EncoderInput, SequenceClassifier};
use cresset_ops::Run;
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;
use crate::preview::{Reader, Shown};
use crate::session::{self, OpenRun, Parts, Rows, Task};
use crate::upload;
use crate::{ModelSource, RunError, Setup};

/// `[objective] classify = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassifyConfig {
    /// Which vector stands for the text.
    pub pooling: Pooling,
    /// Share of the target's probability spread over all classes.
    pub label_smoothing: f64,
    /// Weight of each class in the loss by name; a class not named has 1.
    pub class_weights: BTreeMap<String, f32>,
}

/// Which vector stands for the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The vector of `[CLS]`, through the model's pooler.
    #[default]
    Cls,
}

/// A tokenized example.
#[derive(Clone, Debug)]
pub struct ClassifyItem {
    ids: Vec<u32>,
    segments: Vec<u32>,
    label: u32,
}

/// Texts with their classes, as plain numbers.
#[derive(Clone, Debug)]
pub struct ClassifyBatch {
    /// Framed texts.
    pub input: PaddedIds,
    /// Segment of each position; zeros at padding.
    pub segments: Vec<u32>,
    /// Class of each row.
    pub labels: Vec<u32>,
    /// Loss weight of each row.
    pub weights: Vec<f32>,
}

/// Makes batches of framed texts.
#[derive(Clone, Debug)]
pub struct ClassifyCollate {
    pad_id: u32,
    pad_side: PadSide,
    class_weights: Vec<f32>,
}

impl Collate for ClassifyCollate {
    type Item = ClassifyItem;
    type Batch = ClassifyBatch;

    fn collate(
        &self,
        items: Vec<ClassifyItem>,
        _rng: &mut ChaCha8Rng,
    ) -> Result<ClassifyBatch, DataError> {
        let ids: Vec<&[u32]> = items.iter().map(|i| i.ids.as_slice()).collect();
        let segments: Vec<&[u32]> = items.iter().map(|i| i.segments.as_slice()).collect();
        Ok(ClassifyBatch {
            input: pad(&ids, self.pad_id, self.pad_side),
            segments: pad(&segments, 0, self.pad_side).ids,
            labels: items.iter().map(|i| i.label).collect(),
            weights: items
                .iter()
                .map(|i| self.class_weights[i.label as usize])
                .collect(),
        })
    }
}

/// The model and its loss.
#[derive(Module, Debug)]
pub struct Classify {
    model: SequenceClassifier,
    #[module(skip)]
    label_smoothing: f64,
}

impl Classify {
    /// A classifier over a model with a sequence-classification head.
    pub fn new(model: SequenceClassifier, label_smoothing: f64) -> Self {
        Classify {
            model,
            label_smoothing,
        }
    }

    /// The model.
    pub fn model(&self) -> &SequenceClassifier {
        &self.model
    }

    fn input(&self, batch: &ClassifyBatch) -> EncoderInput {
        upload::encoder_input(
            &batch.input,
            Some(&batch.segments),
            &upload::device_of(self),
        )
    }
}

impl Objective for Classify {
    type Batch = ClassifyBatch;

    fn denominators(batch: &ClassifyBatch) -> Denominators {
        Denominators(vec![(
            "classification",
            batch.weights.iter().map(|&w| f64::from(w)).sum(),
        )])
    }

    fn tokens(batch: &ClassifyBatch) -> usize {
        batch.input.lengths.iter().sum()
    }

    fn loss(&self, batch: &ClassifyBatch, at: &StepContext) -> LossTerms {
        let logits = self.model.forward(self.input(batch), &at.run());
        let device = logits.device();
        let options = CrossEntropyOptions {
            label_smoothing: self.label_smoothing,
            row_weights: Some(upload::floats(&batch.weights, &device)),
            ..CrossEntropyOptions::default()
        };
        let sum = cross_entropy(logits, upload::indices(&batch.labels, &device), options);
        LossTerms(vec![LossTerm {
            name: "classification",
            sum,
            weight: 1.0,
        }])
    }

    fn observe(&self, batch: &ClassifyBatch, report: &mut Report) {
        let logits = self.model.forward(self.input(batch), &Run::inference());
        let device = logits.device();
        let predicted: Vec<u32> = upload::read_indices(logits.clone().argmax(1).flatten::<1>(0, 1));
        let sum = cross_entropy(
            logits,
            upload::indices(&batch.labels, &device),
            CrossEntropyOptions::default(),
        );
        report.add("loss", upload::read_scalar(sum), batch.labels.len() as f64);
        report.push_pairs("classes", &batch.labels, &predicted);
    }
}

impl Task for Classify {
    type Collate = ClassifyCollate;
    type Network = SequenceClassifier;

    fn show(batch: &ClassifyBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let row = |i: usize| {
            let ids = batch.input.row(i);
            vec![
                reader.show("encoder input", ids),
                reader.note(
                    "segments",
                    session::join(&batch.segments[batch.input.start_of(i)..][..ids.len()]),
                ),
                reader.note("label", batch.labels[i].to_string()),
            ]
        };
        (0..batch.labels.len()).map(row).collect()
    }

    fn metrics(report: &Report) -> BTreeMap<String, f64> {
        let mut values = report.values();
        let Some(classes) = report.pairs("classes") else {
            return values;
        };
        let as_classes = |ids: &[u32]| ids.iter().map(|&id| id as usize).collect::<Vec<_>>();
        let (predictions, references) = (
            as_classes(&classes.predictions),
            as_classes(&classes.references),
        );
        let n_classes = predictions
            .iter()
            .chain(&references)
            .max()
            .map_or(0, |m| m + 1);
        values.extend(
            accuracy(&predictions, &references)
                .ok()
                .map(|v| ("accuracy".to_owned(), v)),
        );
        values.extend(
            macro_f1(&predictions, &references, n_classes)
                .ok()
                .map(|v| ("macro_f1".to_owned(), v)),
        );
        values
    }

    fn network(&self) -> &SequenceClassifier {
        &self.model
    }
}

pub(crate) fn open(config: &ClassifyConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let known = match &setup.model {
        ModelSource::Folder(folder, _) if setup.train.is_none() => folder.labels(),
        _ => None,
    };
    let labels = match known {
        Some(names) => Labels::from_names(names),
        None => Labels::from_examples(&setup.data.train)?,
    };
    if let Some(unknown) = config
        .class_weights
        .keys()
        .find(|k| !labels.names().contains(k))
    {
        return Err(RunError::Config(format!(
            "objective.classify.class_weights names {unknown:?}, which is not a label of the data ({})",
            labels.names().join(", ")
        )));
    }
    let class_weights: Vec<f32> = labels
        .names()
        .iter()
        .map(|n| config.class_weights.get(n).copied().unwrap_or(1.0))
        .collect();
    let model_config = setup.model_config()?;
    let encoder = session::encoder(&model_config, "classify")?;
    let model = SequenceClassifier::new(&encoder, labels.len(), setup.seed, &setup.model_device())?;
    let (model, load) = setup.load_into(model)?;
    let mut n_shortened = 0;
    let mut rows = |examples: &[Example]| -> Result<Rows<Classify>, RunError> {
        let items = encode(&setup, examples, &labels, &mut n_shortened)?;
        let lengths = items.iter().map(|i| Length::from(i.ids.len())).collect();
        let collate = ClassifyCollate {
            pad_id: setup.convention.pad_id(),
            pad_side: setup.convention.pad_side(),
            class_weights: class_weights.clone(),
        };
        Ok(Rows {
            items,
            lengths,
            collate,
        })
    };
    let (train, eval) = (rows(&setup.data.train)?, rows(&setup.data.eval)?);
    let objective = Classify::new(model, config.label_smoothing);
    let description = setup.description(model_config, labels.to_config());
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

fn encode(
    setup: &Setup,
    examples: &[Example],
    labels: &Labels,
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
            label: labels.index_of(example)?,
        })
    };
    examples
        .iter()
        .zip(setup.tokenizer.encode_batch(&texts))
        .map(item)
        .collect()
}
