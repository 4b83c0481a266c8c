//! Batches of several sources as one: mixed by weight for training, one after the other for evaluation.

use std::sync::Arc;

use rand::seq::SliceRandom;

use crate::seed::{Purpose, rng};
use crate::{Batches, DataError};

/// Whose turn it is: a pure function of (weights, seed, index).
///
/// Batches come in rounds of about a hundred, in each of which every part has its share, rounded, and at least one; the order
/// within a round is drawn. So shares hold over short stretches too, and any batch is known without those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Batches of each part in a round.
    counts: Vec<u64>,
    seed: u64,
}

/// A batch's part, and its number among the batches of that part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The part.
    pub part: usize,
    /// The number of the batch, from 0.
    pub index: u64,
}

impl Mix {
    /// A mix of as many parts as there are weights, which need not add up to anything.
    ///
    /// # Panics
    /// If there is no weight, or one that is not above 0 and finite.
    pub fn new(weights: &[f64], seed: u64) -> Mix {
        const ROUND: f64 = 100.0;
        let good = |weight: &f64| *weight > 0.0 && weight.is_finite();
        assert!(
            !weights.is_empty() && weights.iter().all(good),
            "weights are above 0 and finite"
        );
        let total: f64 = weights.iter().sum();
        let shares: Vec<f64> = weights.iter().map(|w| ROUND * w / total).collect();
        let mut counts: Vec<u64> = shares.iter().map(|share| *share as u64).collect();
        let left = ROUND as u64 - counts.iter().sum::<u64>();
        let mut by_rest: Vec<usize> = (0..shares.len()).collect();
        by_rest.sort_by(|&a, &b| shares[b].fract().total_cmp(&shares[a].fract()));
        for &part in by_rest.iter().take(left as usize) {
            counts[part] += 1;
        }
        counts.iter_mut().for_each(|count| *count = (*count).max(1));
        Mix { counts, seed }
    }

    /// The turn of a batch.
    pub fn turn(&self, index: u64) -> Turn {
        let per_round: u64 = self.counts.iter().sum();
        let (round, at) = (index / per_round, (index % per_round) as usize);
        let mut order: Vec<usize> = Vec::with_capacity(per_round as usize);
        for (part, &count) in self.counts.iter().enumerate() {
            order.extend(std::iter::repeat_n(part, count as usize));
        }
        order.shuffle(&mut rng(self.seed, Purpose::Mix, round));
        let part = order[at];
        let before = order[..at].iter().filter(|other| **other == part).count();
        Turn {
            part,
            index: round * self.counts[part] + before as u64,
        }
    }
}

/// Sources that share a kind of batch.
pub type Sources<B> = Vec<Arc<dyn Batches<Batch = B>>>;

/// Batches of several sources, mixed.
pub struct Mixed<B> {
    parts: Sources<B>,
    mix: Mix,
}

impl<B> Mixed<B> {
    /// A mix of sources; an epoch has as many batches as all of theirs together.
    ///
    /// # Panics
    /// If there is not one weight per source, above 0.
    pub fn new(parts: Sources<B>, weights: &[f64], seed: u64) -> Self {
        assert_eq!(parts.len(), weights.len(), "one weight per source");
        Mixed {
            parts,
            mix: Mix::new(weights, seed),
        }
    }
}

impl<B: Send + 'static> Batches for Mixed<B> {
    type Batch = B;

    fn batches_per_epoch(&self) -> u64 {
        self.parts.iter().map(|part| part.batches_per_epoch()).sum()
    }

    fn batch(&self, index: u64) -> Result<B, DataError> {
        let turn = self.mix.turn(index);
        self.parts[turn.part].batch(turn.index)
    }
}

/// The epochs of several sources, one source after the other.
pub struct Chained<B> {
    parts: Sources<B>,
}

impl<B> Chained<B> {
    /// All batches of the first source, then those of the next.
    pub fn new(parts: Sources<B>) -> Self {
        Chained { parts }
    }
}

impl<B: Send + 'static> Batches for Chained<B> {
    type Batch = B;

    fn batches_per_epoch(&self) -> u64 {
        self.parts.iter().map(|part| part.batches_per_epoch()).sum()
    }

    /// # Panics
    /// If the index is beyond the first epoch, which is the only one here.
    fn batch(&self, index: u64) -> Result<B, DataError> {
        let mut index = index;
        for part in &self.parts {
            let n = part.batches_per_epoch();
            if index < n {
                return part.batch(index);
            }
            index -= n;
        }
        panic!("{index} batches beyond the epoch")
    }
}
