//! Tables of vectors.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{ScoreWeight, Scores};

use super::zeros;

/// Stands in a decoder's input for its [`Embedding::start_vector`]: the largest id that a device holds, which no table has.
pub const LEARNED_START: u32 = i32::MAX as u32;

/// A table with one vector per id.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[n_ids, hidden]`
    pub weight: Param<Tensor<2>>,
    /// `[1, hidden]`, the vector of [`LEARNED_START`], where there is one: it is no row, so no output layer that is tied to the table
    /// scores it.
    pub start_vector: Option<Param<Tensor<2>>>,
}

/// What a decoder starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartVector {
    /// The row of a token.
    OfAToken,
    /// A vector of its own.
    Learned,
}

impl StartVector {
    /// As a configuration has it.
    pub(crate) fn of(is_learned: bool) -> StartVector {
        match is_learned {
            true => StartVector::Learned,
            false => StartVector::OfAToken,
        }
    }
}

impl Embedding {
    /// A table of zeros.
    pub fn new(n_ids: usize, hidden_size: usize, device: &Device) -> Embedding {
        Embedding {
            weight: zeros([n_ids, hidden_size], device),
            start_vector: None,
        }
    }

    /// The same, with a start vector where a configuration has one.
    #[must_use]
    pub(crate) fn starting(self, start: StartVector) -> Embedding {
        let start_vector = match start {
            StartVector::OfAToken => None,
            StartVector::Learned => {
                let weight = self.weight.val();
                Some(zeros([1, weight.dims()[1]], &weight.device()))
            }
        };
        Embedding {
            start_vector,
            ..self
        }
    }

    /// # Shapes
    /// ids: `[batch, seq]`, out: `[batch, seq, hidden]`
    pub fn forward(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let Some(start) = &self.start_vector else {
            return cresset_ops::embedding(self.weight.val(), ids);
        };
        let is_start = ids.clone().equal_elem(LEARNED_START as i32);
        // Any row will do where the start vector covers it.
        let rows = cresset_ops::embedding(self.weight.val(), ids.mask_fill(is_start.clone(), 0));
        let shape = rows.dims();
        let start = start.val().unsqueeze_dim::<3>(0).expand(shape);
        rows.mask_where(is_start.unsqueeze_dim::<3>(2).expand(shape), start)
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
