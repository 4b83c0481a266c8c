//! Where a list of rows is cut into batches.

use crate::BatchSize;

/// Lengths in ascending order.
pub(crate) fn sorted(lengths: &[u32]) -> Vec<u32> {
    let mut sorted = lengths.to_vec();
    sorted.sort_unstable();
    sorted
}

/// Ends of the batches of rows sorted by length, as many rows in each as its size allows.
pub(crate) fn cut_sorted(lengths: &[u32], size: BatchSize) -> Vec<usize> {
    let budget = match size {
        BatchSize::Examples(_) => return cut_even(lengths.len(), 0, size),
        BatchSize::Tokens(budget) => budget,
    };
    let mut ends = Vec::new();
    let mut start = 0;
    for (i, &length) in lengths.iter().enumerate() {
        // Ascending order: this row is the longest of its batch so far.
        if i > start && (length as usize).saturating_mul(i + 1 - start) > budget {
            ends.push(i);
            start = i;
        }
    }
    if start < lengths.len() {
        ends.push(lengths.len());
    }
    ends
}

/// Ends of batches that all have as many rows as the longest row allows; the last one has the rest.
pub(crate) fn cut_even(n: usize, longest: usize, size: BatchSize) -> Vec<usize> {
    let rows = match size {
        BatchSize::Examples(rows) => rows.max(1),
        BatchSize::Tokens(budget) => (budget / longest.max(1)).max(1),
    };
    (0..n.div_ceil(rows))
        .map(|batch| ((batch + 1) * rows).min(n))
        .collect()
}
