//! A decoder's output computed in one go, as in training, and position by position, as in generation.

use burn::tensor::Tensor;
use cresset_data::{PadSide, pad};
use cresset_model::{CausalInput, CausalLm, Seq2SeqLm};
use cresset_ops::Run;

use crate::upload;

fn numbers(parts: Vec<Tensor<3>>) -> Vec<f32> {
    Tensor::cat(parts, 1).into_data().iter::<f32>().collect()
}

/// Of a language model.
pub(super) fn causal_both_ways(model: &CausalLm, ids: &[u32]) -> (Vec<f32>, Vec<f32>) {
    let device = upload::device_of(model);
    let whole = model.hidden(
        upload::matrix(ids, 1, ids.len(), &device),
        None,
        &Run::inference(),
    );
    let mut cache = model.cache();
    let step = |&id: &u32| {
        let input = CausalInput {
            ids: upload::matrix(&[id], 1, 1, &device),
            keep: None,
            positions: None,
        };
        model.hidden_on(input, &mut cache)
    };
    (
        numbers(vec![whole]),
        numbers(ids.iter().map(step).collect()),
    )
}

/// Of an encoder-decoder.
pub(super) fn seq2seq_both_ways(
    model: &Seq2SeqLm,
    source: &[u32],
    ids: &[u32],
) -> (Vec<f32>, Vec<f32>) {
    let device = upload::device_of(model);
    let run = Run::inference();
    let padded = pad(&[source], 0, PadSide::Right);
    let source = upload::encoder_input(&padded, None, &device);
    let keep = source.keep.clone();
    let memory = model.encode(source, &run);
    let ids_at = |ids: &[u32]| upload::matrix(ids, 1, ids.len(), &device);
    let whole = model.decode(ids_at(ids), memory.clone(), keep.clone(), &run);
    let mut cache = model.cache();
    let step = |id: &u32| model.decode_on(ids_at(&[*id]), memory.clone(), keep.clone(), &mut cache);
    (
        numbers(vec![whole]),
        numbers(ids.iter().map(step).collect()),
    )
}
