//! Words of a tokenised text, as whole-word and span masking choose them.

use std::ops::Range;

/// The tokens of each word, in order. Tokens that follow one another and have the same word index make a word; special
/// tokens have none.
pub(super) fn words(indices: &[Option<u32>]) -> Vec<Range<usize>> {
    let mut start = 0;
    let runs = indices.chunk_by(|a, b| a == b).map(|run| {
        let range = start..start + run.len();
        start = range.end;
        range
    });
    runs.filter(|run| indices[run.start].is_some()).collect()
}

/// How many tokens make up this share of the words' tokens: rounded, at least one unless the rate is 0 or there is no
/// word.
pub(super) fn budget(words: &[Range<usize>], rate: f64) -> usize {
    let n_tokens: usize = words.iter().map(Range::len).sum();
    let share = (n_tokens as f64 * rate).round_ties_even() as usize;
    if rate > 0.0 {
        share.clamp(n_tokens.min(1), n_tokens)
    } else {
        0
    }
}
