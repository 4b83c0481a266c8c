//! Documents of a few English-like sentences, separated by blank lines.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{sentiment, translation};

const N_DOCUMENTS: usize = 800;

/// The corpus.
pub(super) fn text(rng: &mut ChaCha8Rng) -> String {
    let documents: Vec<String> = (0..N_DOCUMENTS).map(|_| document(rng)).collect();
    documents.join("\n")
}

/// Sentences, one a line: stories with one remark on how things were.
fn document(rng: &mut ChaCha8Rng) -> String {
    let n_sentences = rng.random_range(3..8);
    let remark_at = rng.random_range(0..n_sentences);
    let sentence = |i| {
        if i == remark_at {
            sentiment::remark(rng)
        } else {
            translation::english(rng)
        }
    };
    (0..n_sentences)
        .map(sentence)
        .map(|line| line + "\n")
        .collect()
}
