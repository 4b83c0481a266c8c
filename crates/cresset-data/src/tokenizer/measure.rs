//! How a tokenizer fares on texts: how long they become, and what it cannot spell.

use std::collections::HashSet;

use super::Tokenizer;

/// Numbers of a tokenizer over texts; special tokens around the texts are not counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Texts.
    pub n_texts: usize,
    /// Their tokens.
    pub n_tokens: usize,
    /// Their words, as white space parts them.
    pub n_words: usize,
    /// Their characters, white space left out.
    pub n_characters: usize,
    /// Tokens that stand for what the vocabulary cannot spell.
    pub n_unknown: usize,
    /// Different tokens that occur.
    pub n_used: usize,
    /// Tokens of each text, ascending.
    pub lengths: Vec<usize>,
}

/// Texts encoded at a time.
const CHUNK: usize = 4096;

impl Measured {
    /// Tokens of a text on average; 0 without texts.
    pub fn mean_length(&self) -> f64 {
        ratio(self.n_tokens, self.n_texts)
    }

    /// The least length that this share of the texts does not exceed (the nearest rank): 0.5 gives the median, 1 the
    /// longest. 0 without texts.
    pub fn length_of_share(&self, share: f64) -> usize {
        let rank = (share * self.lengths.len() as f64).ceil() as usize;
        let last = self.lengths.len().saturating_sub(1);
        self.lengths
            .get(rank.saturating_sub(1).min(last))
            .copied()
            .unwrap_or(0)
    }

    /// Share of the texts that have more tokens.
    pub fn share_longer_than(&self, n_tokens: usize) -> f64 {
        let fit = self.lengths.partition_point(|length| *length <= n_tokens);
        ratio(self.lengths.len() - fit, self.lengths.len())
    }

    /// Share of the tokens that are unknown.
    pub fn unknown_rate(&self) -> f64 {
        ratio(self.n_unknown, self.n_tokens)
    }

    /// Tokens of a word on average.
    pub fn tokens_per_word(&self) -> f64 {
        ratio(self.n_tokens, self.n_words)
    }

    /// Tokens of a character on average.
    pub fn tokens_per_character(&self) -> f64 {
        ratio(self.n_tokens, self.n_characters)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Measures texts; `unknown` is the id of what the vocabulary cannot spell.
pub(super) fn measure<S: AsRef<str> + Sync>(
    tokenizer: &Tokenizer,
    texts: &[S],
    unknown: Option<u32>,
) -> Measured {
    let mut used: HashSet<u32> = HashSet::new();
    let mut all = Measured::default();
    // Few texts at a time are kept in memory twice.
    for texts in texts.chunks(CHUNK) {
        for (ids, text) in tokenizer.encode_batch(texts).iter().zip(texts) {
            let text = text.as_ref();
            all.n_tokens += ids.len();
            all.n_words += text.split_whitespace().count();
            all.n_characters += text.chars().filter(|c| !c.is_whitespace()).count();
            all.n_unknown += ids.iter().filter(|id| Some(**id) == unknown).count();
            all.lengths.push(ids.len());
            used.extend(ids);
        }
    }
    all.n_texts = texts.len();
    all.n_used = used.len();
    all.lengths.sort_unstable();
    all
}
