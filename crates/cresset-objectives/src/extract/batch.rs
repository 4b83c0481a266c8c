//! Windows with the place of the answer in each, as plain numbers.

use std::sync::Arc;

use cresset_data::{Collate, DataError, PadSide, PaddedIds};
use rand_chacha::ChaCha8Rng;

use super::windows::{Window, padded};

/// A window of a question's context.
#[derive(Clone, Debug)]
pub struct ExtractItem {
    /// Which question of the data it belongs to.
    pub question: usize,
    /// The window.
    pub window: Arc<Window>,
    /// Positions of the answer's first and last token in the row.
    pub target: (usize, usize),
    /// The whole context.
    pub context: Arc<str>,
    /// The answers that people gave.
    pub answers: Arc<[String]>,
}

impl ExtractItem {
    /// Tokens of the row.
    pub fn n_tokens(&self) -> usize {
        self.window.framed.ids.len()
    }
}

/// Windows with their targets, as plain numbers.
#[derive(Clone, Debug)]
pub struct ExtractBatch {
    /// Framed questions and stretches of context.
    pub input: PaddedIds,
    /// Segment of each position; zeros at padding.
    pub segments: Vec<u32>,
    /// The place of the answer's first token among the `width` places of each row.
    pub starts: Vec<u32>,
    /// The place of its last token.
    pub ends: Vec<u32>,
    /// What each row was made of, to read answers off.
    pub items: Vec<ExtractItem>,
}

/// Makes batches of windows.
#[derive(Clone, Debug)]
pub struct ExtractCollate {
    /// Fills short rows.
    pub pad_id: u32,
    /// Where.
    pub pad_side: PadSide,
}

impl Collate for ExtractCollate {
    type Item = ExtractItem;
    type Batch = ExtractBatch;

    fn collate(
        &self,
        items: Vec<ExtractItem>,
        _rng: &mut ChaCha8Rng,
    ) -> Result<ExtractBatch, DataError> {
        let windows: Vec<&Window> = items.iter().map(|item| &*item.window).collect();
        let (input, segments) = padded(&windows, self.pad_id, self.pad_side);
        let place = |(row, position): (usize, usize)| {
            (input.start_of(row) - row * input.width + position) as u32
        };
        let targets = items.iter().map(|item| item.target).enumerate();
        let (starts, ends) = targets
            .map(|(row, (start, end))| (place((row, start)), place((row, end))))
            .unzip();
        Ok(ExtractBatch {
            input,
            segments,
            starts,
            ends,
            items,
        })
    }
}
