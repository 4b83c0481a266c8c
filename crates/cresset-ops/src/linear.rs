//! The affine map, alone, with an activation, or several of one input.

use burn::tensor::Tensor;

use crate::activation::Activation;
use crate::fused::{is_host, run};
use crate::host::linear::{Linear, Packed, WeightLayout};
use crate::reference;

/// `y = x W + b`, one operation with its backward pass.
///
/// # Shapes
/// x: `[.., in]`, weight: `[in, out]`, bias: `[out]`, out: `[.., out]`
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    if !is_host(&x.device()) {
        return reference::linear(x, weight, bias);
    }
    affine(x, weight, bias, Linear::plain(WeightLayout::InOut))
}

/// `y = activation(x W + b)`: the activation goes over the product while it is at hand, and its derivative over the gradient
/// together with the bias's.
///
/// # Shapes
/// As [`linear`].
pub fn linear_activation<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<D> {
    if !is_host(&x.device()) {
        return reference::linear_activation(x, weight, bias, activation);
    }
    let kernel = Linear {
        layout: WeightLayout::InOut,
        activation: Some(activation),
    };
    affine(x, weight, bias, kernel)
}

pub(crate) fn affine<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    kernel: Linear,
) -> Tensor<D> {
    let mut inputs = vec![x.into_dispatch(), weight.into_dispatch()];
    inputs.extend(bias.map(Tensor::into_dispatch));
    run(kernel, inputs)
}

/// One of several affine maps of the same input.
#[derive(Clone, Debug)]
pub struct Affine {
    /// `[in, out]`
    pub weight: Tensor<2>,
    /// `[out]`; all maps have one or none has.
    pub bias: Option<Tensor<1>>,
}

/// Two or three affine maps of the same input, such as those of keys and values, or of queries, keys and values: one operation,
/// whose output [`crate::attention`] reads as it is, and one gradient of the input.
///
/// # Shapes
/// x: `[batch, seq, in]`, out: `[batch, seq, maps, out]`
///
/// # Panics
/// If there are not two or three maps, all with a bias or all without.
pub fn linear_packed(x: Tensor<3>, maps: Vec<Affine>) -> Tensor<4> {
    assert!(matches!(maps.len(), 2 | 3), "{} affine maps", maps.len());
    if !is_host(&x.device()) {
        return reference::linear_packed(x, maps);
    }
    let n = maps.len();
    let (weights, biases): (Vec<_>, Vec<_>) = maps.into_iter().map(|m| (m.weight, m.bias)).unzip();
    let biases: Vec<_> = biases.into_iter().flatten().collect();
    assert!(
        biases.is_empty() || biases.len() == n,
        "{} biases of {n} maps",
        biases.len()
    );
    let inputs = std::iter::once(x.into_dispatch())
        .chain(weights.into_iter().map(Tensor::into_dispatch))
        .chain(biases.into_iter().map(Tensor::into_dispatch));
    run(Packed { maps: n }, inputs.collect())
}
