//! Which examples are held out.

use std::fmt;

use rand::Rng;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::seed::{Purpose, rng};
use crate::{DataError, Example};

/// The share of the examples that is held out: in a config a number, or a table with `ratio` and `seed`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Split {
    /// The last ones; of a single text its end.
    Last(f64),
    /// Any of them.
    Drawn(DrawnSplit),
}

/// A split at random: each example by itself is held out with the probability `ratio`, as a hash of the seed and its number says.
/// So a file to which examples are added keeps its split, and the share is met about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawnSplit {
    /// The share.
    pub ratio: f64,
    /// The seed; that of the run has no part in it.
    #[serde(default)]
    pub seed: u64,
}

impl Split {
    /// The share that is held out.
    pub fn ratio(self) -> f64 {
        match self {
            Split::Last(ratio) | Split::Drawn(DrawnSplit { ratio, .. }) => ratio,
        }
    }

    /// Refuses what is no share.
    ///
    /// # Errors
    /// A share that does not lie between 0 and 1.
    pub fn check(self) -> Result<(), DataError> {
        let ratio = self.ratio();
        if ratio > 0.0 && ratio < 1.0 {
            return Ok(());
        }
        Err(DataError::Split(format!(
            "{self} must lie between 0 and 1, as in 0.1 for a tenth"
        )))
    }

    /// The examples to train on, and those held out.
    ///
    /// # Errors
    /// A split that leaves nothing on one side.
    pub fn of(self, examples: Vec<Example>) -> Result<(Vec<Example>, Vec<Example>), DataError> {
        match self {
            Split::Last(ratio) => last(examples, ratio),
            Split::Drawn(drawn) => drawn.of(examples),
        }
    }
}

fn last(mut examples: Vec<Example>, ratio: f64) -> Result<(Vec<Example>, Vec<Example>), DataError> {
    if let [only] = &mut examples[..]
        && only.words.is_empty()
    {
        let held_out = cut(only, ratio);
        return Ok((examples, vec![held_out]));
    }
    let n_held_out = ((examples.len() as f64 * ratio).round() as usize).max(1);
    if n_held_out >= examples.len() {
        return Err(DataError::Split(format!(
            "data.split {ratio} of {} examples leaves none to train on; lower it",
            examples.len()
        )));
    }
    let held_out = examples.split_off(examples.len() - n_held_out);
    Ok((examples, held_out))
}

/// Cuts off the end of a text, by characters.
fn cut(only: &mut Example, ratio: f64) -> Example {
    let n_chars = only.text.chars().count();
    let kept = n_chars - (n_chars as f64 * ratio).round() as usize;
    let at = only
        .text
        .char_indices()
        .nth(kept)
        .map_or(only.text.len(), |(i, _)| i);
    Example {
        text: only.text.split_off(at),
        ..only.clone()
    }
}

impl DrawnSplit {
    /// Whether the example of this number, from 0, is held out.
    pub fn holds_out(self, index: usize) -> bool {
        let draw = rng(self.seed, Purpose::Split, index as u64).next_u64();
        // The upper 53 bits as a number from 0 to 1.
        ((draw >> 11) as f64) < self.ratio * (1_u64 << 53) as f64
    }

    fn of(self, examples: Vec<Example>) -> Result<(Vec<Example>, Vec<Example>), DataError> {
        let n = examples.len();
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        for (index, example) in examples.into_iter().enumerate() {
            if self.holds_out(index) {
                held_out.push(example);
            } else {
                train.push(example);
            }
        }
        let refused = |what: &str, way_out: &str| {
            Err(DataError::Split(format!(
                "{} of {n} examples {what}; {way_out}, or take another seed",
                Split::Drawn(self)
            )))
        };
        match (train.len(), held_out.len()) {
            (0, _) => refused("leaves none to train on", "lower the ratio"),
            (_, 0) => refused("holds none out", "raise the ratio"),
            _ => Ok((train, held_out)),
        }
    }
}

/// As in a message: `data.split 0.1`.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Split::Last(ratio) => write!(f, "data.split {ratio}"),
            Split::Drawn(DrawnSplit { ratio, seed }) => {
                write!(f, "data.split {{ ratio = {ratio}, seed = {seed} }}")
            }
        }
    }
}

impl<'de> Deserialize<'de> for Split {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrTable)
    }
}

struct NumberOrTable;

impl<'de> Visitor<'de> for NumberOrTable {
    type Value = Split;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a share such as 0.1, or a table such as { ratio = 0.1, seed = 0 }")
    }

    fn visit_f64<E>(self, ratio: f64) -> Result<Split, E> {
        Ok(Split::Last(ratio))
    }

    fn visit_i64<E>(self, ratio: i64) -> Result<Split, E> {
        Ok(Split::Last(ratio as f64))
    }

    fn visit_u64<E>(self, ratio: u64) -> Result<Split, E> {
        Ok(Split::Last(ratio as f64))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Split, A::Error> {
        DrawnSplit::deserialize(MapAccessDeserializer::new(map)).map(Split::Drawn)
    }
}
