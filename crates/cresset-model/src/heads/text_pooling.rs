//! What a classifier of texts reads of an encoder's output.

use std::fmt;

use burn::tensor::Tensor;
use cresset_ops::KeepMask;
use serde::{Deserialize, Serialize};

use crate::check::within;
use crate::encoder::Encoder;
use crate::error::ModelError;
use crate::pooling::{Pooling, attentive};

/// A vector for the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextPooling {
    /// What the family's own class reads: the vector of `[CLS]`, through the pooler where the family has one.
    Cls,
    /// The vector of `[CLS]` as the last layer leaves it.
    ClsWithoutPooler,
    /// The vectors of all tokens that stand for the text, one behind the other, as the last layer leaves them.
    AllCls,
    /// The mean over tokens.
    Mean,
    /// The largest value over tokens, in each dimension.
    Max,
    /// The vector of the last token.
    Last,
    /// The mean over tokens of half the sum of the first and the last layer's outputs.
    FirstLastAvg,
    /// The mean over tokens weighted by a softmax of their products with a learned query, over the root of the size (Bahdanau et
    /// al. 2015's attention with one query for all texts, scaled as in Vaswani et al. 2017). The query is saved as `pooling_query`.
    Attentive,
}

impl TextPooling {
    /// Every one.
    pub const ALL: [TextPooling; 8] = [
        TextPooling::Cls,
        TextPooling::ClsWithoutPooler,
        TextPooling::AllCls,
        TextPooling::Mean,
        TextPooling::Max,
        TextPooling::Last,
        TextPooling::FirstLastAvg,
        TextPooling::Attentive,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            TextPooling::Cls => "cls",
            TextPooling::ClsWithoutPooler => "cls-without-pooler",
            TextPooling::AllCls => "all-cls",
            TextPooling::Mean => "mean",
            TextPooling::Max => "max",
            TextPooling::Last => "last",
            TextPooling::FirstLastAvg => "first-last-avg",
            TextPooling::Attentive => "attentive",
        }
    }

    /// The same for embeddings, which have neither parameters nor several tokens that stand for the text.
    pub fn plain(self) -> Option<Pooling> {
        match self {
            TextPooling::Cls | TextPooling::ClsWithoutPooler => Some(Pooling::Cls),
            TextPooling::Mean => Some(Pooling::Mean),
            TextPooling::Max => Some(Pooling::Max),
            TextPooling::Last => Some(Pooling::Last),
            TextPooling::FirstLastAvg => Some(Pooling::FirstLastAvg),
            TextPooling::AllCls | TextPooling::Attentive => None,
        }
    }
}

impl fmt::Display for TextPooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A head for texts: how many scores from which vectors, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextHead {
    /// Scores.
    pub n_labels: usize,
    /// Vectors of the text.
    pub poolings: Vec<TextPooling>,
    /// Tokens that stand for the text: the first ones of a text, of XLNet the last ones.
    pub n_cls: usize,
}

impl TextHead {
    /// The head of the family's own class.
    pub fn of_class(n_labels: usize) -> TextHead {
        TextHead {
            n_labels,
            poolings: vec![TextPooling::Cls],
            n_cls: 1,
        }
    }

    /// Whether it is that of the family's own class.
    pub fn is_of_class(&self) -> bool {
        self.poolings == [TextPooling::Cls]
    }

    /// # Errors
    /// No label, no pooling, or one twice.
    pub(crate) fn validate(&self) -> Result<(), ModelError> {
        within("num_labels", self.n_labels, 1..)?;
        within("the number of poolings", self.poolings.len(), 1..)?;
        within("n_cls_tokens", self.n_cls, 1..)?;
        let is_twice = |pooling: &TextPooling| {
            let same = self.poolings.iter().filter(|other| *other == pooling);
            same.count() > 1
        };
        match self.poolings.iter().find(|pooling| is_twice(pooling)) {
            Some(pooling) => Err(ModelError::BadValue {
                key: "pooling".to_owned(),
                reason: format!("{pooling} stands there twice; once will do"),
            }),
            None => Ok(()),
        }
    }

    /// How many vectors stand one behind the other.
    pub(crate) fn n_vectors(&self) -> usize {
        let of = |pooling: &TextPooling| match pooling {
            TextPooling::AllCls => self.n_cls,
            _ => 1,
        };
        self.poolings.iter().map(of).sum()
    }

    /// Whether the first layer's output is read besides the last one's.
    pub(crate) fn reads_first_layer(&self) -> bool {
        self.poolings.contains(&TextPooling::FirstLastAvg)
    }

    /// The vectors of the texts, one behind the other.
    ///
    /// # Shapes
    /// states: `[batch, seq, hidden]` each, query: `[hidden]`, out: `[batch, hidden * vectors]`
    pub(crate) fn pool(
        &self,
        encoder: &Encoder,
        query: Option<Tensor<1>>,
        (states, keep): (&[Tensor<3>], &KeepMask),
    ) -> Tensor<2> {
        let last = states.last().expect("the last layer's output is there");
        let one = |pooling: &TextPooling| match (pooling, &query) {
            (TextPooling::Cls, _) => encoder.pooled(last.clone()),
            (TextPooling::ClsWithoutPooler, _) => encoder.cls(last.clone(), 1),
            (TextPooling::AllCls, _) => encoder.cls(last.clone(), self.n_cls),
            (TextPooling::Attentive, Some(query)) => attentive(last.clone(), query.clone(), keep),
            (TextPooling::Attentive, None) => unreachable!("an attentive head has a query"),
            (TextPooling::Mean, _) => Pooling::Mean.pool(states, keep),
            (TextPooling::Max, _) => Pooling::Max.pool(states, keep),
            (TextPooling::Last, _) => Pooling::Last.pool(states, keep),
            (TextPooling::FirstLastAvg, _) => Pooling::FirstLastAvg.pool(states, keep),
        };
        match &self.poolings[..] {
            [only] => one(only),
            several => Tensor::cat(several.iter().map(one).collect(), 1),
        }
    }
}
