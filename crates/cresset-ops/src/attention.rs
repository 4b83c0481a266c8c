//! Scaled dot-product attention.

use burn::tensor::Tensor;

use crate::fused::{is_host, run_3, run_4};
use crate::host::attention::Attention;
use crate::{KeepMask, Run, reference};

/// Whether a query sees keys behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Causality {
    /// Every query sees every key.
    Bidirectional,
    /// A query sees the keys up to its own position. With fewer queries than keys, the queries are the last positions, as
    /// in decoding with a cache.
    Causal,
}

/// What attention works on.
#[derive(Clone, Debug)]
pub struct AttentionInput {
    /// Queries, `[batch, queries, heads, head size]`.
    pub q: Tensor<4>,
    /// Keys, `[batch, keys, heads, head size]`.
    pub k: Tensor<4>,
    /// Values, `[batch, keys, heads, head size]`.
    pub v: Tensor<4>,
    /// Added to the scaled scores, `[1 or batch, heads, queries, keys]`; it may be learnt.
    pub bias: Option<Tensor<4>>,
    /// Which keys hold something.
    pub keep: Option<KeepMask>,
    /// Whether a query sees keys behind it.
    pub causality: Causality,
    /// What the products of queries and keys are multiplied by.
    pub scale: f64,
    /// Share of the probabilities that is dropped in training.
    pub dropout: f64,
}

/// `softmax(scale * q k^T + bias) v` per head (Vaswani et al. 2017, section 3.2), with dropout on the probabilities.
///
/// A query that sees no key gives zeros. Where the mask's rows hold several texts, a query sees its own text only.
///
/// # Shapes
/// out: `[batch, queries, heads, head size]`
///
/// # Panics
/// If the shapes do not fit each other, a causal call has more queries than keys, or a row of several texts is not looked at by
/// itself.
pub fn attention(input: AttentionInput, run: &Run) -> Tensor<4> {
    let [_, n_queries, _, _] = input.q.dims();
    let n_keys = input.k.dims()[1];
    let causal = input.causality == Causality::Causal;
    assert!(
        !causal || n_queries <= n_keys,
        "{n_queries} causal queries over {n_keys} keys"
    );
    assert!(
        n_queries == n_keys || input.keep.as_ref().is_none_or(|keep| !keep.holds_several()),
        "{n_queries} queries over {n_keys} keys of several texts"
    );
    if !is_host(&input.q.device()) {
        return reference::attention(input, run);
    }
    let key = run.next_site(input.dropout);
    let kernel = Attention {
        texts: input.keep.as_ref().and_then(KeepMask::texts),
        keep: input.keep.map(|keep| keep.values()),
        causal: causal && n_queries > 1,
        scale: input.scale as f32,
        dropout: key,
    };
    match input.bias {
        None => run_3(kernel, input.q, input.k, input.v),
        Some(bias) => run_4(kernel, [input.q, input.k, input.v, bias]),
    }
}
