//! Masking for masked language modelling (Devlin et al. 2019, BERT, section 3.1).
//!
//! As in Hugging Face's collator each position is drawn by itself, so that the number of targets varies; the paper draws
//! a fixed share.

use std::ops::Range;

use rand::{Rng, RngExt};

/// How tokens are masked.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskOptions {
    /// Chance of a position to be a target.
    pub rate: f64,
    /// Share of the targets that become the mask token.
    pub mask_share: f64,
    /// Share of the targets that become a random token; the rest stays.
    pub random_share: f64,
    /// The mask token.
    pub mask_id: u32,
    /// The ids from which random tokens are drawn.
    pub vocab: Range<u32>,
}

/// A corrupted text with what was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The corrupted ids.
    pub ids: Vec<u32>,
    /// The places of the targets, in ascending order.
    pub positions: Vec<usize>,
    /// The original token of each target.
    pub targets: Vec<u32>,
}

/// Masks a text; places marked special are never targets.
///
/// # Panics
/// If `special` is not as long as `ids`, or the vocabulary range is empty.
pub fn mask_tokens(
    ids: &[u32],
    special: &[bool],
    options: &MaskOptions,
    rng: &mut impl Rng,
) -> Masked {
    assert_eq!(ids.len(), special.len(), "one special mark per token");
    let mut masked = Masked {
        ids: ids.to_vec(),
        positions: Vec::new(),
        targets: Vec::new(),
    };
    for (position, (&id, &is_special)) in ids.iter().zip(special).enumerate() {
        if is_special || rng.random::<f64>() >= options.rate {
            continue;
        }
        masked.positions.push(position);
        masked.targets.push(id);
        masked.ids[position] = Fate::draw(options, rng).of(id, options, rng);
    }
    masked
}

/// What becomes of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Mask,
    Random,
    Keep,
}

impl Fate {
    pub(super) fn draw(options: &MaskOptions, rng: &mut impl Rng) -> Fate {
        let draw = rng.random::<f64>();
        if draw < options.mask_share {
            Fate::Mask
        } else if draw < options.mask_share + options.random_share {
            Fate::Random
        } else {
            Fate::Keep
        }
    }

    /// The token in the place of `id`.
    pub(super) fn of(self, id: u32, options: &MaskOptions, rng: &mut impl Rng) -> u32 {
        match self {
            Fate::Mask => options.mask_id,
            Fate::Random => rng.random_range(options.vocab.clone()),
            Fate::Keep => id,
        }
    }
}

/// Masks the tokens at these positions, which ascend; the fate of each is drawn by itself.
pub(super) fn masked_at(
    ids: &[u32],
    positions: Vec<usize>,
    options: &MaskOptions,
    rng: &mut impl Rng,
) -> Masked {
    let targets: Vec<u32> = positions.iter().map(|&position| ids[position]).collect();
    let mut ids = ids.to_vec();
    for &position in &positions {
        ids[position] = Fate::draw(options, rng).of(ids[position], options, rng);
    }
    Masked {
        ids,
        positions,
        targets,
    }
}
