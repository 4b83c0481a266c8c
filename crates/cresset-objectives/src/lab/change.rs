//! A change per token, with the uncertainty that comes from the choice of texts.

use serde::Serialize;

use super::interval::Z_95;

/// A mean change per token with its 95 % interval over texts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The mean.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Change {
    /// Of a share: what some things have after and before (Agresti & Min 2005: Wald's interval for pairs with half a pair more in each
    /// of the four cells).
    pub(super) fn of_shares(before: &[bool], after: &[bool]) -> Change {
        let pairs = || before.iter().zip(after);
        let count = |won: bool| pairs().filter(|(b, a)| b != a && **a == won).count() as f64;
        let (won, lost) = (count(true) + 0.5, count(false) + 0.5);
        let n = before.len() as f64 + 2.0;
        let centre = (won - lost) / n;
        let half = Z_95 * (won + lost - (won - lost).powi(2) / n).sqrt() / n;
        Change {
            mean: (won - lost) / before.len() as f64,
            low: (centre - half).max(-1.0),
            high: (centre + half).min(1.0),
        }
    }
}

/// Changes of texts, each summed over its tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Differences(Vec<(f64, f64)>);

impl Differences {
    /// Adds a text of `n` tokens whose sum changed by `difference`; one without tokens says nothing.
    pub(super) fn add(&mut self, difference: f64, n: usize) {
        if n > 0 {
            self.0.push((difference, n as f64));
        }
    }

    /// The change per token: the ratio of sums, its interval by the variance of the ratio's residuals over texts (Cochran 1977, section
    /// 6.3). `None` with fewer than two texts.
    pub(super) fn change(&self) -> Option<Change> {
        let texts = self.0.len() as f64;
        if texts < 2.0 {
            return None;
        }
        let tokens: f64 = self.0.iter().map(|(_, n)| n).sum();
        let mean = self.0.iter().map(|(d, _)| d).sum::<f64>() / tokens;
        let residuals: f64 = self.0.iter().map(|(d, n)| (d - mean * n).powi(2)).sum();
        let half = Z_95 * (residuals * texts / (texts - 1.0)).sqrt() / tokens;
        Some(Change {
            mean,
            low: mean - half,
            high: mean + half,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_changed_share_holds_nothing_only_where_losses_outweigh_gains() {
        let before = [true; 40];
        let same = Change::of_shares(&before, &before);
        assert_eq!(same.mean, 0.0);
        assert!((same.high - Z_95 / 42.0).abs() < 1e-12 && same.low == -same.high);
        // 10 of 40 lost, none won: (0.5 - 10.5) / 42 +- 1.96 sqrt(11 - 100 / 42) / 42.
        let after: Vec<bool> = (0..40).map(|i| i >= 10).collect();
        let lost = Change::of_shares(&before, &after);
        assert_eq!(lost.mean, -0.25);
        let half = Z_95 * (11.0f64 - 100.0 / 42.0).sqrt() / 42.0;
        assert!((lost.high - (half - 10.0 / 42.0)).abs() < 1e-12, "{lost:?}");
        assert!(lost.high < 0.0);
    }

    #[test]
    fn with_one_token_each_the_interval_is_that_of_a_mean() {
        let mut differences = Differences::default();
        for difference in [1.0, 2.0, 3.0, 6.0] {
            differences.add(difference, 1);
        }
        differences.add(0.0, 0);
        let change = differences.change().expect("enough texts");
        // Mean 3, sample variance 14 / 3.
        let half = Z_95 * (14.0f64 / 3.0 / 4.0).sqrt();
        assert!((change.mean - 3.0).abs() < 1e-12);
        assert!((change.high - 3.0 - half).abs() < 1e-12, "{change:?}");
    }
}
