//! Dropout, the activations of feed-forward blocks, gates and residual sums.

use burn::tensor::Tensor;

use crate::fused::{is_host, run};
use crate::norm::Residual;
use crate::{Run, host, reference};

/// The non-linear function of a feed-forward block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x` times the standard normal distribution function of `x` (Hendrycks & Gimpel 2016).
    Gelu,
    /// GELU by the tanh approximation, as in GPT-2.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `x * sigmoid(x)` (Elfwing et al. 2018).
    Silu,
    /// `tanh(x)`.
    Tanh,
}

impl Activation {
    /// The function of every element.
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        if is_host(&x.device()) {
            run(host::elementwise::Activate(self), vec![x.into_dispatch()])
        } else {
            reference::activation(x, self)
        }
    }
}

/// Drops elements at this rate and scales the others by `1 / (1 - rate)` (Srivastava et al. 2014).
///
/// Which elements are dropped is a function of the run, the site and the element's number, the same on every backend.
/// Nothing is dropped at inference.
pub fn dropout<const D: usize>(x: Tensor<D>, rate: f64, pass: &Run) -> Tensor<D> {
    if !is_host(&x.device()) {
        return reference::dropout(x, rate, pass);
    }
    match pass.next_site(rate) {
        None => x,
        Some(key) => run(host::elementwise::Dropout(key), vec![x.into_dispatch()]),
    }
}

/// `x + dropout(branch)`, the end of a block that normalises what it reads, in one pass.
pub fn residual_sum<const D: usize>(input: Residual<D>, pass: &Run) -> Tensor<D> {
    let Residual { x, branch, dropout } = input;
    if !is_host(&x.device()) {
        return reference::residual_sum(Residual { x, branch, dropout }, pass);
    }
    match pass.next_site(dropout) {
        None => x + branch,
        Some(key) => run(
            host::elementwise::ResidualSum(key),
            vec![x.into_dispatch(), branch.into_dispatch()],
        ),
    }
}

/// GELU, exact (Hendrycks & Gimpel 2016): `x` times the standard normal distribution function of `x`.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Activation::Gelu.forward(x)
}

/// GELU by the tanh approximation, as in GPT-2.
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Activation::GeluTanh.forward(x)
}

/// `activation(gate) * up`: a gated linear unit after its two products (Shazeer 2020).
///
/// # Shapes
/// all the same
pub fn gated<const D: usize>(gate: Tensor<D>, up: Tensor<D>, activation: Activation) -> Tensor<D> {
    if !is_host(&gate.device()) {
        return reference::gated(gate, up, activation);
    }
    run(
        host::elementwise::Gated(activation),
        vec![gate.into_dispatch(), up.into_dispatch()],
    )
}
