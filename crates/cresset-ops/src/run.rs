//! Where a forward pass stands: the key of its dropout.

use std::cell::Cell;
use std::rc::Rc;

use crate::LayerTape;
use crate::watch::Watch;

/// Dropout of one forward pass. Inference has none.
///
/// Every dropout site takes the next stream number, so a pass with the same seed, step and micro-batch drops the same
/// elements on every backend and in every process.
#[derive(Debug)]
pub struct Run {
    key: Option<u64>,
    site: Cell<u64>,
    /// Where layers are noted down under activation checkpointing.
    pub(crate) tape: Option<Rc<LayerTape>>,
    pub(crate) watch: Watch,
}

impl Run {
    /// A pass without dropout.
    pub fn inference() -> Self {
        Run {
            key: None,
            site: Cell::new(0),
            tape: None,
            watch: Watch::default(),
        }
    }

    /// A training pass: optimizer step and micro-batch within it.
    pub fn training(seed: u64, step: u64, micro: u64) -> Self {
        Run {
            key: Some(mix(mix(mix(seed) ^ step) ^ micro)),
            site: Cell::new(0),
            tape: None,
            watch: Watch::default(),
        }
    }

    /// The same pass, checkpointed on this tape.
    #[must_use]
    pub fn on_tape(self, tape: Rc<LayerTape>) -> Run {
        Run {
            tape: Some(tape),
            ..self
        }
    }

    /// The same place, without a tape.
    pub(crate) fn same_place(&self) -> Run {
        Run {
            key: self.key,
            site: self.site.clone(),
            tape: None,
            watch: self.watch.clone(),
        }
    }

    /// Takes up where another pass from here has come to.
    pub(crate) fn go_on_after(&self, other: &Run) {
        self.site.set(other.site.get());
    }

    /// Whether there is dropout.
    pub fn is_training(&self) -> bool {
        self.key.is_some()
    }

    /// The key of the next dropout site, if this pass drops anything at this rate.
    pub(crate) fn next_site(&self, rate: f64) -> Option<DropoutKey> {
        let key = self.key?;
        if rate <= 0.0 {
            return None;
        }
        let site = self.site.get();
        self.site.set(site + 1);
        Some(DropoutKey::new(mix(key ^ site), rate))
    }
}

/// SplitMix64's finaliser (Steele et al. 2014).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Which elements one dropout site keeps: a hash of the element's number under this key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DropoutKey {
    low: u32,
    high: u32,
    threshold: u32,
    /// What a kept element is multiplied by.
    pub(crate) scale: f32,
}

impl DropoutKey {
    fn new(key: u64, rate: f64) -> Self {
        DropoutKey {
            low: key as u32,
            high: (key >> 32) as u32,
            threshold: (rate * f64::from(u32::MAX)) as u32,
            scale: (1.0 / (1.0 - rate)) as f32,
        }
    }

    /// The factor of an element: 0 if it is dropped, else the scale.
    #[inline(always)]
    pub(crate) fn factor(&self, element: u32) -> f32 {
        // MurmurHash3's finaliser (Appleby 2011) between the two halves of the key; 32 bits, so that it vectorises.
        let mut h = element.wrapping_mul(0x9E37_79B1) ^ self.low;
        h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
        h = ((h ^ (h >> 13)).wrapping_add(self.high)).wrapping_mul(0xC2B2_AE35);
        h ^= h >> 16;
        if h >= self.threshold { self.scale } else { 0.0 }
    }

    /// The factors of the first elements.
    pub(crate) fn factors(&self, n: usize) -> Vec<f32> {
        (0..n as u32).map(|i| self.factor(i)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_dropped_elements_is_the_rate() {
        for rate in [0.1, 0.5, 0.9] {
            let key = Run::training(1, 2, 3)
                .next_site(rate)
                .expect("a training pass");
            let dropped =
                key.factors(200_000).iter().filter(|f| **f == 0.0).count() as f64 / 200_000.0;
            assert!((dropped - rate).abs() < 0.005, "{dropped} at rate {rate}");
        }
    }

    #[test]
    fn sites_steps_and_seeds_drop_differently() {
        let first = |seed, step, micro| {
            Run::training(seed, step, micro)
                .next_site(0.5)
                .expect("training")
                .factors(64)
        };
        let run = Run::training(0, 1, 0);
        let sites: Vec<_> = (0..2)
            .map(|_| run.next_site(0.5).expect("training").factors(64))
            .collect();
        assert_ne!(sites[0], sites[1]);
        assert_ne!(first(0, 1, 0), first(0, 2, 0));
        assert_ne!(first(0, 1, 0), first(1, 1, 0));
        assert_ne!(first(0, 1, 0), first(0, 1, 1));
        assert_eq!(first(0, 1, 0), sites[0]);
    }
}
