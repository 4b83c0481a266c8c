//! Text to ids and back. Special tokens are never added here: that is the [`Convention`](crate::Convention)'s business.

mod count;
mod folder;
mod given_words;
mod measure;
mod places;
mod train;
mod words;

use std::path::Path;

use rayon::prelude::*;
use serde_json::{Map, Value};

pub use measure::Measured;
pub use places::PlacedToken;
pub use train::{TokenizerKind, TokenizerTrainConfig};
pub use words::EncodedWords;

use crate::DataError;

/// A tokenizer, loaded from a Hugging Face folder or trained.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    /// `tokenizer_config.json` of the folder it was loaded from.
    config: Map<String, Value>,
    vocab_size: usize,
}

impl Tokenizer {
    /// Loads `tokenizer.json` from a folder, or the file itself.
    ///
    /// # Errors
    /// A file that is missing, broken, or of a tokenizer that cannot encode every text.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, DataError> {
        folder::load(path.as_ref())
    }

    /// Trains a tokenizer with the special tokens and the frame of a convention's preset. The same texts in the same
    /// order give the same tokenizer, byte for byte. They are asked for one after the other, so they need not all lie in
    /// memory.
    ///
    /// # Errors
    /// A convention that does not exist; no text; a vocabulary that the special tokens and the alphabet alone exceed.
    pub fn train(
        config: &TokenizerTrainConfig,
        texts: impl IntoIterator<Item = impl AsRef<str> + Sync>,
        convention: &str,
    ) -> Result<Self, DataError> {
        train::train(config, texts.into_iter(), convention)
    }

    /// Writes `tokenizer.json` (with the convention's encoder frame as its post-processor), `tokenizer_config.json` and
    /// `special_tokens_map.json`. The convention itself goes to the same folder with
    /// [`Convention::save`](crate::Convention::save).
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(
        &self,
        folder: impl AsRef<Path>,
        convention: &crate::Convention,
    ) -> Result<(), DataError> {
        folder::save(self, folder.as_ref(), convention)
    }

    /// The ids of a text, without special tokens around it. Special tokens spelled out in the text become their ids.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let encoding = self
            .inner
            .encode_fast(text, false)
            .expect("every text can be encoded: checked when it was made");
        encoding.get_ids().to_vec()
    }

    /// The ids of a text, or a pair, in the frame that `tokenizer.json` itself holds, as Python gives them; `None` if it holds none.
    pub fn encode_in_own_frame(&self, text: &str, pair: Option<&str>) -> Option<Vec<u32>> {
        self.inner.get_post_processor()?;
        let encoded = match pair {
            None => self.inner.encode_fast(text, true),
            Some(pair) => self.inner.encode_fast((text, pair), true),
        };
        let encoding = encoded.expect("every text can be encoded: checked when it was made");
        Some(encoding.get_ids().to_vec())
    }

    /// The ids of a text with the word of each token: words as the tokenizer cuts them before it makes pieces (WordPiece,
    /// byte-level BPE, Unigram), at white space if it does not cut; a Chinese character is a word.
    pub fn encode_words(&self, text: &str) -> EncodedWords {
        words::of_text(text, &self.encoding(text))
    }

    /// The ids of a text given in pieces, such as the words of Chinese, with the piece of each token. The text is the
    /// pieces one behind the other, without space between them.
    pub fn encode_segments(&self, segments: &[&str]) -> EncodedWords {
        words::of_segments(segments, &self.encoding(&segments.concat()))
    }

    /// As [`Tokenizer::encode_words`] of many texts, in parallel.
    pub fn encode_words_batch<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<EncodedWords> {
        texts
            .par_iter()
            .map(|text| self.encode_words(text.as_ref()))
            .collect()
    }

    /// The ids of a text given as words, with the word of each token. The text is its words with a space between them, but none between two Chinese ones.
    pub fn encode_joined(&self, words: &[String]) -> EncodedWords {
        let pieces = words::joined(words);
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        self.encode_segments(&pieces)
    }

    /// The ids of many texts, in parallel.
    pub fn encode_batch<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Vec<Vec<u32>> {
        texts
            .par_iter()
            .map(|text| self.encode(text.as_ref()))
            .collect()
    }

    /// The ids of a text that is cut into words already, as Hugging Face's `is_split_into_words` gives them.
    pub fn encode_given_words(&self, words: &[String]) -> EncodedWords {
        given_words::encode(&self.inner, words)
    }

    /// The ids of a text, each with the characters it stands for.
    pub fn encode_with_places(&self, text: &str) -> Vec<PlacedToken> {
        places::encode(&self.inner, text)
    }

    /// How long texts become, and how much of them is the token `unknown`.
    pub fn measure<S: AsRef<str> + Sync>(&self, texts: &[S], unknown: Option<u32>) -> Measured {
        measure::measure(self, texts, unknown)
    }

    /// The text of ids; special tokens are left out.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.inner.decode(ids, true).unwrap_or_default()
    }

    /// The id of a token.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The spelling of a token.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// Whether a token was added to the vocabulary, as special tokens are, and is found in a text only where it is spelled out.
    pub fn is_added(&self, id: u32) -> bool {
        self.inner.get_added_tokens_decoder().contains_key(&id)
    }

    /// Rows that an embedding for this tokenizer needs: the highest id, added tokens included, plus one.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Whether every token has the same id in both.
    pub fn has_the_vocabulary_of(&self, other: &Tokenizer) -> bool {
        self.inner.get_vocab(true) == other.inner.get_vocab(true)
    }

    /// All that decides which ids a text has, as one text.
    pub(crate) fn fingerprint(&self) -> String {
        self.inner
            .to_string(false)
            .expect("a tokenizer can be written: it was read or trained")
    }

    /// A tokenizer that knows these special tokens too; those it lacks get the ids behind all others. A pre-trained
    /// model needs as many new embedding rows.
    ///
    /// # Errors
    /// An empty token.
    pub fn with_special_tokens(mut self, tokens: &[&str]) -> Result<Self, DataError> {
        if tokens.contains(&"") {
            return Err(DataError::TokenizerTraining(
                "a special token cannot be empty".to_owned(),
            ));
        }
        let added = tokens
            .iter()
            .map(|token| tokenizers::AddedToken::from(*token, true));
        self.inner
            .add_special_tokens(added)
            .map_err(train::failed)?;
        self.vocab_size = vocab_size(&self.inner);
        Ok(self)
    }

    /// With offsets in bytes, which [`Tokenizer::encode`] does without.
    fn encoding(&self, text: &str) -> tokenizers::Encoding {
        self.inner
            .encode(text, false)
            .expect("every text can be encoded: checked when it was made")
    }

    /// Wraps a tokenizer that is known to encode every text.
    fn new(mut inner: tokenizers::Tokenizer, config: Map<String, Value>) -> Self {
        // Lengths are the convention's business.
        inner
            .with_truncation(None)
            .expect("no truncation is always valid");
        inner.with_padding(None);
        let vocab_size = vocab_size(&inner);
        Tokenizer {
            inner,
            config,
            vocab_size,
        }
    }
}

fn vocab_size(inner: &tokenizers::Tokenizer) -> usize {
    inner
        .get_vocab(true)
        .values()
        .max()
        .map_or(0, |&id| id as usize + 1)
}
