//! What the losses over rows of logits or vectors share: rows that do not count, and stable logarithms and norms.

use burn::tensor::Tensor;

/// Rows of weight 0 become zeros, so that whatever stood there, "not a number" included, reaches neither the loss nor a
/// gradient.
pub(crate) fn kept_rows(values: Tensor<2>, weights: Option<&Tensor<1>>) -> Tensor<2> {
    let [n, width] = values.dims();
    match weights {
        Some(weights) => {
            let ignored = weights.clone().reshape([n, 1]).equal_elem(0.0);
            values.mask_fill(ignored.expand([n, width]), 0.0)
        }
        None => values,
    }
}

/// The sum of `[n, 1]` values, each times its row's weight.
pub(crate) fn weighted_sum(values: Tensor<2>, weights: Option<Tensor<1>>) -> Tensor<1> {
    let [n, _] = values.dims();
    match weights {
        Some(weights) => (values * weights.reshape([n, 1])).sum(),
        None => values.sum(),
    }
}

/// `log sum_k exp(z_k)` of each row, `[n, 1]`. The shift by the largest value cancels in value and gradient.
pub(crate) fn log_sum_exp(logits: Tensor<2>) -> Tensor<2> {
    let most = logits.clone().detach().max_dim(1);
    (logits - most.clone()).exp().sum_dim(1).log() + most
}

/// `log softmax(z)` of each row.
pub(crate) fn log_softmax(logits: Tensor<2>) -> Tensor<2> {
    // In two steps: the shift leaves small numbers, which the second difference keeps to full precision.
    let shifted = logits.clone() - logits.detach().max_dim(1);
    shifted.clone() - shifted.exp().sum_dim(1).log()
}

/// Each row divided by its Euclidean norm; a row of zeros stays one, with a gradient of zero.
pub(crate) fn unit_rows(vectors: Tensor<2>) -> Tensor<2> {
    let scaled = vectors.clone() / scale(&vectors);
    scaled.clone() / norm_of_scaled(scaled)
}

/// The Euclidean norm of each row, `[n, 1]`; a row of zeros has a gradient of zero.
pub(crate) fn norm(vectors: Tensor<2>) -> Tensor<2> {
    let scale = scale(&vectors);
    norm_of_scaled(vectors / scale.clone()) * scale
}

/// The largest absolute value of each row, as a constant: divided by it, squares neither overflow nor vanish. It cancels
/// in direction and norm, so it needs no gradient.
fn scale(vectors: &Tensor<2>) -> Tensor<2> {
    let most = vectors.clone().detach().abs().max_dim(1);
    most.clamp_min(1e-30)
}

fn norm_of_scaled(vectors: Tensor<2>) -> Tensor<2> {
    let squares = vectors.clone() * vectors;
    // Above zero, where the root has a slope; a row that is not zeros has at least 1 here.
    squares.sum_dim(1).clamp_min(1e-12).sqrt()
}
