//! Whole-word masking (the BERT repository's update of May 2019; Cui et al. 2021, "Pre-training with whole word masking
//! for Chinese BERT"): if a piece of a word is a target, all its pieces are.
//!
//! Words are drawn without order until the budget is met; one that would exceed it is passed over, as in the original.
//! What becomes of a target is drawn token by token, as there; Hugging Face's collator gives each word the same chance by
//! itself, so that the number of targets varies.

use rand::Rng;
use rand::seq::SliceRandom;

use super::mask::{MaskOptions, Masked, masked_at};
use super::words::{budget, words};

/// Masks whole words. `word_indices` names the word of each token and is `None` for special tokens, which are never
/// targets; tokens in a row with the same index make a word (see [`EncodedWords`](crate::EncodedWords)).
///
/// # Panics
/// If `word_indices` is not as long as `ids`, or the vocabulary range is empty.
pub fn mask_whole_words(
    ids: &[u32],
    word_indices: &[Option<u32>],
    options: &MaskOptions,
    rng: &mut impl Rng,
) -> Masked {
    assert_eq!(ids.len(), word_indices.len(), "one word index per token");
    let mut words = words(word_indices);
    let mut left = budget(&words, options.rate);
    words.shuffle(rng);
    let mut positions = Vec::new();
    for word in words {
        if word.len() <= left {
            left -= word.len();
            positions.extend(word);
        }
    }
    positions.sort_unstable();
    masked_at(ids, positions, options, rng)
}
