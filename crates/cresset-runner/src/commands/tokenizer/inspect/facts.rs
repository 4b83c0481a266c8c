//! What is found out about a tokenizer: the shape of `--json`.

use cresset_objectives::Shown;
use serde::Serialize;

/// All that was asked for.
#[derive(Serialize)]
pub(super) struct Inspected {
    /// Rows of an embedding for it.
    pub(super) vocabulary_size: usize,
    /// The preset behind the frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) convention: Option<Frames>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<InspectedText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<InspectedFile>,
}

#[derive(Serialize)]
pub(super) struct Frames {
    pub(super) name: String,
    /// In words, a line each.
    pub(super) frame: String,
    pub(super) special_tokens: Vec<Special>,
}

/// A special token; one with several roles is there for each.
#[derive(Serialize)]
pub(super) struct Special {
    pub(super) role: &'static str,
    pub(super) token: String,
    pub(super) id: u32,
}

#[derive(Serialize)]
pub(super) struct InspectedText {
    pub(super) text: String,
    pub(super) pieces: Vec<Piece>,
    /// The pieces as text again.
    pub(super) decoded: String,
    /// The text, and the pair, as a model reads and writes them.
    pub(super) framed: Vec<Shown>,
}

/// A token of a text, with the characters it stands for.
#[derive(Serialize)]
pub(super) struct Piece {
    pub(super) token: String,
    pub(super) id: u32,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
}

#[derive(Serialize)]
pub(super) struct InspectedFile {
    pub(super) texts: usize,
    pub(super) tokens: usize,
    pub(super) unknown_tokens: Option<usize>,
    pub(super) unknown_rate: Option<f64>,
    pub(super) length: Lengths,
    pub(super) longer: Option<Longer>,
    pub(super) tokens_per_word: f64,
    pub(super) tokens_per_character: f64,
    pub(super) vocabulary_used: usize,
    pub(super) vocabulary_share: f64,
}

/// Tokens of a text, without special tokens.
#[derive(Serialize)]
pub(super) struct Lengths {
    pub(super) mean: f64,
    pub(super) median: usize,
    pub(super) p90: usize,
    pub(super) p99: usize,
    pub(super) max: usize,
}

/// Texts that would be shortened.
#[derive(Serialize)]
pub(super) struct Longer {
    pub(super) max_length: usize,
    /// How many of `max_length` the frame takes.
    pub(super) special_tokens: usize,
    pub(super) share: f64,
}
