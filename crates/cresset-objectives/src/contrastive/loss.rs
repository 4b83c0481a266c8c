//! The model with its loss, and what an evaluation measures.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_losses::{
    InfoNceOptions, TripletOptions, cosines, info_nce, info_nce_count, triplet_count, triplet_loss,
};
use cresset_metrics::spearman;
use cresset_model::{Encoder, Pooling};
use cresset_ops::Run;
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};

use super::batch::{ContrastiveBatch, ContrastiveCollate};
use super::{Contrast, ContrastiveConfig};
use crate::preview::{Reader, Shown};
use crate::session::Task;
use crate::{Poolings, upload};

/// The model and its loss.
#[derive(Module, Debug)]
pub struct Contrastive {
    model: Encoder,
    #[module(skip)]
    poolings: Poolings<Pooling>,
    #[module(skip)]
    contrast: Contrast,
}

/// The vectors of a batch.
struct Vectors {
    /// `[pairs, hidden_size]`
    first: Tensor<2>,
    /// `[pairs, hidden_size]`
    second: Tensor<2>,
    /// `[negatives, hidden_size]`
    negatives: Option<Tensor<2>>,
    /// Of each negative the place of its pair.
    owners: Vec<u32>,
}

impl Vectors {
    /// What a first text may be taken for: the second texts, then the negatives.
    fn candidates(&self) -> Tensor<2> {
        let all = std::iter::once(&self.second).chain(&self.negatives);
        Tensor::cat(all.cloned().collect(), 0)
    }

    /// First texts, second texts and negatives of all triplets; none without a negative.
    fn triplets(&self) -> Option<[Tensor<2>; 3]> {
        let negatives = self.negatives.clone()?;
        let owners = upload::indices(&self.owners, &negatives.device());
        let [first, second] =
            [&self.first, &self.second].map(|side| side.clone().select(0, owners.clone()));
        Some([first, second, negatives])
    }
}

impl Contrastive {
    /// The objective over an encoder; the pooling is by place, see [`Pooling::pool`].
    pub fn new(model: Encoder, pooling: Pooling, temperature: f64) -> Self {
        Contrastive::reading(model, Poolings(vec![pooling]))
            .with_contrast(Contrast::InfoNce { temperature })
    }

    /// The same over vectors of several poolings, one behind the other, with the usual temperature.
    pub fn reading(model: Encoder, poolings: Poolings<Pooling>) -> Self {
        Contrastive {
            model,
            poolings,
            contrast: ContrastiveConfig::default().contrast(),
        }
    }

    /// The same with another loss.
    pub fn with_contrast(self, contrast: Contrast) -> Self {
        Contrastive { contrast, ..self }
    }

    fn vectors(&self, batch: &ContrastiveBatch, run: &Run, device: &Device) -> Vectors {
        let input = upload::encoder_input(&batch.input, Some(&batch.segments), device);
        let keep = input.keep.clone();
        let states = if self.poolings.reads_first_layer() {
            self.model.hidden_states(input, run)
        } else {
            vec![self.model.forward(input, run)]
        };
        let vectors = self.poolings.pool(&states, &keep);
        let (n, n_rows) = (batch.n_pairs(), batch.input.n_rows());
        Vectors {
            first: vectors.clone().slice(0..n),
            second: vectors.clone().slice(n..2 * n),
            negatives: (n_rows > 2 * n).then(|| vectors.slice(2 * n..n_rows)),
            owners: batch.owners.clone(),
        }
    }

    /// The summed loss; none where there is no triplet.
    fn sum(&self, vectors: &Vectors) -> Option<Tensor<1>> {
        match self.contrast {
            Contrast::InfoNce { temperature } => {
                let options = InfoNceOptions {
                    temperature,
                    hard_negatives: vectors.negatives.clone(),
                };
                let (first, second) = (vectors.first.clone(), vectors.second.clone());
                Some(info_nce(first, second, options))
            }
            Contrast::Triplet { margin, distance } => {
                let [first, second, negatives] = vectors.triplets()?;
                let options = TripletOptions {
                    distance,
                    margin,
                    row_weights: None,
                };
                Some(triplet_loss(first, second, negatives, options))
            }
        }
    }

    fn term(&self) -> &'static str {
        match self.contrast {
            Contrast::InfoNce { .. } => INFO_NCE,
            Contrast::Triplet { .. } => TRIPLET,
        }
    }

    /// Adds loss and accuracy of pairs that belong together.
    fn observe_positives(&self, vectors: &Vectors, report: &mut Report) {
        let n_pairs = vectors.first.dims()[0];
        let (n_right, n_all) = match (self.contrast, vectors.triplets()) {
            (Contrast::InfoNce { .. }, _) => {
                // One pair alone is found among nothing.
                if vectors.candidates().dims()[0] < 2 {
                    return;
                }
                let similar = cosines(vectors.first.clone(), vectors.candidates());
                let best = upload::read_indices(similar.argmax(1).flatten::<1>(0, 1));
                let own = |(row, best): (usize, &u32)| row == *best as usize;
                (
                    best.iter().enumerate().filter(|pair| own(*pair)).count(),
                    n_pairs,
                )
            }
            (Contrast::Triplet { distance, .. }, Some([first, second, negatives])) => {
                let near = distance.between(first.clone(), second);
                let farther_by = upload::read_floats(distance.between(first, negatives) - near);
                let n_right = farther_by.iter().filter(|by| **by > 0.0).count();
                (n_right, farther_by.len())
            }
            (Contrast::Triplet { .. }, None) => return,
        };
        report.count("accuracy", n_right, n_all);
        if let Some(sum) = self.sum(vectors) {
            report.add("loss", upload::read_scalar(sum), n_all as f64);
        }
    }
}

/// Names of the loss terms.
const INFO_NCE: &str = "contrastive";
/// See [`INFO_NCE`].
pub(crate) const TRIPLET: &str = "triplet";

impl Objective for Contrastive {
    type Batch = ContrastiveBatch;

    fn denominators(batch: &ContrastiveBatch) -> Denominators {
        Denominators(vec![
            (INFO_NCE, info_nce_count(batch.n_pairs())),
            (TRIPLET, triplet_count(batch.owners.len(), None)),
        ])
    }

    fn tokens(batch: &ContrastiveBatch) -> usize {
        batch.input.n_tokens()
    }

    fn loss(&self, batch: &ContrastiveBatch, at: &StepContext) -> LossTerms {
        let device = upload::device_of(self);
        let sum = self.sum(&self.vectors(batch, &at.run(), &device));
        let term = sum.map(|sum| LossTerm {
            name: self.term(),
            sum,
            weight: 1.0,
        });
        LossTerms(term.into_iter().collect())
    }

    fn observe(&self, batch: &ContrastiveBatch, report: &mut Report) {
        let device = upload::device_of(self);
        let all = self.vectors(batch, &Run::inference(), &device);
        let n = batch.n_pairs();
        if batch.scores.iter().any(Option::is_some) {
            let numbers = upload::read_floats(cosines(all.first.clone(), all.second.clone()));
            for (pair, score) in batch.scores.iter().enumerate() {
                if let Some(score) = score {
                    let cosine = f64::from(numbers[pair * n + pair]);
                    report.push_numbers("cosines", &[*score], &[cosine]);
                }
            }
        }
        let positives = batch.positives();
        if positives.is_empty() {
            return;
        }
        let (negatives, owners) = batch.negatives_of(&positives);
        let at = |vectors: Tensor<2>, places: &[u32]| {
            vectors.select(0, upload::indices(places, &device))
        };
        let positive = Vectors {
            first: at(all.first, &positives),
            second: at(all.second, &positives),
            negatives: all
                .negatives
                .filter(|_| !negatives.is_empty())
                .map(|vectors| at(vectors, &negatives)),
            owners,
        };
        self.observe_positives(&positive, report);
    }
}

impl Task for Contrastive {
    type Collate = ContrastiveCollate;
    type Network = Encoder;

    fn show(batch: &ContrastiveBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let row = |pair: usize| {
            let text = |name, row| {
                reader
                    .input(name, &batch.input, row)
                    .with_segments(&batch.segments[batch.input.places(row)])
            };
            let mut shown = vec![text("text", pair), text("pair", batch.n_pairs() + pair)];
            let of_pair = batch.owners.iter().enumerate();
            for (negative, _) in of_pair.filter(|(_, owner)| **owner as usize == pair) {
                shown.push(text("negative", 2 * batch.n_pairs() + negative));
            }
            if let Some(score) = batch.scores[pair] {
                shown.push(reader.note("score", score.to_string()));
            }
            shown
        };
        (0..batch.n_pairs()).map(row).collect()
    }

    fn metrics(report: &Report) -> BTreeMap<String, f64> {
        let mut values = report.values();
        if let Some(cosines) = report.numbers("cosines") {
            // Undefined, and so not a number, while all texts are equally alike.
            let value = spearman(&cosines.predictions, &cosines.references);
            values.insert("spearman".into(), value.unwrap_or(f64::NAN));
        }
        values
    }

    fn network(&self) -> &Encoder {
        &self.model
    }
}
