//! Binary cross entropy of labels that hold or do not hold, each for itself.

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Tensor, TensorData};

/// What counts how much in [`bce`]. By default everything counts 1.
#[derive(Clone, Debug, Default)]
pub struct BceOptions {
    /// Weight of each label where it holds, PyTorch's `pos_weight`: above 1 it favours recall, below 1 precision.
    pub positive_weights: Option<Vec<f32>>,
    /// Weight of each row, `[n]`.
    pub row_weights: Option<Tensor<1>>,
}

/// `-sum_ij w_i (p_j y_ij log s(z_ij) + (1 - y_ij) log(1 - s(z_ij)))` with the logistic function `s`: the loss of a
/// multi-label classification. Divided by [`bce_count`] it is PyTorch's `BCEWithLogitsLoss`.
///
/// With `log(1 - s(z)) = log s(z) - z` only logarithms of `s` are taken, and those without computing `s`, so logits of any
/// size give finite values and exact gradients.
///
/// # Shapes
/// logits, targets: `[n, labels]`, targets from 0 to 1; out: `[1]`, in nats
///
/// # Panics
/// If the positive weights are not one per label.
pub fn bce(logits: Tensor<2>, targets: Tensor<2>, options: BceOptions) -> Tensor<1> {
    let [n, n_labels] = logits.dims();
    let absent = targets.clone().neg().add_scalar(1.0);
    let present = match options.positive_weights {
        Some(weights) => {
            assert_eq!(weights.len(), n_labels, "one positive weight per label");
            let weights = TensorData::new(weights, [1, n_labels]);
            targets * Tensor::<2>::from_data(weights, &logits.device())
        }
        None => targets,
    };
    let likelihood = log_sigmoid(logits.clone()) * (present + absent.clone()) - absent * logits;
    match options.row_weights {
        Some(weights) => (likelihood * weights.reshape([n, 1])).sum().neg(),
        None => likelihood.sum().neg(),
    }
}

/// The denominator of [`bce`]: rows times labels, or the weights of the rows times labels. Positive weights do not enter
/// it, as in PyTorch.
pub fn bce_count(n_rows: usize, n_labels: usize, row_weights: Option<&[f32]>) -> f64 {
    crate::mse_count(n_rows, row_weights) * n_labels as f64
}
