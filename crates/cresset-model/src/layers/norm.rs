//! Normalisation over the last dimension.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use cresset_ops::{Residual, Run};

use super::{ones, zeros};

/// Layer normalisation (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale, `[hidden]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[hidden]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

impl LayerNorm {
    /// Scale 1, shift 0.
    pub fn new(hidden_size: usize, epsilon: f64, device: &Device) -> LayerNorm {
        LayerNorm {
            weight: ones([hidden_size], device),
            bias: zeros([hidden_size], device),
            epsilon,
        }
    }

    /// # Shapes
    /// x and out: `[.., hidden]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        cresset_ops::layer_norm(x, self.weight.val(), self.bias.val(), self.epsilon)
    }

    /// The norm of a residual sum.
    ///
    /// # Shapes
    /// out: `[.., hidden]`
    pub fn forward_sum<const D: usize>(&self, sum: Residual<D>, run: &Run) -> Tensor<D> {
        let (gamma, beta) = (self.weight.val(), self.bias.val());
        cresset_ops::residual_layer_norm(sum, gamma, beta, self.epsilon, run)
    }
}

/// Root-mean-square normalisation (Zhang & Sennrich 2019), T5's layer norm: no mean is taken off, no shift added.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// Scale, `[hidden]`.
    pub weight: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

impl RmsNorm {
    /// Scale 1.
    pub fn new(hidden_size: usize, epsilon: f64, device: &Device) -> RmsNorm {
        RmsNorm {
            weight: ones([hidden_size], device),
            epsilon,
        }
    }

    /// # Shapes
    /// x and out: `[.., hidden]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        cresset_ops::rms_norm(x, self.weight.val(), self.epsilon)
    }
}
