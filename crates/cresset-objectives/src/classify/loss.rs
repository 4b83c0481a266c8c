//! The model with its loss, and what an evaluation measures.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;
use cresset_losses::{
    BceOptions, CrossEntropyOptions, FocalOptions, bce, bce_count, cross_entropy, focal_loss, mse,
    mse_count,
};
use cresset_metrics::{
    LabelCounts, MetricError, accuracy, macro_f1, mse as mean_squared_error, pearson, spearman,
};
use cresset_model::TextClassifier;
use cresset_ops::Run;
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};

use super::batch::{ClassifyBatch, ClassifyCollate, Targets};
use crate::added_losses::{DISTILLATION, Pass, R_DROP, Teacher, own_weight, r_drop_terms};
use crate::preview::{Reader, Shown};
use crate::session::Task;
use crate::upload;

/// The model and its loss. Which loss, a batch's targets tell.
#[derive(Module, Debug)]
pub struct Classify {
    model: TextClassifier,
    #[module(skip)]
    losses: ClassLosses,
    #[module(skip)]
    teacher: Option<Teacher<TextClassifier>>,
}

/// What the loss of single labels is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassLosses {
    /// Share of the target's probability spread over all classes.
    pub label_smoothing: f64,
    /// The exponent of a focal loss in place of cross entropy.
    pub focal: Option<f64>,
    /// Weight of R-Drop, if there is a second pass.
    pub r_drop: Option<f64>,
}

impl Classify {
    /// A classifier over a model with a sequence-classification head; the smoothing is that of single labels.
    pub fn new(model: TextClassifier, label_smoothing: f64) -> Self {
        let losses = ClassLosses {
            label_smoothing,
            ..ClassLosses::default()
        };
        Classify {
            model,
            losses,
            teacher: None,
        }
    }

    /// The same with other losses.
    pub fn with_losses(self, losses: ClassLosses) -> Self {
        Classify { losses, ..self }
    }

    /// The same with a teacher, if there is one.
    pub fn with_teacher(self, teacher: Option<Teacher<TextClassifier>>) -> Self {
        Classify { teacher, ..self }
    }

    /// The model.
    pub fn model(&self) -> &TextClassifier {
        &self.model
    }

    fn pass(&self, batch: &ClassifyBatch, run: &Run) -> Pass {
        let logits = logits(&self.model, batch, run);
        Pass {
            sum: self.sum(&batch.targets, logits.clone()),
            logits: Some(logits),
        }
    }

    /// The loss as it is trained.
    fn sum(&self, targets: &Targets, logits: Tensor<2>) -> Tensor<1> {
        let device = logits.device();
        match targets {
            Targets::Classes { classes, weights } => {
                let classes = upload::indices(classes, &device);
                let row_weights = Some(upload::floats(weights, &device));
                match self.losses.focal {
                    Some(gamma) => {
                        let options = FocalOptions {
                            gamma,
                            row_weights,
                            ..FocalOptions::default()
                        };
                        focal_loss(logits, classes, options)
                    }
                    None => {
                        let options = CrossEntropyOptions {
                            label_smoothing: self.losses.label_smoothing,
                            row_weights,
                            ..CrossEntropyOptions::default()
                        };
                        cross_entropy(logits, classes, options)
                    }
                }
            }
            Targets::Labels {
                hold,
                positive_weights,
            } => {
                let options = BceOptions {
                    positive_weights: Some(positive_weights.clone()),
                    ..BceOptions::default()
                };
                bce(logits.clone(), indicators(hold, &logits), options)
            }
            targets => targets.plain_loss(logits),
        }
    }
}

/// Scores of the texts.
///
/// # Shapes
/// out: `[texts, outputs]`
fn logits(model: &TextClassifier, batch: &ClassifyBatch, run: &Run) -> Tensor<2> {
    let device = upload::device_of(model);
    let input = upload::encoder_input(&batch.input, Some(&batch.segments), &device);
    model.forward(input, run)
}

impl Objective for Classify {
    type Batch = ClassifyBatch;

    fn denominators(batch: &ClassifyBatch) -> Denominators {
        let count = match &batch.targets {
            Targets::Classes { weights, .. } => upload::total(weights),
            targets => targets.count(),
        };
        let n_texts = batch.input.n_rows() as f64;
        let added = [(R_DROP, n_texts), (DISTILLATION, n_texts)];
        let own = std::iter::once((batch.targets.term(), count));
        Denominators(own.chain(added).collect())
    }

    fn tokens(batch: &ClassifyBatch) -> usize {
        batch.input.lengths.iter().sum()
    }

    fn loss(&self, batch: &ClassifyBatch, at: &StepContext) -> LossTerms {
        let run = at.run();
        let name = batch.targets.term();
        let first = self.pass(batch, &run);
        if let Some(alpha) = self.losses.r_drop {
            let passes = [first, self.pass(batch, &run)];
            return LossTerms(r_drop_terms(name, passes, alpha));
        }
        let mut terms = vec![LossTerm {
            name,
            sum: first.sum.clone(),
            weight: own_weight(self.teacher.as_ref()),
        }];
        terms.extend(self.teacher.as_ref().map(|teacher| {
            let said = logits(&teacher.model, batch, &Run::inference());
            teacher.term(first.read_logits(), said, None)
        }));
        LossTerms(terms)
    }

    fn observe(&self, batch: &ClassifyBatch, report: &mut Report) {
        let logits = logits(&self.model, batch, &Run::inference());
        match &batch.targets {
            Targets::Classes { classes, .. } => {
                let best = logits.clone().argmax(1).flatten::<1>(0, 1);
                report.push_pairs("classes", classes, &upload::read_indices(best));
            }
            Targets::Scores(scores) => {
                let wide = |scores: &[f32]| scores.iter().copied().map(f64::from).collect();
                let (references, predictions): (Vec<f64>, Vec<f64>) =
                    (wide(scores), wide(&upload::read_floats(logits.clone())));
                report.push_numbers("scores", &references, &predictions);
            }
            Targets::Labels { hold, .. } => {
                let predicted = holding(&upload::read_floats(logits.clone()));
                let width = logits.dims()[1];
                let exact = predicted
                    .chunks(width)
                    .zip(hold.chunks(width))
                    .filter(|(ours, right)| ours == right)
                    .count();
                report.count("exact_match", exact, hold.len() / width);
                let numbers =
                    |hold: &[bool]| hold.iter().copied().map(u32::from).collect::<Vec<_>>();
                report.push_pairs("labels", &numbers(hold), &numbers(&predicted));
            }
        }
        let sum = batch.targets.plain_loss(logits);
        report.add("loss", upload::read_scalar(sum), batch.targets.count());
    }
}

/// The labels that hold by their logits: those that are more likely than not.
pub(crate) fn holding(logits: &[f32]) -> Vec<bool> {
    logits.iter().map(|&logit| logit > 0.0).collect()
}

/// Truth values as a tensor of the shape of the logits.
fn indicators(hold: &[bool], logits: &Tensor<2>) -> Tensor<2> {
    let values: Vec<f32> = hold.iter().map(|&h| f32::from(u8::from(h))).collect();
    upload::floats(&values, &logits.device()).reshape(logits.dims())
}

impl Targets {
    /// The name of their loss.
    fn term(&self) -> &'static str {
        match self {
            Targets::Scores(_) => "regression",
            Targets::Classes { .. } | Targets::Labels { .. } => "classification",
        }
    }

    /// The summed loss without weights and smoothing, as an evaluation reports it.
    fn plain_loss(&self, logits: Tensor<2>) -> Tensor<1> {
        let device = logits.device();
        match self {
            Targets::Classes { classes, .. } => cross_entropy(
                logits,
                upload::indices(classes, &device),
                CrossEntropyOptions::default(),
            ),
            Targets::Scores(scores) => {
                mse(logits.flatten(0, 1), upload::floats(scores, &device), None)
            }
            Targets::Labels { hold, .. } => {
                let targets = indicators(hold, &logits);
                bce(logits, targets, BceOptions::default())
            }
        }
    }

    /// The denominator of [`Targets::plain_loss`].
    fn count(&self) -> f64 {
        match self {
            Targets::Classes { classes, .. } => classes.len() as f64,
            Targets::Scores(scores) => mse_count(scores.len(), None),
            Targets::Labels {
                hold,
                positive_weights,
            } => {
                let n_labels = positive_weights.len();
                bce_count(hold.len() / n_labels, n_labels, None)
            }
        }
    }

    /// A row's target as a person reads it.
    fn show(&self, row: usize, reader: &Reader<'_>) -> (&'static str, String) {
        match self {
            Targets::Classes { classes, .. } => ("label", reader.class(classes[row])),
            Targets::Scores(scores) => ("score", scores[row].to_string()),
            Targets::Labels {
                hold,
                positive_weights,
            } => {
                let n_labels = positive_weights.len();
                let row = &hold[row * n_labels..][..n_labels];
                let holding: Vec<String> = (0..n_labels as u32)
                    .filter(|&label| row[label as usize])
                    .map(|label| reader.class(label))
                    .collect();
                let shown = match holding.is_empty() {
                    true => "none".to_owned(),
                    false => holding.join(", "),
                };
                ("labels", shown)
            }
        }
    }
}

impl Task for Classify {
    type Collate = ClassifyCollate;
    type Network = TextClassifier;

    fn show(batch: &ClassifyBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let row = |i: usize| {
            let (name, target) = batch.targets.show(i, reader);
            vec![
                reader
                    .input("encoder input", &batch.input, i)
                    .with_segments(&batch.segments[batch.input.places(i)]),
                reader.note(name, target),
            ]
        };
        (0..batch.input.n_rows()).map(row).collect()
    }

    fn metrics(report: &Report) -> BTreeMap<String, f64> {
        let mut values = report.values();
        let mut add = |name: &str, value: Result<f64, MetricError>| {
            values.insert(name.to_owned(), value.unwrap_or(f64::NAN));
        };
        if let Some(classes) = report.pairs("classes") {
            let as_classes = |ids: &[u32]| ids.iter().map(|&id| id as usize).collect::<Vec<_>>();
            let ours = as_classes(&classes.predictions);
            let right = as_classes(&classes.references);
            let n_classes = ours.iter().chain(&right).max().map_or(0, |m| m + 1);
            add("accuracy", accuracy(&ours, &right));
            add("macro_f1", macro_f1(&ours, &right, n_classes));
        }
        if let Some(scores) = report.numbers("scores") {
            // Undefined, and so not a number, while the model says the same of every text.
            let (ours, right) = (&scores.predictions, &scores.references);
            add("mse", mean_squared_error(ours, right));
            add("pearson", pearson(ours, right));
            add("spearman", spearman(ours, right));
        }
        if let Some(labels) = report.pairs("labels") {
            let hold = |numbers: &[u32]| numbers.iter().map(|&n| n == 1).collect::<Vec<_>>();
            let (ours, right) = (hold(&labels.predictions), hold(&labels.references));
            let n_rows = report.sum("exact_match").map_or(1.0, |(_, rows)| rows) as usize;
            let counts = LabelCounts::new(&ours, &right, right.len() / n_rows);
            add("micro_f1", counts.clone().map(|c| c.micro_scores().f1));
            add("macro_f1", counts.map(|c| c.macro_scores().f1));
        }
        values
    }

    fn network(&self) -> &TextClassifier {
        &self.model
    }
}
