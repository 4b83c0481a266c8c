//! The corruptions of BART (Lewis et al. 2020, section 2.2): text infilling, token deletion, sentence permutation and
//! document rotation. The target of each is the original text.

use std::ops::Range;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// How much of a text infilling hides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InfillOptions {
    /// Share of the tokens in spans.
    pub rate: f64,
    /// Mean of the Poisson distribution of the spans' lengths.
    pub mean_span_length: f64,
    /// The mask token.
    pub mask_id: u32,
}

impl InfillOptions {
    /// The paper's 30 % in spans of three tokens on average.
    pub fn new(mask_id: u32) -> Self {
        InfillOptions {
            rate: 0.3,
            mean_span_length: 3.0,
            mask_id,
        }
    }
}

/// Replaces each of random spans by one mask; a span of length zero inserts a mask. Lengths are drawn until the budget,
/// `rate` of the tokens that are not special, is met; the last one is cut to meet it. Places marked special stay.
///
/// # Panics
/// If `special` is not as long as `ids`, or the mean length is not above 0.
pub fn infill(
    ids: &[u32],
    special: &[bool],
    options: &InfillOptions,
    rng: &mut impl Rng,
) -> Vec<u32> {
    assert!(options.mean_span_length > 0.0, "a mean length above 0");
    let places = places(ids, special);
    let n = places.len();
    let budget = ((n as f64 * options.rate).round_ties_even() as usize).min(n);
    let mut lengths = Vec::new();
    let mut left = budget;
    while left > 0 {
        let length = poisson(options.mean_span_length, rng).min(left);
        lengths.push(length);
        left -= length;
    }
    // Each span goes into a gap between the tokens that stay.
    let mut gaps: Vec<usize> = lengths
        .iter()
        .map(|_| rng.random_range(0..=n - budget))
        .collect();
    gaps.sort_unstable();
    let mut hidden = vec![false; n];
    let mut masks_before = vec![0; n + 1];
    let mut before = 0;
    for (gap, length) in gaps.into_iter().zip(lengths) {
        let start = gap + before;
        masks_before[start] += 1;
        hidden[start..start + length].fill(true);
        before += length;
    }
    let mut out = Vec::with_capacity(ids.len());
    let put = |out: &mut Vec<u32>, n_masks| {
        out.extend(std::iter::repeat_n(options.mask_id, n_masks));
    };
    let mut token = 0;
    for (&id, &is_special) in ids.iter().zip(special) {
        if is_special {
            out.push(id);
            continue;
        }
        put(&mut out, masks_before[token]);
        if !hidden[token] {
            out.push(id);
        }
        token += 1;
        if token == n {
            put(&mut out, masks_before[n]);
        }
    }
    out
}

/// Deletes tokens, each by itself; places marked special stay.
///
/// # Panics
/// If `special` is not as long as `ids`.
pub fn delete_tokens(ids: &[u32], special: &[bool], rate: f64, rng: &mut impl Rng) -> Vec<u32> {
    assert_eq!(ids.len(), special.len(), "one special mark per token");
    let mut kept = ids.to_vec();
    let mut marks = special.iter();
    kept.retain(|_| marks.next() == Some(&true) || rng.random::<f64>() >= rate);
    kept
}

/// Puts the sentences in random order. What is in none of them, such as special tokens, stays.
///
/// # Panics
/// If the sentences do not ascend without overlap within the text.
pub fn permute_sentences(ids: &[u32], sentences: &[Range<usize>], rng: &mut impl Rng) -> Vec<u32> {
    let mut order: Vec<usize> = (0..sentences.len()).collect();
    order.shuffle(rng);
    let mut out = Vec::with_capacity(ids.len());
    let mut done = 0;
    for (place, sentence) in sentences.iter().zip(order) {
        out.extend(&ids[done..place.start]);
        out.extend(&ids[sentences[sentence].clone()]);
        done = place.end;
    }
    out.extend(&ids[done..]);
    out
}

/// Rotates a text so that it starts with a random one of its tokens. Places marked special stay.
///
/// # Panics
/// If `special` is not as long as `ids`.
pub fn rotate_document(ids: &[u32], special: &[bool], rng: &mut impl Rng) -> Vec<u32> {
    let places = places(ids, special);
    let mut out = ids.to_vec();
    if places.is_empty() {
        return out;
    }
    let first = rng.random_range(0..places.len());
    let rotated = places[first..].iter().chain(&places[..first]);
    for (&place, &from) in places.iter().zip(rotated) {
        out[place] = ids[from];
    }
    out
}

/// The places of the tokens that are not special.
fn places(ids: &[u32], special: &[bool]) -> Vec<usize> {
    assert_eq!(ids.len(), special.len(), "one special mark per token");
    (0..ids.len()).filter(|&place| !special[place]).collect()
}

/// A Poisson draw: how many steps of an exponential distribution fit into the mean (Knuth's method, for small means).
fn poisson(mean: f64, rng: &mut impl Rng) -> usize {
    let limit = (-mean).exp();
    let mut product = rng.random::<f64>();
    let mut count = 0;
    while product > limit {
        product *= rng.random::<f64>();
        count += 1;
    }
    count
}
