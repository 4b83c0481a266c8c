//! What is told of single rows of a model's tables: plain data. Which rows, and what they mean, is the caller's matter.

use serde::{Deserialize, Serialize};

/// A look at the special vectors of a model. Numbers that make no sense, such as the cosine of a vector of zeros, are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Special {
    /// After this step.
    pub step: u64,
    /// Wall-clock seconds that the look took.
    pub seconds: f64,
    /// The vectors themselves.
    pub vectors: Vec<SpecialVector>,
    /// Who looks at them, and at whom they look.
    pub attention: Vec<TokenAttention>,
    /// The vectors that stand for texts.
    pub cloud: Option<CloudShape>,
    /// What is likely to be wrong, a sentence each.
    pub warnings: Vec<String>,
    /// The vectors as numbers, which go to a file of their own.
    #[serde(skip)]
    pub snapshot: Option<VectorSnapshot>,
}

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpecialVector {
    /// What its token is there for.
    pub role: String,
    /// Its spelling.
    pub token: String,
    /// Its row.
    pub id: u32,
    /// Of which stack the table is, where there are two.
    pub stack: Option<String>,
    /// Its length.
    pub norm: f64,
    /// The mean length of the ordinary rows.
    pub mean_norm: f64,
    /// Cosine with what it was before the first step.
    pub cosine_to_start: Option<f64>,
    /// Distance from what it was before the first step.
    pub distance_to_start: Option<f64>,
    /// Cosine with the mean of the ordinary rows.
    pub cosine_to_mean: Option<f64>,
    /// Distance from the mean of the ordinary rows.
    pub distance_to_mean: f64,
    /// The rows of the largest cosine with it, the nearest first.
    pub nearest: Vec<Neighbour>,
    /// Length of its gradient at the last step, before clipping.
    pub gradient_norm: Option<f64>,
    /// How long the last step was, as a share of the length it had before.
    pub update_ratio: Option<f64>,
}

/// A row near another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its token.
    pub token: String,
    /// Its row.
    pub id: u32,
    /// Their cosine.
    pub cosine: f64,
}

/// The attention that goes to a token and comes from it, one number per head and layer; means over the texts it stands in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenAttention {
    /// `encoder`, `decoder`, or `cross` for what the decoder sees of the encoder's output.
    pub stack: String,
    /// What the token is there for.
    pub role: String,
    /// Its spelling.
    pub token: String,
    /// Texts it stands in.
    pub n_texts: usize,
    /// Share of the others' attention that goes to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<Vec<f64>>>,
    /// Entropy of its own attention, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_entropy: Option<Vec<Vec<f64>>>,
    /// Share of its own attention that stays with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_self: Option<Vec<Vec<f64>>>,
}

/// The shape of a cloud of vectors, one per text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CloudShape {
    /// Which vector stands for a text.
    pub pooling: String,
    /// Texts.
    pub n: usize,
    /// Mean cosine of the vectors of two different texts.
    pub mean_cosine: f64,
    /// How many directions they differ in; absent where they are all the same.
    pub effective_rank: Option<f64>,
    /// Share of the variance along the first of these directions.
    pub first_direction: Option<f64>,
    /// Numbers of a vector.
    pub width: usize,
}

/// A line of `vectors.jsonl`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VectorSnapshot {
    /// After this step.
    pub step: u64,
    /// The mean of the ordinary rows of the table, of two tables the first.
    pub mean: Vec<f32>,
    /// The same of the second table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoder_mean: Option<Vec<f32>>,
    /// The rows.
    pub vectors: Vec<NamedVector>,
}

/// A row with its token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedVector {
    /// What its token is there for.
    pub role: String,
    /// Its spelling.
    pub token: String,
    /// Of which stack the table is, where there are two.
    pub stack: Option<String>,
    /// Its numbers.
    pub vector: Vec<f32>,
}
