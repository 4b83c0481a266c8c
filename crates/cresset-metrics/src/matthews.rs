//! The Matthews correlation coefficient.

use crate::confusion::ConfusionMatrix;

/// Correlation of predicted and true classes, -1 to 1; 0 is chance. Equal to scikit-learn's `matthews_corrcoef`.
///
/// For two classes it is phi of Matthews (1975, "Comparison of the predicted and observed secondary structure of T4
/// phage lysozyme"), for more it is R_K of Gorodkin (2004, "Comparing two K-category assignments by a K-category
/// correlation coefficient"). If all predictions or all references are one class it is undefined; as scikit-learn we
/// say 0.
pub fn matthews(matrix: &ConfusionMatrix) -> f64 {
    let total = matrix.total() as f64;
    let mut joint = 0.0;
    let mut predicted_squares = 0.0;
    let mut support_squares = 0.0;
    for class in 0..matrix.n_classes() {
        let predicted = matrix.predicted(class) as f64;
        let support = matrix.support(class) as f64;
        joint += predicted * support;
        predicted_squares += predicted * predicted;
        support_squares += support * support;
    }
    let covariance = matrix.correct() as f64 * total - joint;
    let variances = (total * total - predicted_squares) * (total * total - support_squares);
    if variances == 0.0 {
        0.0
    } else {
        covariance / variances.sqrt()
    }
}
