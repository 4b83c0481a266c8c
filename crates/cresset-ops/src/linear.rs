//! The affine map.

use burn::tensor::Tensor;

use crate::fused::{is_host, run_2, run_3};
use crate::{host, reference};

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
    match bias {
        Some(bias) => run_3(host::linear::Linear, x, weight, bias),
        None => run_2(host::linear::Linear, x, weight),
    }
}
