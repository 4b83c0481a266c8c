//! Dropout and GELU.

use rayon::prelude::*;

use super::array::Array;
use super::math::{erf, exp, tanh, vectorised};
use crate::fused::{Kernel, Reads};
use crate::run::DropoutKey;

/// Elements per task.
const CHUNK: usize = 16 * 1024;

/// `out[i] = f(i, x[i])`, in parallel.
fn map(x: &Array<'_>, f: impl Fn(u32, f32) -> f32 + Sync) -> Array<'static> {
    let mut out = vec![0.0; x.values.len()];
    out.par_chunks_mut(CHUNK)
        .zip(x.values.par_chunks(CHUNK))
        .enumerate()
        .for_each(|(chunk, (out, x))| {
            let first = (chunk * CHUNK) as u32;
            vectorised(
                #[inline(always)]
                || {
                    for (i, (out, &x)) in (first..).zip(out.iter_mut().zip(x)) {
                        *out = f(i, x);
                    }
                },
            );
        });
    Array::new(out, &x.shape)
}

/// `out[i] = f(x[i], g[i])`, in parallel.
fn map_2(x: &Array<'_>, g: &Array<'_>, f: impl Fn(f32, f32) -> f32 + Sync) -> Array<'static> {
    let mut out = vec![0.0; x.values.len()];
    out.par_chunks_mut(CHUNK)
        .zip(x.values.par_chunks(CHUNK))
        .zip(g.values.par_chunks(CHUNK))
        .for_each(|((out, x), g)| {
            vectorised(
                #[inline(always)]
                || {
                    for (out, (&x, &g)) in out.iter_mut().zip(x.iter().zip(g)) {
                        *out = f(x, g);
                    }
                },
            );
        });
    Array::new(out, &x.shape)
}

/// See [`crate::dropout`]. The factors are hashed again in the backward pass.
#[derive(Debug)]
pub(crate) struct Dropout(pub(crate) DropoutKey);

impl Kernel for Dropout {
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>) {
        (
            map(
                &inputs[0],
                #[inline(always)]
                |i, x| x * self.0.factor(i),
            ),
            Vec::new(),
        )
    }

    fn reads(&self) -> Reads {
        Reads::Nothing
    }

    fn backward(&self, _: &[Array<'_>], _: &[Array<'_>], grad: &Array<'_>) -> Vec<Array<'static>> {
        vec![map(
            grad,
            #[inline(always)]
            |i, g| g * self.0.factor(i),
        )]
    }
}

/// See [`crate::gelu`].
#[derive(Debug)]
pub(crate) struct Gelu;

impl Kernel for Gelu {
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>) {
        (
            map(
                &inputs[0],
                #[inline(always)]
                |_, x| x * share_below(x),
            ),
            Vec::new(),
        )
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: &[Array<'_>],
        grad: &Array<'_>,
    ) -> Vec<Array<'static>> {
        /// 1 / sqrt(2 pi)
        const DENSITY: f32 = 0.398_942_3;
        vec![map_2(
            &inputs[0],
            grad,
            #[inline(always)]
            |x, g| g * (share_below(x) + x * DENSITY * exp(-0.5 * x * x)),
        )]
    }
}

/// The standard normal distribution function.
#[inline(always)]
fn share_below(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// See [`crate::gelu_tanh`].
#[derive(Debug)]
pub(crate) struct GeluTanh;

/// sqrt(2 / pi)
const INNER: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

impl Kernel for GeluTanh {
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>) {
        let output = map(
            &inputs[0],
            #[inline(always)]
            |_, x| 0.5 * x * (1.0 + tanh(INNER * (x + CUBIC * x * x * x))),
        );
        (output, Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: &[Array<'_>],
        grad: &Array<'_>,
    ) -> Vec<Array<'static>> {
        vec![map_2(
            &inputs[0],
            grad,
            #[inline(always)]
            |x, g| {
                let t = tanh(INNER * (x + CUBIC * x * x * x));
                let inner = INNER * (1.0 + 3.0 * CUBIC * x * x);
                g * 0.5 * (1.0 + t + x * (1.0 - t * t) * inner)
            },
        )]
    }
}
