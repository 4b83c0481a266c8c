//! Pearson and Spearman correlation.

use crate::error::MetricError;

/// Linear correlation of two lists, -1 to 1. Equal to `scipy.stats.pearsonr`.
///
/// Not a number if one of the lists is constant or holds a value that is not a number: then it is undefined.
///
/// # Errors
/// Lists of different lengths; fewer than two pairs.
pub fn pearson(predictions: &[f64], references: &[f64]) -> Result<f64, MetricError> {
    check(predictions, references)?;
    Ok(correlate(predictions, references))
}

/// Pearson correlation of the ranks, tied values sharing the mean of their ranks. Equal to `scipy.stats.spearmanr`
/// (Spearman, 1904, "The proof and measurement of association between two things").
///
/// Not a number in the cases of [`pearson`].
///
/// # Errors
/// Lists of different lengths; fewer than two pairs.
pub fn spearman(predictions: &[f64], references: &[f64]) -> Result<f64, MetricError> {
    check(predictions, references)?;
    if predictions
        .iter()
        .chain(references)
        .any(|value| value.is_nan())
    {
        return Ok(f64::NAN);
    }
    Ok(correlate(&ranks(predictions), &ranks(references)))
}

fn check(predictions: &[f64], references: &[f64]) -> Result<(), MetricError> {
    if predictions.len() != references.len() {
        return Err(MetricError::LengthMismatch {
            predictions: predictions.len(),
            references: references.len(),
        });
    }
    if predictions.len() < 2 {
        return Err(MetricError::TooFewPairs {
            pairs: predictions.len(),
        });
    }
    Ok(())
}

fn correlate(xs: &[f64], ys: &[f64]) -> f64 {
    if is_constant(xs) || is_constant(ys) {
        return f64::NAN;
    }
    let (xs, ys) = (unit(xs), unit(ys));
    let r: f64 = xs.iter().zip(&ys).map(|(x, y)| x * y).sum();
    r.clamp(-1.0, 1.0)
}

/// Asked of the values themselves: after subtracting a rounded mean a constant list may not look like one.
fn is_constant(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}

/// The list with mean 0 and length 1. Scaled before squaring, so that huge and tiny values do not over- or underflow.
fn unit(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let mut centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let largest = centred.iter().fold(0.0, |a: f64, value| a.max(value.abs()));
    centred.iter_mut().for_each(|value| *value /= largest);
    let norm = centred
        .iter()
        .map(|value| value * value)
        .sum::<f64>()
        .sqrt();
    centred.iter_mut().for_each(|value| *value /= norm);
    centred
}

/// Ranks from 1; equal values get the mean of the ranks they cover.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| {
        values[a]
            .partial_cmp(&values[b])
            .expect("not-a-number values were handled before")
    });
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for &index in tied {
            ranks[index] = rank;
        }
        before += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tied_values_share_the_mean_of_their_ranks() {
        assert_eq!(ranks(&[2.0, 1.0, 2.0, 2.0]), [3.0, 1.0, 3.0, 3.0]);
        assert_eq!(ranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    #[test]
    fn a_constant_list_has_no_correlation() {
        let r = pearson(&[0.1, 0.1, 0.1], &[1.0, 2.0, 3.0]).expect("valid input");
        assert!(r.is_nan());
    }

    #[test]
    fn huge_values_do_not_overflow() {
        let r = pearson(&[1e300, 2e300, 3e300], &[1.0, 2.0, 3.0]).expect("valid input");
        assert!((r - 1.0).abs() < 1e-12);
    }
}
