//! Layer norm and RMS norm.

use burn::tensor::Tensor;

use crate::fused::{is_host, run_2, run_3};
use crate::{host, reference};

/// Layer norm over the last dimension (Ba et al. 2016).
///
/// # Shapes
/// x and out: `[.., width]`, gamma and beta: `[width]`
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    if is_host(&x.device()) {
        return run_3(
            host::norm::LayerNorm {
                epsilon: epsilon as f32,
            },
            x,
            gamma,
            beta,
        );
    }
    reference::layer_norm(x, gamma, beta, epsilon)
}

/// RMS norm over the last dimension (Zhang & Sennrich 2019): no mean is taken off and nothing is added.
///
/// # Shapes
/// x and out: `[.., width]`, gamma: `[width]`
pub fn rms_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, epsilon: f64) -> Tensor<D> {
    if is_host(&x.device()) {
        return run_2(
            host::norm::RmsNorm {
                epsilon: epsilon as f32,
            },
            x,
            gamma,
        );
    }
    reference::rms_norm(x, gamma, epsilon)
}
