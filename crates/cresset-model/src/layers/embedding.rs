//! Tables of vectors.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{ScoreWeight, Scores};

use super::zeros;

/// A table with one vector per id.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[n_ids, hidden]`
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// A table of zeros.
    pub fn new(n_ids: usize, hidden_size: usize, device: &Device) -> Embedding {
        Embedding {
            weight: zeros([n_ids, hidden_size], device),
        }
    }

    /// # Shapes
    /// ids: `[batch, seq]`, out: `[batch, seq, hidden]`
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        cresset_ops::embedding(self.weight.val(), ids)
    }

    /// Scores of every id by the transposed table: the output layer tied to this embedding (Press & Wolf 2017).
    ///
    /// # Shapes
    /// hidden: `[n, hidden]`, bias: `[n_ids]`, out: scores `[n, n_ids]`
    pub fn scores(&self, hidden: Tensor<2>, bias: Option<Tensor<1>>) -> Scores {
        Scores {
            rows: hidden,
            weight: ScoreWeight::ByClass(self.weight.val()),
            bias,
        }
    }
}
