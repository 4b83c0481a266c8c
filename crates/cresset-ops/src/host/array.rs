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
