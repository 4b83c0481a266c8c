//! Greedy continuation by a causal language model.

use burn::tensor::{Device, Int, Tensor, TensorData};
use cresset_ops::{KeepMask, PadSide, on_workers};

use super::{GreedyOptions, Rows, best_tokens, last_positions};
use crate::decoder::{CausalInput, CausalLm};

/// The most probable continuation of each prompt, without prompt and stop token. Prompts stand behind `options.start` (leave it empty if
/// they are framed already) and may differ in length: they are padded on the left with positions counted from their own first token, so a
/// batch gives the same answers as its prompts one by one. An empty prompt without a start token has no continuation.
///
/// # Panics
/// If a prompt is longer than the model's table of positions; check it with `ModelConfig::check_length`.
pub fn greedy_causal(
    model: &CausalLm,
    prompts: &[Vec<u32>],
    options: &GreedyOptions,
) -> Vec<Vec<u32>> {
    let device = burn::module::Module::devices(model)
        .first()
        .cloned()
        .expect("a model has parameters");
    let model = model.clone();
    on_workers(&device.clone(), move || {
        write(&model, prompts, options, &device)
    })
}

fn write(
    model: &CausalLm,
    prompts: &[Vec<u32>],
    options: &GreedyOptions,
    device: &Device,
) -> Vec<Vec<u32>> {
    let framed: Vec<Vec<u32>> = prompts
        .iter()
        .map(|prompt| [options.start.as_slice(), prompt].concat())
        .collect();
    let mut rows = Rows::new(framed.len());
    rows.computed.retain(|&row| !framed[row].is_empty());
    let Some(width) = framed.iter().map(Vec::len).max().filter(|&width| width > 0) else {
        return rows.written;
    };
    let limit = model.max_positions().unwrap_or(usize::MAX);

    let mut lengths: Vec<usize> = framed.iter().map(Vec::len).collect();
    let mut cache = model.cache();
    let mut input = first_input(&framed, &rows.computed, width, options.pad, device);
    for step in 0..options.max_new_tokens {
        let [count, new] = input.ids.dims();
        let hidden = model.hidden_on(input, &mut cache);
        let last = last_positions(count, new, device);
        let tokens = best_tokens(model.scores_at(hidden, last).logits());
        rows.take(&tokens, options.stop);
        for &row in &rows.computed {
            rows.ended[row] |= lengths[row] >= limit;
        }
        if rows.all_ended() {
            break;
        }
        if let Some(living) = rows.shrink(device) {
            cache.keep_rows(&living);
        }
        // An ended row's position stays within the table; its outputs are thrown away.
        let positions: Vec<i32> = rows
            .computed
            .iter()
            .map(|&row| lengths[row].min(limit - 1) as i32)
            .collect();
        for &row in &rows.computed {
            lengths[row] += 1;
        }
        let total = width + step + 1;
        let kept: Vec<usize> = rows
            .computed
            .iter()
            .map(|&row| framed[row].len() + step + 1)
            .collect();
        input = CausalInput {
            ids: rows.next_ids(options.pad, device),
            keep: mask(&kept, total, device),
            positions: Some(matrix(positions, kept.len(), device)),
        };
    }
    rows.written
}

fn first_input(
    framed: &[Vec<u32>],
    computed: &[usize],
    width: usize,
    pad: u32,
    device: &Device,
) -> CausalInput {
    let lengths: Vec<usize> = computed.iter().map(|&row| framed[row].len()).collect();
    let mut ids = Vec::with_capacity(computed.len() * width);
    let mut positions = Vec::with_capacity(computed.len() * width);
    for &row in computed {
        let empty = width - framed[row].len();
        ids.extend(std::iter::repeat_n(pad as i32, empty));
        ids.extend(framed[row].iter().map(|&id| id as i32));
        positions.extend((0..width).map(|at| at.saturating_sub(empty) as i32));
    }
    CausalInput {
        ids: matrix(ids, computed.len(), device),
        keep: mask(&lengths, width, device),
        positions: Some(matrix(positions, computed.len(), device)),
    }
}

/// No mask where nothing is padded.
fn mask(lengths: &[usize], width: usize, device: &Device) -> Option<KeepMask> {
    let is_ragged = lengths.iter().any(|&length| length < width);
    is_ragged.then(|| KeepMask::from_lengths(lengths, width, PadSide::Left, device))
}

fn matrix(values: Vec<i32>, rows: usize, device: &Device) -> Tensor<2, Int> {
    let columns = values.len() / rows;
    Tensor::from_data(TensorData::new(values, [rows, columns]), device)
}
