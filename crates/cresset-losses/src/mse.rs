//! Squared errors of predicted numbers.

use burn::tensor::Tensor;

/// `sum_i w_i (p_i - y_i)^2`: the loss of a regression. Divided by [`mse_count`] it is PyTorch's `MSELoss`.
///
/// # Shapes
/// predictions, targets: `[n]`, row_weights: `[n]`, every row counting 1 without them; out: `[1]`, in the square of the
/// targets' unit
pub fn mse(
    predictions: Tensor<1>,
    targets: Tensor<1>,
    row_weights: Option<Tensor<1>>,
) -> Tensor<1> {
    let error = predictions - targets;
    let squares = error.clone() * error;
    match row_weights {
        Some(weights) => (squares * weights).sum(),
        None => squares.sum(),
    }
}

/// The denominator of [`mse`]: the weights of the rows, added up on the host; without weights the number of rows.
pub fn mse_count(n_rows: usize, row_weights: Option<&[f32]>) -> f64 {
    row_weights.map_or(n_rows as f64, |weights| {
        weights.iter().map(|&weight| f64::from(weight)).sum()
    })
}
