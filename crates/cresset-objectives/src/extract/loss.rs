//! The model with its loss, and what an evaluation measures.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;
use cresset_losses::{CrossEntropyOptions, cross_entropy};
use cresset_metrics::{AnswerUnit, answer_score};
use cresset_model::QuestionAnswering;
use cresset_ops::{KeepMask, Run};
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};

use super::ExtractConfig;
use super::batch::{ExtractBatch, ExtractCollate};
use super::spans::{row_of, spans};
use crate::preview::{Reader, Role, Shown};
use crate::session::Task;
use crate::upload;

/// The model and its loss.
#[derive(Module, Debug)]
pub struct Extract {
    model: QuestionAnswering,
    #[module(skip)]
    max_answer_length: usize,
    #[module(skip)]
    unit: AnswerUnit,
}

/// The logit of padding: far below any other, and finite.
const NOWHERE: f32 = -1e30;

impl Extract {
    /// The objective over a model with a question-answering head.
    pub fn new(model: QuestionAnswering, config: &ExtractConfig) -> Self {
        Extract {
            model,
            max_answer_length: config.max_answer_length,
            unit: config.unit,
        }
    }

    /// The model.
    pub fn model(&self) -> &QuestionAnswering {
        &self.model
    }

    /// Logits of the answer's first and last position, padding never winning.
    ///
    /// # Shapes
    /// out: twice `[rows, width]`
    fn logits(&self, batch: &ExtractBatch, run: &Run) -> [Tensor<2>; 2] {
        let device = upload::device_of(self);
        let input = upload::encoder_input(&batch.input, Some(&batch.segments), &device);
        let keep = input.keep.clone();
        let logits = self.model.forward(input, run);
        [logits.start, logits.end].map(|logits| kept(logits, &keep))
    }
}

fn kept(logits: Tensor<2>, keep: &KeepMask) -> Tensor<2> {
    logits.mask_fill(keep.tensor().bool_not(), NOWHERE)
}

/// Summed cross entropies of first and last position.
fn sums(logits: [Tensor<2>; 2], batch: &ExtractBatch) -> [Tensor<1>; 2] {
    let [start, end] = logits;
    let sum = |logits: Tensor<2>, targets: &[u32]| {
        let targets = upload::indices(targets, &logits.device());
        cross_entropy(logits, targets, CrossEntropyOptions::default())
    };
    [sum(start, &batch.starts), sum(end, &batch.ends)]
}

impl Objective for Extract {
    type Batch = ExtractBatch;

    fn denominators(batch: &ExtractBatch) -> Denominators {
        let n_rows = batch.starts.len() as f64;
        Denominators(vec![("start", n_rows), ("end", n_rows)])
    }

    fn tokens(batch: &ExtractBatch) -> usize {
        batch.input.n_tokens()
    }

    fn loss(&self, batch: &ExtractBatch, at: &StepContext) -> LossTerms {
        let [start, end] = sums(self.logits(batch, &at.run()), batch);
        let half = |name, sum| LossTerm {
            name,
            sum,
            weight: 0.5,
        };
        LossTerms(vec![half("start", start), half("end", end)])
    }

    fn observe(&self, batch: &ExtractBatch, report: &mut Report) {
        let logits = self.logits(batch, &Run::inference());
        let [start, end] = logits.clone().map(upload::read_floats);
        for (row, item) in batch.items.iter().enumerate() {
            let best = spans(
                &item.window,
                row_of(&start, &batch.input, row),
                row_of(&end, &batch.input, row),
                self.max_answer_length,
            )
            .max_by(|a, b| a.score.total_cmp(&b.score));
            let (score, text) = best.map_or((f64::NEG_INFINITY, String::new()), |best| {
                (f64::from(best.score), best.text(&item.context))
            });
            let scores = answer_score(&text, &item.answers, self.unit);
            // Windows of a question may be in different batches: they come together in `metrics`.
            let question = [item.question as f64];
            report.push_numbers("score", &question, &[score]);
            report.push_numbers("exact_match", &question, &[scores.exact_match]);
            report.push_numbers("f1", &question, &[scores.f1]);
        }
        let total: f64 = sums(logits, batch).map(upload::read_scalar).iter().sum();
        report.add("loss", total / 2.0, batch.starts.len() as f64);
    }
}

impl Task for Extract {
    type Collate = ExtractCollate;
    type Network = QuestionAnswering;

    fn show(batch: &ExtractBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let row = |(i, item): (usize, &super::ExtractItem)| {
            let ids = batch.input.row(i);
            let (start, end) = item.target;
            let is_here = start != item.window.cls;
            let answer = match is_here {
                true => reader.text(&ids[start..=end]),
                false => format!("{}, not in this window", reader.piece(ids[start])),
            };
            let (first, last) = (batch.starts[i] as usize, batch.ends[i] as usize);
            let ends = |place: usize| match (place == first, place == last) {
                (true, true) => "start end",
                (true, false) => "start",
                (false, true) => "end",
                (false, false) => "",
            };
            let ends = (0..batch.input.width).map(|place| ends(place).to_owned());
            let input = reader
                .input("encoder input", &batch.input, i)
                .with_segments(&batch.segments[batch.input.places(i)])
                .with_aligned("answer", ends.collect());
            let input = match is_here {
                true => input.with_role(first..last + 1, Role::Target),
                false => input,
            };
            vec![
                input,
                reader.note("question", item.question.to_string()),
                reader.note("start, end", format!("{start} {end}")),
                reader.note("answer", answer),
            ]
        };
        batch.items.iter().enumerate().map(row).collect()
    }

    fn metrics(report: &Report) -> BTreeMap<String, f64> {
        let mut values = report.values();
        let Some(scores) = report.numbers("score") else {
            return values;
        };
        let mut best: BTreeMap<u64, usize> = BTreeMap::new();
        for (at, (question, score)) in scores
            .references
            .iter()
            .zip(&scores.predictions)
            .enumerate()
        {
            let known = best.entry(*question as u64).or_insert(at);
            if *score > scores.predictions[*known] {
                *known = at;
            }
        }
        for name in ["exact_match", "f1"] {
            if let Some(of_windows) = report.numbers(name) {
                let total: f64 = best.values().map(|&at| of_windows.predictions[at]).sum();
                values.insert(name.to_owned(), total / best.len() as f64);
            }
        }
        values
    }

    fn network(&self) -> &QuestionAnswering {
        &self.model
    }
}
