//! Greedy decoding of an encoder-decoder.

use burn::tensor::{Tensor, TensorData};
use cresset_ops::{KeepMask, Run, on_workers};

use super::{GreedyOptions, Rows, best_tokens, last_positions};
use crate::encoder::EncoderInput;
use crate::encoder_decoder::Seq2SeqLm;

/// The most probable token at each step, without the start and stop tokens. Rows end at the stop token, after
/// `options.max_new_tokens`, or where the model has no more positions.
pub fn greedy_seq2seq(
    model: &Seq2SeqLm,
    source: EncoderInput,
    options: &GreedyOptions,
) -> Vec<Vec<u32>> {
    let device = source.ids.device();
    let model = model.clone();
    on_workers(&device, move || write(&model, source, options))
}

fn write(model: &Seq2SeqLm, source: EncoderInput, options: &GreedyOptions) -> Vec<Vec<u32>> {
    let device = source.ids.device();
    let [batch, _] = source.ids.dims();
    let mut memory_keep = source.keep.clone();
    let memory = model.encode(source, &Run::inference());
    let mut cache = model.cache();
    let mut rows = Rows::new(batch);
    let start: Vec<i32> = options.start.iter().map(|&id| id as i32).collect();
    let width = start.len();
    let mut ids = Tensor::from_data(
        TensorData::new(start.repeat(batch), [batch, width]),
        &device,
    );
    for _ in 0..options.max_new_tokens {
        let [count, new] = ids.dims();
        if model
            .max_positions()
            .is_some_and(|positions| cache.length() + new > positions)
        {
            break;
        }
        // Only the first step reads the memory; later ones have its keys and values in the cache.
        let hidden = model.decode_on(ids, memory.clone(), memory_keep.clone(), &mut cache);
        let last = last_positions(count, new, &device);
        let tokens = best_tokens(model.scores_at(hidden, last).logits());
        rows.take(&tokens, options.stop);
        if rows.all_ended() {
            break;
        }
        if let Some(living) = rows.shrink(&device) {
            cache.keep_rows(&living);
            memory_keep = KeepMask::new(memory_keep.tensor().select(0, living));
        }
        ids = rows.next_ids(options.pad, &device);
    }
    rows.written
}
