//! Which texts share a row: greedy first fit over a bounded window of open rows (Krell et al. 2021 compare such packers).

use rand::seq::SliceRandom;

use crate::Order;
use crate::seed::{Purpose, rng};

/// Rows that are open at a time. More of them leave less padding and take longer.
const OPEN_ROWS: usize = 64;

/// Texts in rows, for a whole run: a pure function of the lengths, the room and the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packing {
    /// The texts, row after row.
    texts: Vec<u32>,
    /// Where each row ends in them.
    ends: Vec<u32>,
}

impl Packing {
    /// Puts each text into the oldest open row that has room for it, else into a new row; the oldest row is closed when too many
    /// are open. Texts come in their own order, or shuffled.
    pub fn first_fit(lengths: &[u32], room: usize, order: Order) -> Packing {
        let mut texts: Vec<u32> = (0..lengths.len() as u32).collect();
        if let Order::Shuffled { seed } = order {
            texts.shuffle(&mut rng(seed, Purpose::Packing, 0));
        }
        let mut packing = Packing {
            texts: Vec::with_capacity(texts.len()),
            ends: Vec::new(),
        };
        let mut open: Vec<OpenRow> = Vec::new();
        for text in texts {
            let length = lengths[text as usize] as usize;
            match open.iter_mut().find(|row| row.used + length <= room) {
                Some(row) => row.add(text, length),
                None => {
                    if open.len() == OPEN_ROWS {
                        packing.close(open.remove(0));
                    }
                    let mut row = OpenRow::default();
                    row.add(text, length);
                    open.push(row);
                }
            }
        }
        open.into_iter().for_each(|row| packing.close(row));
        packing
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The texts of a row, in their order in it.
    pub fn row(&self, row: usize) -> &[u32] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.texts[start as usize..self.ends[row] as usize]
    }

    fn close(&mut self, row: OpenRow) {
        self.texts.extend(row.texts);
        self.ends.push(self.texts.len() as u32);
    }
}

#[derive(Default)]
struct OpenRow {
    texts: Vec<u32>,
    used: usize,
}

impl OpenRow {
    fn add(&mut self, text: u32, length: usize) {
        self.texts.push(text);
        self.used += length;
    }
}
