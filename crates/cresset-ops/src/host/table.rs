//! Rows of a table.

use rayon::prelude::*;

/// Rows per task.
const ROWS: usize = 64;

/// The rows of these ids.
pub(crate) fn rows(table: &[f32], width: usize, ids: &[u32]) -> Vec<f32> {
    let mut out = vec![0.0; ids.len() * width];
    let width = width.max(1);
    out.par_chunks_mut(ROWS * width)
        .zip(ids.par_chunks(ROWS))
        .for_each(|(out, ids)| {
            for (out, &id) in out.chunks_exact_mut(width).zip(ids) {
                let first = id as usize * width;
                out.copy_from_slice(&table[first..first + width]);
            }
        });
    out
}

/// Adds a row to the table for each id, in the order of the ids, however many threads there are: a task has some rows of the
/// table to itself.
///
/// # Panics
/// If an id is not in the table.
pub(crate) fn add_rows(table: &mut [f32], width: usize, ids: &[u32], rows: &[f32]) {
    let width = width.max(1);
    let n = table.len() / width;
    if let Some(id) = ids.iter().find(|&&id| id as usize >= n) {
        panic!("id {id} of a table of {n} rows");
    }
    let per_task = n.div_ceil(4 * rayon::current_num_threads()).max(ROWS);
    table
        .par_chunks_mut(per_task * width)
        .enumerate()
        .for_each(|(task, table)| {
            let own = (task * per_task) as u32..((task + 1) * per_task) as u32;
            for (row, id) in rows.chunks_exact(width).zip(ids) {
                if !own.contains(id) {
                    continue;
                }
                let first = (id - own.start) as usize * width;
                for (total, v) in table[first..first + width].iter_mut().zip(row) {
                    *total += v;
                }
            }
        });
}
