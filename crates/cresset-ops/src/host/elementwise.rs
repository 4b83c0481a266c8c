//! Dropout, the activations, gates and residual sums.

use rayon::prelude::*;

use super::array::Array;
use super::math::{erf, exp, tanh, vectorised};
use crate::activation::Activation;
use crate::fused::{Keep, Kernel, Reads};
use crate::run::DropoutKey;

/// Elements per task.
const CHUNK: usize = 16 * 1024;

/// `out[i] = f(i, x[i])`, in parallel.
fn map(x: &[f32], f: impl Fn(u32, f32) -> f32 + Sync) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(CHUNK)
        .zip(x.par_chunks(CHUNK))
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
    out
}

/// `x[i] = f(i, x[i])`, in parallel.
fn change(x: &mut [f32], f: impl Fn(u32, f32) -> f32 + Sync) {
    x.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, x)| {
        let first = (chunk * CHUNK) as u32;
        vectorised(
            #[inline(always)]
            || {
                for (i, x) in (first..).zip(x.iter_mut()) {
                    *x = f(i, *x);
                }
            },
        );
    });
}

/// See [`crate::dropout`]. The factors are hashed again in the backward pass.
#[derive(Debug)]
pub(crate) struct Dropout(pub(crate) DropoutKey);

impl Kernel for Dropout {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let out = map(
            &inputs[0].values,
            #[inline(always)]
            |i, x| x * self.0.factor(i),
        );
        (Array::new(out, &inputs[0].shape), Vec::new())
    }

    fn reads(&self) -> Reads {
        Reads::Nothing
    }

    fn backward(&self, _: &[Array<'_>], _: Vec<Array<'_>>, grad: Array<'_>) -> Vec<Array<'static>> {
        vec![dropped(grad, &self.0)]
    }
}

/// The same values times their factors.
fn dropped(grad: Array<'_>, key: &DropoutKey) -> Array<'static> {
    let shape = grad.shape.clone();
    let mut values = grad.into_values();
    change(
        &mut values,
        #[inline(always)]
        |i, g| g * key.factor(i),
    );
    Array::new(values, &shape)
}

/// See [`crate::residual_sum`]. Inputs: x and the branch.
#[derive(Debug)]
pub(crate) struct ResidualSum(pub(crate) DropoutKey);

impl Kernel for ResidualSum {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let (x, branch) = (&inputs[0].values, &inputs[1].values);
        let mut out = vec![0.0; x.len()];
        let parts = x.par_chunks(CHUNK).zip(branch.par_chunks(CHUNK));
        out.par_chunks_mut(CHUNK)
            .zip(parts)
            .enumerate()
            .for_each(|(chunk, (out, (x, branch)))| {
                let first = (chunk * CHUNK) as u32;
                vectorised(
                    #[inline(always)]
                    || {
                        let pairs = x.iter().zip(branch);
                        for (i, (out, (x, branch))) in (first..).zip(out.iter_mut().zip(pairs)) {
                            *out = x + branch * self.0.factor(i);
                        }
                    },
                );
            });
        (Array::new(out, &inputs[0].shape), Vec::new())
    }

    fn reads(&self) -> Reads {
        Reads::Nothing
    }

    fn backward(&self, _: &[Array<'_>], _: Vec<Array<'_>>, grad: Array<'_>) -> Vec<Array<'static>> {
        let of_branch = map(
            &grad.values,
            #[inline(always)]
            |i, g| g * self.0.factor(i),
        );
        let shape = grad.shape.clone();
        vec![
            Array::new(grad.into_values(), &shape),
            Array::new(of_branch, &shape),
        ]
    }
}

impl Activation {
    /// The function over some elements.
    #[inline(always)]
    pub(super) fn apply(self, values: &mut [f32]) {
        match self {
            Activation::Gelu => each(values, gelu),
            Activation::GeluTanh => each(values, gelu_tanh),
            Activation::Relu => each(values, relu),
            Activation::Silu => each(values, silu),
            Activation::Tanh => each(values, tanh),
        }
    }

    /// Gradients times the function's derivative at `x`, over some elements.
    #[inline(always)]
    pub(super) fn apply_backward(self, grad: &mut [f32], x: &[f32]) {
        match self {
            Activation::Gelu => each_by(grad, x, gelu_slope),
            Activation::GeluTanh => each_by(grad, x, gelu_tanh_slope),
            Activation::Relu => each_by(grad, x, relu_slope),
            Activation::Silu => each_by(grad, x, silu_slope),
            Activation::Tanh => each_by(grad, x, tanh_slope),
        }
    }
}

#[inline(always)]
fn each(values: &mut [f32], f: impl Fn(f32) -> f32) {
    vectorised(
        #[inline(always)]
        || {
            for value in values.iter_mut() {
                *value = f(*value);
            }
        },
    );
}

#[inline(always)]
fn each_by(grad: &mut [f32], x: &[f32], slope: impl Fn(f32) -> f32) {
    vectorised(
        #[inline(always)]
        || {
            for (grad, &x) in grad.iter_mut().zip(x) {
                *grad *= slope(x);
            }
        },
    );
}

/// The standard normal distribution function.
#[inline(always)]
fn share_below(x: f32) -> f32 {
    0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    x * share_below(x)
}

#[inline(always)]
fn gelu_slope(x: f32) -> f32 {
    /// 1 / sqrt(2 pi)
    const DENSITY: f32 = 0.398_942_3;
    share_below(x) + x * DENSITY * exp(-0.5 * x * x)
}

/// sqrt(2 / pi)
const INNER: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    0.5 * x * (1.0 + tanh(INNER * (x + CUBIC * x * x * x)))
}

#[inline(always)]
fn gelu_tanh_slope(x: f32) -> f32 {
    let t = tanh(INNER * (x + CUBIC * x * x * x));
    let inner = INNER * (1.0 + 3.0 * CUBIC * x * x);
    0.5 * (1.0 + t + x * (1.0 - t * t) * inner)
}

#[inline(always)]
fn relu(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 * x }
}

#[inline(always)]
fn relu_slope(x: f32) -> f32 {
    if x > 0.0 { 1.0 } else { 0.0 }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn silu(x: f32) -> f32 {
    x * sigmoid(x)
}

#[inline(always)]
fn silu_slope(x: f32) -> f32 {
    let s = sigmoid(x);
    s * (1.0 + x * (1.0 - s))
}

#[inline(always)]
fn tanh_slope(x: f32) -> f32 {
    let t = tanh(x);
    1.0 - t * t
}

/// See [`Activation::forward`].
#[derive(Debug)]
pub(crate) struct Activate(pub(crate) Activation);

impl Kernel for Activate {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let x = &inputs[0];
        let mut out = vec![0.0; x.values.len()];
        out.par_chunks_mut(CHUNK)
            .zip(x.values.par_chunks(CHUNK))
            .for_each(|(out, x)| {
                out.copy_from_slice(x);
                self.0.apply(out);
            });
        (Array::new(out, &x.shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let x = &inputs[0];
        let mut values = grad.into_values();
        values
            .par_chunks_mut(CHUNK)
            .zip(x.values.par_chunks(CHUNK))
            .for_each(|(grad, x)| self.0.apply_backward(grad, x));
        vec![Array::new(values, &x.shape)]
    }
}

/// See [`crate::gated`]. Inputs: the gate before its activation, and what it opens.
#[derive(Debug)]
pub(crate) struct Gated(pub(crate) Activation);

impl Kernel for Gated {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let (gate, up) = (&inputs[0], &inputs[1]);
        let mut out = vec![0.0; gate.values.len()];
        let parts = gate
            .values
            .par_chunks(CHUNK)
            .zip(up.values.par_chunks(CHUNK));
        out.par_chunks_mut(CHUNK)
            .zip(parts)
            .for_each(|(out, (gate, up))| {
                out.copy_from_slice(gate);
                self.0.apply(out);
                each_by_value(out, up);
            });
        (Array::new(out, &gate.shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let (gate, up) = (&inputs[0], &inputs[1]);
        let mut of_up = vec![0.0; gate.values.len()];
        let mut of_gate = grad.into_values();
        let inputs = gate
            .values
            .par_chunks(CHUNK)
            .zip(up.values.par_chunks(CHUNK));
        of_up
            .par_chunks_mut(CHUNK)
            .zip(of_gate.par_chunks_mut(CHUNK))
            .zip(inputs)
            .for_each(|((of_up, of_gate), (gate, up))| {
                of_up.copy_from_slice(gate);
                self.0.apply(of_up);
                each_by_value(of_up, of_gate);
                each_by_value(of_gate, up);
                self.0.apply_backward(of_gate, gate);
            });
        vec![
            Array::new(of_gate, &gate.shape),
            Array::new(of_up, &gate.shape),
        ]
    }
}

/// Element by element, `a *= b`.
fn each_by_value(a: &mut [f32], b: &[f32]) {
    each_by(
        a,
        b,
        #[inline(always)]
        |b| b,
    );
}
