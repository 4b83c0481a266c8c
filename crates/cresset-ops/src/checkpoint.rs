//! Activation checkpointing: what stands inside a layer is made again in the backward pass instead of kept from the forward pass.

use std::cell::RefCell;
use std::rc::Rc;

use burn::module::Module;
use burn::tensor::kind::Autodiff;
use burn::tensor::{Device, Gradients, Tensor};

use crate::Run;

/// One part of a backward pass, given the gradients of the parts after it.
type Part = Box<dyn FnOnce(&mut Vec<Gradients>) -> Option<Gradients>>;

/// The layers of one forward pass that are to be passed through again (Chen et al. 2016, Training Deep Nets with Sublinear
/// Memory Cost). The loss of such a pass reaches back to the output of the last layer only; [`LayerTape::unwind`] goes on from
/// there.
#[derive(Default)]
pub struct LayerTape {
    parts: RefCell<Vec<Part>>,
}

impl LayerTape {
    /// A tape with nothing on it.
    pub fn new() -> Rc<LayerTape> {
        Rc::default()
    }

    /// Goes back through all layers, the last one first. `each` sees the gradients of every part, those of the loss first, and
    /// takes out what belongs to parameters; a parameter may have gradients in several parts.
    pub fn unwind(&self, of_loss: Gradients, mut each: impl FnMut(&mut Gradients)) {
        let mut gradients = vec![of_loss];
        each(&mut gradients[0]);
        loop {
            // The borrow ends before the part runs.
            let part = self.parts.borrow_mut().pop();
            let Some(part) = part else { return };
            if let Some(mut more) = part(&mut gradients) {
                each(&mut more);
                gradients.push(more);
            }
        }
    }

    fn push(&self, part: Part) {
        self.parts.borrow_mut().push(part);
    }
}

impl std::fmt::Debug for LayerTape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LayerTape")
            .field("parts", &self.parts.borrow().len())
            .finish()
    }
}

/// The gradient of a tensor over all parts so far.
fn taken<const D: usize>(of: &Tensor<D>, gradients: &mut [Gradients]) -> Option<Tensor<D>> {
    gradients
        .iter_mut()
        .filter_map(|gradients| of.grad_remove(gradients))
        .reduce(|a, b| a + b)
}

/// Goes back from `output`, whose gradient is known.
fn back<const D: usize>(output: Tensor<D>, gradient: Tensor<D>) -> Gradients {
    (output * Tensor::from_inner(gradient)).sum().backward()
}

impl Run {
    /// The output of a layer. Under activation checkpointing it is computed without autodiff, so that nothing of its inside is kept,
    /// and made again in the backward pass with the same dropout. `forward` must therefore take whatever else it reads to the
    /// side of autodiff that its input is on ([`beside`]); of these, tensors that take gradients come through [`Run::shared`] first.
    pub fn layer<M: Module + 'static, const D: usize>(
        &self,
        layer: &M,
        x: Tensor<D>,
        forward: impl Fn(&M, Tensor<D>, &Run) -> Tensor<D> + 'static,
    ) -> Tensor<D> {
        let Some(tape) = &self.tape else {
            return forward(layer, x, self);
        };
        let again = self.same_place();
        let now = self.same_place();
        let output = forward(&layer.valid(), x.clone().inner(), &now);
        self.go_on_after(&now);
        let output = Tensor::from_inner(output).require_grad();
        let (found, layer) = (output.clone(), layer.clone());
        tape.push(Box::new(move |gradients| {
            let gradient = taken(&found, gradients)?;
            Some(back(forward(&layer, x, &again), gradient))
        }));
        output
    }

    /// A tensor that several layers read, such as the encoder's output: under activation checkpointing their gradients are added up
    /// before they go further back.
    pub fn shared<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let Some(tape) = &self.tape else { return x };
        let shared = x.clone().detach().require_grad();
        let found = shared.clone();
        tape.push(Box::new(move |gradients| {
            let gradient = taken(&found, gradients)?;
            x.is_tracked().then(|| back(x, gradient))
        }));
        shared
    }
}

/// A tensor on the side of autodiff that a device is on: the tensor itself, or without its graph.
pub fn beside<const D: usize, K: Autodiff>(tensor: Tensor<D, K>, device: &Device) -> Tensor<D, K> {
    if device.is_autodiff() {
        tensor
    } else {
        tensor.inner()
    }
}
