//! Inputs that try a model: rows of ordinary tokens, and the distance of two outputs.

use cresset_data::{Convention, PadSide};

use crate::forward::{ForwardInput, Output};

/// How far two computations of the same numbers may lie apart, as a share of the largest: kernels for other shapes add up in
/// another order.
const TOLERANCE: f32 = 1e-3;

/// Rows of ids, padded.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) rows: Vec<Vec<u32>>,
    pub(super) width: usize,
    pub(super) pad: u32,
    pub(super) side: PadSide,
}

impl Rows {
    pub(super) fn new(rows: Vec<Vec<u32>>, convention: &Convention) -> Rows {
        Rows {
            width: rows.iter().map(Vec::len).max().unwrap_or(0),
            rows,
            pad: convention.pad_id(),
            side: convention.pad_side(),
        }
    }

    /// The same rows with more padding.
    pub(super) fn widened(mut self, more: usize) -> Rows {
        self.width += more;
        self
    }

    /// Where row `row` begins.
    pub(super) fn start_of(&self, row: usize) -> usize {
        match self.side {
            PadSide::Right => 0,
            PadSide::Left => self.width - self.rows[row].len(),
        }
    }

    pub(super) fn input(&self) -> ForwardInput {
        let filled = |row: &Vec<u32>, inside: &dyn Fn(u32) -> u32, outside: u32| {
            let padding = vec![outside; self.width - row.len()];
            let inside: Vec<u32> = row.iter().map(|&id| inside(id)).collect();
            match self.side {
                PadSide::Right => [inside, padding].concat(),
                PadSide::Left => [padding, inside].concat(),
            }
        };
        ForwardInput {
            input_ids: self
                .rows
                .iter()
                .map(|row| filled(row, &|id| id, self.pad))
                .collect(),
            attention_mask: Some(self.rows.iter().map(|row| filled(row, &|_| 1, 0)).collect()),
            ..ForwardInput::default()
        }
    }
}

/// Ids of ordinary tokens, spread over the vocabulary; another `seed` gives others.
pub(super) fn ordinary_ids(
    convention: &Convention,
    vocab_size: usize,
    n: usize,
    seed: usize,
) -> Vec<u32> {
    let special = convention.special_ids();
    let ordinary: Vec<u32> = (0..vocab_size as u32)
        .filter(|id| !special.contains(id))
        .collect();
    // A stride that shares no factor with the count visits every token before it repeats one.
    let count = ordinary.len().max(1);
    let stride = (1..=count)
        .rev()
        .map(|step| step * 5 / 8 + 1)
        .find(|step| gcd(*step, count) == 1)
        .unwrap_or(1);
    (0..n)
        .filter_map(|i| ordinary.get((seed * 7 + i * stride) % count).copied())
        .collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Whether `a` and `b` are the same numbers but for rounding; else how far they lie apart.
pub(super) fn same(a: &[f32], b: &[f32]) -> Result<f32, f32> {
    let size = a.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let apart = distance(a, b);
    if apart <= TOLERANCE * (1.0 + size) {
        Ok(apart)
    } else {
        Err(apart)
    }
}

/// The largest difference; infinite where there is none to speak of.
pub(super) fn distance(a: &[f32], b: &[f32]) -> f32 {
    if a.len() != b.len() {
        return f32::INFINITY;
    }
    a.iter().zip(b).fold(0.0f32, |worst, (x, y)| {
        let apart = (x - y).abs();
        if apart.is_nan() {
            f32::INFINITY
        } else {
            worst.max(apart)
        }
    })
}

/// The numbers of `name` at some positions of a row, or of the whole row if it has no positions.
pub(super) fn at(output: &Output, row: usize, from: usize, count: usize) -> Vec<f32> {
    let per_row: usize = output.shape[1..].iter().product();
    let values = &output.values[row * per_row..(row + 1) * per_row];
    match output.shape[..] {
        [_, _, size] => values[from * size..(from + count) * size].to_vec(),
        [_, _] if output.name.ends_with("start_logits") || output.name.ends_with("end_logits") => {
            values[from..from + count].to_vec()
        }
        _ => values.to_vec(),
    }
}
