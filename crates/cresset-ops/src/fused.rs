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

use crate::host::array::{Array, Held};

/// Forward and backward of one operation over dense f32 arrays.
pub(crate) trait Kernel: Debug + Send + Sync + 'static {
    /// The output, and what the backward pass wants to keep besides the inputs.
    fn forward(&self, inputs: &[Array<'_>], keep: Keep) -> (Array<'static>, Vec<Array<'static>>);

    /// What of the inputs the backward pass reads.
    fn reads(&self) -> Reads {
        Reads::Inputs
    }

    /// The gradient of each input, in order; without inputs where the kernel reads none. What was kept and the gradient of the
    /// output may be written over: they are owned wherever nothing else holds them.
    fn backward(
        &self,
        inputs: &[Array<'_>],
        kept: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>>;
}

/// Whether a backward pass will follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It will, and it reads what is kept.
    ForBackward,
    /// It will not: what is returned to be kept is thrown away.
    Nothing,
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
        keep: Keep,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>);

    fn backward(
        kernel: &dyn Kernel,
        inputs: &[FloatTensor<Self>],
        kept: Vec<FloatTensor<Self>>,
        grad: FloatTensor<Self>,
    ) -> Vec<FloatTensor<Self>>;
}

impl HostMemory for Flex {
    fn forward(
        kernel: &dyn Kernel,
        inputs: &[FlexTensor],
        keep: Keep,
    ) -> (FlexTensor, Vec<FlexTensor>) {
        let arrays: Vec<Array<'_>> = inputs.iter().map(Array::of).collect();
        let (output, kept) = kernel.forward(&arrays, keep);
        (
            output.into_flex(),
            kept.into_iter().map(Array::into_flex).collect(),
        )
    }

    fn backward(
        kernel: &dyn Kernel,
        inputs: &[FlexTensor],
        kept: Vec<FlexTensor>,
        grad: FlexTensor,
    ) -> Vec<FlexTensor> {
        let inputs: Vec<Array<'_>> = inputs.iter().map(Array::of).collect();
        let mut kept: Vec<Held> = kept.into_iter().map(Held::of).collect();
        let mut grad = Held::of(grad);
        let kept = kept.iter_mut().map(Held::array).collect();
        kernel
            .backward(&inputs, kept, grad.array())
            .into_iter()
            .map(Array::into_flex)
            .collect()
    }
}

/// Kernels by the number of their inputs, which is the rank of the graph node.
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
    fn host_5(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    #[allow(
        clippy::too_many_arguments,
        reason = "an extension takes tensors one by one"
    )]
    fn host_7(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        g: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// A kernel's output where nothing is tracked.
fn alone<B: HostMemory, const N: usize>(
    kernel: Arc<dyn Kernel>,
    inputs: [FloatTensor<B>; N],
) -> FloatTensor<B> {
    B::forward(&*kernel, &inputs, Keep::Nothing).0
}

impl HostOps for Flex {
    fn host_1(kernel: Arc<dyn Kernel>, a: FlexTensor) -> FlexTensor {
        alone::<Flex, _>(kernel, [a])
    }

    fn host_2(kernel: Arc<dyn Kernel>, a: FlexTensor, b: FlexTensor) -> FlexTensor {
        alone::<Flex, _>(kernel, [a, b])
    }

    fn host_3(kernel: Arc<dyn Kernel>, a: FlexTensor, b: FlexTensor, c: FlexTensor) -> FlexTensor {
        alone::<Flex, _>(kernel, [a, b, c])
    }

    fn host_4(
        kernel: Arc<dyn Kernel>,
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        d: FlexTensor,
    ) -> FlexTensor {
        alone::<Flex, _>(kernel, [a, b, c, d])
    }

    fn host_5(
        kernel: Arc<dyn Kernel>,
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        d: FlexTensor,
        e: FlexTensor,
    ) -> FlexTensor {
        alone::<Flex, _>(kernel, [a, b, c, d, e])
    }

    fn host_7(
        kernel: Arc<dyn Kernel>,
        a: FlexTensor,
        b: FlexTensor,
        c: FlexTensor,
        d: FlexTensor,
        e: FlexTensor,
        f: FlexTensor,
        g: FlexTensor,
    ) -> FlexTensor {
        alone::<Flex, _>(kernel, [a, b, c, d, e, f, g])
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
        let results = B::backward(&*kernel, &inputs, kept, grad);
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
    match Backward::<B, N>::prepare::<C>(HostBackward, nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => {
            let (output, kept) = B::forward(&*kernel, &inputs, Keep::ForBackward);
            let saved = Saved {
                inputs: match kernel.reads() {
                    Reads::Inputs => inputs,
                    Reads::Nothing => Vec::new(),
                },
                kernel,
                kept,
            };
            prep.finish(saved, output)
        }
        OpsKind::UnTracked(prep) => prep.finish(B::forward(&*kernel, &inputs, Keep::Nothing).0),
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

    fn host_5(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        node::<B, C, _>(kernel, [a, b, c, d, e])
    }

    fn host_7(
        kernel: Arc<dyn Kernel>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        d: FloatTensor<Self>,
        e: FloatTensor<Self>,
        f: FloatTensor<Self>,
        g: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        node::<B, C, _>(kernel, [a, b, c, d, e, f, g])
    }
}

/// Whether a device's tensors lie in host memory, so that kernels may run on them.
pub(crate) fn is_host(device: &Device) -> bool {
    matches!(
        device.clone().inner().as_dispatch(),
        DispatchDevice::Flex(_)
    )
}

/// Runs a kernel.
///
/// # Panics
/// If the number of inputs is not one that [`HostOps`] has.
pub(crate) fn run<const D: usize>(
    kernel: impl Kernel,
    inputs: Vec<FloatTensor<Dispatch>>,
) -> Tensor<D> {
    type Op = Dispatch;
    let kernel = Arc::new(kernel);
    let mut inputs = inputs.into_iter();
    let n = inputs.len();
    let mut next = || inputs.next().expect("as many as were counted");
    Tensor::from_dispatch(match n {
        1 => Op::host_1(kernel, next()),
        2 => Op::host_2(kernel, next(), next()),
        3 => Op::host_3(kernel, next(), next(), next()),
        4 => Op::host_4(kernel, next(), next(), next(), next()),
        5 => Op::host_5(kernel, next(), next(), next(), next(), next()),
        7 => Op::host_7(
            kernel,
            next(),
            next(),
            next(),
            next(),
            next(),
            next(),
            next(),
        ),
        _ => panic!("a kernel of {n} inputs"),
    })
}
