//! Cross entropy over classes.

use burn::tensor::{Int, Tensor, TensorData};
use cresset_ops::softmax_cross_entropy;

/// What counts how much in [`cross_entropy`]. By default every row counts 1 and nothing is smoothed.
#[derive(Clone, Debug, Default)]
pub struct CrossEntropyOptions {
    /// Share of the target's probability that is spread over all classes.
    pub label_smoothing: f64,
    /// Weight of each class: a row counts with the weight of its target.
    pub class_weights: Option<Vec<f32>>,
    /// Weight of each row, `[n]`; a row of weight 0 contributes exactly nothing, whatever its logits are. Given both, a
    /// row counts with the product.
    pub row_weights: Option<Tensor<1>>,
}

/// `-sum_i w_i log softmax(z_i)[y_i]`.
///
/// With smoothing `s` the target distribution is `1 - s` at the target plus `s / classes` everywhere (Szegedy et al.
/// 2016). A row's weight is that of its target also under smoothing; PyTorch weighs the smoothed part class by class.
///
/// # Shapes
/// logits: `[n, classes]`, targets: `[n]`, out: `[1]`, in nats
///
/// # Panics
/// If a target is not below the number of classes, or the class weights are not one per class.
pub fn cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    options: CrossEntropyOptions,
) -> Tensor<1> {
    let [n, n_classes] = logits.dims();
    let device = logits.device();
    let of_classes = options.class_weights.map(|weights| {
        assert_eq!(weights.len(), n_classes, "one weight per class");
        Tensor::<1>::from_data(TensorData::new(weights, [n_classes]), &device)
            .select(0, targets.clone())
    });
    let weights = match (of_classes, options.row_weights) {
        (Some(a), Some(b)) => a * b,
        (Some(weights), None) | (None, Some(weights)) => weights,
        (None, None) => Tensor::ones([n], &device),
    };
    softmax_cross_entropy(logits, targets, weights, options.label_smoothing)
}

/// The denominator of [`cross_entropy`] under class weights: the weights of the targets, added up on the host.
///
/// # Panics
/// If a target has no weight.
pub fn weight_sum(targets: &[u32], class_weights: &[f32]) -> f64 {
    targets
        .iter()
        .map(|&target| f64::from(class_weights[target as usize]))
        .sum()
}
