//! Softmax and cross entropy in one operation: the pattern of a fused operation on every backend.
//!
//! The trait has a default body over the backend's own operations, forward and backward, which serves ndarray and wgpu;
//! flex has kernels over slices; `Autodiff` puts both into the graph as one node. Nothing of the size of the logits is
//! kept for the backward pass but the logits themselves, and there is never a dense target.

#[cfg(any(feature = "wgpu", feature = "cuda"))]
use burn::backend::Cube;
#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{IndexingUpdateOp, Int, Scalar, Shape, Tensor};
use burn_flex::FlexTensor;

use crate::host::array::Array;
use crate::host::softmax::{self, Targets};

/// Softmax and cross entropy of a backend.
#[backend_extension(Cube: cfg(any(feature = "wgpu", feature = "cuda")), Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait TransformerOps: Backend {
    /// The loss, `[1]`, of logits `[n, classes]`.
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
        smoothing: f64,
    ) -> FloatTensor<Self> {
        let [n, classes] = dims(&logits);
        let log_p = log_softmax::<Self>(kept_rows::<Self>(logits, &weights));
        let targets = Self::int_reshape(targets, Shape::from([n, 1]));
        let at_target = Self::float_gather(1, log_p.clone(), targets);
        let mut row = Self::float_mul_scalar(at_target, scalar(smoothing - 1.0));
        if smoothing > 0.0 {
            let total = Self::float_sum_dim(log_p, 1);
            row = Self::float_sub(
                row,
                Self::float_mul_scalar(total, scalar(smoothing / classes as f64)),
            );
        }
        let weights = Self::float_reshape(weights, Shape::from([n, 1]));
        Self::float_reshape(
            Self::float_sum(Self::float_mul(row, weights)),
            Shape::from([1]),
        )
    }

    /// The gradient of the logits, `[n, classes]`; `grad` is that of the loss, `[1]`.
    fn cross_entropy_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        smoothing: f64,
    ) -> FloatTensor<Self> {
        let [n, classes] = dims(&logits);
        let p = Self::float_exp(log_softmax::<Self>(kept_rows::<Self>(logits, &weights)));
        let spread = Self::float_add_scalar(p, scalar(-smoothing / classes as f64));
        let factor = Self::float_mul(
            Self::float_reshape(weights, Shape::from([n, 1])),
            Self::float_reshape(grad, Shape::from([1, 1])),
        );
        let at_target = Self::float_mul_scalar(factor.clone(), scalar(smoothing - 1.0));
        let targets = Self::int_reshape(targets, Shape::from([n, 1]));
        Self::float_scatter(
            1,
            Self::float_mul(spread, factor),
            targets,
            at_target,
            IndexingUpdateOp::Add,
        )
    }
}

fn scalar(value: f64) -> Scalar {
    Scalar::from(value)
}

fn dims<T: TensorMetadata>(tensor: &T) -> [usize; 2] {
    let shape = tensor.shape();
    [shape[0], shape[1]]
}

/// Logits whose rows of weight zero are zeros, so that whatever stood there cannot spread.
fn kept_rows<B: Backend>(logits: FloatTensor<B>, weights: &FloatTensor<B>) -> FloatTensor<B> {
    let [n, classes] = dims(&logits);
    let out_dtype = burn::backend::get_device_settings::<B>(&logits.device()).bool_dtype;
    let ignored = B::float_equal_elem(
        B::float_reshape(weights.clone(), Shape::from([n, 1])),
        scalar(0.0),
        out_dtype,
    );
    B::float_mask_fill(
        logits,
        B::bool_expand(ignored, Shape::from([n, classes])),
        scalar(0.0),
    )
}

fn log_softmax<B: Backend>(logits: FloatTensor<B>) -> FloatTensor<B> {
    let shifted = B::float_sub(logits.clone(), B::float_max_dim(logits, 1));
    let total = B::float_sum_dim(B::float_exp(shifted.clone()), 1);
    B::float_sub(shifted, B::float_log(total))
}

#[cfg(feature = "ndarray")]
impl TransformerOps for NdArray {}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl TransformerOps for Cube {}

impl TransformerOps for Flex {
    fn cross_entropy(
        logits: FlexTensor,
        targets: FlexTensor,
        weights: FlexTensor,
        smoothing: f64,
    ) -> FlexTensor {
        let ids = ids_of(&targets);
        let weights = Array::of(&weights);
        let targets = Targets {
            ids: &ids,
            weights: &weights.values,
            smoothing: smoothing as f32,
        };
        let logits = Array::of(&logits);
        let sum = softmax::cross_entropy(&logits.values, logits.width(), targets);
        Array::new(vec![sum as f32], &[1]).into_flex()
    }

    fn cross_entropy_backward(
        logits: FlexTensor,
        targets: FlexTensor,
        weights: FlexTensor,
        grad: FlexTensor,
        smoothing: f64,
    ) -> FlexTensor {
        let ids = ids_of(&targets);
        let weights = Array::of(&weights);
        let targets = Targets {
            ids: &ids,
            weights: &weights.values,
            smoothing: smoothing as f32,
        };
        let logits = Array::of(&logits);
        let grad = Array::of(&grad).values[0];
        let values = softmax::cross_entropy_backward(&logits.values, logits.width(), targets, grad);
        Array::new(values, &logits.shape).into_flex()
    }
}

/// Class ids of an integer tensor, whatever its width.
pub(crate) fn ids_of(tensor: &FlexTensor) -> Vec<u32> {
    tensor
        .clone()
        .into_data()
        .iter::<i64>()
        .map(|id| id as u32)
        .collect()
}

#[derive(Clone, Debug)]
struct Saved<B: Backend> {
    logits: FloatTensor<B>,
    targets: IntTensor<B>,
    weights: FloatTensor<B>,
    smoothing: f64,
}

#[derive(Debug)]
struct CrossEntropy;

impl<B: TransformerOps> Backward<B, 1> for CrossEntropy {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let Saved {
            logits,
            targets,
            weights,
            smoothing,
        } = ops.state;
        if let Some(node) = parent {
            grads.register::<B>(
                node.id,
                B::cross_entropy_backward(logits, targets, weights, grad, smoothing),
            );
        }
    }
}

impl<B: TransformerOps, C: CheckpointStrategy> TransformerOps for Autodiff<B, C> {
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        weights: FloatTensor<Self>,
        smoothing: f64,
    ) -> FloatTensor<Self> {
        let weights = weights.into_primitive();
        match CrossEntropy
            .prepare::<C>([logits.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let logits = logits.into_primitive();
                let output =
                    B::cross_entropy(logits.clone(), targets.clone(), weights.clone(), smoothing);
                prep.finish(
                    Saved {
                        logits,
                        targets,
                        weights,
                        smoothing,
                    },
                    output,
                )
            }
            OpsKind::UnTracked(prep) => prep.finish(B::cross_entropy(
                logits.into_primitive(),
                targets,
                weights,
                smoothing,
            )),
        }
    }
}

/// Sum over rows of `weight * cross entropy`, with label smoothing.
///
/// A row of weight 0 contributes exactly 0 to loss and gradient, whatever its logits are. With smoothing `s` the target
/// distribution is `1 - s` at the target plus `s / classes` everywhere (Szegedy et al. 2016, section 7; PyTorch's
/// definition).
///
/// # Shapes
/// logits: `[n, classes]`, targets: `[n]`, weights: `[n]`, out: `[1]`
///
/// # Panics
/// If a target is not below the number of classes.
pub fn softmax_cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    weights: Tensor<1>,
    smoothing: f64,
) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as TransformerOps>::cross_entropy(
        logits.into_dispatch(),
        targets.into_dispatch(),
        weights.into_dispatch(),
        smoothing,
    ))
}
