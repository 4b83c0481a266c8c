//! The model with its loss, and what an evaluation measures.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;
use cresset_losses::token_nll;
use cresset_metrics::{EntityCounts, EntityMode, MetricError, macro_f1};
use cresset_model::TokenClassifier;
use cresset_ops::Run;
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};

use super::batch::{TagBatch, TagCollate};
use super::{Scheme, TagConfig};
use crate::preview::{Reader, Shown, Targets};
use crate::session::Task;
use crate::upload;

/// The name of its loss.
const TERM: &str = "tagging";
/// Stands between the tags of a row: the one character that no column of the data can hold.
const BETWEEN: &str = "\t";

/// The model and its loss.
#[derive(Module, Debug)]
pub struct Tagging {
    model: TokenClassifier,
    #[module(skip)]
    scheme: Scheme,
    #[module(skip)]
    label_smoothing: f64,
}

impl Tagging {
    /// The objective over a model with a token-classification head.
    pub fn new(model: TokenClassifier, config: &TagConfig) -> Self {
        Tagging {
            model,
            scheme: config.scheme,
            label_smoothing: config.label_smoothing,
        }
    }

    /// The model.
    pub fn model(&self) -> &TokenClassifier {
        &self.model
    }

    /// # Shapes
    /// out: `[words, labels]`
    fn logits(&self, batch: &TagBatch, run: &Run) -> Tensor<2> {
        let device = upload::device_of(self);
        let input = upload::encoder_input(&batch.input, Some(&batch.segments), &device);
        first_tokens(self.model.forward(input, run), &batch.positions)
    }
}

/// The scores where a word begins.
///
/// # Shapes
/// logits: `[batch, seq, labels]`, positions: indices into `batch x seq`; out: `[positions, labels]`
pub(crate) fn first_tokens(logits: Tensor<3>, positions: &[u32]) -> Tensor<2> {
    let device = logits.device();
    let flat: Tensor<2> = logits.flatten(0, 1);
    flat.select(0, upload::indices(positions, &device))
}

impl Objective for Tagging {
    type Batch = TagBatch;

    fn denominators(batch: &TagBatch) -> Denominators {
        Denominators(vec![(TERM, upload::total(&batch.weights))])
    }

    fn tokens(batch: &TagBatch) -> usize {
        batch.input.n_tokens()
    }

    fn loss(&self, batch: &TagBatch, at: &StepContext) -> LossTerms {
        let logits = self.logits(batch, &at.run());
        let device = logits.device();
        let sum = token_nll(
            logits,
            upload::indices(&batch.targets, &device),
            Some(upload::floats(&batch.weights, &device)),
            self.label_smoothing,
        );
        LossTerms(vec![LossTerm {
            name: TERM,
            sum,
            weight: 1.0,
        }])
    }

    fn observe(&self, batch: &TagBatch, report: &mut Report) {
        let logits = self.logits(batch, &Run::inference());
        let best = upload::read_indices(logits.clone().argmax(1).flatten::<1>(0, 1));
        upload::observe_tokens(logits, &batch.targets, &batch.weights, report);
        let rows = batch.by_row(&batch.targets).zip(batch.by_row(&best));
        for (right, ours) in rows.filter(|(right, _)| !right.is_empty()) {
            match self.scheme {
                Scheme::None => report.push_pairs(self.scheme.name(), right, ours),
                Scheme::Iob2 | Scheme::Bioes => {
                    let names = |tags: &[u32]| {
                        let names: Vec<&str> = tags.iter().map(|&tag| batch.name(tag)).collect();
                        names.join(BETWEEN)
                    };
                    let (right, ours) = (names(right), names(ours));
                    report.push_texts(self.scheme.name(), &[right], &[ours]);
                }
            }
        }
    }
}

impl Task for Tagging {
    type Collate = TagCollate;
    type Network = TokenClassifier;

    fn show(batch: &TagBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let targets = Targets {
            input: &batch.input,
            positions: &batch.positions,
            ids: &batch.targets,
            weights: Some(&batch.weights),
        };
        let row = |i: usize| {
            let tags = targets.of_row(i).into_iter();
            let input = reader
                .input("encoder input", &batch.input, i)
                .with_segments(&batch.segments[batch.input.places(i)])
                .with_labels(tags.map(|(place, tag)| (place, tag, batch.name(tag).to_owned())));
            let labels = input.labels_in_line();
            vec![input, reader.note("labels", labels)]
        };
        (0..batch.input.n_rows()).map(row).collect()
    }

    fn metrics(report: &Report) -> BTreeMap<String, f64> {
        let mut values = report.values();
        if let Some(tags) = report.pairs(Scheme::None.name()) {
            let as_classes = |ids: &[u32]| ids.iter().map(|&id| id as usize).collect::<Vec<_>>();
            let (ours, right) = (as_classes(&tags.predictions), as_classes(&tags.references));
            let n_classes = ours.iter().chain(&right).max().map_or(0, |m| m + 1);
            let f1 = macro_f1(&ours, &right, n_classes).unwrap_or(f64::NAN);
            values.insert("macro_f1".to_owned(), f1);
        }
        for scheme in [Scheme::Iob2, Scheme::Bioes] {
            if let Some(rows) = report.texts(scheme.name()) {
                let scores = counts(&rows.predictions, &rows.references)
                    .map(|counts| counts.micro_scores())
                    .expect("the tags were checked against the scheme when the run was opened");
                values.insert("entity_precision".to_owned(), scores.precision);
                values.insert("entity_recall".to_owned(), scores.recall);
                values.insert("entity_f1".to_owned(), scores.f1);
            }
        }
        values
    }

    fn network(&self) -> &TokenClassifier {
        &self.model
    }
}

fn counts(ours: &[String], right: &[String]) -> Result<EntityCounts, MetricError> {
    let rows = |texts: &[String]| -> Vec<Vec<String>> {
        let tags = |row: &String| row.split(BETWEEN).map(str::to_owned).collect();
        texts.iter().map(tags).collect()
    };
    EntityCounts::new(&rows(ours), &rows(right), EntityMode::Lenient)
}
