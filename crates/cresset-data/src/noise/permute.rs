//! Permutation language modelling (Yang et al. 2019, XLNet, sections 2.2 and 2.3): targets are predicted in a random
//! order, each from the context and the targets before it.
//!
//! Targets are spans drawn as in the paper's code and Hugging Face's collator: a span of 1 to `max_span_length` tokens
//! somewhere in a stretch of `span / rate` tokens. Differences from that collator: the order goes over the whole text,
//! because no memory of an earlier text is reused; the ids stay what they are, since the two streams hide them, so that
//! later targets see earlier ones; special tokens see no target, through which targets would see themselves.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// Which tokens are targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PermutationOptions {
    /// Share of the tokens that are targets.
    pub rate: f64,
    /// Tokens of the longest span.
    pub max_span_length: usize,
}

impl Default for PermutationOptions {
    fn default() -> Self {
        PermutationOptions {
            rate: 1.0 / 6.0,
            max_span_length: 5,
        }
    }
}

/// The targets of a text and who sees whom; the text itself stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Permuted {
    /// The places of the targets, in ascending order.
    pub positions: Vec<usize>,
    /// The token of each target.
    pub targets: Vec<u32>,
    /// 1 where a position (row) must not see another (column), else 0: `[seq, seq]`. A target's own place is 1: its own
    /// content is open to the content stream only.
    pub perm_mask: Vec<f32>,
    /// 1 where a target (row) is a position (column), else 0: `[targets, seq]`.
    pub target_mapping: Vec<f32>,
}

/// Draws targets and their order. Places marked special are never targets, and all see them.
///
/// # Panics
/// If `special` is not as long as `ids`, the rate is not above 0 and at most 1, or the longest span is 0.
pub fn permute(
    ids: &[u32],
    special: &[bool],
    options: &PermutationOptions,
    rng: &mut impl Rng,
) -> Permuted {
    assert_eq!(ids.len(), special.len(), "one special mark per token");
    assert!(
        options.rate > 0.0 && options.rate <= 1.0 && options.max_span_length > 0,
        "a rate above 0 and at most 1, spans of at least one token"
    );
    let seq = ids.len();
    let mut positions = draw_spans(seq, options, rng);
    positions.retain(|&position| !special[position]);
    let mut order: Vec<usize> = (0..positions.len()).collect();
    order.shuffle(rng);

    // The rank of a target in the order; the context comes before all of them.
    let mut ranks: Vec<Option<usize>> = vec![None; seq];
    let mut target_mapping = vec![0.0; positions.len() * seq];
    for (target, (&position, &rank)) in positions.iter().zip(&order).enumerate() {
        ranks[position] = Some(rank);
        target_mapping[target * seq + position] = 1.0;
    }
    let mut perm_mask = vec![0.0; seq * seq];
    for (row, mine) in perm_mask.chunks_mut(seq.max(1)).zip(&ranks) {
        for (hidden, other) in row.iter_mut().zip(&ranks) {
            if other.is_some() && mine <= other {
                *hidden = 1.0;
            }
        }
    }
    Permuted {
        targets: positions.iter().map(|&position| ids[position]).collect(),
        positions,
        perm_mask,
        target_mapping,
    }
}

fn draw_spans(length: usize, options: &PermutationOptions, rng: &mut impl Rng) -> Vec<usize> {
    let mut positions = Vec::new();
    let mut done = 0;
    while done < length {
        let span = rng.random_range(1..=options.max_span_length);
        let stretch = (span as f64 / options.rate) as usize;
        let start = done + rng.random_range(0..=stretch - span);
        positions.extend((start..start + span).take_while(|&position| position < length));
        done += stretch;
    }
    positions
}
