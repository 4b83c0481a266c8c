//! Which examples make up batch n: a pure function of (lengths, weights, options, seed, n).

mod draws;

use std::sync::{Arc, Mutex, PoisonError};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use self::draws::Draws;
use crate::bucket;
use crate::seed::{Purpose, rng};

/// The length of an example in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// One sequence.
    One(usize),
    /// Two sequences, padded each by itself: source and target.
    Two(usize, usize),
}

impl Length {
    /// The longer side.
    pub fn longest(self) -> usize {
        match self {
            Length::One(n) => n,
            Length::Two(a, b) => a.max(b),
        }
    }
}

impl From<usize> for Length {
    fn from(n: usize) -> Self {
        Length::One(n)
    }
}

impl From<(usize, usize)> for Length {
    fn from((a, b): (usize, usize)) -> Self {
        Length::Two(a, b)
    }
}

/// How large a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// Rows; the last batch of an epoch may have fewer.
    Examples(usize),
    /// A budget: length of the longest row (of the longer side) times rows is at most this. A row that is longer than
    /// the budget makes a batch by itself.
    Tokens(usize),
}

/// Whether rows of like length go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucketing {
    /// Yes: less padding. Which of the equally long rows go together, and the order of the batches, differ by epoch.
    ByLength,
    /// No. With a token budget every batch then has as many rows as the longest row allows, so that all epochs have
    /// the same number of batches.
    None,
}

/// Whether epochs are shuffled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Each epoch in its own order.
    Shuffled {
        /// The seed of all epochs.
        seed: u64,
    },
    /// Always the same: the given order, or by length.
    Sequential,
}

/// Examples of one source, and how often an epoch draws each of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedRows {
    /// How many there are.
    pub n_rows: usize,
    /// Draws per epoch: 2 draws each twice, 0.5 half of them, the other half in the next epoch.
    pub weight: f64,
}

/// The batches of all epochs. Every example is in exactly one batch of each epoch, unless it has a weight.
#[derive(Debug)]
pub struct BatchPlan {
    n_examples: usize,
    /// The length of the longest.
    longest: usize,
    size: BatchSize,
    /// How often each is drawn, where not all are drawn once.
    draws: Option<Draws>,
    /// The lengths of the examples, where rows of like length go together; else none is needed any more.
    costs: Vec<u32>,
    bucketing: Bucketing,
    order: Order,
    /// Ends of the batches in the epoch's list of examples; the same in every epoch.
    ends: Vec<usize>,
    /// The epoch asked for last; only to save work.
    cache: Mutex<Option<(u64, Arc<Epoch>)>>,
}

/// An epoch's examples in their order, and the order of its batches.
#[derive(Debug)]
struct Epoch {
    examples: Vec<u32>,
    batches: Vec<u32>,
}

impl BatchPlan {
    /// A plan for examples of these lengths.
    pub fn new(
        lengths: impl IntoIterator<Item = Length>,
        size: BatchSize,
        bucketing: Bucketing,
        order: Order,
    ) -> Self {
        let lengths = lengths.into_iter().map(Length::longest);
        let (n_examples, longest, costs) = match bucketing {
            Bucketing::ByLength => {
                let costs: Vec<u32> = lengths.map(|length| length as u32).collect();
                let longest = costs.iter().copied().max().unwrap_or(0);
                (costs.len(), longest as usize, costs)
            }
            Bucketing::None => {
                let (n, longest) =
                    lengths.fold((0, 0), |(n, longest), length| (n + 1, length.max(longest)));
                (n, longest, Vec::new())
            }
        };
        let ends = match bucketing {
            Bucketing::ByLength => bucket::cut_sorted(&bucket::sorted(&costs), size),
            Bucketing::None => bucket::cut_even(n_examples, longest, size),
        };
        BatchPlan {
            n_examples,
            longest,
            size,
            draws: None,
            costs,
            bucketing,
            order,
            ends,
            cache: Mutex::new(None),
        }
    }

    /// The same plan for sources of different weight, which follow each other in the list of examples. A source's share of
    /// an epoch is its weight times its rows, over the sum of these; every epoch has the same number of batches. Weights are
    /// for training: a sequential plan stays as it is.
    ///
    /// # Panics
    /// If the sources do not have all the examples between them, or a weight is not above 0 and finite.
    pub fn weighted(mut self, sources: &[WeightedRows]) -> Self {
        let n_rows: usize = sources.iter().map(|source| source.n_rows).sum();
        assert_eq!(n_rows, self.n_examples, "every example has a source");
        let good = |source: &WeightedRows| source.weight > 0.0 && source.weight.is_finite();
        assert!(sources.iter().all(good), "weights are above 0 and finite");
        let Order::Shuffled { seed } = self.order else {
            return self;
        };
        if sources.iter().all(|source| source.weight == 1.0) {
            return self;
        }
        let draws = Draws::new(sources, &self.costs, seed);
        self.ends = match self.bucketing {
            Bucketing::ByLength => {
                let largest = draws.largest_costs(&self.costs);
                bucket::cut_sorted(&bucket::sorted(&largest), self.size)
            }
            Bucketing::None => bucket::cut_even(draws.n_rows(), self.longest, self.size),
        };
        self.draws = Some(draws);
        self
    }

    /// Batches in an epoch; the same in every epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        self.ends.len() as u64
    }

    /// The examples of a batch; indices go on from epoch to epoch. Empty if there are no examples.
    pub fn batch(&self, index: u64) -> Vec<usize> {
        if self.ends.is_empty() {
            return Vec::new();
        }
        let per_epoch = self.batches_per_epoch();
        let epoch = self.epoch(index / per_epoch);
        let batch = epoch.batches[(index % per_epoch) as usize] as usize;
        let start = if batch == 0 { 0 } else { self.ends[batch - 1] };
        epoch.examples[start..self.ends[batch]]
            .iter()
            .map(|&example| example as usize)
            .collect()
    }

    fn epoch(&self, number: u64) -> Arc<Epoch> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        match &*cache {
            Some((cached, epoch)) if *cached == number => Arc::clone(epoch),
            _ => {
                let epoch = Arc::new(self.make_epoch(number));
                *cache = Some((number, Arc::clone(&epoch)));
                epoch
            }
        }
    }

    fn make_epoch(&self, number: u64) -> Epoch {
        let mut examples: Vec<u32> = match &self.draws {
            Some(draws) => draws.epoch(number),
            None => (0..self.n_examples as u32).collect(),
        };
        let mut batches: Vec<u32> = (0..self.ends.len() as u32).collect();
        let shuffle: Option<ChaCha8Rng> = match self.order {
            Order::Shuffled { seed } => Some(rng(seed, Purpose::Order, number)),
            Order::Sequential => None,
        };
        if let Some(mut rng) = shuffle {
            examples.shuffle(&mut rng);
            if self.bucketing == Bucketing::ByLength {
                batches.shuffle(&mut rng);
            }
        }
        if self.bucketing == Bucketing::ByLength {
            // A stable sort of shuffled examples draws the order among equal lengths at random.
            examples.sort_by_key(|&example| self.costs[example as usize]);
        }
        Epoch { examples, batches }
    }
}
