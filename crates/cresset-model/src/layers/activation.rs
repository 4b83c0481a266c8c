//! Non-linear functions between the two matrices of a feed-forward block.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// An activation function, by Hugging Face's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// `x * Phi(x)` by the error function (Hendrycks & Gimpel 2016).
    #[default]
    #[serde(rename = "gelu")]
    Gelu,
    /// The tanh approximation of GELU.
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// `max(x, 0)`.
    #[serde(rename = "relu")]
    Relu,
    /// `x * sigmoid(x)`, which Marian calls `swish`.
    #[serde(rename = "silu", alias = "swish")]
    Silu,
    /// `tanh(x)`.
    #[serde(rename = "tanh")]
    Tanh,
}

impl Activation {
    /// Applies the function to every element.
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        cresset_ops::Activation::from(self).forward(x)
    }
}

impl From<Activation> for cresset_ops::Activation {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Gelu => cresset_ops::Activation::Gelu,
            Activation::GeluNew => cresset_ops::Activation::GeluTanh,
            Activation::Relu => cresset_ops::Activation::Relu,
            Activation::Silu => cresset_ops::Activation::Silu,
            Activation::Tanh => cresset_ops::Activation::Tanh,
        }
    }
}
