//! Distillation: a student learns a teacher's whole distribution.

use burn::tensor::Tensor;

use crate::rows::{kept_rows, log_softmax, weighted_sum};

/// `T^2 sum_i KL(softmax(t_i / T) || softmax(s_i / T))` over the rows that are kept, of a teacher's logits `t` and a
/// student's `s` (Hinton et al. 2015, "Distilling the knowledge in a neural network", section 2).
///
/// The factor keeps the gradient's size when the temperature changes, so that the weight against a cross entropy of the
/// true labels, which is the caller's to add, need not. The teacher's logits are detached: nothing flows back into it.
/// The paper writes the cross entropy with the teacher, which differs by its entropy, a constant. The denominator is
/// [`kept`](crate::kept).
///
/// # Shapes
/// student, teacher: finite logits `[n, classes]`; keep: `[n]`, 1 where a row counts and 0 elsewhere, all rows without it;
/// a row of 0 contributes exactly nothing, whatever its logits are; temperature: a factor above 0; out: `[1]`, in nats
///
/// # Panics
/// If the temperature is not above 0.
pub fn distillation(
    student: Tensor<2>,
    teacher: Tensor<2>,
    temperature: f64,
    keep: Option<Tensor<1>>,
) -> Tensor<1> {
    assert!(temperature > 0.0, "a temperature is above 0");
    let log_p = log_softmax(kept_rows(teacher.detach(), keep.as_ref()) / temperature);
    let log_q = log_softmax(kept_rows(student, keep.as_ref()) / temperature);
    let divergence = (log_p.clone().exp() * (log_p - log_q)).sum_dim(1);
    weighted_sum(divergence, keep) * (temperature * temperature)
}
