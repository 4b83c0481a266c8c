//! The AdamW update.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

use crate::fused::is_host;
use crate::host::array::Array;
use crate::{host, reference};

/// The constants of one update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Number of the update, from 1.
    pub step: u64,
    /// What the gradient is multiplied by first: the clipping factor.
    pub grad_scale: f64,
    /// Whether the step grows with the parameter.
    pub scale: StepScale,
}

/// Whether the step grows with the parameter that it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum StepScale {
    /// No: the learning rate alone says how far a weight moves.
    #[default]
    Absolute,
    /// The learning rate is multiplied by the root mean square of the parameter, taken as no smaller than this (Adafactor's
    /// relative step size, Shazeer & Stern 2018, section 8). Weight decay is not scaled.
    Relative {
        /// The smallest root mean square.
        floor: f64,
    },
}

impl AdamWStep {
    pub(crate) fn correction1(&self) -> f64 {
        1.0 - self.beta1.powf(self.step as f64)
    }

    pub(crate) fn correction2(&self) -> f64 {
        1.0 - self.beta2.powf(self.step as f64)
    }
}

/// The update in host memory: parameter and moments in place where they are not shared.
#[backend_extension(Flex)]
pub(crate) trait HostUpdate: Backend {
    fn update(
        param: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        m: FloatTensor<Self>,
        v: FloatTensor<Self>,
        at: AdamWStep,
    ) -> Vec<FloatTensor<Self>>;
}

impl HostUpdate for Flex {
    fn update(
        param: FlexTensor,
        grad: FlexTensor,
        m: FlexTensor,
        v: FlexTensor,
        at: AdamWStep,
    ) -> Vec<FlexTensor> {
        let dense = |tensor: FlexTensor| {
            if tensor
                .as_slice::<f32>()
                .is_some_and(|s| s.len() == tensor.storage::<f32>().len())
            {
                tensor
            } else {
                tensor.to_contiguous()
            }
        };
        let (mut param, mut m, mut v) = (dense(param), dense(m), dense(v));
        let grad = Array::of(&grad);
        host::optimizer::adamw(
            param.storage_mut(),
            &grad.values,
            m.storage_mut(),
            v.storage_mut(),
            &at,
        );
        vec![param, m, v]
    }
}

/// One AdamW update (Loshchilov & Hutter 2019, PyTorch's formula) on tensors without autodiff: parameter, first moment and
/// second moment after it.
///
/// On flex it is one pass, in place where the caller holds the only handle to a tensor.
///
/// # Shapes
/// all tensors the same
pub fn adamw<const D: usize>(
    param: Tensor<D>,
    grad: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
    at: AdamWStep,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    if !is_host(&param.device()) {
        return reference::adamw(param, grad, m, v, at);
    }
    let [param, grad, m, v] = [param, grad, m, v].map(|t| t.into_dispatch());
    let mut results = <Dispatch as HostUpdate>::update(param, grad, m, v, at)
        .into_iter()
        .map(Tensor::from_dispatch);
    let mut next = || results.next().expect("three tensors come back");
    (next(), next(), next())
}
