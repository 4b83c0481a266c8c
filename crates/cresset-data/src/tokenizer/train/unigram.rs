//! Unigram pieces, in the manner of SentencePiece.

use std::collections::BTreeMap;

use tokenizers::Tokenizer;
use tokenizers::models::unigram::{Unigram, UnigramTrainer};
use tokenizers::normalizers::replace::ReplacePattern;
use tokenizers::normalizers::{Lowercase, NFKC, Nmt, NormalizerWrapper, Replace, Sequence, Strip};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};

use super::{Job, failed, untrained};
use crate::DataError;
use crate::tokenizer::count;

type Piece = (String, f64);

pub(super) fn train(
    job: &Job<'_>,
    texts: impl Iterator<Item = impl AsRef<str> + Sync>,
) -> Result<Tokenizer, DataError> {
    let metaspace = Metaspace::new('▁', PrependScheme::Always, true);
    let mut tokenizer = untrained(
        Unigram::default(),
        Some(normalizer(job)?),
        Some(metaspace.clone().into()),
    )?;
    let words = count::words(&tokenizer, texts).map_err(failed)?;
    job.check_room(count::characters(&words).len())?;
    tokenizer.with_model(model(job, &words)?);
    tokenizer.with_decoder(Some(metaspace));
    Ok(tokenizer)
}

fn normalizer(job: &Job<'_>) -> Result<NormalizerWrapper, DataError> {
    let spaces = Replace::new(ReplacePattern::Regex(" {2,}".to_owned()), " ").map_err(failed)?;
    let mut steps: Vec<NormalizerWrapper> = vec![
        Nmt.into(),
        NFKC.into(),
        spaces.into(),
        Strip::new(true, true).into(),
    ];
    if job.config.lowercase {
        steps.push(Lowercase.into());
    }
    Ok(Sequence::new(steps).into())
}

fn model(job: &Job<'_>, words: &BTreeMap<String, u64>) -> Result<Unigram, DataError> {
    let trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(u32::try_from(job.vocab_size).unwrap_or(u32::MAX))
        .special_tokens(job.special_tokens())
        .unk_token(Some(job.unk.clone()))
        .build()
        .map_err(|e| DataError::TokenizerTraining(e.to_string()))?;
    let sentences = words
        .iter()
        .map(|(word, &n)| (word.clone(), u32::try_from(n).unwrap_or(u32::MAX)))
        .collect();
    let mut model = Unigram::default();
    // One thread: with several the scores would be added up in a different order each time.
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one_thread = one_thread.map_err(|e| DataError::TokenizerTraining(e.to_string()))?;
    one_thread
        .install(|| trainer.do_train(sentences, &mut model))
        .map_err(failed)?;

    let all: Vec<Piece> = model.iter().cloned().collect();
    let (special, pieces) = all.split_at(job.special.len());
    let unk = job.special.iter().position(|token| *token == job.unk);
    let ordered = special
        .iter()
        .cloned()
        .chain(in_fixed_order(pieces.to_vec()))
        .collect();
    Unigram::from(ordered, unk, false).map_err(failed)
}

/// Pieces by descending score. Characters that training dropped were put back at the lowest scores in the order of a
/// hash map, and equal scores come in such an order too: both are given a fixed one.
fn in_fixed_order(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let score = |piece: &Piece| if piece.1.is_nan() { f64::MIN } else { piece.1 };
    pieces.sort_by(|a, b| score(b).total_cmp(&score(a)).then_with(|| a.0.cmp(&b.0)));
    let put_back = put_back_characters(&pieces);
    let mut scores: Vec<f64> = put_back.iter().map(|&i| pieces[i].1).collect();
    let mut characters: Vec<String> = put_back.iter().map(|&i| pieces[i].0.clone()).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    characters.sort();
    for ((i, score), character) in put_back.iter().zip(scores).zip(characters) {
        pieces[*i] = (character, score);
    }
    pieces
}

/// Places of the characters that were put back: their scores rise from the lowest in the trainer's fixed steps.
fn put_back_characters(pieces: &[Piece]) -> Vec<usize> {
    const STEP: f64 = 0.0001;
    let Some(lowest) = pieces.last().map(|piece| piece.1) else {
        return Vec::new();
    };
    let is_step = |score: f64| {
        let steps = (score - lowest) / STEP;
        (steps - steps.round()).abs() < 1e-6
    };
    let mut places: Vec<usize> = (0..pieces.len())
        .filter(|&i| pieces[i].0.chars().count() == 1 && is_step(pieces[i].1))
        .collect();
    places.reverse();
    // The steps have no gap.
    let steps = places
        .iter()
        .map(|&i| ((pieces[i].1 - lowest) / STEP).round() as usize);
    let without_gap = steps.enumerate().take_while(|&(n, step)| step <= n).count();
    places.truncate(without_gap);
    places.reverse();
    places
}
