//! Dense arrays, borrowed from a tensor or made by a kernel.

use std::borrow::Cow;

use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};

/// A dense row-major f32 array.
#[derive(Clone, Debug)]
pub(crate) struct Array<'a> {
    pub(crate) values: Cow<'a, [f32]>,
    pub(crate) shape: Vec<usize>,
}

impl<'a> Array<'a> {
    /// A view of a tensor; a copy where it is not dense.
    pub(crate) fn of(tensor: &'a FlexTensor) -> Self {
        let shape = tensor.layout().shape().iter().copied().collect();
        let values = match tensor.as_slice::<f32>() {
            Some(values) => Cow::Borrowed(values),
            None => {
                let dense = tensor.to_contiguous();
                Cow::Owned(
                    dense
                        .as_slice::<f32>()
                        .expect("float tensors of this backend are f32")
                        .to_vec(),
                )
            }
        };
        Array { values, shape }
    }

    /// Length of the innermost dimension.
    pub(crate) fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

/// A tensor that a kernel may use up.
#[derive(Debug)]
pub(crate) enum Held {
    /// Nothing else reads these values.
    Alone(Array<'static>),
    /// Something else may.
    Shared(FlexTensor),
}

impl Held {
    /// Takes the values out of a tensor that nothing else holds; no copy is made either way.
    pub(crate) fn of(tensor: FlexTensor) -> Self {
        let is_whole = tensor
            .as_slice::<f32>()
            .is_some_and(|values| values.len() == tensor.storage::<f32>().len());
        if !(is_whole && tensor.is_unique()) {
            return Held::Shared(tensor);
        }
        let shape: Vec<usize> = tensor.layout().shape().iter().copied().collect();
        let values = tensor
            .into_data()
            .try_into_vec()
            .expect("float tensors of this backend are f32");
        Held::Alone(Array::new(values, &shape))
    }

    /// The array, owned where nothing else holds it; to be asked for once.
    pub(crate) fn array(&mut self) -> Array<'_> {
        match self {
            Held::Alone(array) => Array {
                values: std::mem::take(&mut array.values),
                shape: std::mem::take(&mut array.shape),
            },
            Held::Shared(tensor) => Array::of(tensor),
        }
    }
}

impl Array<'_> {
    /// The values as one's own; a copy only where they are borrowed.
    pub(crate) fn into_values(self) -> Vec<f32> {
        self.values.into_owned()
    }
}

impl Array<'static> {
    /// An array of these values.
    pub(crate) fn new(values: Vec<f32>, shape: &[usize]) -> Self {
        debug_assert_eq!(values.len(), shape.iter().product::<usize>());
        Array {
            values: Cow::Owned(values),
            shape: shape.to_vec(),
        }
    }

    /// As a tensor.
    pub(crate) fn into_flex(self) -> FlexTensor {
        let layout = Layout::contiguous(Shape::from(self.shape));
        FlexTensor::new(
            Bytes::from_elems(self.values.into_owned()),
            layout,
            DType::F32,
        )
    }
}
