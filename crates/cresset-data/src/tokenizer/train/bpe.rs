//! WordPiece and byte-level BPE: pieces that meet often become one.

use std::collections::BTreeMap;

use compact_str::CompactString;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::{BertNormalizer, Lowercase, NormalizerWrapper};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, Tokenizer, decoders};

use super::{Job, failed, untrained};
use crate::DataError;
use crate::tokenizer::count;

const CONTINUING: &str = "##";

/// BERT's WordPiece, with the settings of Hugging Face's `BertWordPieceTokenizer`.
pub(super) fn word_piece(
    job: &Job<'_>,
    texts: impl Iterator<Item = impl AsRef<str> + Sync>,
) -> Result<Tokenizer, DataError> {
    let normalizer = BertNormalizer::new(true, true, None, job.config.lowercase);
    let mut tokenizer = untrained(
        WordPiece::default(),
        Some(normalizer.into()),
        Some(BertPreTokenizer.into()),
    )?;
    let mut words = count::words(&tokenizer, texts).map_err(failed)?;
    let alphabet = count::alphabet(&count::characters(&words), job.config.limit_alphabet);
    // A word with a character outside the alphabet is unknown as a whole, so its pieces would never be used.
    words.retain(|word, _| word.chars().all(|c| alphabet.binary_search(&c).is_ok()));
    let inner = inner_pieces(&words);
    job.check_room(alphabet.len() + inner.len())?;

    // Pieces that are numbered beforehand keep their number; the trainer would number the inner ones at random.
    let mut numbered = job.special_tokens();
    numbered.extend(
        alphabet
            .iter()
            .map(|c| AddedToken::from(c.to_string(), false)),
    );
    numbered.extend(
        inner
            .into_iter()
            .map(|piece| AddedToken::from(piece, false)),
    );
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(job.vocab_size)
        .min_frequency(job.config.min_frequency)
        .special_tokens(numbered)
        .continuing_subword_prefix(CONTINUING.to_owned())
        .build();
    let trained = run(&trainer, &words)?;
    let model = WordPiece::builder()
        .vocab(
            trained
                .get_vocab()
                .into_iter()
                .collect::<ahash::AHashMap<_, _>>(),
        )
        .unk_token(job.unk.clone())
        .continuing_subword_prefix(CONTINUING.to_owned())
        .build()
        .map_err(failed)?;
    tokenizer.with_model(model);
    tokenizer.with_decoder(Some(decoders::wordpiece::WordPiece::new(
        CONTINUING.to_owned(),
        true,
    )));
    Ok(tokenizer)
}

/// GPT-2's byte-level BPE; no space is added before the text.
pub(super) fn byte_level(
    job: &Job<'_>,
    texts: impl Iterator<Item = impl AsRef<str> + Sync>,
) -> Result<Tokenizer, DataError> {
    let lowercase = job
        .config
        .lowercase
        .then(|| NormalizerWrapper::from(Lowercase));
    let bytes = ByteLevel::default().add_prefix_space(false);
    let mut tokenizer = untrained(BPE::default(), lowercase, Some(bytes.into()))?;
    let words = count::words(&tokenizer, texts).map_err(failed)?;
    let alphabet = ByteLevel::alphabet();
    job.check_room(alphabet.len())?;
    let trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(job.vocab_size)
        .min_frequency(job.config.min_frequency)
        .special_tokens(job.special_tokens())
        .initial_alphabet(alphabet.into_iter().collect())
        .build();
    let mut model = run(&trainer, &words)?;
    model.unk_token = job.special.contains(&job.unk).then(|| job.unk.clone());
    tokenizer.with_model(model);
    tokenizer.with_decoder(Some(bytes));
    Ok(tokenizer)
}

/// The pieces of one character that stand inside words, in ascending order.
fn inner_pieces(words: &BTreeMap<String, u64>) -> Vec<String> {
    let mut inner: Vec<char> = words.keys().flat_map(|word| word.chars().skip(1)).collect();
    inner.sort_unstable();
    inner.dedup();
    inner
        .into_iter()
        .map(|c| format!("{CONTINUING}{c}"))
        .collect()
}

fn run(trainer: &BpeTrainer, words: &BTreeMap<String, u64>) -> Result<BPE, DataError> {
    let counts = words
        .iter()
        .map(|(word, &count)| (CompactString::from(word), count))
        .collect();
    let mut model = BPE::default();
    trainer.do_train(&counts, &mut model).map_err(failed)?;
    Ok(model)
}
