//! Every character a token.

use std::collections::BTreeMap;

use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::{Lowercase, NormalizerWrapper};
use tokenizers::{Tokenizer, decoders};

use super::{Job, failed, untrained};
use crate::DataError;
use crate::tokenizer::count;

/// A BPE without merges: what Hugging Face's library reads as one token per character, spaces and line breaks too.
pub(super) fn train(
    job: &Job<'_>,
    texts: impl Iterator<Item = impl AsRef<str> + Sync>,
) -> Result<Tokenizer, DataError> {
    let mut counts: BTreeMap<char, u64> = BTreeMap::new();
    for text in texts {
        count_characters(text.as_ref(), job.config.lowercase, &mut counts);
    }
    job.check_room(1)?;
    let alphabet = count::alphabet(&counts, job.vocab_size - job.special.len());
    let pieces = job
        .special
        .iter()
        .cloned()
        .chain(alphabet.iter().map(char::to_string));
    let vocab: ahash::AHashMap<String, u32> = pieces.zip(0..).collect();
    let model = BPE::builder()
        .vocab_and_merges(vocab, Vec::new())
        .unk_token(job.unk.clone())
        .cache_capacity(0)
        .build()
        .map_err(failed)?;
    let lowercase = job
        .config
        .lowercase
        .then(|| NormalizerWrapper::from(Lowercase));
    let mut tokenizer = untrained(model, lowercase, None)?;
    tokenizer.with_decoder(Some(decoders::fuse::Fuse::new()));
    Ok(tokenizer)
}

fn count_characters(text: &str, lowercase: bool, counts: &mut BTreeMap<char, u64>) {
    let mut count = |character| *counts.entry(character).or_insert(0) += 1;
    if lowercase {
        text.chars()
            .flat_map(char::to_lowercase)
            .for_each(&mut count);
    } else {
        text.chars().for_each(&mut count);
    }
}
