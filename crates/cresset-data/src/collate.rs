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
    /// Lengths of the texts in each row, where rows hold several; `None`: one a row.
    pub texts: Option<Vec<Vec<usize>>>,
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
        texts: None,
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

    /// The same rows one behind the other in fewer rows: the first `texts_per_row[0]` of them in the first, and so on. Padding
    /// stands behind the last text of a row only.
    ///
    /// # Panics
    /// If the numbers do not add up to the rows.
    pub fn packed(&self, texts_per_row: &[usize], pad_id: u32) -> PackedIds {
        assert_eq!(
            texts_per_row.iter().sum::<usize>(),
            self.n_rows(),
            "every row goes into one packed row"
        );
        let mut next = 0;
        let groups: Vec<Range<usize>> = texts_per_row
            .iter()
            .map(|n| {
                next += n;
                next - n..next
            })
            .collect();
        let rows: Vec<Vec<u32>> = groups
            .iter()
            .map(|group| {
                group
                    .clone()
                    .flat_map(|row| self.row(row))
                    .copied()
                    .collect()
            })
            .collect();
        let mut ids = pad(&rows, pad_id, PadSide::Right);
        ids.texts = Some(
            groups
                .iter()
                .map(|group| self.lengths[group.clone()].to_vec())
                .collect(),
        );
        let mut new_places = vec![0; self.ids.len()];
        for (new_row, group) in groups.into_iter().enumerate() {
            let mut new = ids.start_of(new_row);
            for row in group {
                let old = self.start_of(row);
                for offset in 0..self.lengths[row] {
                    new_places[old + offset] = (new + offset) as u32;
                }
                new += self.lengths[row];
            }
        }
        PackedIds { ids, new_places }
    }
}

/// Rows that were packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedIds {
    /// The packed rows.
    pub ids: PaddedIds,
    /// The place among the packed `rows x width` places of each place before; 0 for padding.
    pub new_places: Vec<u32>,
}

impl PackedIds {
    /// Numbers beside the tokens, such as segments, moved along; 0 beside padding. `before` are the rows before they were packed.
    pub fn moved(&self, numbers: &[u32], before: &PaddedIds) -> Vec<u32> {
        let mut moved = vec![0; self.ids.ids.len()];
        for place in before.flat_positions() {
            moved[self.new_places[place as usize] as usize] = numbers[place as usize];
        }
        moved
    }
}
