//! Forward and backward of every fused operation against its plain version, in milliseconds.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Int, Tensor};
use cresset_ops::{
    AttentionInput, Causality, KeepMask, PairMask, Qkv, RelativeScores, Run, attention, gelu,
    gelu_tanh, layer_norm, reference, relative_scores, rms_norm, softmax_cross_entropy,
};

const REPEATS: u32 = 10;

/// Mean milliseconds of forward and backward, after one pass to warm up.
fn time<const D: usize>(x: &Tensor<D>, f: impl Fn(Tensor<D>) -> Tensor<1>) -> f64 {
    let pass = || {
        let x = x.clone().detach().require_grad();
        let grads = f(x.clone()).backward();
        x.grad(&grads).expect("a gradient").into_data();
    };
    pass();
    let began = Instant::now();
    (0..REPEATS).for_each(|_| pass());
    began.elapsed().as_secs_f64() * 1e3 / f64::from(REPEATS)
}

fn row(name: &str, fused: f64, plain: f64) {
    println!(
        "{name:<24} {fused:>9.2} {plain:>9.2} {:>8.1}x",
        plain / fused
    );
}

fn main() {
    let device = Device::flex().autodiff();
    let random = |shape| Tensor::<3>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let x = random([16, 128, 1024]);
    let (gamma, beta) = (
        Tensor::<1>::ones([1024], &device),
        Tensor::<1>::zeros([1024], &device),
    );
    println!("{:<24} {:>9} {:>9}", "[16, 128, 1024]", "fused", "plain");
    row(
        "gelu",
        time(&x, |x| gelu(x).sum()),
        time(&x, |x| reference::gelu(x).sum()),
    );
    row(
        "gelu_tanh",
        time(&x, |x| gelu_tanh(x).sum()),
        time(&x, |x| reference::gelu_tanh(x).sum()),
    );
    let norm = |x: Tensor<3>| layer_norm(x, gamma.clone(), beta.clone(), 1e-5).sum();
    let plain = |x: Tensor<3>| reference::layer_norm(x, gamma.clone(), beta.clone(), 1e-5).sum();
    row("layer_norm", time(&x, norm), time(&x, plain));
    let norm = |x: Tensor<3>| rms_norm(x, gamma.clone(), 1e-6).sum();
    let plain = |x: Tensor<3>| reference::rms_norm(x, gamma.clone(), 1e-6).sum();
    row("rms_norm", time(&x, norm), time(&x, plain));

    let logits = Tensor::<2>::random([2048, 8192], Distribution::Normal(0.0, 1.0), &device);
    let targets = Tensor::<1, Int>::zeros([2048], &device);
    let weights = Tensor::<1>::ones([2048], &device);
    let fused = |x| softmax_cross_entropy(x, targets.clone(), weights.clone(), 0.1);
    let plain = |x| reference::softmax_cross_entropy(x, targets.clone(), weights.clone(), 0.1);
    row(
        "cross entropy, 2048x8192",
        time(&logits, fused),
        time(&logits, plain),
    );

    let q = Tensor::<4>::random([16, 128, 4, 64], Distribution::Normal(0.0, 1.0), &device);
    let input = |q: Tensor<4>| AttentionInput {
        qkv: Qkv::Apart {
            k: q.clone(),
            v: q.clone(),
            q,
        },
        bias: None,
        keep: None,
        causality: Causality::Causal,
        scale: 0.125,
        dropout: 0.1,
    };
    let fused = |q| attention(input(q), &Run::training(0, 1, 0)).sum();
    let plain = |q| reference::attention(input(q), &Run::training(0, 1, 0)).sum();
    row("attention, 16x128x4x64", time(&q, fused), time(&q, plain));

    let distances = Tensor::<4>::random([4, 16, 128, 256], Distribution::Normal(0.0, 1.0), &device);
    let kept = PairMask::kept(&KeepMask::all(16, 128, &device));
    let input = |distances: Tensor<4>| RelativeScores {
        distances,
        step: Some((Tensor::zeros([16, 128, 4], &device), kept.clone())),
        sees: kept.clone(),
    };
    row(
        "scores, 16x4x128x128",
        time(&distances, |d| relative_scores(input(d)).sum()),
        time(&distances, |d| reference::relative_scores(input(d)).sum()),
    );
}
