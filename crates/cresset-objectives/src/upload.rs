//! From plain numbers to tensors: the only place where a batch meets a device.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use cresset_data::{PadSide as DataPadSide, PaddedIds};
use cresset_losses::token_nll;
use cresset_model::EncoderInput;
use cresset_ops::{KeepMask, PadSide};
use cresset_train::Report;

/// Batches and models mean the same by the id of a learned start.
const _: () = assert!(cresset_data::LEARNED_START == cresset_model::layers::LEARNED_START);

/// Token ids as a tensor.
///
/// # Shapes
/// out: `[rows, width]`
pub fn ids(padded: &PaddedIds, device: &Device) -> Tensor<2, Int> {
    matrix(&padded.ids, padded.lengths.len(), padded.width, device)
}

/// Row-major numbers as an integer matrix.
///
/// # Shapes
/// out: `[rows, width]`
pub fn matrix(values: &[u32], rows: usize, width: usize, device: &Device) -> Tensor<2, Int> {
    let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
    Tensor::from_data(TensorData::new(values, [rows, width]), device)
}

/// Which positions hold a token rather than padding, from the lengths, and which texts they belong to where rows hold several.
///
/// # Shapes
/// out: `[rows, width]`
pub fn keep(padded: &PaddedIds, device: &Device) -> KeepMask {
    if let Some(texts) = &padded.texts {
        return KeepMask::from_texts(texts, padded.width, device);
    }
    let side = match padded.pad_side {
        DataPadSide::Left => PadSide::Left,
        DataPadSide::Right => PadSide::Right,
    };
    KeepMask::from_lengths(&padded.lengths, padded.width, side, device)
}

/// An encoder's input, with segments where the convention has them.
pub fn encoder_input(
    padded: &PaddedIds,
    segments: Option<&[u32]>,
    device: &Device,
) -> EncoderInput {
    EncoderInput {
        ids: ids(padded, device),
        keep: keep(padded, device),
        segments: segments.map(|s| matrix(s, padded.lengths.len(), padded.width, device)),
        positions: None,
    }
}

/// Integers as a vector.
///
/// # Shapes
/// out: `[n]`
pub fn indices(values: &[u32], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.iter().map(|&v| v as i32).collect();
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n]), device)
}

/// Floats as a vector.
///
/// # Shapes
/// out: `[n]`
pub fn floats(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// The device of a module's parameters.
pub fn device_of<M: Module>(module: &M) -> Device {
    module
        .devices()
        .first()
        .cloned()
        .expect("a model has parameters")
}

/// A sum of loss weights: the denominator of a term.
pub fn total(weights: &[f32]) -> f64 {
    weights.iter().map(|&w| f64::from(w)).sum()
}

/// A one-element tensor as a number; waits for the device.
pub fn read_scalar(tensor: Tensor<1>) -> f64 {
    f64::from(
        tensor
            .into_data()
            .convert::<f32>()
            .iter::<f32>()
            .next()
            .expect("one element"),
    )
}

/// Numbers of a tensor, row-major; waits for the device.
pub fn read_floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Integers of a tensor; waits for the device.
pub fn read_indices(tensor: Tensor<1, Int>) -> Vec<u32> {
    tensor.into_data().iter::<i64>().map(|v| v as u32).collect()
}

/// Adds token loss and accuracy of an evaluation batch to the report.
///
/// # Shapes
/// logits: `[n, vocabulary]`, targets and weights: `n`
pub fn observe_tokens(logits: Tensor<2>, targets: &[u32], weights: &[f32], report: &mut Report) {
    let device = logits.device();
    let predicted = read_indices(logits.clone().argmax(1).flatten::<1>(0, 1));
    let sum = token_nll(
        logits,
        indices(targets, &device),
        Some(floats(weights, &device)),
        0.0,
    );
    let counted = total(weights);
    let right = predicted
        .iter()
        .zip(targets)
        .zip(weights)
        .filter(|((p, t), w)| p == t && **w > 0.0)
        .count();
    report.add("loss", read_scalar(sum), counted);
    report.add("accuracy", right as f64, counted);
}
