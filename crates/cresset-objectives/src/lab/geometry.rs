//! The shape of a cloud of vectors: how alike its directions are, and how many of them it uses.

use serde::Serialize;

use super::logistic::{Rows, dot};

/// A cloud of one vector per text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cloud {
    /// Vectors.
    pub n: usize,
    /// Width of a vector.
    pub width: usize,
    /// Mean cosine of two different texts' vectors: 0 where directions are spread evenly, 1 where all are the same (Ethayarajh 2019).
    pub mean_cosine: f64,
    /// The same over pairs of one class; none without classes.
    pub within_classes: Option<f64>,
    /// The same over pairs of two classes.
    pub between_classes: Option<f64>,
    /// `exp` of the entropy of the covariance's spectrum, its eigenvalues as shares of their sum (Roy & Vetterli 2007): how many directions
    /// the vectors differ in, at most the smaller of the width and `n - 1`. None where all vectors are the same.
    pub effective_rank: Option<f64>,
    /// The largest eigenvalue's share of the variance.
    pub first_direction: Option<f64>,
}

/// Variances below this share of the vectors' mean square are what rounding leaves of vectors that are the same.
const NO_VARIANCE: f64 = 1e-10;

/// Looks at vectors, with the class of each if there are classes.
pub(crate) fn cloud(vectors: &Rows, classes: Option<&[usize]>) -> Cloud {
    let n = vectors.len();
    let unit = unit_rows(vectors);
    let everything: Vec<usize> = vec![0; n];
    let (all, _) = mean_cosines(&unit, &everything);
    let by_class = classes.map(|classes| mean_cosines(&unit, classes));
    let shares = spectrum(vectors);
    Cloud {
        n,
        width: vectors.width,
        mean_cosine: all.unwrap_or(f64::NAN),
        within_classes: by_class.and_then(|(within, _)| within),
        between_classes: by_class.and_then(|(_, between)| between),
        effective_rank: shares.as_ref().map(|shares| {
            let positive = shares.iter().filter(|p| **p > 0.0);
            positive.map(|p| -p * p.ln()).sum::<f64>().exp()
        }),
        first_direction: shares.map(|shares| shares.iter().copied().fold(0.0, f64::max)),
    }
}

/// Rows scaled to length 1; a row of zeros stays one.
fn unit_rows(rows: &Rows) -> Rows {
    let row = |index: usize| {
        let row = rows.row(index);
        let length = dot(row, row).sqrt().max(1e-300);
        row.iter().map(move |x| x / length)
    };
    Rows {
        values: (0..rows.len()).flat_map(row).collect(),
        width: rows.width,
    }
}

/// The mean cosine of pairs of one class and of pairs of two classes, where there are such pairs: from the sums of the classes' unit
/// vectors, so that no pair is looked at.
fn mean_cosines(unit: &Rows, classes: &[usize]) -> (Option<f64>, Option<f64>) {
    let n_classes = classes.iter().max().map_or(0, |largest| largest + 1);
    let mut sums = vec![vec![0.0; unit.width]; n_classes];
    let mut counts = vec![0usize; n_classes];
    let mut own = vec![0.0; n_classes];
    for (index, &class) in classes.iter().enumerate() {
        let row = unit.row(index);
        sums[class].iter_mut().zip(row).for_each(|(s, x)| *s += x);
        counts[class] += 1;
        own[class] += dot(row, row);
    }
    let mut total = vec![0.0; unit.width];
    for sum in &sums {
        total.iter_mut().zip(sum).for_each(|(t, s)| *t += s);
    }
    let within: f64 = sums.iter().map(|sum| dot(sum, sum)).sum();
    let pairs_within: usize = counts.iter().map(|n| n * n.saturating_sub(1)).sum();
    let n = classes.len();
    let pairs_between = n * n.saturating_sub(1) - pairs_within;
    let mean = |sum: f64, pairs: usize| (pairs > 0).then(|| sum / pairs as f64);
    (
        mean(within - own.iter().sum::<f64>(), pairs_within),
        mean(dot(&total, &total) - within, pairs_between),
    )
}

/// The eigenvalues of the covariance as shares of their sum; `None` where the vectors do not differ.
fn spectrum(vectors: &Rows) -> Option<Vec<f64>> {
    let (n, width) = (vectors.len(), vectors.width);
    let mut mean = vec![0.0; width];
    for index in 0..n {
        let row = vectors.row(index);
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, x)| *m += x / n as f64);
    }
    let centred: Vec<Vec<f64>> = (0..n)
        .map(|index| {
            let row = vectors.row(index).iter().zip(&mean);
            row.map(|(x, m)| x - m).collect()
        })
        .collect();
    let variance: f64 = centred.iter().map(|row| dot(row, row)).sum();
    let size: f64 = (0..n).map(|i| dot(vectors.row(i), vectors.row(i))).sum();
    if variance <= NO_VARIANCE * size || variance == 0.0 {
        return None;
    }
    // The products of columns with each other and those of rows have the same eigenvalues but for zeros: the smaller matrix will do.
    let columns: Vec<Vec<f64>> = if n <= width {
        centred
    } else {
        (0..width)
            .map(|column| centred.iter().map(|row| row[column]).collect())
            .collect()
    };
    let matrix: Vec<Vec<f64>> = columns
        .iter()
        .map(|a| columns.iter().map(|b| dot(a, b) / variance).collect())
        .collect();
    Some(
        eigenvalues(matrix)
            .into_iter()
            .map(|e| e.max(0.0))
            .collect(),
    )
}

/// The eigenvalues of a symmetric matrix: Householder's reflections to a tridiagonal one, then bisection by Sturm sequences (Golub &
/// Van Loan 2013, sections 8.3 and 8.4).
fn eigenvalues(mut a: Vec<Vec<f64>>) -> Vec<f64> {
    let n = a.len();
    let (mut diagonal, mut beside) = (vec![0.0; n], vec![0.0; n.saturating_sub(1)]);
    for k in 0..n {
        diagonal[k] = a[k][k];
        if k + 1 == n {
            break;
        }
        let mut v: Vec<f64> = (k + 1..n).map(|i| a[i][k]).collect();
        let length = dot(&v, &v).sqrt();
        let alpha = if v[0] > 0.0 { -length } else { length };
        beside[k] = alpha;
        v[0] -= alpha;
        let square = dot(&v, &v);
        if square <= f64::MIN_POSITIVE {
            beside[k] = a[k + 1][k];
            continue;
        }
        // A - v w^T - w v^T with w = p - (beta / 2)(p . v) v and p = beta A v.
        let beta = 2.0 / square;
        let p: Vec<f64> = (k + 1..n).map(|i| beta * dot(&a[i][k + 1..], &v)).collect();
        let half = beta / 2.0 * dot(&p, &v);
        let w: Vec<f64> = p.iter().zip(&v).map(|(p, v)| p - half * v).collect();
        for i in k + 1..n {
            let (vi, wi) = (v[i - k - 1], w[i - k - 1]);
            let rest = a[i][k + 1..].iter_mut().zip(v.iter().zip(&w));
            rest.for_each(|(a, (v, w))| *a -= vi * w + wi * v);
        }
    }
    tridiagonal(&diagonal, &beside)
}

fn tridiagonal(diagonal: &[f64], beside: &[f64]) -> Vec<f64> {
    let around = |i: usize| {
        let left = i.checked_sub(1).map_or(0.0, |i| beside[i].abs());
        left + beside.get(i).map_or(0.0, |b| b.abs())
    };
    let ends = (0..diagonal.len()).map(|i| (diagonal[i] - around(i), diagonal[i] + around(i)));
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), end| {
        (low.min(end.0), high.max(end.1))
    });
    // How many eigenvalues lie below a number: the negative pivots of the shifted matrix.
    let below = |x: f64| {
        let mut pivot = 1.0f64;
        let mut count = 0;
        for (i, d) in diagonal.iter().enumerate() {
            let square = i.checked_sub(1).map_or(0.0, |i| beside[i] * beside[i]);
            pivot = d - x - square / pivot;
            if pivot.abs() < 1e-300 {
                pivot = -1e-300;
            }
            count += usize::from(pivot < 0.0);
        }
        count
    };
    let bisect = |index: usize| {
        let (mut low, mut high) = (low, high);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            match below(middle) > index {
                true => high = middle,
                false => low = middle,
            }
        }
        (low + high) / 2.0
    };
    (0..diagonal.len()).map(bisect).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waves(n: usize) -> Rows {
        let wave = |i: usize, k: usize| (i as f64 * (k + 1) as f64 * 0.37).sin() * (k + 1) as f64;
        let values = (0..n).flat_map(|i| (0..6).map(move |k| wave(i, k)));
        Rows {
            values: values.collect(),
            width: 6,
        }
    }

    #[test]
    fn the_effective_rank_equals_numpys_for_many_vectors_and_for_few() {
        // Of scripts/golden_probe.py.
        for (n, rank, first) in [
            (30, 4.181937451, 0.409637564),
            (4, 2.104519880, 0.655639922),
        ] {
            let cloud = cloud(&waves(n), None);
            let (ours, share) = (cloud.effective_rank, cloud.first_direction);
            assert!((ours.expect("they differ") - rank).abs() < 1e-6, "{ours:?}");
            assert!(
                (share.expect("they differ") - first).abs() < 1e-6,
                "{share:?}"
            );
        }
    }

    #[test]
    fn equal_directions_have_cosine_one_and_opposite_classes_minus_one() {
        let values = vec![1.0, 0.0, 2.0, 0.0, -1.0, 0.0, -3.0, 0.0];
        let rows = Rows { values, width: 2 };
        let seen = cloud(&rows, Some(&[0, 0, 1, 1]));
        assert!((seen.within_classes.expect("pairs") - 1.0).abs() < 1e-12);
        assert!((seen.between_classes.expect("pairs") + 1.0).abs() < 1e-12);
        assert!((seen.mean_cosine + 1.0 / 3.0).abs() < 1e-12);
        assert!((seen.effective_rank.expect("they differ") - 1.0).abs() < 1e-6);
    }

    #[test]
    fn vectors_that_are_all_the_same_have_no_rank() {
        let rows = Rows {
            values: [0.1, 0.2, 0.3].repeat(5),
            width: 3,
        };
        let seen = cloud(&rows, None);
        assert_eq!((seen.effective_rank, seen.first_direction), (None, None));
        assert!((seen.mean_cosine - 1.0).abs() < 1e-12);
    }
}
