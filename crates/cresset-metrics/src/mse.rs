//! Mean squared error.

use crate::error::{MetricError, check_pairs};

/// The mean of the squared differences, in the square of the numbers' unit. Equal to scikit-learn's `mean_squared_error`.
///
/// # Errors
/// Lists of different lengths; empty lists.
pub fn mse(predictions: &[f64], references: &[f64]) -> Result<f64, MetricError> {
    check_pairs(predictions.len(), references.len())?;
    let squares = predictions
        .iter()
        .zip(references)
        .map(|(prediction, reference)| (prediction - reference).powi(2));
    Ok(squares.sum::<f64>() / predictions.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_squared_and_averaged() {
        assert_eq!(mse(&[1.0, 2.5, -1.0], &[0.5, 3.0, 1.0]), Ok(1.5));
    }
}
