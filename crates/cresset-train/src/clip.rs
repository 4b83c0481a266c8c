//! Clipping by the global norm (Pascanu et al. 2013).

/// The factor for every gradient so that their common norm is at most `max_norm`; 1 below it.
///
/// `torch.nn.utils.clip_grad_norm_`: `max_norm / (norm + 1e-6)`, at most 1.
pub fn clip_factor(norm: f64, max_norm: f64) -> f64 {
    (max_norm / (norm + 1e-6)).min(1.0)
}

/// The norm of all tensors together, from each one's sum of squares.
pub fn global_norm(sums_of_squares: &[f64]) -> f64 {
    sums_of_squares.iter().sum::<f64>().sqrt()
}
