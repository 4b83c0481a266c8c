//! Bootstrap: how far a score may be trusted, and whether one system is really better than another.
//!
//! Koehn (2004), "Statistical significance tests for machine translation evaluation": score many corpora drawn from the
//! test set with replacement. Interval and p-value are computed as sacrebleu does; its draws differ, being numpy's.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::MetricError;

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples; at least 1.
    pub resamples: usize,
    /// Share of the resampled scores that the interval holds, between 0 and 1.
    pub confidence: f64,
    /// Seed of the draws: the same seed gives the same answer.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            resamples: 1000,
            confidence: 0.95,
            seed: 0,
        }
    }
}

/// A score and the interval that holds the given share of the resampled scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The score of the whole set.
    pub score: f64,
    /// Mean of the resampled scores.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Two systems on the same test set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedComparison {
    /// Score of the first system minus score of the second.
    pub difference: Interval,
    /// Probability of so large a difference, in either direction, if the systems were equally good.
    pub p_value: f64,
}

/// The interval of a score over `n_items` test items; `score` gets the indices of the items drawn.
///
/// # Errors
/// No items; no resamples; a confidence that is not between 0 and 1.
pub fn bootstrap_interval(
    n_items: usize,
    options: &Bootstrap,
    score: impl FnMut(&[usize]) -> f64,
) -> Result<Interval, MetricError> {
    let (whole, resampled) = resample(n_items, options, score)?;
    Ok(interval(whole, resampled, options.confidence))
}

/// Compares two systems over the same `n_items` test items; `scores` gets the indices of the items drawn and returns
/// both systems' scores on them.
///
/// # Errors
/// As [`bootstrap_interval`].
pub fn paired_bootstrap(
    n_items: usize,
    options: &Bootstrap,
    mut scores: impl FnMut(&[usize]) -> [f64; 2],
) -> Result<PairedComparison, MetricError> {
    let (whole, resampled) = resample(n_items, options, |items| {
        let [first, second] = scores(items);
        first - second
    })?;
    let mean = resampled.iter().sum::<f64>() / resampled.len() as f64;
    let as_extreme = resampled
        .iter()
        .filter(|difference| (**difference - mean).abs() > whole.abs())
        .count();
    Ok(PairedComparison {
        p_value: (as_extreme + 1) as f64 / (resampled.len() + 1) as f64,
        difference: interval(whole, resampled, options.confidence),
    })
}

fn resample(
    n_items: usize,
    options: &Bootstrap,
    mut score: impl FnMut(&[usize]) -> f64,
) -> Result<(f64, Vec<f64>), MetricError> {
    if n_items == 0 {
        return Err(MetricError::Empty);
    }
    if options.resamples == 0 {
        return Err(MetricError::OutOfRange {
            name: "resamples",
            value: 0.0,
            range: "at least 1",
        });
    }
    if !(options.confidence > 0.0 && options.confidence < 1.0) {
        return Err(MetricError::OutOfRange {
            name: "confidence",
            value: options.confidence,
            range: "between 0 and 1",
        });
    }
    let mut items: Vec<usize> = (0..n_items).collect();
    let whole = score(&items);
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let resampled = (0..options.resamples)
        .map(|_| {
            items.fill_with(|| rng.random_range(0..n_items));
            score(&items)
        })
        .collect();
    Ok((whole, resampled))
}

fn interval(score: f64, mut resampled: Vec<f64>, confidence: f64) -> Interval {
    let mean = resampled.iter().sum::<f64>() / resampled.len() as f64;
    resampled.sort_by(f64::total_cmp);
    let outside = (resampled.len() as f64 * (1.0 - confidence) / 2.0) as usize;
    Interval {
        score,
        mean,
        low: resampled[outside],
        high: resampled[resampled.len() - 1 - outside],
    }
}
