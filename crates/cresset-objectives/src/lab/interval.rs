//! Intervals around shares.

use serde::Serialize;

/// The standard normal deviate of a two-sided 95 % interval.
pub(super) const Z_95: f64 = 1.959_963_984_540_054;

/// A share of counted things with its 95 % interval (Wilson 1927).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The share.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Things counted.
    pub n: usize,
}

impl Share {
    /// Of `n` things, of which `hits` count.
    ///
    /// # Panics
    /// If nothing was counted.
    pub fn of(hits: usize, n: usize) -> Share {
        assert!(hits <= n && n > 0, "{hits} of {n}");
        let (count, p) = (n as f64, hits as f64 / n as f64);
        let z2 = Z_95 * Z_95 / count;
        let centre = (p + z2 / 2.0) / (1.0 + z2);
        let half = Z_95 / (1.0 + z2) * (p * (1.0 - p) / count + z2 / (4.0 * count)).sqrt();
        Share {
            value: p,
            // At the ends of the scale the formula misses them by rounding only.
            low: (centre - half).max(0.0).min(p),
            high: (centre + half).min(1.0).max(p),
            n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // scipy's binomtest(hits, n).proportion_ci(method="wilson").
        for (hits, n, low, high) in [
            (9, 10, 0.595_849_973_2, 0.982_123_786_9),
            (0, 20, 0.0, 0.161_125_158_1),
            (250, 500, 0.456_341_265_3, 0.543_658_734_7),
        ] {
            let share = Share::of(hits, n);
            assert!((share.low - low).abs() < 1e-9, "{share:?}");
            assert!((share.high - high).abs() < 1e-9, "{share:?}");
        }
    }
}
