//! Words and characters of a corpus, counted in an order that does not depend on hashing or threads.

use std::collections::BTreeMap;

use rayon::prelude::*;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    Tokenizer,
};

/// Text that is cut at a time, in bytes: enough to keep all threads busy, few enough words in memory twice.
const CHUNK_BYTES: usize = 1 << 20;

/// How often each word (as the pre-tokenizer cuts them) occurs.
pub(super) fn words(
    tokenizer: &Tokenizer,
    texts: impl Iterator<Item = impl AsRef<str> + Sync>,
) -> tokenizers::Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    let mut texts = texts.peekable();
    while texts.peek().is_some() {
        let mut bytes = 0;
        let mut chunk = Vec::new();
        while bytes < CHUNK_BYTES
            && let Some(text) = texts.next()
        {
            bytes += text.as_ref().len();
            chunk.push(text);
        }
        let split = chunk
            .par_iter()
            .map(|text| cut(tokenizer, text.as_ref()))
            .collect::<tokenizers::Result<Vec<_>>>()?;
        for word in split.into_iter().flatten() {
            *counts.entry(word).or_insert(0) += 1;
        }
    }
    Ok(counts)
}

/// How often each character occurs in the words.
pub(super) fn characters(words: &BTreeMap<String, u64>) -> BTreeMap<char, u64> {
    let mut counts = BTreeMap::new();
    for (word, count) in words {
        for character in word.chars() {
            *counts.entry(character).or_insert(0) += count;
        }
    }
    counts
}

/// The most frequent characters, in ascending order; of equally frequent ones the lower.
pub(super) fn alphabet(counts: &BTreeMap<char, u64>, limit: usize) -> Vec<char> {
    let mut by_count: Vec<(char, u64)> = counts.iter().map(|(&c, &n)| (c, n)).collect();
    by_count.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    by_count.truncate(limit);
    let mut alphabet: Vec<char> = by_count.into_iter().map(|(c, _)| c).collect();
    alphabet.sort_unstable();
    alphabet
}

fn cut(tokenizer: &Tokenizer, text: &str) -> tokenizers::Result<Vec<String>> {
    let mut normalized = NormalizedString::from(text);
    if let Some(normalizer) = tokenizer.get_normalizer() {
        normalizer.normalize(&mut normalized)?;
    }
    let mut pieces = PreTokenizedString::from(normalized);
    if let Some(pre_tokenizer) = tokenizer.get_pre_tokenizer() {
        pre_tokenizer.pre_tokenize(&mut pieces)?;
    }
    let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::None);
    Ok(splits
        .into_iter()
        .map(|(word, _, _)| word.to_owned())
        .collect())
}
