//! Triplet loss: a vector shall be nearer to one than to another, by a margin.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use crate::rows::{kept_rows, norm, unit_rows, weighted_sum};

/// How far two vectors are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distance {
    /// `1 - cos(a, b)`, from 0 to 2.
    Cosine,
    /// `|a - b|`.
    #[default]
    Euclidean,
    /// `|a - b|^2`.
    SquaredEuclidean,
}

/// How [`triplet_loss`] measures.
#[derive(Clone, Debug)]
pub struct TripletOptions {
    /// How far two vectors are apart.
    pub distance: Distance,
    /// By how much the negative shall be farther than the positive, in the unit of the distance.
    pub margin: f64,
    /// Weight of each row, `[n]`; a row of weight 0 contributes exactly nothing, whatever its vectors are.
    pub row_weights: Option<Tensor<1>>,
}

impl Default for TripletOptions {
    fn default() -> Self {
        TripletOptions {
            distance: Distance::Euclidean,
            margin: 1.0,
            row_weights: None,
        }
    }
}

/// `sum_i w_i max(0, d(a_i, p_i) - d(a_i, n_i) + margin)` of anchors, positives and negatives (Schroff et al. 2015,
/// "FaceNet: a unified embedding for face recognition and clustering", section 3.1).
///
/// The paper's distance is the squared one of vectors of length 1; PyTorch's `TripletMarginLoss` and sentence-transformers
/// take the root. Where two vectors are equal the root has no slope; its gradient there is 0. A row whose negative is far
/// enough counts in the denominator all the same, which is [`triplet_count`]. Which triplets there are is up to the
/// caller: mined from a batch, they are of that micro-batch by nature, and gradient accumulation does not add any.
///
/// # Shapes
/// anchors, positives, negatives: `[n, hidden_size]`, out: `[1]`, in the unit of the distance
///
/// # Panics
/// If the shapes differ.
pub fn triplet_loss(
    anchors: Tensor<2>,
    positives: Tensor<2>,
    negatives: Tensor<2>,
    options: TripletOptions,
) -> Tensor<1> {
    assert_eq!(anchors.dims(), positives.dims(), "one positive per anchor");
    assert_eq!(anchors.dims(), negatives.dims(), "one negative per anchor");
    let [anchors, positives, negatives] = [anchors, positives, negatives]
        .map(|vectors| kept_rows(vectors, options.row_weights.as_ref()));
    let near = options.distance.between(anchors.clone(), positives);
    let far = options.distance.between(anchors, negatives);
    weighted_sum(relu(near - far + options.margin), options.row_weights)
}

/// The denominator of [`triplet_loss`]: the weights of the rows, added up on the host; without weights the number of rows.
pub fn triplet_count(n_rows: usize, row_weights: Option<&[f32]>) -> f64 {
    crate::mse_count(n_rows, row_weights)
}

impl Distance {
    /// The distance of each row of `a` to the same row of `b`.
    ///
    /// # Shapes
    /// a, b: `[n, hidden_size]`, out: `[n, 1]`
    pub fn between(self, a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
        match self {
            Distance::Cosine => {
                let cosine = (unit_rows(a) * unit_rows(b)).sum_dim(1);
                cosine.neg().add_scalar(1.0)
            }
            Distance::Euclidean => norm(a - b),
            Distance::SquaredEuclidean => {
                let apart = a - b;
                (apart.clone() * apart).sum_dim(1)
            }
        }
    }
}
