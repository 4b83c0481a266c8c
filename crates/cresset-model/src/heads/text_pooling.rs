//! What a classifier of texts reads of its model's output.

use std::fmt;

use burn::module::Param;
use burn::tensor::{Device, Tensor};
use cresset_ops::KeepMask;
use serde::{Deserialize, Serialize};

use crate::check::within;
use crate::encoder::Encoder;
use crate::error::ModelError;
use crate::pooling::{Pooling, attentive};

/// A vector for the text. Of an encoder-decoder, where not said otherwise, the vectors are those of the decoder, which reads the text shifted
/// behind its start token; a token's vector there stands one place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextPooling {
    /// What the family's own class reads: the vector of `[CLS]`, through the pooler where the family has one; of an encoder-decoder the
    /// vector of the last token.
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
    /// The decoder's vector where its start token stands, which has seen nothing but the encoder's output.
    DecoderStart,
    /// The encoder's vector of the first token, of an encoder-decoder only, as those below: BART's `<s>`.
    EncoderFirst,
    /// The encoder's vector of the last token.
    EncoderLast,
    /// The mean of the encoder's vectors.
    EncoderMean,
    /// The largest value over the encoder's vectors, in each dimension.
    EncoderMax,
}

impl TextPooling {
    /// What a classifier on an encoder can read.
    pub const OF_ENCODERS: [TextPooling; 8] = [
        TextPooling::Cls,
        TextPooling::ClsWithoutPooler,
        TextPooling::AllCls,
        TextPooling::Mean,
        TextPooling::Max,
        TextPooling::Last,
        TextPooling::FirstLastAvg,
        TextPooling::Attentive,
    ];

    /// What a classifier on an encoder-decoder can read.
    pub const OF_ENCODER_DECODERS: [TextPooling; 11] = [
        TextPooling::Cls,
        TextPooling::Mean,
        TextPooling::Max,
        TextPooling::Last,
        TextPooling::FirstLastAvg,
        TextPooling::Attentive,
        TextPooling::DecoderStart,
        TextPooling::EncoderFirst,
        TextPooling::EncoderLast,
        TextPooling::EncoderMean,
        TextPooling::EncoderMax,
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
            TextPooling::DecoderStart => "decoder-start",
            TextPooling::EncoderFirst => "encoder-first",
            TextPooling::EncoderLast => "encoder-last",
            TextPooling::EncoderMean => "encoder-mean",
            TextPooling::EncoderMax => "encoder-max",
        }
    }

    /// Whether it is taken from the encoder of an encoder-decoder, so that the decoder has no part in it.
    pub fn is_of_memory(self) -> bool {
        self.reads_memory().is_some()
    }

    /// How it is taken from the encoder of an encoder-decoder, if it is.
    fn reads_memory(self) -> Option<Pooling> {
        match self {
            TextPooling::EncoderFirst => Some(Pooling::Cls),
            TextPooling::EncoderLast => Some(Pooling::Last),
            TextPooling::EncoderMean => Some(Pooling::Mean),
            TextPooling::EncoderMax => Some(Pooling::Max),
            _ => None,
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
            TextPooling::AllCls
            | TextPooling::Attentive
            | TextPooling::DecoderStart
            | TextPooling::EncoderFirst
            | TextPooling::EncoderLast
            | TextPooling::EncoderMean
            | TextPooling::EncoderMax => None,
        }
    }
}

impl fmt::Display for TextPooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The shape of model that a classifier of texts stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Encoder,
    EncoderDecoder,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Encoder => "an encoder",
            Shape::EncoderDecoder => "an encoder-decoder",
        }
    }

    fn poolings(self) -> &'static [TextPooling] {
        match self {
            Shape::Encoder => &TextPooling::OF_ENCODERS,
            Shape::EncoderDecoder => &TextPooling::OF_ENCODER_DECODERS,
        }
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
    /// No label, no pooling, one twice, or one that the shape does not have.
    pub(crate) fn validate(&self, shape: Shape) -> Result<(), ModelError> {
        within("num_labels", self.n_labels, 1..)?;
        within("the number of poolings", self.poolings.len(), 1..)?;
        within("n_cls_tokens", self.n_cls, 1..)?;
        let is_twice = |pooling: &TextPooling| {
            let same = self.poolings.iter().filter(|other| *other == pooling);
            same.count() > 1
        };
        let refuse = |reason: String| {
            Err(ModelError::BadValue {
                key: "pooling".to_owned(),
                reason,
            })
        };
        let known = shape.poolings();
        if let Some(other) = self.poolings.iter().find(|p| !known.contains(p)) {
            let known: Vec<&str> = known.iter().map(|pooling| pooling.name()).collect();
            return refuse(format!(
                "a classifier on {} has no {other}; it reads {}",
                shape.name(),
                known.join(", ")
            ));
        }
        let reads = |pooling: TextPooling| self.poolings.contains(&pooling);
        if shape == Shape::EncoderDecoder && reads(TextPooling::Cls) && reads(TextPooling::Last) {
            return refuse(
                "of an encoder-decoder cls and last are the same vector; one of them will do"
                    .to_owned(),
            );
        }
        match self.poolings.iter().find(|pooling| is_twice(pooling)) {
            Some(pooling) => refuse(format!("{pooling} stands there twice; once will do")),
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

    /// Whether an encoder-decoder's decoder is read.
    pub(crate) fn reads_decoder(&self) -> bool {
        self.poolings.iter().any(|p| !p.is_of_memory())
    }

    /// The query of attentive pooling, where there is one; it begins at zero, and the pooling as the mean.
    pub(crate) fn query(&self, size: usize, device: &Device) -> Option<Param<Tensor<1>>> {
        let query = || Param::from_tensor(Tensor::zeros([size], device));
        self.poolings.contains(&TextPooling::Attentive).then(query)
    }

    /// The vectors of the texts in an encoder-decoder, one behind the other.
    ///
    /// # Shapes
    /// memory, states: `[batch, seq, hidden]` each, query: `[hidden]`, out: `[batch, hidden * vectors]`
    pub(crate) fn pool_decoded(
        &self,
        (memory, states): (&Tensor<3>, &[Tensor<3>]),
        query: Option<Tensor<1>>,
        keep: &KeepMask,
    ) -> Tensor<2> {
        let one = |pooling: &TextPooling| match (pooling, &query) {
            (TextPooling::Cls | TextPooling::Last, _) => Pooling::Last.pool(states, keep),
            (TextPooling::Mean, _) => Pooling::Mean.pool(states, keep),
            (TextPooling::Max, _) => Pooling::Max.pool(states, keep),
            (TextPooling::FirstLastAvg, _) => Pooling::FirstLastAvg.pool(states, keep),
            (TextPooling::DecoderStart, _) => Pooling::Cls.pool(states, keep),
            (TextPooling::Attentive, Some(query)) => {
                let last = states.last().expect("the last layer's output is there");
                attentive(last.clone(), query.clone(), keep)
            }
            (of_encoder, _) => {
                let pooling = of_encoder.reads_memory();
                let pooling = pooling.expect("checked when the model was made");
                pooling.pool(std::slice::from_ref(memory), keep)
            }
        };
        joined(&self.poolings, one)
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
            (of_decoders, _) => unreachable!("{of_decoders} was refused for an encoder"),
        };
        joined(&self.poolings, one)
    }
}

fn joined(poolings: &[TextPooling], one: impl Fn(&TextPooling) -> Tensor<2>) -> Tensor<2> {
    match poolings {
        [only] => one(only),
        several => Tensor::cat(several.iter().map(one).collect(), 1),
    }
}
