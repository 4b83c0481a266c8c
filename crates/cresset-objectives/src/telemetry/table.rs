//! Rows of a table of token vectors among the others.

use cresset_train::Neighbour;
use rayon::prelude::*;

use crate::values::Wide;

/// A table on the host.
pub(super) struct Table {
    pub(super) values: Vec<f32>,
    pub(super) size: usize,
}

/// The rows of the vocabulary's ordinary tokens, and what they have in common.
pub(super) struct Ordinary<'a> {
    rows: &'a [usize],
    /// The length of each.
    norms: Vec<f64>,
    /// Their mean.
    pub(super) mean: Vec<f64>,
    /// The mean of their lengths.
    pub(super) mean_norm: f64,
}

impl Table {
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.size..(row + 1) * self.size]
    }

    /// Goes over the rows of ordinary tokens.
    pub(super) fn ordinary<'a>(&self, rows: &'a [usize]) -> Ordinary<'a> {
        let norms: Vec<f64> = rows.par_iter().map(|&row| norm(self.row(row))).collect();
        let n = rows.len().max(1) as f64;
        let mut mean = vec![0.0; self.size];
        for &row in rows {
            let row = self.row(row).iter();
            mean.iter_mut().zip(row).for_each(|(m, x)| *m += x.wide());
        }
        mean.iter_mut().for_each(|m| *m /= n);
        Ordinary {
            rows,
            mean_norm: norms.iter().sum::<f64>() / n,
            norms,
            mean,
        }
    }

    /// The ordinary rows of the largest cosine with one, itself left out, the nearest first. A vector of zeros is near to none.
    pub(super) fn nearest(
        &self,
        row: usize,
        n: usize,
        ordinary: &Ordinary<'_>,
        name: impl Fn(u32) -> String,
    ) -> Vec<Neighbour> {
        let (own, length) = (self.row(row), norm(self.row(row)));
        let others = ordinary.rows.par_iter().zip(&ordinary.norms);
        let mut cosines: Vec<(usize, f64)> = others
            .filter(|(other, norm)| **other != row && **norm * length > 0.0)
            .map(|(&other, norm)| (other, dot(self.row(other), own) / (norm * length)))
            .collect();
        cosines.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let named = |(row, cosine): (usize, f64)| Neighbour {
            token: name(row as u32),
            id: row as u32,
            cosine,
        };
        cosines.into_iter().take(n).map(named).collect()
    }
}

/// The length of a vector.
pub(super) fn norm<T: Wide>(vector: &[T]) -> f64 {
    dot(vector, vector).sqrt()
}

/// The cosine of two vectors; none if one is zero.
pub(super) fn cosine<A: Wide, B: Wide>(a: &[A], b: &[B]) -> Option<f64> {
    let lengths = norm(a) * norm(b);
    (lengths > 0.0).then(|| (dot(a, b) / lengths).clamp(-1.0, 1.0))
}

/// How far two vectors are from each other.
pub(super) fn distance<A: Wide, B: Wide>(a: &[A], b: &[B]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a.wide() - b.wide()).powi(2));
    squares.sum::<f64>().sqrt()
}

/// In eight sums, so that it vectorises.
fn dot<A: Wide, B: Wide>(a: &[A], b: &[B]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    for (a, b) in a8.iter().zip(b8) {
        for lane in 0..8 {
            sums[lane] += a[lane].wide() * b[lane].wide();
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a.wide() * b.wide());
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_the_ordinary_rows_and_so_are_the_neighbours() {
        // Rows 0 and 4 are special, row 3 is zero.
        let values = [0.0, 5.0, 3.0, 4.0, 1.0, 0.0, 0.0, 0.0, 0.0, 9.0];
        let table = Table {
            values: values.to_vec(),
            size: 2,
        };
        let rows = [1, 2];
        let ordinary = table.ordinary(&rows);
        assert_eq!(ordinary.mean, [2.0, 2.0]);
        assert_eq!(ordinary.mean_norm, 3.0);
        let near = |row| table.nearest(row, 5, &ordinary, |id| format!("t{id}"));
        let names = |row| -> Vec<(String, f64)> {
            near(row).into_iter().map(|n| (n.token, n.cosine)).collect()
        };
        assert_eq!(names(0), [("t1".to_owned(), 0.8), ("t2".to_owned(), 0.0)]);
        assert_eq!(names(1), [("t2".to_owned(), 0.6)]);
        assert_eq!(near(3), []);
    }

    #[test]
    fn a_vector_of_zeros_has_a_distance_but_no_cosine() {
        let (zeros, other) = ([0.0f32; 9], [2.0f64; 9]);
        assert_eq!(cosine(&zeros, &other), None);
        assert_eq!(distance(&zeros, &other), 6.0);
        assert!((cosine(&other, &other).expect("not zero") - 1.0).abs() < 1e-12);
    }
}
