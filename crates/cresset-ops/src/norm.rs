//! Layer norm and RMS norm.

use burn::tensor::Tensor;

use crate::fused::{is_host, run};
use crate::host::norm::{Kind, Norm, Normed};
use crate::{Run, reference};

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
        let kernel = Norm {
            kind: Kind::Layer,
            of: Normed::Tensor,
            epsilon: epsilon as f32,
        };
        let rows = [gamma, beta].map(Tensor::into_dispatch);
        return run(
            kernel,
            [x.into_dispatch()].into_iter().chain(rows).collect(),
        );
    }
    reference::layer_norm(x, gamma, beta, epsilon)
}

/// A residual sum: what a block was given and what it made of it.
#[derive(Clone, Debug)]
pub struct Residual<const D: usize> {
    /// What the block was given, `[.., width]`.
    pub x: Tensor<D>,
    /// What it made of it, `[.., width]`.
    pub branch: Tensor<D>,
    /// Dropout of the branch.
    pub dropout: f64,
}

/// `layer_norm(x + dropout(branch))`, the end of a block of the original Transformer (Vaswani et al. 2017), in one pass. The
/// sum is not kept for the backward pass, which makes it again.
///
/// # Shapes
/// out: `[.., width]`, gamma and beta: `[width]`
pub fn residual_layer_norm<const D: usize>(
    input: Residual<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    pass: &Run,
) -> Tensor<D> {
    if !is_host(&input.x.device()) {
        return reference::residual_layer_norm(input, gamma, beta, epsilon, pass);
    }
    let kernel = Norm {
        kind: Kind::Layer,
        of: Normed::Sum(pass.next_site(input.dropout)),
        epsilon: epsilon as f32,
    };
    let sum = [input.x, input.branch].map(Tensor::into_dispatch);
    let rows = [gamma, beta].map(Tensor::into_dispatch);
    run(kernel, sum.into_iter().chain(rows).collect())
}

/// RMS norm over the last dimension (Zhang & Sennrich 2019): no mean is taken off and nothing is added.
///
/// # Shapes
/// x and out: `[.., width]`, gamma: `[width]`
pub fn rms_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, epsilon: f64) -> Tensor<D> {
    if is_host(&x.device()) {
        let kernel = Norm {
            kind: Kind::Rms,
            of: Normed::Tensor,
            epsilon: epsilon as f32,
        };
        return run(kernel, vec![x.into_dispatch(), gamma.into_dispatch()]);
    }
    reference::rms_norm(x, gamma, epsilon)
}

/// `rms_norm(x + dropout(branch))` in one pass; as [`residual_layer_norm`].
///
/// # Shapes
/// out: `[.., width]`, gamma: `[width]`
pub fn residual_rms_norm<const D: usize>(
    input: Residual<D>,
    gamma: Tensor<1>,
    epsilon: f64,
    pass: &Run,
) -> Tensor<D> {
    if !is_host(&input.x.device()) {
        return reference::residual_rms_norm(input, gamma, epsilon, pass);
    }
    let kernel = Norm {
        kind: Kind::Rms,
        of: Normed::Sum(pass.next_site(input.dropout)),
        epsilon: epsilon as f32,
    };
    let sum = [input.x, input.branch].map(Tensor::into_dispatch);
    run(
        kernel,
        sum.into_iter().chain([gamma.into_dispatch()]).collect(),
    )
}
