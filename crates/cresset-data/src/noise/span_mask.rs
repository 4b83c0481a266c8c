//! Span masking (Joshi et al. 2020, "SpanBERT", section 3.1): runs of whole words are targets.
//!
//! A span starts at a random word; its length in words is geometric, drawn again where it exceeds the maximum (mean 3.8
//! words for p = 0.2 and at most 10). A whole span becomes masks, random tokens or stays. Where the original cuts a word
//! at the end of the budget, the span ends before it here.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::mask::{Fate, MaskOptions, Masked};
use super::words::{budget, words};

/// How long spans are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanLengths {
    /// Chance of a span to end after each word.
    pub p: f64,
    /// Words of the longest span.
    pub max: usize,
}

impl Default for SpanLengths {
    fn default() -> Self {
        SpanLengths { p: 0.2, max: 10 }
    }
}

impl SpanLengths {
    /// Draws a length by inverting the distribution function of the geometric distribution up to the maximum.
    fn draw(self, rng: &mut impl Rng) -> usize {
        let stays: f64 = 1.0 - self.p;
        let within = 1.0 - stays.powf(self.max as f64);
        let draw = rng.random::<f64>() * within;
        let length = 1 + ((1.0 - draw).ln() / stays.ln()) as usize;
        length.min(self.max)
    }
}

/// Masks spans of whole words; `word_indices` is as for [`mask_whole_words`](crate::mask_whole_words). No span goes over a
/// special token.
///
/// # Panics
/// If `word_indices` is not as long as `ids`, the vocabulary range is empty, `lengths.p` is not above 0 and at most 1,
/// or `lengths.max` is 0.
pub fn mask_spans(
    ids: &[u32],
    word_indices: &[Option<u32>],
    options: &MaskOptions,
    lengths: SpanLengths,
    rng: &mut impl Rng,
) -> Masked {
    assert_eq!(ids.len(), word_indices.len(), "one word index per token");
    assert!(
        lengths.p > 0.0 && lengths.p <= 1.0 && lengths.max > 0,
        "a geometric distribution of lengths from 1"
    );
    let words = words(word_indices);
    let mut left = budget(&words, options.rate);
    let mut fates: Vec<Option<Fate>> = vec![None; words.len()];
    let mut starts: Vec<usize> = (0..words.len()).collect();
    starts.shuffle(rng);
    for start in starts {
        if left == 0 {
            break;
        }
        if fates[start].is_some() {
            continue;
        }
        let fate = Fate::draw(options, rng);
        let end = words.len().min(start + lengths.draw(rng));
        for word in start..end {
            let adjoins = word == start || words[word - 1].end == words[word].start;
            if !adjoins || fates[word].is_some() || words[word].len() > left {
                break;
            }
            fates[word] = Some(fate);
            left -= words[word].len();
        }
    }
    let mut masked = Masked {
        ids: ids.to_vec(),
        positions: Vec::new(),
        targets: Vec::new(),
    };
    for (word, fate) in words.into_iter().zip(fates) {
        let Some(fate) = fate else { continue };
        for position in word {
            masked.positions.push(position);
            masked.targets.push(ids[position]);
            masked.ids[position] = fate.of(ids[position], options, rng);
        }
    }
    masked
}
