//! cresset-ops: tensor operations of transformers (plain versions).
#![allow(missing_docs)]
use std::cell::Cell;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

#[derive(Debug)]
pub struct Run { key: Option<u64>, site: Cell<u64> }
fn mix(mut z: u64) -> u64 { z = z.wrapping_add(0x9E3779B97F4A7C15); z = (z ^ (z >> 30)).wrapping_mul(0xBF58476D1CE4E5B9); z = (z ^ (z >> 27)).wrapping_mul(0x94D049BB133111EB); z ^ (z >> 31) }
impl Run {
    pub fn inference() -> Self { Run { key: None, site: Cell::new(0) } }
    pub fn training(seed: u64, step: u64, micro: u64) -> Self { Run { key: Some(mix(mix(mix(seed) ^ step) ^ micro)), site: Cell::new(0) } }
    pub fn is_training(&self) -> bool { self.key.is_some() }
    fn next(&self) -> Option<u64> { let k = self.key?; let s = self.site.get(); self.site.set(s + 1); Some(mix(k ^ s)) }
}
pub fn dropout<const D: usize>(x: Tensor<D>, rate: f64, run: &Run) -> Tensor<D> {
    if rate == 0.0 { return x; }
    let Some(key) = run.next() else { return x };
    let shape = x.dims();
    let n: usize = shape.iter().product();
    let scale = (1.0 / (1.0 - rate)) as f32;
    let mask: Vec<f32> = (0..n as u64).map(|i| if (mix(key ^ i) >> 40) as f64 / (1u64 << 24) as f64 >= rate { scale } else { 0.0 }).collect();
    let mask = Tensor::<D>::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
}
pub fn layer_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, beta: Tensor<1>, epsilon: f64) -> Tensor<D> {
    let mean = x.clone().mean_dim(D - 1);
    let c = x - mean;
    let var = (c.clone() * c.clone()).mean_dim(D - 1);
    c / (var + epsilon).sqrt() * gamma.unsqueeze() + beta.unsqueeze()
}
pub fn rms_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, epsilon: f64) -> Tensor<D> {
    let ms = (x.clone() * x.clone()).mean_dim(D - 1);
    x / (ms + epsilon).sqrt() * gamma.unsqueeze()
}
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> { burn::tensor::activation::gelu(x) }
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let u = (x.clone() + x.clone().powi_scalar(3) * 0.044715) * (2.0f64 / std::f64::consts::PI).sqrt();
    x * 0.5 * (u.tanh() + 1.0)
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadSide { Left, Right }
#[derive(Clone, Debug)]
pub struct KeepMask(Tensor<2, Bool>);
impl KeepMask {
    pub fn new(mask: Tensor<2, Bool>) -> Self { KeepMask(mask) }
    pub fn tensor(&self) -> Tensor<2, Bool> { self.0.clone() }
    pub fn all(batch: usize, width: usize, device: &Device) -> Self { Self::from_lengths(&vec![width; batch], width, PadSide::Right, device) }
    pub fn from_lengths(lengths: &[usize], width: usize, side: PadSide, device: &Device) -> Self {
        let v: Vec<bool> = lengths.iter().flat_map(|&l| (0..width).map(move |i| match side { PadSide::Right => i < l, PadSide::Left => i >= width - l })).collect();
        KeepMask(Tensor::from_data(TensorData::new(v, [lengths.len(), width]), device))
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Causality { Bidirectional, Causal }
#[derive(Clone, Debug)]
pub struct AttentionInput { pub q: Tensor<4>, pub k: Tensor<4>, pub v: Tensor<4>, pub bias: Option<Tensor<4>>, pub keep: Option<KeepMask>, pub causality: Causality, pub scale: f64, pub dropout: f64 }
pub fn attention(input: AttentionInput, run: &Run) -> Tensor<4> {
    let AttentionInput { q, k, v, bias, keep, causality, scale, dropout: rate } = input;
    let [b, sq, h, _] = q.dims();
    let sk = k.dims()[1];
    let device = q.device();
    let mut s = q.swap_dims(1, 2).matmul(k.swap_dims(1, 2).swap_dims(2, 3)) * scale;
    if let Some(bias) = bias { s = s + bias; }
    let mut keep_all = keep.map(|m| m.tensor().unsqueeze_dims::<4>(&[1, 2]).expand([b, h, sq, sk]));
    if causality == Causality::Causal {
        let allowed: Vec<bool> = (0..sq).flat_map(|i| (0..sk).map(move |j| j <= i + sk - sq)).collect();
        let c = Tensor::<2, Bool>::from_data(TensorData::new(allowed, [sq, sk]), &device).unsqueeze_dims::<4>(&[0, 1]).expand([b, h, sq, sk]);
        keep_all = Some(match keep_all { Some(k) => k.bool_and(c), None => c });
    }
    let p = match keep_all {
        Some(keep) => {
            let s = s.mask_fill(keep.clone().bool_not(), -1e30);
            let e = (s.clone() - s.detach().max_dim(3)).exp().mask_fill(keep.bool_not(), 0.0);
            let z = e.clone().sum_dim(3).clamp_min(1e-30);
            e / z
        }
        None => burn::tensor::activation::softmax(s, 3),
    };
    dropout(p, rate, run).matmul(v.swap_dims(1, 2)).swap_dims(1, 2)
}
pub fn softmax_cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>, weights: Tensor<1>, smoothing: f64) -> Tensor<1> {
    let [n, c] = logits.dims();
    let dead = weights.clone().equal_elem(0.0);
    let logits = logits.mask_fill(dead.unsqueeze_dim::<2>(1).expand([n, c]), 0.0);
    let lp = burn::tensor::activation::log_softmax(logits, 1);
    let picked: Tensor<1> = lp.clone().gather(1, targets.unsqueeze_dim::<2>(1)).squeeze_dim::<1>(1);
    let mut row = picked * (1.0 - smoothing);
    if smoothing > 0.0 { row = row + lp.mean_dim(1).squeeze_dim::<1>(1) * smoothing; }
    (row * weights).sum().neg()
}
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep { pub lr: f64, pub beta1: f64, pub beta2: f64, pub epsilon: f64, pub weight_decay: f64, pub step: u64, pub grad_scale: f64 }
pub fn adamw<const D: usize>(param: Tensor<D>, grad: Tensor<D>, m: Tensor<D>, v: Tensor<D>, at: AdamWStep) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let g = grad * at.grad_scale;
    let m = m * at.beta1 + g.clone() * (1.0 - at.beta1);
    let v = v * at.beta2 + g.clone() * g * (1.0 - at.beta2);
    let c1 = 1.0 - at.beta1.powi(at.step as i32);
    let c2 = 1.0 - at.beta2.powi(at.step as i32);
    let p = param * (1.0 - at.lr * at.weight_decay) - m.clone() / ((v.clone() / c2).sqrt() + at.epsilon) * (at.lr / c1);
    (p, m, v)
}
