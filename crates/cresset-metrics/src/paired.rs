//! Means over repeated runs, and the difference of two systems run under the same seeds.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::error::{MetricError, check_pairs};

/// A mean with its spread and its interval (Student 1908).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Values.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with `n - 1` in the denominator; 0 of one value.
    pub sd: f64,
    /// Lower end of the interval of the mean; the mean itself of one value, which says nothing about others.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Summary {
    /// Of values that are independent draws, with an interval of `confidence` (0.95, say) from the t distribution.
    ///
    /// # Errors
    /// No values; a value that is not finite; a confidence that is not between 0 and 1.
    pub fn of(values: &[f64], confidence: f64) -> Result<Summary, MetricError> {
        check(values, confidence)?;
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        let sd = match n {
            1 => 0.0,
            n => (squares / (n - 1) as f64).sqrt(),
        };
        let half = match n {
            1 => 0.0,
            n => students(n).inverse_cdf(0.5 + confidence / 2.0) * sd / (n as f64).sqrt(),
        };
        Ok(Summary {
            n,
            mean,
            sd,
            low: mean - half,
            high: mean + half,
        })
    }
}

/// The mean of paired differences, with its interval and the two-sided p of the paired t test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// Mean, spread and interval of the differences.
    #[serde(flatten)]
    pub difference: Summary,
    /// The probability of a mean at least so far from zero if the true one were zero; `None` of fewer than two pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
}

impl PairedDifference {
    /// Of `a - b`, where `a[i]` and `b[i]` belong together (the same seed).
    ///
    /// # Errors
    /// Lists of different lengths, and what [`Summary::of`] refuses.
    pub fn of(a: &[f64], b: &[f64], confidence: f64) -> Result<PairedDifference, MetricError> {
        check_pairs(a.len(), b.len())?;
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        let difference = Summary::of(&differences, confidence)?;
        let p = match difference {
            Summary { n: 1, .. } => None,
            // Alike in every pair: no evidence at all if they are equal, and no room for chance if they are not.
            Summary { sd: 0.0, mean, .. } => Some(if mean == 0.0 { 1.0 } else { 0.0 }),
            Summary { n, mean, sd, .. } => {
                let t = mean / (sd / (n as f64).sqrt());
                Some(2.0 * students(n).sf(t.abs()))
            }
        };
        Ok(PairedDifference { difference, p })
    }
}

/// The p values of several comparisons, each so large that the chance of a single false finding among them stays what
/// it would be for one (Holm 1979). In the order given.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    let mut adjusted = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max((p[i] * (p.len() - rank) as f64).min(1.0));
        adjusted[i] = largest;
    }
    adjusted
}

fn students(n: usize) -> StudentsT {
    StudentsT::new(0.0, 1.0, (n - 1) as f64).expect("at least two values, so a degree of freedom")
}

fn check(values: &[f64], confidence: f64) -> Result<(), MetricError> {
    if values.is_empty() {
        return Err(MetricError::Empty);
    }
    if let Some(value) = values.iter().find(|x| !x.is_finite()) {
        return Err(MetricError::OutOfRange {
            name: "a value of a run",
            value: *value,
            range: "a finite number",
        });
    }
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(MetricError::OutOfRange {
            name: "confidence",
            value: confidence,
            range: "between 0 and 1",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    const A: [f64; 5] = [29.1, 28.7, 29.6, 28.9, 29.3];
    const B: [f64; 5] = [28.8, 28.9, 29.0, 28.5, 29.0];

    #[test]
    fn the_interval_of_a_mean_is_scipys() {
        // scipy.stats.t.interval(0.95, 4, numpy.mean(A), scipy.stats.sem(A)).
        let summary = Summary::of(&A, 0.95).expect("values");
        close(summary.mean, 29.12);
        close(summary.sd, 0.349_284_983_930_633);
        close(summary.low, 28.686_305_410_339_1);
        close(summary.high, 29.553_694_589_660_9);
    }

    #[test]
    fn the_paired_test_is_scipys() {
        // scipy.stats.ttest_rel(A, B), and its confidence_interval(0.95).
        let paired = PairedDifference::of(&A, &B, 0.95).expect("values");
        close(paired.difference.mean, 0.28);
        close(paired.p.expect("five pairs"), 0.101_037_346_774_5);
        close(paired.difference.low, -0.086_238_262_809_7);
        close(paired.difference.high, 0.646_238_262_809_7);
    }

    #[test]
    fn holms_correction_is_statsmodels() {
        // statsmodels.stats.multitest.multipletests(p, method="holm")[1].
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, want) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            close(*got, want);
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn one_run_has_a_mean_and_no_test() {
        let paired = PairedDifference::of(&[2.0], &[1.0], 0.95).expect("a value");
        assert_eq!((paired.difference.mean, paired.p), (1.0, None));
    }

    #[test]
    fn values_that_are_not_numbers_are_refused() {
        assert!(Summary::of(&[1.0, f64::NAN], 0.95).is_err());
        assert!(Summary::of(&[], 0.95).is_err());
        assert!(PairedDifference::of(&[1.0], &[1.0, 2.0], 0.95).is_err());
    }
}
