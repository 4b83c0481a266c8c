//! Vectors in a plane: the two directions in which they differ most (principal component analysis).

/// A plane through vectors.
#[derive(Clone, Debug)]
pub struct Plane {
    mean: Vec<f64>,
    axes: [Vec<f64>; 2],
    /// The share of the variance along each axis.
    pub shares: [f64; 2],
}

/// Rounds of power iteration; it stops when nothing moves.
const ROUNDS: usize = 500;
const STILL: f64 = 1e-10;

impl Plane {
    /// The plane of vectors that are all as wide; `None` where they do not differ.
    pub fn through(rows: &[&[f64]]) -> Option<Plane> {
        let width = rows.first()?.len();
        let mut mean = vec![0.0; width];
        for row in rows {
            let n = rows.len() as f64;
            mean.iter_mut().zip(*row).for_each(|(m, x)| *m += x / n);
        }
        let centred: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| row.iter().zip(&mean).map(|(x, m)| x - m).collect())
            .collect();
        let variance: f64 = centred.iter().map(|row| dot(row, row)).sum();
        let size: f64 = rows.iter().map(|row| dot(row, row)).sum();
        if !variance.is_finite() || variance <= 1e-14 * size {
            return None;
        }
        let first = direction(&centred, None);
        let second = direction(&centred, Some(&first));
        let share = |axis: &[f64]| {
            let along: f64 = centred.iter().map(|row| dot(row, axis).powi(2)).sum();
            along / variance
        };
        let shares = [share(&first), share(&second)];
        Some(Plane {
            mean,
            axes: [first, second],
            shares,
        })
    }

    /// Where a vector stands.
    pub fn place(&self, row: &[f64]) -> [f64; 2] {
        let centred: Vec<f64> = row.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
        [dot(&centred, &self.axes[0]), dot(&centred, &self.axes[1])]
    }
}

/// The direction of the largest variance that is square to another, by power iteration; zeros where nothing is left.
fn direction(rows: &[Vec<f64>], square_to: Option<&[f64]>) -> Vec<f64> {
    let straightened = |mut v: Vec<f64>| {
        if let Some(other) = square_to {
            let along = dot(&v, other);
            v.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
        }
        v
    };
    let all: f64 = rows.iter().map(|row| dot(row, row)).sum();
    // The row that reaches furthest has a part in the wanted direction unless rounding is all that is left.
    let rest = rows.iter().map(|row| straightened(row.clone()));
    let furthest = rest.max_by(|a, b| dot(a, a).total_cmp(&dot(b, b)));
    let mut v = furthest.unwrap_or_default();
    if dot(&v, &v) <= 1e-14 * all {
        return vec![0.0; v.len()];
    }
    scale(&mut v);
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; v.len()];
        for row in rows {
            let along = dot(row, &v);
            next.iter_mut().zip(row).for_each(|(n, x)| *n += along * x);
        }
        let mut next = straightened(next);
        if dot(&next, &next) == 0.0 {
            break;
        }
        scale(&mut next);
        let moved = 1.0 - dot(&next, &v);
        v = next;
        if moved < STILL {
            break;
        }
    }
    // A direction has two senses; the same vectors always get the same one.
    let largest = v.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    if largest.is_some_and(|x| x < 0.0) {
        v.iter_mut().for_each(|x| *x = -*x);
    }
    v
}

fn scale(v: &mut [f64]) {
    let length = dot(v, v).sqrt();
    v.iter_mut().for_each(|x| *x /= length);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(rows: &[Vec<f64>]) -> Option<Plane> {
        let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        Plane::through(&rows)
    }

    #[test]
    fn points_on_a_line_are_explained_by_one_axis_and_keep_their_distances() {
        let rows: Vec<Vec<f64>> = (0..5)
            .map(|i| vec![3.0 * f64::from(i), -4.0 * f64::from(i), 7.0])
            .collect();
        let plane = plane(&rows).expect("they differ");
        assert!((plane.shares[0] - 1.0).abs() < 1e-12, "{:?}", plane.shares);
        assert!(plane.shares[1].abs() < 1e-12, "{:?}", plane.shares);
        let (a, b) = (plane.place(&rows[0]), plane.place(&rows[1]));
        assert!(((a[0] - b[0]).abs() - 5.0).abs() < 1e-9, "{a:?} {b:?}");
    }

    #[test]
    fn the_axes_are_those_of_the_largest_variances() {
        // Along the first coordinate 4 times the deviation of the second, along the third next to nothing.
        let rows = vec![
            vec![8.0, 0.0, 0.1],
            vec![-8.0, 0.0, 0.1],
            vec![0.0, 2.0, -0.1],
            vec![0.0, -2.0, -0.1],
        ];
        let plane = plane(&rows).expect("they differ");
        let all = 128.0 + 8.0 + 0.04;
        assert!((plane.shares[0] - 128.0 / all).abs() < 1e-9);
        assert!((plane.shares[1] - 8.0 / all).abs() < 1e-9);
        assert!((plane.place(&rows[0])[0] - 8.0).abs() < 1e-6);
    }

    #[test]
    fn vectors_that_do_not_differ_have_no_plane() {
        assert!(plane(&[vec![1.0, 2.0], vec![1.0, 2.0]]).is_none());
        assert!(plane(&[]).is_none());
    }
}
