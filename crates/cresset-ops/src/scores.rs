//! Scores of a vocabulary that are not made as a whole: the output layer and its cross entropy as one operation.

use burn::tensor::{Int, Tensor};

use crate::fused::{is_host, run};
use crate::host::linear::{Linear, WeightLayout};
use crate::host::scores::LinearCrossEntropy;
use crate::linear::affine;
use crate::reference;

/// The weight of an output layer.
#[derive(Clone, Debug)]
pub enum ScoreWeight {
    /// `[classes, hidden]`: a table of vectors, such as a token embedding (Press & Wolf 2017).
    ByClass(Tensor<2>),
    /// `[hidden, classes]`
    ByInput(Tensor<2>),
}

/// An output layer and what it is to be applied to: [`Scores::logits`] applies it, [`linear_cross_entropy`] takes the loss without.
#[derive(Clone, Debug)]
pub struct Scores {
    /// `[n, hidden]`
    pub rows: Tensor<2>,
    /// The weight.
    pub weight: ScoreWeight,
    /// `[classes]`
    pub bias: Option<Tensor<1>>,
}

impl Scores {
    /// The scores themselves, `[n, classes]`.
    pub fn logits(self) -> Tensor<2> {
        if !is_host(&self.rows.device()) {
            return reference::logits(self);
        }
        let (weight, layout) = self.weight.parts();
        affine(self.rows, weight, self.bias, Linear::plain(layout))
    }
}

impl ScoreWeight {
    fn parts(self) -> (Tensor<2>, WeightLayout) {
        match self {
            ScoreWeight::ByClass(table) => (table, WeightLayout::OutIn),
            ScoreWeight::ByInput(weight) => (weight, WeightLayout::InOut),
        }
    }
}

/// [`softmax_cross_entropy`](crate::softmax_cross_entropy) of scores. On flex the scores exist for a chunk of rows at a time,
/// no larger than the weight, and the gradients are made with them (Hsu et al. 2024, Liger Kernel).
///
/// # Shapes
/// targets: `[n]`, weights: `[n]`, out: `[1]`
///
/// # Panics
/// If a target is not below the number of classes.
pub fn linear_cross_entropy(
    scores: Scores,
    targets: Tensor<1, Int>,
    weights: Tensor<1>,
    smoothing: f64,
) -> Tensor<1> {
    if !is_host(&scores.rows.device()) {
        return reference::linear_cross_entropy(scores, targets, weights, smoothing);
    }
    let (weight, layout) = scores.weight.parts();
    let kernel = LinearCrossEntropy {
        layout,
        targets: targets
            .into_data()
            .iter::<i64>()
            .map(|id| id as u32)
            .collect(),
        weights: weights.into_data().iter::<f32>().collect(),
        smoothing: smoothing as f32,
    };
    let mut inputs = vec![scores.rows.into_dispatch(), weight.into_dispatch()];
    inputs.extend(scores.bias.map(Tensor::into_dispatch));
    run(kernel, inputs)
}
