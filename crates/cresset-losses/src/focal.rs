//! Focal loss: cross entropy in which rows that are right already count little.

use burn::tensor::{Int, Tensor, TensorData};

use crate::rows::{kept_rows, log_sum_exp, weighted_sum};

/// How strongly [`focal_loss`] turns to what is wrong, and what counts how much.
#[derive(Clone, Debug)]
pub struct FocalOptions {
    /// The exponent, 0 or more: 0 is cross entropy, the paper's choice is 2.
    pub gamma: f64,
    /// Weight of each class, the paper's alpha: a row counts with the weight of its target.
    pub class_weights: Option<Vec<f32>>,
    /// Weight of each row, `[n]`; a row of weight 0 contributes exactly nothing, whatever its logits are. Given both, a
    /// row counts with the product.
    pub row_weights: Option<Tensor<1>>,
}

impl Default for FocalOptions {
    fn default() -> Self {
        FocalOptions {
            gamma: 2.0,
            class_weights: None,
            row_weights: None,
        }
    }
}

/// `-sum_i w_i (1 - p_i)^gamma log p_i` with `p_i = softmax(z_i)[y_i]` (Lin et al. 2017, "Focal loss for dense object
/// detection", section 3).
///
/// The paper has it over a sigmoid for each class; this is the usual form over a softmax. It divides by the number of
/// boxes with an object; [`focal_count`] counts every row. `log(1 - p)` is taken from the other classes' logits, not from
/// `p`, so a row that is right beyond rounding has the value and the gradient 0 under every `gamma`, below 1 too.
///
/// # Shapes
/// logits: `[n, classes]`, targets: `[n]`, out: `[1]`, in nats
///
/// # Panics
/// If there are fewer than two classes, a target is not below their number, the class weights are not one per class, or
/// `gamma` is below 0.
pub fn focal_loss(logits: Tensor<2>, targets: Tensor<1, Int>, options: FocalOptions) -> Tensor<1> {
    let [n, n_classes] = logits.dims();
    assert!(
        n_classes >= 2,
        "a focal loss needs two classes to choose from"
    );
    assert!(options.gamma >= 0.0, "gamma is 0 or more");
    let device = logits.device();
    let of_classes = options.class_weights.map(|weights| {
        assert_eq!(weights.len(), n_classes, "one weight per class");
        Tensor::<1>::from_data(TensorData::new(weights, [n_classes]), &device)
            .select(0, targets.clone())
    });
    let logits = kept_rows(logits, options.row_weights.as_ref());
    let weights = match (of_classes, options.row_weights) {
        (Some(a), Some(b)) => Some(a * b),
        (weights, None) | (None, weights) => weights,
    };
    let targets = targets.reshape([n, 1]);
    let classes = Tensor::<1, Int>::arange(0..n_classes as i64, &device).reshape([1, n_classes]);
    let is_target = classes
        .expand([n, n_classes])
        .equal(targets.clone().expand([n, n_classes]));
    let total = log_sum_exp(logits.clone());
    let others = log_sum_exp(logits.clone().mask_fill(is_target, f32::NEG_INFINITY));
    let log_p = logits.gather(1, targets) - total.clone();
    let log_missing = others - total;
    let rows = (log_missing * options.gamma).exp() * log_p.neg();
    weighted_sum(rows, weights)
}

/// The denominator of [`focal_loss`]: the weights of the rows, each that of its target's class times its own, added up on
/// the host. Without weights it is the number of rows; the factor `(1 - p)^gamma` does not enter it.
///
/// # Panics
/// If a target has no class weight.
pub fn focal_count(
    targets: &[u32],
    class_weights: Option<&[f32]>,
    row_weights: Option<&[f32]>,
) -> f64 {
    let of_class = |target: u32| class_weights.map_or(1.0, |w| f64::from(w[target as usize]));
    let of_row = |row: usize| row_weights.map_or(1.0, |w| f64::from(w[row]));
    targets
        .iter()
        .enumerate()
        .map(|(row, &target)| of_class(target) * of_row(row))
        .sum()
}
