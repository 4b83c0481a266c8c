//! Training of tokenizers: WordPiece (Schuster & Nakajima 2012), byte-level BPE (Sennrich et al. 2016; Radford et al.
//! 2019), Unigram (Kudo 2018) and characters.
//!
//! The trainers of the `tokenizers` crate number pieces and add up scores in the order of a hash map, which differs
//! from run to run. Here they are given words and alphabets in a fixed order, so that training is deterministic.

mod bpe;
mod characters;
mod unigram;

use serde::{Deserialize, Serialize};
use serde_json::Map;
use tokenizers::models::ModelWrapper;
use tokenizers::{AddedToken, normalizers, pre_tokenizers};

use crate::convention::{Preset, find};
use crate::{Convention, DataError, Tokenizer};

/// `[tokenizer] train = { .. }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerTrainConfig {
    /// How text is cut into pieces.
    pub kind: TokenizerKind,
    /// Pieces, special tokens included; fewer if the text has not so many. Characters beyond it are unknown.
    #[serde(default = "default_vocab_size")]
    pub vocab_size: usize,
    /// Whether upper and lower case are the same; WordPiece also drops accents then.
    #[serde(default)]
    pub lowercase: bool,
    /// How often two pieces must meet to become one (WordPiece and BPE).
    #[serde(default = "default_min_frequency")]
    pub min_frequency: u64,
    /// Different characters that WordPiece keeps.
    #[serde(default = "default_limit_alphabet")]
    pub limit_alphabet: usize,
    /// Special tokens besides those of the convention.
    #[serde(default)]
    pub special_tokens: Vec<String>,
}

fn default_vocab_size() -> usize {
    8000
}

fn default_min_frequency() -> u64 {
    2
}

fn default_limit_alphabet() -> usize {
    1000
}

/// How text is cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenizerKind {
    /// Words cut at spaces and punctuation, then into pieces; those inside a word start with `##` (BERT).
    Wordpiece,
    /// Bytes, joined pair by pair: no text is unknown (GPT-2, RoBERTa, BART).
    Bpe,
    /// Pieces of a unigram language model; a space is `▁` (T5, XLNet, ALBERT).
    Unigram,
    /// Every character a token, spaces and line breaks too; decoding restores the text exactly.
    Characters,
}

impl TokenizerTrainConfig {
    /// The defaults of a kind.
    pub fn new(kind: TokenizerKind) -> Self {
        TokenizerTrainConfig {
            kind,
            vocab_size: default_vocab_size(),
            lowercase: false,
            min_frequency: default_min_frequency(),
            limit_alphabet: default_limit_alphabet(),
            special_tokens: Vec::new(),
        }
    }
}

/// What the trainers of all kinds are given.
struct Job<'a> {
    config: &'a TokenizerTrainConfig,
    /// Special tokens in the order of their ids.
    special: Vec<String>,
    /// The one that stands for unknown text.
    unk: String,
    /// Pieces and special tokens, sentinels not counted.
    vocab_size: usize,
}

impl Job<'_> {
    /// The special tokens as the trainers take them.
    fn special_tokens(&self) -> Vec<AddedToken> {
        self.special
            .iter()
            .map(|token| AddedToken::from(token.as_str(), true))
            .collect()
    }

    fn check_room(&self, alphabet: usize) -> Result<(), DataError> {
        let needed = self.special.len() + alphabet;
        if self.vocab_size < needed {
            return Err(DataError::TokenizerTraining(format!(
                "a vocabulary of {} has no room for the {} special tokens and the alphabet of {alphabet} characters; raise tokenizer.train.vocab_size to at least {}",
                self.config.vocab_size,
                self.config.vocab_size - self.vocab_size + self.special.len(),
                self.config.vocab_size - self.vocab_size + needed,
            )));
        }
        Ok(())
    }
}

pub(super) fn train(
    config: &TokenizerTrainConfig,
    texts: impl Iterator<Item = impl AsRef<str> + Sync>,
    convention: &str,
) -> Result<Tokenizer, DataError> {
    let preset = find(convention)?;
    let mut texts = texts.filter(|text| !text.as_ref().is_empty()).peekable();
    if texts.peek().is_none() {
        return Err(DataError::TokenizerTraining(
            "there is no text; check that the data files hold texts".to_owned(),
        ));
    }
    if config.vocab_size < preset.n_sentinels() {
        return Err(DataError::TokenizerTraining(format!(
            "a vocabulary of {} has no room for the {} sentinels of convention {convention}; raise tokenizer.train.vocab_size",
            config.vocab_size,
            preset.n_sentinels()
        )));
    }
    let job = job(config, preset);
    let mut inner = match config.kind {
        TokenizerKind::Wordpiece => bpe::word_piece(&job, texts)?,
        TokenizerKind::Bpe => bpe::byte_level(&job, texts)?,
        TokenizerKind::Unigram => unigram::train(&job, texts)?,
        TokenizerKind::Characters => characters::train(&job, texts)?,
    };
    inner
        .add_special_tokens(added_tokens(&job, preset))
        .map_err(failed)?;
    let mut tokenizer = Tokenizer::new(inner, Map::new());
    let convention = Convention::preset(convention, &tokenizer)?;
    super::folder::set_frame(&mut tokenizer.inner, &convention);
    Ok(tokenizer)
}

fn job<'a>(config: &'a TokenizerTrainConfig, preset: &Preset) -> Job<'a> {
    let mut special: Vec<String> = preset
        .trained_tokens()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let unk = preset.unk_token().unwrap_or("<unk>").to_owned();
    // Every byte is in the alphabet of byte-level BPE, so that it needs no token for unknown text.
    if !special.contains(&unk) && config.kind != TokenizerKind::Bpe {
        special.push(unk.clone());
    }
    for token in &config.special_tokens {
        if !special.contains(token) {
            special.push(token.clone());
        }
    }
    Job {
        config,
        special,
        unk,
        vocab_size: config.vocab_size - preset.n_sentinels(),
    }
}

/// The special tokens as the tokenizer knows them, with sentinels behind all pieces, the first one last, as in the
/// published T5 vocabularies.
fn added_tokens(job: &Job<'_>, preset: &Preset) -> Vec<AddedToken> {
    let takes_space_before = |token: &str| {
        // The mask of byte-level and Unigram vocabularies stands for a word with the space before it.
        preset.mask_token() == Some(token)
            && matches!(job.config.kind, TokenizerKind::Bpe | TokenizerKind::Unigram)
    };
    let mut tokens: Vec<AddedToken> = job
        .special
        .iter()
        .map(|t| AddedToken::from(t.as_str(), true).lstrip(takes_space_before(t)))
        .collect();
    let sentinels = (0..preset.n_sentinels()).rev();
    tokens.extend(sentinels.map(|n| AddedToken::from(format!("<extra_id_{n}>"), true)));
    tokens
}

/// A tokenizer with this text processing and no pieces yet.
fn untrained(
    model: impl Into<ModelWrapper>,
    normalizer: Option<normalizers::NormalizerWrapper>,
    pre_tokenizer: Option<pre_tokenizers::PreTokenizerWrapper>,
) -> Result<tokenizers::Tokenizer, DataError> {
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    tokenizer.with_normalizer(normalizer).map_err(failed)?;
    tokenizer.with_pre_tokenizer(pre_tokenizer);
    Ok(tokenizer)
}

pub(super) fn failed(error: tokenizers::Error) -> DataError {
    DataError::TokenizerTraining(error.to_string())
}
