//! The affine map.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use cresset_ops::{Affine, ScoreWeight, Scores};

use super::{Activation, zeros};

/// Whether a layer adds a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// It does.
    With,
    /// It does not.
    Without,
}

/// `y = x W + b`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[in, out]`: the transpose of PyTorch's `Linear`, the layout of GPT-2's `Conv1D`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// A layer of zeros.
    pub fn new(size_in: usize, size_out: usize, bias: Bias, device: &Device) -> Linear {
        Linear {
            weight: zeros([size_in, size_out], device),
            bias: (bias == Bias::With).then(|| zeros([size_out], device)),
        }
    }

    /// # Shapes
    /// x: `[.., in]`, out: `[.., out]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let Affine { weight, bias } = self.affine();
        cresset_ops::linear(x, weight, bias)
    }

    /// The map followed by an activation.
    ///
    /// # Shapes
    /// x: `[.., in]`, out: `[.., out]`
    pub fn forward_activated<const D: usize>(
        &self,
        x: Tensor<D>,
        activation: Activation,
    ) -> Tensor<D> {
        let Affine { weight, bias } = self.affine();
        cresset_ops::linear_activation(x, weight, bias, activation.into())
    }

    /// The map as an output layer that is still to be applied.
    ///
    /// # Shapes
    /// rows: `[n, in]`, out: scores `[n, out]`
    pub fn scores(&self, rows: Tensor<2>) -> Scores {
        let Affine { weight, bias } = self.affine();
        Scores {
            rows,
            weight: ScoreWeight::ByInput(weight),
            bias,
        }
    }

    /// Weight and bias as they are now.
    pub fn affine(&self) -> Affine {
        Affine {
            weight: self.weight.val(),
            bias: self.bias.as_ref().map(Param::val),
        }
    }
}
