//! From the vectors of a text's tokens to one vector for the text.
//!
//! Padding never counts, whichever side it is on.

use std::fmt;

use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Int, Tensor};
use cresset_ops::KeepMask;
use serde::{Deserialize, Serialize};

/// Which vector stands for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// The vector of the first token: `[CLS]` in BERT's frame and its like. No layer and no activation on top.
    Cls,
    /// The mean over tokens.
    Mean,
    /// The largest value over tokens, in each dimension.
    Max,
    /// The vector of the last token: `<cls>` in XLNet's frame, the one that has seen the whole text in a decoder.
    Last,
    /// The mean over tokens of half the sum of the first and the last layer's outputs: `avg_first_last` of SimCSE (Gao et al. 2021) and
    /// BERT-flow (Li et al. 2020). The first layer's output is Hugging Face's `hidden_states[1]`, not the embeddings.
    FirstLastAvg,
}

impl Pooling {
    /// Every pooling.
    pub const ALL: [Pooling; 5] = [
        Pooling::Cls,
        Pooling::Mean,
        Pooling::Max,
        Pooling::Last,
        Pooling::FirstLastAvg,
    ];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Pooling::Cls => "cls",
            Pooling::Mean => "mean",
            Pooling::Max => "max",
            Pooling::Last => "last",
            Pooling::FirstLastAvg => "first-last-avg",
        }
    }

    /// Whether it reads the first layer's output besides the last one's.
    pub fn reads_first_layer(self) -> bool {
        self == Pooling::FirstLastAvg
    }

    /// One vector per text.
    ///
    /// `hidden_states` are those of the embeddings and of every layer; where the pooling does not read the first layer, the last one's
    /// alone will do.
    ///
    /// # Shapes
    /// hidden_states: `[batch, seq, hidden]` each, out: `[batch, hidden]`
    ///
    /// # Panics
    /// If there are no hidden states, or fewer than two where the first layer is read.
    pub fn pool(self, hidden_states: &[Tensor<3>], keep: &KeepMask) -> Tensor<2> {
        let last = hidden_states
            .last()
            .expect("a model has at least one hidden state")
            .clone();
        match self {
            Pooling::Cls => first_kept(last, keep),
            Pooling::Mean => mean(last, keep),
            Pooling::Max => max(last, keep),
            Pooling::Last => last_kept(last, keep),
            Pooling::FirstLastAvg => mean((hidden_states[1].clone() + last) / 2.0, keep),
        }
    }
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The mean over tokens, weighted by a softmax of their products with a query over the root of the size.
///
/// # Shapes
/// hidden: `[batch, seq, hidden]`, query: `[hidden]`, out: `[batch, hidden]`
pub(crate) fn attentive(hidden: Tensor<3>, query: Tensor<1>, keep: &KeepMask) -> Tensor<2> {
    let [batch, seq, size] = hidden.dims();
    // A weight of zero does not silence what is not a number.
    let hidden = hidden.mask_fill(padding(keep).expand([batch, seq, size]), 0.0);
    let rows = hidden.clone().reshape([batch * seq, size]);
    let scores = rows.matmul(query.reshape([size, 1])) / (size as f64).sqrt();
    let scores = scores
        .reshape([batch, seq])
        .mask_fill(keep.tensor().bool_not(), f32::NEG_INFINITY);
    let weights = softmax(scores, 1).reshape([batch, 1, seq]);
    weights.matmul(hidden).reshape([batch, size])
}

/// Scales vectors to length 1.
///
/// # Shapes
/// embeddings and out: `[batch, hidden]`
pub fn normalize(embeddings: Tensor<2>) -> Tensor<2> {
    let lengths = (embeddings.clone() * embeddings.clone())
        .sum_dim(1)
        .sqrt()
        // A zero vector stays one, as in PyTorch's `normalize`.
        .clamp_min(1e-12);
    embeddings / lengths
}

/// Shapes: hidden `[batch, seq, hidden]`, out `[batch, hidden]`, here and below.
fn mean(hidden: Tensor<3>, keep: &KeepMask) -> Tensor<2> {
    let [batch, seq, size] = hidden.dims();
    let counts = keep.tensor().float().sum_dim(1).clamp_min(1.0);
    let kept = hidden.mask_fill(padding(keep).expand([batch, seq, size]), 0.0);
    kept.sum_dim(1).reshape([batch, size]) / counts
}

fn max(hidden: Tensor<3>, keep: &KeepMask) -> Tensor<2> {
    let [batch, seq, size] = hidden.dims();
    let padding = padding(keep).expand([batch, seq, size]);
    let kept = hidden.mask_fill(padding, f32::NEG_INFINITY);
    kept.max_dim(1).reshape([batch, size])
}

fn first_kept(hidden: Tensor<3>, keep: &KeepMask) -> Tensor<2> {
    let [_, seq, _] = hidden.dims();
    let device = hidden.device();
    // The kept place with the largest number, counted from the right.
    let numbers = Tensor::<1, Int>::arange(0..seq as i64, &device).neg() + seq as i64;
    at_largest(hidden, numbers, keep)
}

fn last_kept(hidden: Tensor<3>, keep: &KeepMask) -> Tensor<2> {
    let [_, seq, _] = hidden.dims();
    let numbers = Tensor::<1, Int>::arange(1..seq as i64 + 1, &hidden.device());
    at_largest(hidden, numbers, keep)
}

/// The vector at the kept place with the largest of `numbers`, which are above zero.
fn at_largest(hidden: Tensor<3>, numbers: Tensor<1, Int>, keep: &KeepMask) -> Tensor<2> {
    let [batch, _, size] = hidden.dims();
    let numbers = keep.tensor().int() * numbers.unsqueeze_dim::<2>(0);
    let place = numbers.argmax(1).unsqueeze_dim::<3>(2);
    hidden
        .gather(1, place.repeat_dim(2, size))
        .reshape([batch, size])
}

/// True where there is nothing.
///
/// Shapes: out `[batch, seq, 1]`
fn padding(keep: &KeepMask) -> Tensor<3, Bool> {
    keep.tensor().bool_not().unsqueeze_dim(2)
}
