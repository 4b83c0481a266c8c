//! Accuracy.

use crate::error::{MetricError, check_pairs};

/// The share of predictions that equal their reference, 0 to 1. Equal to scikit-learn's `accuracy_score`.
///
/// # Errors
/// Lists of different lengths; empty lists.
pub fn accuracy<T: PartialEq>(predictions: &[T], references: &[T]) -> Result<f64, MetricError> {
    check_pairs(predictions.len(), references.len())?;
    let correct = predictions
        .iter()
        .zip(references)
        .filter(|(prediction, reference)| prediction == reference)
        .count();
    Ok(correct as f64 / predictions.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_is_the_share_of_equal_rows() {
        assert_eq!(accuracy(&[0, 1, 1, 2], &[0, 1, 2, 2]), Ok(0.75));
        assert_eq!(accuracy(&["yes"], &["no"]), Ok(0.0));
    }
}
