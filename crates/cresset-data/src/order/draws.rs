//! How often an epoch draws each row, where sources have weights.

use std::ops::Range;

use rand::seq::SliceRandom;

use super::WeightedRows;
use crate::seed::{Purpose, rng};

/// The rows of every epoch: as many in each, and of lengths that never exceed [`Draws::largest_costs`].
#[derive(Debug)]
pub(super) struct Draws {
    sources: Vec<SourceDraws>,
}

#[derive(Debug)]
struct SourceDraws {
    rows: Range<u32>,
    /// How often an epoch draws each row at least.
    copies: usize,
    /// How many rows it draws once more.
    more: usize,
    /// The rows in the order in which they take turns at that: by length where rows of like length go together, so that each
    /// epoch draws short and long ones alike, and at random among equals.
    turns: Vec<u32>,
}

impl Draws {
    /// `costs` are the rows' lengths, or none where they do not matter.
    pub(super) fn new(sources: &[WeightedRows], costs: &[u32], seed: u64) -> Draws {
        let mut first = 0;
        let mut draws = Vec::with_capacity(sources.len());
        for (number, source) in sources.iter().enumerate() {
            let rows = first..first + source.n_rows as u32;
            first = rows.end;
            let drawn = match source.n_rows {
                0 => 0,
                n => ((n as f64 * source.weight).round() as usize).max(1),
            };
            let (copies, more) = (
                drawn.checked_div(source.n_rows).unwrap_or(0),
                drawn.checked_rem(source.n_rows).unwrap_or(0),
            );
            let mut turns: Vec<u32> = Vec::new();
            if more > 0 {
                turns.extend(rows.clone());
                turns.shuffle(&mut rng(seed, Purpose::Weights, number as u64));
                if !costs.is_empty() {
                    turns.sort_by_key(|&row| costs[row as usize]);
                }
            }
            draws.push(SourceDraws {
                rows,
                copies,
                more,
                turns,
            });
        }
        Draws { sources: draws }
    }

    /// Rows in an epoch.
    pub(super) fn n_rows(&self) -> usize {
        let of = |source: &SourceDraws| source.copies * source.rows.len() + source.more;
        self.sources.iter().map(of).sum()
    }

    /// The rows of an epoch. In any number of epochs a row is drawn its weight times that number, rounded up or down.
    pub(super) fn epoch(&self, number: u64) -> Vec<u32> {
        let mut drawn = Vec::with_capacity(self.n_rows());
        for source in &self.sources {
            for _ in 0..source.copies {
                drawn.extend(source.rows.clone());
            }
            let turns = source.turns.iter().enumerate();
            drawn.extend(
                turns
                    .filter(|(place, _)| source.has_turn(*place, number))
                    .map(|(_, row)| row),
            );
        }
        drawn
    }

    /// Lengths, one for each row of an epoch, that no epoch exceeds: its k-th shortest row is at most as long as the k-th
    /// shortest of these.
    pub(super) fn largest_costs(&self, costs: &[u32]) -> Vec<u32> {
        let mut largest = Vec::with_capacity(self.n_rows());
        for source in &self.sources {
            let own = &costs[source.rows.start as usize..source.rows.end as usize];
            for _ in 0..source.copies {
                largest.extend_from_slice(own);
            }
            // The k-th of the rows that have a turn stands at most here, whatever the epoch.
            let n = source.turns.len();
            let last_place = |k: usize| ((k + 1) * n).div_ceil(source.more) - 1;
            largest.extend((0..source.more).map(|k| costs[source.turns[last_place(k)] as usize]));
        }
        largest
    }
}

impl SourceDraws {
    /// Whether the row at this place of the turns is drawn once more: `more` of them are, evenly spread, and each epoch moves
    /// on by one place. What a row was drawn up to an epoch is then the difference of two roundings of the same slope.
    fn has_turn(&self, place: usize, epoch: u64) -> bool {
        let (n, more) = (self.turns.len() as u64, self.more as u64);
        let at = place as u64 + epoch % n;
        (at + 1) * more / n > at * more / n
    }
}
