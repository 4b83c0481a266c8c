//! `pooling = "mean"` or `pooling = ["cls", "mean"]`: which vectors stand for a text.

use std::fmt;
use std::marker::PhantomData;

use burn::tensor::Tensor;
use cresset_model::{Pooling, TextPooling};
use cresset_ops::KeepMask;
use serde::de::value::{SeqAccessDeserializer, StrDeserializer};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::RunError;

/// Which vectors stand for a text, one behind the other: of a classifier ([`TextPooling`]) or of embeddings ([`Pooling`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poolings<T>(pub Vec<T>);

impl Default for Poolings<TextPooling> {
    fn default() -> Self {
        Poolings(vec![TextPooling::Cls])
    }
}

impl Poolings<TextPooling> {
    /// Whether it is what the family's own class reads.
    pub fn is_of_class(&self) -> bool {
        *self == Poolings::default()
    }

    /// The poolings of embeddings that are the same; none if one has parameters, or two come to the same.
    pub fn plain(&self) -> Option<Poolings<Pooling>> {
        let plain: Option<Vec<Pooling>> = self.0.iter().map(|pooling| pooling.plain()).collect();
        plain
            .map(Poolings)
            .filter(|plain| plain.repeated().is_none())
    }
}

impl Poolings<Pooling> {
    /// Whether one reads the first layer's output besides the last one's.
    pub fn reads_first_layer(&self) -> bool {
        self.0.iter().any(|pooling| pooling.reads_first_layer())
    }

    /// One vector per text; see [`Pooling::pool`].
    ///
    /// # Shapes
    /// hidden_states: `[batch, seq, hidden]` each, out: `[batch, hidden * poolings]`
    pub fn pool(&self, hidden_states: &[Tensor<3>], keep: &KeepMask) -> Tensor<2> {
        let vectors = self.0.iter().map(|p| p.pool(hidden_states, keep));
        match &self.0[..] {
            [only] => only.pool(hidden_states, keep),
            _ => Tensor::cat(vectors.collect(), 1),
        }
    }
}

impl<T: PartialEq + fmt::Display> Poolings<T> {
    /// # Errors
    /// No pooling, or one twice.
    pub(crate) fn validate(&self, key: &str) -> Result<(), RunError> {
        if self.0.is_empty() {
            return Err(RunError::Config(format!(
                "{key} is an empty list; name at least one, as in pooling = \"cls\""
            )));
        }
        match self.repeated() {
            Some(pooling) => Err(RunError::Config(format!(
                "{key} names {pooling} twice; once will do"
            ))),
            None => Ok(()),
        }
    }

    fn repeated(&self) -> Option<&T> {
        let is_twice = |pooling: &&T| {
            let same = self.0.iter().filter(|other| other == pooling);
            same.count() > 1
        };
        self.0.iter().find(is_twice)
    }
}

impl<T: fmt::Display> fmt::Display for Poolings<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(","))
    }
}

impl<T: Serialize> Serialize for Poolings<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [only] => only.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Poolings<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrSeveral(PhantomData))
    }
}

/// By hand, so that a misspelt name is reported as such.
struct OneOrSeveral<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrSeveral<T> {
    type Value = Poolings<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pooling or a list of them")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Poolings<T>, E> {
        let one = T::deserialize(StrDeserializer::new(name))?;
        Ok(Poolings(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Poolings<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(names)).map(Poolings)
    }
}
