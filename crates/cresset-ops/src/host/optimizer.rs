//! AdamW as one pass over a parameter, in place.

use rayon::prelude::*;

use super::math::vectorised;
use crate::{AdamWStep, StepScale};

/// Elements per task.
const CHUNK: usize = 32 * 1024;

/// Updates the parameter and both moments.
pub(crate) fn adamw(param: &mut [f32], grad: &[f32], m: &mut [f32], v: &mut [f32], at: &AdamWStep) {
    let (beta1, beta2) = (at.beta1 as f32, at.beta2 as f32);
    let keep = (1.0 - at.lr * at.weight_decay) as f32;
    let size = (at.lr / at.correction1() * relative_size(param, at.scale)) as f32;
    let root = (1.0 / at.correction2().sqrt()) as f32;
    let epsilon = at.epsilon as f32;
    let grad_scale = at.grad_scale as f32;
    let parts = param.par_chunks_mut(CHUNK).zip(grad.par_chunks(CHUNK));
    parts
        .zip(m.par_chunks_mut(CHUNK))
        .zip(v.par_chunks_mut(CHUNK))
        .for_each(|(((param, grad), m), v)| {
            vectorised(
                #[inline(always)]
                || {
                    for (((param, &grad), m), v) in param
                        .iter_mut()
                        .zip(grad)
                        .zip(m.iter_mut())
                        .zip(v.iter_mut())
                    {
                        let grad = grad * grad_scale;
                        *m = *m * beta1 + grad * (1.0 - beta1);
                        *v = *v * beta2 + grad * grad * (1.0 - beta2);
                        *param = *param * keep - size * *m / (v.sqrt() * root + epsilon);
                    }
                },
            );
        });
}

/// What the learning rate is multiplied by. The sum is taken chunk by chunk in a fixed order, so that the number of threads
/// does not change it.
fn relative_size(param: &[f32], scale: StepScale) -> f64 {
    let StepScale::Relative { floor } = scale else {
        return 1.0;
    };
    let sums: Vec<f64> = param
        .par_chunks(CHUNK)
        .map(|chunk| chunk.iter().map(|&p| f64::from(p) * f64::from(p)).sum())
        .collect();
    (sums.iter().sum::<f64>() / param.len().max(1) as f64)
        .sqrt()
        .max(floor)
}
