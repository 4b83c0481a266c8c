//! Writing text token by token, with cached keys and values.
//!
//! A step runs the very code of teacher forcing on a cache, so the two cannot drift apart.

mod causal;
mod seq2seq;

pub use causal::greedy_causal;
pub use seq2seq::greedy_seq2seq;

use burn::tensor::{Device, Int, Tensor, TensorData};

/// How greedy decoding starts and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GreedyOptions {
    /// What stands in front of the generated tokens: the decoder's start token and a forced prefix, if any.
    pub start: Vec<u32>,
    /// The token that ends a sequence.
    pub stop: u32,
    /// The token that fills up shorter rows.
    pub pad: u32,
    /// Most tokens to generate.
    pub max_new_tokens: usize,
}

/// Rows of a batch, some of which may have ended.
struct Rows {
    /// Index in the caller's batch of each row still computed.
    computed: Vec<usize>,
    /// Whether a caller's row has ended.
    ended: Vec<bool>,
    /// Tokens generated for each caller's row.
    written: Vec<Vec<u32>>,
}

impl Rows {
    fn new(count: usize) -> Rows {
        Rows {
            computed: (0..count).collect(),
            ended: vec![false; count],
            written: vec![Vec::new(); count],
        }
    }

    /// Takes one token per computed row.
    fn take(&mut self, tokens: &[u32], stop: u32) {
        for (&row, &token) in self.computed.iter().zip(tokens) {
            if token == stop {
                self.ended[row] = true;
            } else if !self.ended[row] {
                self.written[row].push(token);
            }
        }
    }

    fn all_ended(&self) -> bool {
        self.computed.iter().all(|&row| self.ended[row])
    }

    /// Forgets ended rows once they are a quarter, and tells which of the computed rows stay. Not at once: each time copies the cache.
    fn shrink(&mut self, device: &Device) -> Option<Tensor<1, Int>> {
        let living: Vec<usize> = (0..self.computed.len())
            .filter(|&at| !self.ended[self.computed[at]])
            .collect();
        if living.len() * 4 > self.computed.len() * 3 {
            return None;
        }
        self.computed = living.iter().map(|&at| self.computed[at]).collect();
        Some(index_tensor(&living, device))
    }

    /// The next input: each row's last token, padding for ended rows.
    fn next_ids(&self, pad: u32, device: &Device) -> Tensor<2, Int> {
        let last = |row: &usize| {
            if self.ended[*row] {
                pad
            } else {
                self.written[*row].last().copied().unwrap_or(pad)
            }
        };
        let ids: Vec<i32> = self.computed.iter().map(|row| last(row) as i32).collect();
        let count = ids.len();
        Tensor::from_data(TensorData::new(ids, [count, 1]), device)
    }
}

/// The flat index of the last position of each row.
fn last_positions(rows: usize, width: usize, device: &Device) -> Tensor<1, Int> {
    let indices: Vec<usize> = (1..=rows).map(|row| row * width - 1).collect();
    index_tensor(&indices, device)
}

fn index_tensor(indices: &[usize], device: &Device) -> Tensor<1, Int> {
    let indices: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
    let count = indices.len();
    Tensor::from_data(TensorData::new(indices, [count]), device)
}

fn best_tokens(logits: Tensor<2>) -> Vec<u32> {
    logits
        .argmax(1)
        .into_data()
        .iter::<i64>()
        .map(|id| id as u32)
        .collect()
}
