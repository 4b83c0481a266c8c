//! Rows of different lengths as one rectangle of numbers.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Where padding goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PadSide {
    /// Before the tokens.
    Left,
    /// Behind the tokens.
    #[default]
    Right,
}

/// Token ids of several rows, padded to the longest.
///
/// What is padding is known by `lengths` and `pad_side`, never by comparing ids with the pad id: that id may also be a
/// real token (GPT-2 pads with its end token).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaddedIds {
    /// Row-major, `rows x width`.
    pub ids: Vec<u32>,
    /// Tokens in each row, padding not counted.
    pub lengths: Vec<usize>,
    /// Length of the longest row.
    pub width: usize,
    /// Where the padding is.
    pub pad_side: PadSide,
}

/// Pads rows to the longest.
pub fn pad<R: AsRef<[u32]>>(rows: &[R], pad_id: u32, pad_side: PadSide) -> PaddedIds {
    let width = rows.iter().map(|row| row.as_ref().len()).max().unwrap_or(0);
    let mut ids = Vec::with_capacity(rows.len() * width);
    for row in rows.iter().map(AsRef::as_ref) {
        let padding = std::iter::repeat_n(pad_id, width - row.len());
        match pad_side {
            PadSide::Left => {
                ids.extend(padding);
                ids.extend_from_slice(row);
            }
            PadSide::Right => {
                ids.extend_from_slice(row);
                ids.extend(padding);
            }
        }
    }
    PaddedIds {
        ids,
        lengths: rows.iter().map(|row| row.as_ref().len()).collect(),
        width,
        pad_side,
    }
}

impl PaddedIds {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.lengths.len()
    }

    /// Number of tokens, padding not counted.
    pub fn n_tokens(&self) -> usize {
        self.lengths.iter().sum()
    }

    /// The place of a row's first token among the `rows x width` places.
    pub fn start_of(&self, row: usize) -> usize {
        match self.pad_side {
            PadSide::Left => (row + 1) * self.width - self.lengths[row],
            PadSide::Right => row * self.width,
        }
    }

    /// A row's places among the `rows x width` places, padding included.
    pub fn places(&self, row: usize) -> Range<usize> {
        row * self.width..(row + 1) * self.width
    }

    /// The places of a row's tokens among its `width` places.
    pub fn kept(&self, row: usize) -> Range<usize> {
        let start = self.start_of(row) - row * self.width;
        start..start + self.lengths[row]
    }

    /// A row without its padding.
    pub fn row(&self, row: usize) -> &[u32] {
        let start = self.start_of(row);
        &self.ids[start..start + self.lengths[row]]
    }

    /// All rows without their padding.
    pub fn rows(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.n_rows()).map(|row| self.row(row))
    }

    /// The places of all tokens among the `rows x width` places, row after row.
    pub fn flat_positions(&self) -> Vec<u32> {
        let places = |row| {
            (self.start_of(row)..self.start_of(row) + self.lengths[row]).map(|place| place as u32)
        };
        (0..self.n_rows()).flat_map(places).collect()
    }
}
