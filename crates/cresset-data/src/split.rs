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
    pub fn of(self, mut examples: Vec<Example>) -> Result<(Vec<Example>, Vec<Example>), DataError> {
        if let (Split::Last(ratio), [only]) = (self, &mut examples[..])
            && only.words.is_empty()
        {
            let held_out = only.split_off_end(ratio);
            return Ok((examples, vec![held_out]));
        }
        let is_held_out = self.held_out(examples.len())?;
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        for (index, example) in examples.into_iter().enumerate() {
            let side = if is_held_out(index) {
                &mut held_out
            } else {
                &mut train
            };
            side.push(example);
        }
        Ok((train, held_out))
    }

    /// Whether the example of a number, from 0, is held out, of `n`.
    ///
    /// # Errors
    /// A split that leaves nothing on one side.
    pub fn held_out(self, n: usize) -> Result<impl Fn(usize) -> bool, DataError> {
        let refused = |what: &str, way_out: &str| {
            DataError::Split(format!("{self} of {n} examples {what}; {way_out}"))
        };
        let first = match self {
            Split::Last(ratio) => n.saturating_sub(((n as f64 * ratio).round() as usize).max(1)),
            Split::Drawn(drawn) => {
                let n_held_out = (0..n).filter(|&index| drawn.holds_out(index)).count();
                if n_held_out == 0 {
                    return Err(refused(
                        "holds none out",
                        "raise the ratio, or take another seed",
                    ));
                }
                n - n_held_out
            }
        };
        match (first, self) {
            (0, Split::Last(_)) => Err(refused("leaves none to train on", "lower it")),
            (0, Split::Drawn(_)) => Err(refused(
                "leaves none to train on",
                "lower the ratio, or take another seed",
            )),
            _ => Ok(move |index| match self {
                Split::Last(_) => index >= first,
                Split::Drawn(drawn) => drawn.holds_out(index),
            }),
        }
    }
}

impl DrawnSplit {
    /// Whether the example of this number, from 0, is held out.
    pub fn holds_out(self, index: usize) -> bool {
        let draw = rng(self.seed, Purpose::Split, index as u64).next_u64();
        // The upper 53 bits as a number from 0 to 1.
        ((draw >> 11) as f64) < self.ratio * (1_u64 << 53) as f64
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
