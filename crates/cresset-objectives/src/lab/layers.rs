//! What can be read off the vectors of every layer: linear probes, and the shape of the cloud.

use std::collections::BTreeMap;

use cresset_data::{Example, Label};
use cresset_model::Pooling;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::geometry::{Cloud, cloud};
use super::interval::Share;
use super::logistic::{Logistic, Rows};
use super::vectors::OfLayer;
use crate::{Labels, RunError};

/// Linear probes of every layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerProbes {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// The share of the commonest class: what a probe reaches that reads nothing.
    pub majority: Share,
    /// Parts that the texts are split into: each is predicted by a probe trained on the others. Equal texts are in one part.
    pub folds: usize,
    /// Inverse strength of the L2 penalty, scikit-learn's `C`.
    pub c: f64,
    /// Seed of the split.
    pub seed: u64,
    /// By layer and pooling; layer 0 are the embeddings.
    pub probes: Vec<LayerProbe>,
}

/// One probe.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LayerProbe {
    /// 0 for the embeddings, then the layers.
    pub layer: usize,
    /// Which vector stands for a text.
    pub pooling: Pooling,
    /// Share of the texts whose class is told.
    pub accuracy: Share,
}

/// The clouds of every layer.
#[derive(Clone, Debug, Serialize)]
pub struct Clouds {
    /// Whose vectors.
    pub pooling: Pooling,
    /// By layer; the first is that of the embeddings.
    pub layers: Vec<Cloud>,
}

/// The classes of texts.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    pub(super) names: Vec<String>,
    pub(super) of: Vec<usize>,
}

const FOLDS: usize = 5;
const C: f64 = 1.0;
/// With fewer texts a fold holds less than four, and an interval says nothing.
const FEWEST: usize = 20;

impl Classes {
    /// The classes of examples; `None` if none of them has a label.
    ///
    /// # Errors
    /// Labels on some only, lists of labels, one class only, too few texts.
    pub(super) fn of(examples: &[Example]) -> Result<Option<Classes>, RunError> {
        if examples.iter().all(|e| e.label.is_none()) {
            return Ok(None);
        }
        for example in examples {
            match &example.label {
                Some(Label::Name(_)) => {}
                Some(Label::Names(_)) => {
                    return Err(RunError::Data(format!(
                        "{} has a list of labels, but a probe tells one class of several; give one label per text",
                        example.place()
                    )));
                }
                None => {
                    return Err(RunError::Data(format!(
                        "{} has no label, though other texts have one; label all texts or none",
                        example.place()
                    )));
                }
            }
        }
        if examples.len() < FEWEST {
            return Err(RunError::Data(format!(
                "{} texts are too few for a probe, which needs at least {FEWEST}; give more data or raise --limit",
                examples.len()
            )));
        }
        let names: BTreeMap<&str, ()> = examples.iter().filter_map(name).map(|n| (n, ())).collect();
        if names.len() < 2 {
            return Err(RunError::Data(format!(
                "all {} texts have the label {:?}, but a probe needs at least 2 classes; give data with several",
                examples.len(),
                names.keys().next().unwrap_or(&"")
            )));
        }
        let labels = Labels::from_examples(examples)?;
        let of = examples
            .iter()
            .map(|e| labels.index_of(e).map(|class| class as usize));
        Ok(Some(Classes {
            of: of.collect::<Result<_, _>>()?,
            names: labels.names().to_vec(),
        }))
    }

    fn majority(&self) -> Share {
        let count = |class: usize| self.of.iter().filter(|of| **of == class).count();
        let most = (0..self.names.len()).map(count).max().unwrap_or(0);
        Share::of(most, self.of.len())
    }

    /// The fold of each text: classes are spread evenly, equal texts stay together.
    fn folds(&self, examples: &[Example], seed: u64) -> Vec<usize> {
        let mut groups: BTreeMap<(&str, Option<&str>), Vec<usize>> = BTreeMap::new();
        for (index, example) in examples.iter().enumerate() {
            let key = (example.text.as_str(), example.pair.as_deref());
            groups.entry(key).or_default().push(index);
        }
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        groups.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        groups.sort_by_key(|group| self.of[group[0]]);
        let mut folds = vec![0; examples.len()];
        for (turn, group) in groups.iter().enumerate() {
            group.iter().for_each(|&index| folds[index] = turn % FOLDS);
        }
        folds
    }
}

fn name(example: &Example) -> Option<&str> {
    match &example.label {
        Some(Label::Name(name)) => Some(name),
        _ => None,
    }
}

/// Probes every pooling of every layer.
pub(super) fn probe(
    layers: &[OfLayer],
    classes: &Classes,
    examples: &[Example],
    seed: u64,
) -> LayerProbes {
    let folds = classes.folds(examples, seed);
    let jobs: Vec<(usize, Pooling, &Rows)> = layers
        .iter()
        .enumerate()
        .flat_map(|(layer, found)| {
            found
                .iter()
                .map(move |(pooling, rows)| (layer, *pooling, rows))
        })
        .collect();
    let probes = jobs
        .into_par_iter()
        .map(|(layer, pooling, rows)| LayerProbe {
            layer,
            pooling,
            accuracy: Share::of(hits(rows, classes, &folds), rows.len()),
        })
        .collect();
    LayerProbes {
        classes: classes.names.clone(),
        majority: classes.majority(),
        folds: FOLDS,
        c: C,
        seed,
        probes,
    }
}

/// Texts whose class is told by a probe that was trained on the other folds.
fn hits(rows: &Rows, classes: &Classes, folds: &[usize]) -> usize {
    let told = |fold: usize| {
        let places = |of_fold: bool| -> Vec<usize> {
            let all = 0..rows.len();
            all.filter(|&i| (folds[i] == fold) == of_fold).collect()
        };
        let (train, test) = (places(false), places(true));
        let (mut x, mut unseen) = (rows.at(&train), rows.at(&test));
        standardise(&mut x, &mut unseen);
        let y: Vec<usize> = train.iter().map(|&i| classes.of[i]).collect();
        let probe = Logistic::fit(&x, &y, classes.names.len(), C);
        let is_told =
            |(row, &index): (usize, &usize)| probe.class_of(unseen.row(row)) == classes.of[index];
        test.iter().enumerate().filter(|&at| is_told(at)).count()
    };
    (0..FOLDS).map(told).sum()
}

/// Spreads below this share of a number's size are what rounding leaves of numbers that are the same.
const NO_SPREAD: f64 = 1e-5;

/// Scales every dimension to mean 0 and variance 1 over the training rows; one that does not vary there becomes 0.
fn standardise(train: &mut Rows, unseen: &mut Rows) {
    for column in 0..train.width {
        let own = || train.values.iter().skip(column).step_by(train.width);
        let n = train.len() as f64;
        let mean = own().sum::<f64>() / n;
        let spread = (own().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let scale = match spread <= NO_SPREAD * mean.abs().max(1e-6) {
            true => 0.0,
            false => 1.0 / spread,
        };
        for rows in [&mut *train, &mut *unseen] {
            let width = rows.width;
            for x in rows.values.iter_mut().skip(column).step_by(width) {
                *x = (*x - mean) * scale;
            }
        }
    }
}

/// The clouds of `[CLS]` vectors, or where there is no such token those of the last token.
pub(super) fn clouds(layers: &[OfLayer], classes: Option<&Classes>) -> Option<Clouds> {
    let first = layers.first()?;
    let has = |pooling: Pooling| first.iter().any(|(p, _)| *p == pooling);
    let pooling = [Pooling::Cls, Pooling::Last]
        .into_iter()
        .find(|pooling| has(*pooling))?;
    let classes = classes.map(|classes| classes.of.as_slice());
    let of_layer = |found: &OfLayer| {
        let rows = found.iter().find(|(p, _)| *p == pooling)?;
        Some(cloud(&rows.1, classes))
    };
    let layers: Vec<&OfLayer> = layers.iter().collect();
    let layers = layers
        .into_par_iter()
        .map(of_layer)
        .collect::<Option<_>>()?;
    Some(Clouds { pooling, layers })
}
