//! Texts that are cut into words already.

use tokenizers::{PreTokenizerWrapper, Tokenizer};

use super::EncodedWords;

/// Every word cut by itself, as it would be inside of a text: a space in front of it where the tokenizer tells words by it.
pub(super) fn encode(tokenizer: &Tokenizer, words: &[String]) -> EncodedWords {
    let spaced: Vec<String> = match tokenizer.get_pre_tokenizer() {
        Some(cut) if tells_words_by_spaces(cut) => words.iter().map(|w| format!(" {w}")).collect(),
        _ => words.to_vec(),
    };
    // The fast way forgets which word a token is part of.
    let encoding = tokenizer
        .encode(spaced, false)
        .expect("every text can be encoded: checked when it was made");
    let (words, ids) = encoding
        .get_word_ids()
        .iter()
        .zip(encoding.get_ids())
        .filter_map(|(word, id)| word.map(|word| (word, *id)))
        .unzip();
    EncodedWords { ids, words }
}

/// Byte-level tokenizers that do not put the space there by themselves: GPT-2's, RoBERTa's.
fn tells_words_by_spaces(cut: &PreTokenizerWrapper) -> bool {
    match cut {
        PreTokenizerWrapper::ByteLevel(bytes) => !bytes.add_prefix_space,
        PreTokenizerWrapper::Sequence(parts) => parts.as_ref().iter().any(tells_words_by_spaces),
        _ => false,
    }
}
