//! Dropout and GELU.

use burn::tensor::Tensor;

use crate::fused::{is_host, run_1};
use crate::{Run, host, reference};

/// Drops elements at this rate and scales the others by `1 / (1 - rate)` (Srivastava et al. 2014).
///
/// Which elements are dropped is a function of the run, the site and the element's number, the same on every backend.
/// Nothing is dropped at inference.
pub fn dropout<const D: usize>(x: Tensor<D>, rate: f64, run: &Run) -> Tensor<D> {
    if !is_host(&x.device()) {
        return reference::dropout(x, rate, run);
    }
    match run.next_site(rate) {
        None => x,
        Some(key) => run_1(host::elementwise::Dropout(key), x),
    }
}

/// GELU, exact (Hendrycks & Gimpel 2016): `x` times the standard normal distribution function of `x`.
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if is_host(&x.device()) {
        run_1(host::elementwise::Gelu, x)
    } else {
        reference::gelu(x)
    }
}

/// GELU by the tanh approximation, as in GPT-2.
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if is_host(&x.device()) {
        run_1(host::elementwise::GeluTanh, x)
    } else {
        reference::gelu_tanh(x)
    }
}
