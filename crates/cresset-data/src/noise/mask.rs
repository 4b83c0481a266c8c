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
        let draw = rng.random::<f64>();
        if draw < options.mask_share {
            masked.ids[position] = options.mask_id;
        } else if draw < options.mask_share + options.random_share {
            masked.ids[position] = rng.random_range(options.vocab.clone());
        }
    }
    masked
}
