//! InfoNCE: of all texts of a batch, the one that belongs to a text is to be the nearest.

use burn::tensor::{Int, Tensor};
use cresset_ops::softmax_cross_entropy;

use crate::rows::unit_rows;

/// How [`info_nce`] compares.
#[derive(Clone, Debug)]
pub struct InfoNceOptions {
    /// By which cosines are divided before the softmax; the smaller, the more the nearest wrong vectors count. SimCSE takes
    /// 0.05, which is sentence-transformers' `scale` of 20.
    pub temperature: f64,
    /// Vectors `[m, hidden_size]` that belong to no anchor: candidates for every anchor beside the batch's positives.
    pub hard_negatives: Option<Tensor<2>>,
}

impl Default for InfoNceOptions {
    fn default() -> Self {
        InfoNceOptions {
            temperature: 0.05,
            hard_negatives: None,
        }
    }
}

/// `-sum_i log softmax_j(cos(a_i, c_j) / T)[i]`, where the candidates `c` are the positives of the batch, row `i` that of
/// anchor `i`, and after them the hard negatives.
///
/// SimCSE's loss (Gao et al. 2021, "SimCSE: simple contrastive learning of sentence embeddings", equations 1 and 5) and
/// sentence-transformers' `MultipleNegativesRankingLoss` (Henderson et al. 2017); InfoNCE is van den Oord et al. 2018's
/// name. Divided by [`info_nce_count`] it is their mean.
///
/// The negatives are the other rows of the same call. So the term is one of a micro-batch by nature: gradient
/// accumulation makes the step larger but does not give an anchor more negatives, and 1 x 8 is not 2 x 4. A batch of one
/// row without hard negatives has nothing to be told from and contributes 0. Two equal positives in a batch are each
/// other's negatives; keep duplicates out of it.
///
/// # Shapes
/// anchors, positives: `[n, hidden_size]`, of any length but their direction alone counts; out: `[1]`, in nats
///
/// # Panics
/// If the temperature is not above 0, or the anchors and positives are not of the same shape.
pub fn info_nce(anchors: Tensor<2>, positives: Tensor<2>, options: InfoNceOptions) -> Tensor<1> {
    assert!(options.temperature > 0.0, "a temperature is above 0");
    assert_eq!(anchors.dims(), positives.dims(), "one positive per anchor");
    let [n, _] = anchors.dims();
    let device = anchors.device();
    let scores = cosines(anchors, candidates(positives, options.hard_negatives));
    softmax_cross_entropy(
        scores / options.temperature,
        Tensor::<1, Int>::arange(0..n as i64, &device),
        Tensor::ones([n], &device),
        0.0,
    )
}

/// The denominator of [`info_nce`]: the number of anchors.
pub fn info_nce_count(n_anchors: usize) -> f64 {
    n_anchors as f64
}

/// Cosine of every row of one matrix with every row of another; 0 with a row of zeros.
///
/// # Shapes
/// a: `[n, hidden_size]`, b: `[m, hidden_size]`, out: `[n, m]`, from -1 to 1
pub fn cosines(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    unit_rows(a).matmul(unit_rows(b).transpose())
}

fn candidates(positives: Tensor<2>, hard_negatives: Option<Tensor<2>>) -> Tensor<2> {
    match hard_negatives {
        Some(negatives) => Tensor::cat(vec![positives, negatives], 0),
        None => positives,
    }
}
