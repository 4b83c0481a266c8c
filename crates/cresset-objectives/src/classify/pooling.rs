//! `pooling = "mean"` or `pooling = ["cls", "mean"]`: which vectors stand for the text.

use std::fmt;

use cresset_model::{Pooling, TextPooling};
use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::RunError;

/// Which vectors stand for the text, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poolings(pub Vec<TextPooling>);

impl Default for Poolings {
    fn default() -> Self {
        Poolings(vec![TextPooling::Cls])
    }
}

impl Poolings {
    /// Whether it is what the family's own class reads.
    pub fn is_of_class(&self) -> bool {
        *self == Poolings::default()
    }

    /// The pooling of embeddings that is the same: none of several vectors, or of one with parameters.
    pub fn plain(&self) -> Option<Pooling> {
        match self.0[..] {
            [only] => only.plain(),
            _ => None,
        }
    }

    /// # Errors
    /// No pooling, or one twice.
    pub(super) fn validate(&self) -> Result<(), RunError> {
        let is_twice = |pooling: &&TextPooling| {
            let same = self.0.iter().filter(|other| other == pooling);
            same.count() > 1
        };
        if self.0.is_empty() {
            return Err(RunError::Config(
                "objective.classify.pooling is an empty list; name at least one, as in pooling = \"cls\"".into(),
            ));
        }
        match self.0.iter().find(is_twice) {
            Some(pooling) => Err(RunError::Config(format!(
                "objective.classify.pooling names {pooling} twice; once will do"
            ))),
            None => Ok(()),
        }
    }
}

impl Serialize for Poolings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [only] => only.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Poolings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrSeveral)
    }
}

/// By hand, so that a misspelt name is reported as such.
struct OneOrSeveral;

impl<'de> Visitor<'de> for OneOrSeveral {
    type Value = Poolings;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pooling or a list of them")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Poolings, E> {
        let one = TextPooling::deserialize(StrDeserializer::new(name))?;
        Ok(Poolings(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Poolings, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(names)).map(Poolings)
    }
}
