//! From words to rows of tokens, and which token speaks for which word.

use cresset_data::{Convention, Framed, Tokenizer};

use crate::RunError;

/// A framed part of a sentence.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) framed: Framed,
    /// Where in the row the first token of each of its words stands.
    pub(crate) places: Vec<u32>,
    /// Those words, counted in the sentence.
    pub(crate) words: Vec<usize>,
    /// Whether a word was too long for a row of its own and lost its end.
    pub(crate) is_shortened: bool,
}

/// The rows of a sentence: one, or more where it is too long. A cut stands between words, never inside of one. A word of
/// which the tokenizer leaves nothing is the unknown token, or missing where there is none.
///
/// # Errors
/// A longest input without room for a token.
pub(crate) fn align(
    tokenizer: &Tokenizer,
    convention: &Convention,
    words: &[String],
    max_length: usize,
) -> Result<Vec<Row>, RunError> {
    let overhead = convention.encoder_input(&[], None, max_length)?.ids.len();
    let room = (max_length - overhead).max(1);
    let mut rows = Vec::new();
    let mut open: Vec<(usize, Vec<u32>)> = Vec::new();
    let mut length = 0;
    for (word, ids) in tokens(tokenizer, convention, words) {
        if length + ids.len() > room && !open.is_empty() {
            rows.push(row(convention, &open, max_length)?);
            open.clear();
            length = 0;
        }
        length += ids.len();
        open.push((word, ids));
    }
    if !open.is_empty() || rows.is_empty() {
        rows.push(row(convention, &open, max_length)?);
    }
    Ok(rows)
}

/// The tokens of each word that has any.
fn tokens(
    tokenizer: &Tokenizer,
    convention: &Convention,
    words: &[String],
) -> Vec<(usize, Vec<u32>)> {
    let encoded = tokenizer.encode_given_words(words);
    let mut tokens = vec![Vec::new(); words.len()];
    for (word, id) in encoded.words.into_iter().zip(encoded.ids) {
        tokens[word as usize].push(id);
    }
    if let Some(unknown) = &convention.roles().unk {
        for nothing in tokens.iter_mut().filter(|ids| ids.is_empty()) {
            nothing.push(unknown.id);
        }
    }
    let some = |(_, ids): &(usize, Vec<u32>)| !ids.is_empty();
    tokens.into_iter().enumerate().filter(some).collect()
}

fn row(
    convention: &Convention,
    words: &[(usize, Vec<u32>)],
    max_length: usize,
) -> Result<Row, RunError> {
    let ids: Vec<u32> = words.iter().flat_map(|(_, ids)| ids).copied().collect();
    let framed = convention.encoder_input(&ids, None, max_length)?;
    let positions = |special: &[bool]| -> Vec<u32> {
        let text = special.iter().zip(0..).filter(|(special, _)| !**special);
        text.map(|(_, place)| place).collect()
    };
    let text = positions(&framed.special);
    let mut first = 0;
    let mut places = Vec::with_capacity(words.len());
    for (_, ids) in words {
        places.push(text[first]);
        first += ids.len();
    }
    Ok(Row {
        is_shortened: framed.truncated > 0,
        framed,
        places,
        words: words.iter().map(|(word, _)| *word).collect(),
    })
}
