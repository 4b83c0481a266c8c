//! The bridge between tensors and kernels over slices in host memory, with the backward pass as one node of the graph.
//!
//! A [`Kernel`] is a plain pair of functions, forward and backward, over dense f32 arrays. `HostOps` puts it into burn's
//! graph on the flex backend; every other backend runs the reference version of the operation instead.

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::tensor::{Device, Tensor};
use burn_flex::FlexTensor;

use crate::host::array::Array;

/// Forward and backward of one operation over dense f32 arrays.
pub(crate) trait Kernel: Debug + Send + Sync + 'static {
    /// The output, and what the backward pass wants to keep besides the inputs.
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>);

    /// What of the inputs the backward pass reads.
    fn reads(&self) -> Reads {
        Reads::Inputs
    }

    /// The gradient of each input, in order; without inputs where the kernel reads none.
    fn backward(
        &self,
        inputs: &[Array<'_>],
        kept: &[Array<'_>],
        grad: &Array<'_>,
    ) -> Vec<Array<'static>>;
}

/// What of the inputs a backward pass reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// All of them.
    Inputs,
    /// Nothing, so that they can be freed after the forward pass.
    Nothing,
}

/// A backend whose tensors are f32 arrays in host memory.
pub(crate) trait HostMemory: Backend {
    fn forward(
        kernel: &dyn Kernel,
        inputs: &[FloatTensor<Self>],
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>);

    fn backward(
        kernel: &dyn Kernel,
        inputs: &[FloatTensor<Self>],
        kept: &[FloatTensor<Self>],
        grad: &FloatTensor<Self>,
    ) -> Vec<FloatTensor<Self>>;
}

impl HostMemory for Flex {
    fn forward(kernel: &dyn Kernel, inputs: &[FlexTensor]) -> (FlexTensor, Vec<FlexTensor>) {
        let arrays: Vec<Array<'_>> = inputs.iter().map(Array::of).collect();
        let (output, kept) = kernel.forward(&arrays);
        (
            output.into_flex(),
            kept.into_iter().map(Array::into_flex).collect(),
        )
    }

    fn backward(
        kernel: &dyn Kernel,
        inputs: &[FlexTensor],
        kept: &[FlexTensor],
        grad: &FlexTensor,
    ) -> Vec<FlexTensor> {
        let inputs: Vec<Array<'_>> = inputs.iter().map(Array::of).collect();
        let kept: Vec<Array<'_>> = kept.iter().map(Array::of).collect();
        kernel
            .backward(&inputs, &kept, &Array::of(grad))
            .into_iter()
            .map(Array::into_flex)
            .collect()
    }
}

/// Kernels with one, two, three or four tensors as input, by rank of the graph node.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait HostOps: Backend {
    fn host_1(kernel: Arc<dyn Kernel>, a: FloatTensor<Self>) -> FloatTensor<Self>;
    fn host_2(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn host_3(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    fn host_4(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl HostOps for Flex {
    fn host_1(kernel: Arc<dyn Kernel>, a: FlexTensor) -> FlexTensor {
        <Flex as HostMemory>::forward(&*kernel, &[a]).0
    }

    fn host_2(kernel: Arc<dyn Kernel>, a: FlexTensor, b: FlexTensor) -> FlexTensor {
        <Flex as HostMemory>::forward(&*kernel, &[a, b]).0
    }

    fn host_3(kernel: Arc<dyn Kernel>, a: FlexTensor, b: FlexTensor, c: FlexTensor) -> FlexTensor {
        <Flex as HostMemory>::forward(&*kernel, &[a, b, c]).0
    }

    fn host_4(
        kernel: Arc<dyn Kernel>,
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        d: FlexTensor,
    ) -> FlexTensor {
        <Flex as HostMemory>::forward(&*kernel, &[a, b, c, d]).0
    }
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
struct Saved<B: Backend> {
    kernel: Arc<dyn Kernel>,
    inputs: Vec<FloatTensor<B>>,
    kept: Vec<FloatTensor<B>>,
}

#[derive(Debug)]
struct HostBackward;

impl<B: HostMemory, const N: usize> Backward<B, N> for HostBackward {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<B>(&ops.node);
        let Saved {
            kernel,
            inputs,
            kept,
        } = ops.state;
        let results = B::backward(&*kernel, &inputs, &kept, &grad);
        for (parent, result) in ops.parents.into_iter().zip(results) {
            if let Some(node) = parent {
                grads.register::<B>(node.id, result);
            }
        }
    }
}

/// Puts a kernel's node into the graph, or just runs it when nothing is tracked.
fn node<B: HostMemory, C: CheckpointStrategy, const N: usize>(
    kernel: Arc<dyn Kernel>,
    inputs: [FloatTensor<Autodiff<B, C>>; N],
) -> FloatTensor<Autodiff<B, C>> {
    let nodes: [_; N] = std::array::from_fn(|i| inputs[i].node());
    let inputs: Vec<FloatTensor<B>> = inputs.into_iter().map(|t| t.into_primitive()).collect();
    let (output, kept) = B::forward(&*kernel, &inputs);
    match Backward::<B, N>::prepare::<C>(HostBackward, nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish(
            Saved {
                inputs: match kernel.reads() {
                    Reads::Inputs => inputs,
                    Reads::Nothing => Vec::new(),
                },
                kernel,
                kept,
            },
            output,
        ),
        OpsKind::UnTracked(prep) => prep.finish(output),
    }
}

impl<B: HostOps + HostMemory, C: CheckpointStrategy> HostOps for Autodiff<B, C> {
    fn host_1(kernel: Arc<dyn Kernel>, a: FloatTensor<Self>) -> FloatTensor<Self> {
        node::<B, C, _>(kernel, [a])
    }

    fn host_2(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        node::<B, C, _>(kernel, [a, b])
    }

    fn host_3(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        node::<B, C, _>(kernel, [a, b, c])
    }

    fn host_4(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        node::<B, C, _>(kernel, [a, b, c, d])
    }
}

/// Whether a device's tensors lie in host memory, so that kernels may run on them.
pub(crate) fn is_host(device: &Device) -> bool {
    matches!(
        device.clone().inner().as_dispatch(),
        DispatchDevice::Flex(_)
    )
}

/// Runs a kernel of one input.
pub(crate) fn run_1<const D: usize>(kernel: impl Kernel, a: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as HostOps>::host_1(
        Arc::new(kernel),
        a.into_dispatch(),
    ))
}

/// Runs a kernel of two inputs.
pub(crate) fn run_2<const D: usize, const E: usize>(
    kernel: impl Kernel,
    a: Tensor<D>,
    b: Tensor<E>,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as HostOps>::host_2(
        Arc::new(kernel),
        a.into_dispatch(),
        b.into_dispatch(),
    ))
}

/// Runs a kernel of three inputs.
pub(crate) fn run_3<const D: usize, const E: usize, const F: usize>(
    kernel: impl Kernel,
    a: Tensor<D>,
    b: Tensor<E>,
    c: Tensor<F>,
) -> Tensor<D> {
    let [a, b, c] = [a.into_dispatch(), b.into_dispatch(), c.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as HostOps>::host_3(Arc::new(kernel), a, b, c))
}

/// Runs a kernel of two inputs of the output's rank and two of rank one.
pub(crate) fn run_norm<const D: usize>(
    kernel: impl Kernel,
    inputs: [Tensor<D>; 2],
    rows: [Tensor<1>; 2],
) -> Tensor<D> {
    let [a, b] = inputs.map(|t| t.into_dispatch());
    let [c, d] = rows.map(|t| t.into_dispatch());
    Tensor::from_dispatch(<Dispatch as HostOps>::host_4(Arc::new(kernel), a, b, c, d))
}

/// Runs a kernel of four inputs.
pub(crate) fn run_4<const D: usize>(kernel: impl Kernel, inputs: [Tensor<D>; 4]) -> Tensor<D> {
    let [a, b, c, d] = inputs.map(|t| t.into_dispatch());
    Tensor::from_dispatch(<Dispatch as HostOps>::host_4(Arc::new(kernel), a, b, c, d))
}
