//! Golden folders and comparisons with them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{Device, Int, Tensor, TensorData};
use cresset_model::EncoderInput;
use cresset_ops::KeepMask;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

/// The folder of a golden case.
pub(crate) fn folder(case: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", case]
        .iter()
        .collect()
}

/// The names of the tensors in a golden case's weights, sorted.
pub(crate) fn tensor_names(case: &str) -> Vec<String> {
    let bytes = std::fs::read(folder(case).join("model.safetensors")).unwrap();
    let parsed = SafeTensors::deserialize(&bytes).unwrap();
    let mut names: Vec<String> = parsed.names().into_iter().map(str::to_owned).collect();
    names.sort();
    names
}

/// Inputs and outputs of a golden case.
pub(crate) struct Reference(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Reference {
    pub(crate) fn read(case: &str) -> Reference {
        let bytes = std::fs::read(folder(case).join("expected.safetensors")).unwrap();
        let parsed = SafeTensors::deserialize(&bytes).unwrap();
        let numbers = |dtype: Dtype, data: &[u8]| -> Vec<f32> {
            let words = data.as_chunks::<4>().0;
            match dtype {
                Dtype::F32 => words.iter().map(|&w| f32::from_le_bytes(w)).collect(),
                Dtype::I32 => words
                    .iter()
                    .map(|&w| i32::from_le_bytes(w) as f32)
                    .collect(),
                other => panic!("golden of type {other:?}"),
            }
        };
        let entry = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
            (
                name,
                (view.shape().to_vec(), numbers(view.dtype(), view.data())),
            )
        };
        Reference(parsed.tensors().into_iter().map(entry).collect())
    }

    pub(crate) fn ids(&self, name: &str, device: &Device) -> Tensor<2, Int> {
        let (shape, values) = &self.0[name];
        let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
        Tensor::from_data(TensorData::new(values, [shape[0], shape[1]]), device)
    }

    pub(crate) fn cube(&self, name: &str, device: &Device) -> Tensor<3> {
        let (shape, values) = &self.0[name];
        let shape = [shape[0], shape[1], shape[2]];
        Tensor::from_data(TensorData::new(values.clone(), shape), device)
    }

    pub(crate) fn rows(&self, name: &str) -> Vec<Vec<u32>> {
        let (shape, values) = &self.0[name];
        values
            .chunks(shape[1])
            .map(|row| row.iter().map(|&v| v as u32).collect())
            .collect()
    }

    pub(crate) fn keep(&self, device: &Device) -> KeepMask {
        KeepMask::new(self.ids("attention_mask", device).equal_elem(1))
    }

    pub(crate) fn encoder_input(&self, device: &Device) -> EncoderInput {
        EncoderInput {
            ids: self.ids("input_ids", device),
            keep: self.keep(device),
            segments: self
                .0
                .contains_key("token_type_ids")
                .then(|| self.ids("token_type_ids", device)),
            positions: None,
        }
    }

    pub(crate) fn values(&self, name: &str) -> Vec<f32> {
        self.0[name].1.clone()
    }

    /// Checks a tensor against the golden of this name, at all places that `counts` (by index of the row of the last dimension).
    pub(crate) fn assert_close<const D: usize>(
        &self,
        name: &str,
        ours: Tensor<D>,
        counts: impl Fn(usize) -> bool,
    ) {
        let width = ours.dims()[D - 1];
        let (shape, theirs) = &self.0[name];
        assert_eq!(
            shape.iter().product::<usize>(),
            ours.dims().iter().product::<usize>(),
            "{name}"
        );
        let ours = floats(ours);
        let distance = |row: usize| {
            let at = row * width..(row + 1) * width;
            largest(ours[at.clone()].iter().zip(&theirs[at]).map(|(a, b)| a - b))
        };
        let worst = largest(
            (0..ours.len() / width)
                .filter(|&row| counts(row))
                .map(distance),
        );
        println!("{name}: largest difference {worst:.1e}");
        assert!(
            worst < crate::device::tolerance(),
            "{name} differs by {worst}"
        );
    }
}

pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The largest difference between two tensors.
pub(crate) fn distance<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    largest(floats(a).iter().zip(floats(b)).map(|(a, b)| a - b))
}

/// The largest magnitude, infinite if a number is not one (`f32::max` would skip it).
fn largest(numbers: impl Iterator<Item = f32>) -> f32 {
    numbers
        .map(|x| if x.is_nan() { f32::INFINITY } else { x.abs() })
        .fold(0.0, f32::max)
}

/// Every position of a batch, as flat indices.
pub(crate) fn all_positions(hidden: &Tensor<3>) -> Tensor<1, Int> {
    let [batch, seq, _] = hidden.dims();
    Tensor::arange(0..(batch * seq) as i64, &hidden.device())
}
