//! Every operation in plain tensor operations: what the fused versions are held against, and what backends without a
//! fused version run.

use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Bool, Int, Tensor, TensorData};

use crate::activation::Activation;
use crate::attention::{AttentionInput, Causality};
use crate::linear::Affine;
use crate::norm::Residual;
use crate::run::DropoutKey;
use crate::scores::{ScoreWeight, Scores};
use crate::softmax::SoftmaxInput;
use crate::{AdamWStep, KeepMask, PairMask, RelativeScores, Run, StepScale};

/// Dropout of one site; see [`crate::dropout`].
pub(crate) fn dropout_at<const D: usize>(x: Tensor<D>, key: &DropoutKey) -> Tensor<D> {
    let shape = x.dims();
    let factors = key.factors(shape.iter().product());
    let factors = Tensor::<D>::from_data(TensorData::new(factors, shape), &x.device());
    x * factors
}

/// See [`crate::dropout`].
pub fn dropout<const D: usize>(x: Tensor<D>, rate: f64, run: &Run) -> Tensor<D> {
    match run.next_site(rate) {
        None => x,
        Some(key) => dropout_at(x, &key),
    }
}

/// See [`crate::layer_norm`].
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    let centred = x.clone() - x.mean_dim(D - 1);
    let variance = (centred.clone() * centred.clone()).mean_dim(D - 1);
    centred / (variance + epsilon).sqrt() * gamma.unsqueeze() + beta.unsqueeze()
}

/// See [`crate::residual_layer_norm`].
pub fn residual_layer_norm<const D: usize>(
    input: Residual<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    run: &Run,
) -> Tensor<D> {
    let branch = dropout(input.branch, input.dropout, run);
    layer_norm(input.x + branch, gamma, beta, epsilon)
}

/// See [`crate::residual_rms_norm`].
pub fn residual_rms_norm<const D: usize>(
    input: Residual<D>,
    gamma: Tensor<1>,
    epsilon: f64,
    run: &Run,
) -> Tensor<D> {
    rms_norm(residual_sum(input, run), gamma, epsilon)
}

/// See [`crate::linear`].
pub fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    burn::tensor::module::linear(x, weight, bias)
}

/// See [`crate::rms_norm`].
pub fn rms_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, epsilon: f64) -> Tensor<D> {
    let mean_square = (x.clone() * x.clone()).mean_dim(D - 1);
    x / (mean_square + epsilon).sqrt() * gamma.unsqueeze()
}

/// See [`crate::linear_packed`].
pub fn linear_packed(x: Tensor<3>, maps: Vec<Affine>) -> Tensor<4> {
    let of = |map: Affine| linear(x.clone(), map.weight, map.bias);
    Tensor::stack(maps.into_iter().map(of).collect(), 2)
}

/// See [`crate::linear_activation`].
pub fn linear_activation<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<D> {
    self::activation(linear(x, weight, bias), activation)
}

/// See [`Activation::forward`].
pub fn activation<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    match activation {
        Activation::Gelu => gelu(x),
        Activation::GeluTanh => gelu_tanh(x),
        Activation::Relu => burn::tensor::activation::relu(x),
        Activation::Silu => burn::tensor::activation::silu(x),
        Activation::Tanh => x.tanh(),
    }
}

/// See [`crate::gated`].
pub fn gated<const D: usize>(gate: Tensor<D>, up: Tensor<D>, activation: Activation) -> Tensor<D> {
    self::activation(gate, activation) * up
}

/// See [`crate::residual_sum`].
pub fn residual_sum<const D: usize>(input: Residual<D>, run: &Run) -> Tensor<D> {
    input.x + dropout(input.branch, input.dropout, run)
}

/// See [`crate::embedding`].
pub fn embedding(table: Tensor<2>, ids: Tensor<2, Int>) -> Tensor<3> {
    burn::tensor::module::embedding(table, ids)
}

/// See [`crate::linear_cross_entropy`].
pub fn linear_cross_entropy(
    scores: Scores,
    targets: Tensor<1, Int>,
    weights: Tensor<1>,
    smoothing: f64,
) -> Tensor<1> {
    softmax_cross_entropy(logits(scores), targets, weights, smoothing)
}

/// See [`Scores::logits`].
pub fn logits(scores: Scores) -> Tensor<2> {
    let product = match scores.weight {
        ScoreWeight::ByClass(table) => scores.rows.matmul(table.transpose()),
        ScoreWeight::ByInput(weight) => scores.rows.matmul(weight),
    };
    match scores.bias {
        Some(bias) => product + bias.unsqueeze_dim(0),
        None => product,
    }
}

/// See [`crate::gelu`].
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    burn::tensor::activation::gelu(x)
}

/// See [`crate::gelu_tanh`].
pub fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let cube = x.clone() * x.clone() * x.clone();
    let inner = (x.clone() + cube * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
    x * 0.5 * (inner.tanh() + 1.0)
}

/// See [`crate::masked_softmax`].
pub fn masked_softmax(input: SoftmaxInput) -> Tensor<4> {
    let SoftmaxInput {
        scores,
        scale,
        bias,
        keep,
        causality,
    } = input;
    let scores = scores * scale;
    let scores = match bias {
        Some(bias) => scores + bias,
        None => scores,
    };
    let [_, _, n_queries, n_keys] = scores.dims();
    match visible(&scores, keep.as_ref(), causality, n_queries, n_keys) {
        None => softmax(scores, 3),
        Some(visible) => {
            let hidden = visible.bool_not();
            let scores = scores.mask_fill(hidden.clone(), -1e30);
            let raised = (scores.clone() - scores.detach().max_dim(3))
                .exp()
                .mask_fill(hidden, 0.0);
            let total = raised.clone().sum_dim(3).clamp_min(1e-30);
            raised / total
        }
    }
}

/// See [`crate::attention`].
pub fn attention(input: AttentionInput, run: &Run) -> Tensor<4> {
    let key = run.next_site(input.dropout);
    attention_at(input, key.as_ref())
}

/// Attention with the dropout of one site.
pub(crate) fn attention_at(input: AttentionInput, key: Option<&DropoutKey>) -> Tensor<4> {
    let AttentionInput {
        qkv,
        bias,
        keep,
        causality,
        scale,
        ..
    } = input;
    let [q, k, v] = qkv.apart();
    let probabilities = masked_softmax(SoftmaxInput {
        scores: q.swap_dims(1, 2).matmul(k.swap_dims(1, 2).swap_dims(2, 3)),
        scale,
        bias,
        keep,
        causality,
    });
    let probabilities = match key {
        Some(key) => dropout_at(probabilities, key),
        None => probabilities,
    };
    probabilities.matmul(v.swap_dims(1, 2)).swap_dims(1, 2)
}

/// Which key each query sees, in the shape of the scores; `None` if all see all.
fn visible(
    scores: &Tensor<4>,
    keep: Option<&KeepMask>,
    causality: Causality,
    n_queries: usize,
    n_keys: usize,
) -> Option<Tensor<4, Bool>> {
    let shape = scores.dims();
    let kept = keep.map(|keep| match keep.holds_several() {
        true => PairMask::kept(keep)
            .tensor()
            .unsqueeze_dim::<4>(1)
            .expand(shape),
        false => keep.tensor().unsqueeze_dims::<4>(&[1, 2]).expand(shape),
    });
    if causality == Causality::Bidirectional || n_queries == 1 {
        return kept;
    }
    let earlier = Tensor::<2, Bool>::tril_mask(
        [n_queries, n_keys],
        (n_keys - n_queries) as i64,
        &scores.device(),
    )
    .bool_not()
    .unsqueeze::<4>()
    .expand(shape);
    Some(match kept {
        Some(kept) => kept.bool_and(earlier),
        None => earlier,
    })
}

/// See [`crate::relative_scores`].
pub fn relative_scores(input: RelativeScores) -> Tensor<4> {
    let [heads, batch, queries, columns] = input.distances.dims();
    // Read in rows of the other length and without the first row, each query's row begins one column later than the one before.
    let shifted = input
        .distances
        .swap_dims(0, 1)
        .reshape([batch, heads, columns, queries])
        .narrow(2, 1, columns - 1)
        .reshape([batch, heads, queries, columns - 1])
        .narrow(3, 0, queries);
    let scores = match input.step {
        None => shifted,
        Some((step, at)) => {
            let at: Tensor<4> = at.tensor().float().unsqueeze_dim(1);
            shifted + step.swap_dims(1, 2).unsqueeze_dim(3) * at
        }
    };
    let hidden = input.sees.tensor().bool_not().unsqueeze_dim::<4>(1);
    let shape = scores.dims();
    scores.mask_fill(hidden.expand(shape), -1e30)
}

/// See [`crate::softmax_cross_entropy`].
pub fn softmax_cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    weights: Tensor<1>,
    smoothing: f64,
) -> Tensor<1> {
    let shape = logits.dims();
    let ignored = weights.clone().equal_elem(0.0);
    let logits = logits.mask_fill(ignored.unsqueeze_dim::<2>(1).expand(shape), 0.0);
    let log_p = log_softmax(logits, 1);
    let at_target: Tensor<1> = log_p
        .clone()
        .gather(1, targets.unsqueeze_dim::<2>(1))
        .squeeze_dim::<1>(1);
    let mut row = at_target * (1.0 - smoothing);
    if smoothing > 0.0 {
        row = row + log_p.mean_dim(1).squeeze_dim::<1>(1) * smoothing;
    }
    (row * weights).sum().neg()
}

/// See [`crate::adamw`].
pub fn adamw<const D: usize>(
    param: Tensor<D>,
    grad: Tensor<D>,
    m: Tensor<D>,
    v: Tensor<D>,
    at: AdamWStep,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let grad = grad * at.grad_scale;
    let m = m * at.beta1 + grad.clone() * (1.0 - at.beta1);
    let v = v * at.beta2 + grad.clone() * grad * (1.0 - at.beta2);
    let denominator = v.clone().sqrt() / at.correction2().sqrt() + at.epsilon;
    let mut step = m.clone() / denominator * (at.lr / at.correction1());
    if let StepScale::Relative { floor } = at.scale {
        let size: Tensor<1> = param.clone().square().mean().sqrt().clamp_min(floor);
        step = step * size.reshape([1; D]);
    }
    let param = param * (1.0 - at.lr * at.weight_decay) - step;
    (param, m, v)
}
