//! Forward and backward of the fused operations beside their plain versions, at the shapes of `cresset bench bert-4x256`:
//! 16 rows of 128 tokens, hidden size 256, 4 heads, vocabulary 8192.
//!
//! `cargo bench -p cresset-ops --features bench`, with a part of a name to choose some. `RAYON_NUM_THREADS` sets the threads. The
//! binary's allocator keeps freed pages and the system's, which runs here, does not: large results cost more here than in a
//! training step, in both versions alike.

use std::time::Duration;

use burn::tensor::{Device, Distribution, Int, Tensor};
use cresset_ops::{
    Activation, AdamWStep, Affine, AttentionInput, Causality, Qkv, Residual, Run, ScoreWeight,
    Scores, StepScale, adamw, attention, embedding, gelu, layer_norm, linear, linear_activation,
    linear_cross_entropy, linear_packed, reference, residual_layer_norm, softmax_cross_entropy,
};
use criterion::{Criterion, criterion_group, criterion_main};

const ROWS: usize = 16;
const SEQ: usize = 128;
const HIDDEN: usize = 256;
const INNER: usize = 1024;
const HEADS: usize = 4;
const VOCABULARY: usize = 8192;
const DROPOUT: f64 = 0.1;
const EPSILON: f64 = 1e-12;

criterion_group! {
    name = ops;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    targets = attentions, linears, norms, activations, embeddings, cross_entropies, updates
}
criterion_main!(ops);

fn attentions(c: &mut Criterion) {
    let qkv = leaf([ROWS, SEQ, 3, HEADS, HIDDEN / HEADS]);
    let input = || AttentionInput {
        qkv: Qkv::Packed(qkv.clone()),
        bias: None,
        keep: None,
        causality: Causality::Bidirectional,
        scale: 0.125,
        dropout: DROPOUT,
    };
    compare(
        c,
        "attention",
        || attention(input(), &training()).sum(),
        || reference::attention(input(), &training()).sum(),
    );
}

fn linears(c: &mut Criterion) {
    for (inputs, outputs) in [(HIDDEN, HIDDEN), (HIDDEN, INNER), (INNER, HIDDEN)] {
        let (x, weight, bias) = (
            leaf([ROWS, SEQ, inputs]),
            leaf([inputs, outputs]),
            leaf([outputs]),
        );
        compare(
            c,
            &format!("linear {inputs} to {outputs}"),
            || linear(x.clone(), weight.clone(), Some(bias.clone())).sum(),
            || reference::linear(x.clone(), weight.clone(), Some(bias.clone())).sum(),
        );
    }
    let x = leaf([ROWS, SEQ, HIDDEN]);
    let maps = [(); 3].map(|()| Affine {
        weight: leaf([HIDDEN, HIDDEN]),
        bias: Some(leaf([HIDDEN])),
    });
    compare(
        c,
        "queries, keys and values",
        || linear_packed(x.clone(), maps.to_vec()).sum(),
        || reference::linear_packed(x.clone(), maps.to_vec()).sum(),
    );
    let (weight, bias) = (leaf([HIDDEN, INNER]), leaf([INNER]));
    let inputs = || (x.clone(), weight.clone(), Some(bias.clone()));
    compare(
        c,
        "linear and gelu",
        || {
            let (x, weight, bias) = inputs();
            linear_activation(x, weight, bias, Activation::Gelu).sum()
        },
        || {
            let (x, weight, bias) = inputs();
            reference::linear_activation(x, weight, bias, Activation::Gelu).sum()
        },
    );
}

fn norms(c: &mut Criterion) {
    let [x, branch] = [(); 2].map(|()| leaf([ROWS, SEQ, HIDDEN]));
    let (gamma, beta) = (leaf([HIDDEN]), leaf([HIDDEN]));
    compare(
        c,
        "layer norm",
        || layer_norm(x.clone(), gamma.clone(), beta.clone(), EPSILON).sum(),
        || reference::layer_norm(x.clone(), gamma.clone(), beta.clone(), EPSILON).sum(),
    );
    let sum = || Residual {
        x: x.clone(),
        branch: branch.clone(),
        dropout: DROPOUT,
    };
    let (gamma, beta) = (&gamma, &beta);
    compare(
        c,
        "residual layer norm",
        || residual_layer_norm(sum(), gamma.clone(), beta.clone(), EPSILON, &training()).sum(),
        || {
            let out = reference::residual_layer_norm(
                sum(),
                gamma.clone(),
                beta.clone(),
                EPSILON,
                &training(),
            );
            out.sum()
        },
    );
}

fn activations(c: &mut Criterion) {
    let x = leaf([ROWS, SEQ, INNER]);
    compare(
        c,
        "gelu",
        || gelu(x.clone()).sum(),
        || reference::gelu(x.clone()).sum(),
    );
}

fn embeddings(c: &mut Criterion) {
    let table = leaf([VOCABULARY, HIDDEN]);
    let ids = tokens().reshape([ROWS, SEQ]);
    compare(
        c,
        "embedding",
        || embedding(table.clone(), ids.clone()).sum(),
        || reference::embedding(table.clone(), ids.clone()).sum(),
    );
}

/// At every position, of scores that are there and of scores that need not be.
fn cross_entropies(c: &mut Criterion) {
    let logits = leaf([ROWS * SEQ, VOCABULARY]);
    let targets = tokens();
    let weights = Tensor::<1>::ones([ROWS * SEQ], &device());
    let inputs = || (logits.clone(), targets.clone(), weights.clone());
    compare(
        c,
        "cross entropy",
        || {
            let (logits, targets, weights) = inputs();
            softmax_cross_entropy(logits, targets, weights, 0.0)
        },
        || {
            let (logits, targets, weights) = inputs();
            reference::softmax_cross_entropy(logits, targets, weights, 0.0)
        },
    );
    let (rows, table) = (leaf([ROWS * SEQ, HIDDEN]), leaf([VOCABULARY, HIDDEN]));
    let bias = leaf([VOCABULARY]);
    let scores = || Scores {
        rows: rows.clone(),
        weight: ScoreWeight::ByClass(table.clone()),
        bias: Some(bias.clone()),
    };
    compare(
        c,
        "output layer and cross entropy",
        || linear_cross_entropy(scores(), targets.clone(), weights.clone(), 0.0),
        || reference::linear_cross_entropy(scores(), targets.clone(), weights.clone(), 0.0),
    );
}

/// The update of the word embeddings, the largest parameter. It is in place, as in training: the caller holds the only handles.
fn updates(c: &mut Criterion) {
    let random = || leaf([VOCABULARY, HIDDEN]).inner();
    let gradient = random();
    let at = AdamWStep {
        lr: 1e-4,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.01,
        step: 1,
        grad_scale: 1.0,
        scale: StepScale::Absolute,
    };
    let mut group = c.benchmark_group("adamw");
    for (version, update) in [
        ("fused", adamw::<2> as fn(_, _, _, _, _) -> _),
        ("plain", reference::adamw::<2>),
    ] {
        let zeros = || random().zeros_like();
        let mut state = Some((random(), zeros(), zeros()));
        group.bench_function(version, |b| {
            b.iter(|| {
                let (param, m, v) = state.take().expect("every pass puts it back");
                state = Some(update(param, gradient.clone(), m, v, at));
            })
        });
    }
    group.finish();
}

/// Forward and backward of both versions, gradients of all leaves included. The backend computes at once, so nothing is put off.
fn compare(
    c: &mut Criterion,
    name: &str,
    fused: impl Fn() -> Tensor<1>,
    plain: impl Fn() -> Tensor<1>,
) {
    let mut group = c.benchmark_group(name);
    group.bench_function("fused", |b| b.iter(|| fused().backward()));
    group.bench_function("plain", |b| b.iter(|| plain().backward()));
    group.finish();
}

fn leaf<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device()).require_grad()
}

/// An id for every position.
fn tokens() -> Tensor<1, Int> {
    Tensor::arange(0..(ROWS * SEQ) as i64, &device())
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn training() -> Run {
    Run::training(0, 1, 0)
}
