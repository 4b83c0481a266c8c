//! Scaled dot-product attention.

use burn::tensor::{Device, Tensor};

use crate::fused::{is_host, run};
use crate::host::attention::{Attention, Layout, Sight};
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

/// Queries, keys and values.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one exists at a time, on its way into attention"
)]
pub enum Qkv {
    /// A tensor for each.
    Apart {
        /// Queries, `[batch, queries, heads, head size]`.
        q: Tensor<4>,
        /// Keys, `[batch, keys, heads, head size]`.
        k: Tensor<4>,
        /// Values, `[batch, keys, heads, head size]`.
        v: Tensor<4>,
    },
    /// As apart, with keys and values in the front of longer tensors, which have room for positions to come.
    Cached {
        /// Queries, `[batch, queries, heads, head size]`.
        q: Tensor<4>,
        /// Keys, `[batch, room, heads, head size]`.
        k: Tensor<4>,
        /// Values, `[batch, room, heads, head size]`.
        v: Tensor<4>,
        /// Positions that hold something.
        length: usize,
    },
    /// All three of the same positions, `[batch, seq, 3, heads, head size]`, as one product makes them.
    Packed(Tensor<5>),
    /// Queries apart, and keys and values of the same positions.
    PackedPair {
        /// Queries, `[batch, queries, heads, head size]`.
        q: Tensor<4>,
        /// Keys and values, `[batch, keys, 2, heads, head size]`.
        kv: Tensor<5>,
    },
}

impl Qkv {
    /// Queries and keys of a text.
    pub fn lengths(&self) -> [usize; 2] {
        match self {
            Qkv::Apart { q, k, .. } => [q.dims()[1], k.dims()[1]],
            Qkv::Cached { q, length, .. } => [q.dims()[1], *length],
            Qkv::Packed(qkv) => [qkv.dims()[1]; 2],
            Qkv::PackedPair { q, kv } => [q.dims()[1], kv.dims()[1]],
        }
    }

    fn device(&self) -> Device {
        match self {
            Qkv::Apart { q, .. } | Qkv::Cached { q, .. } | Qkv::PackedPair { q, .. } => q.device(),
            Qkv::Packed(qkv) => qkv.device(),
        }
    }

    /// A tensor for each.
    pub fn apart(self) -> [Tensor<4>; 3] {
        let part = |packed: &Tensor<5>, index| packed.clone().narrow(2, index, 1).squeeze_dim(2);
        match self {
            Qkv::Apart { q, k, v } => [q, k, v],
            Qkv::Cached { q, k, v, length } => [q, k.narrow(1, 0, length), v.narrow(1, 0, length)],
            Qkv::Packed(qkv) => [part(&qkv, 0), part(&qkv, 1), part(&qkv, 2)],
            Qkv::PackedPair { q, kv } => [q, part(&kv, 0), part(&kv, 1)],
        }
    }
}

/// What attention works on.
#[derive(Clone, Debug)]
pub struct AttentionInput {
    /// Queries, keys and values.
    pub qkv: Qkv,
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
/// A query that sees no key gives zeros. Where the mask's rows hold several texts, a query sees its own text only. On flex the
/// scores exist for one block of queries at a time; from 257 keys on, the backward pass makes them again (Dao et al. 2022).
///
/// # Shapes
/// out: `[batch, queries, heads, head size]`
///
/// # Panics
/// If the shapes do not fit each other, a causal call has more queries than keys, or a row of several texts is not looked at by
/// itself.
pub fn attention(input: AttentionInput, pass: &Run) -> Tensor<4> {
    let [n_queries, n_keys] = input.qkv.lengths();
    let causal = input.causality == Causality::Causal;
    assert!(
        !causal || n_queries <= n_keys,
        "{n_queries} causal queries over {n_keys} keys"
    );
    assert!(
        n_queries == n_keys || input.keep.as_ref().is_none_or(|keep| !keep.holds_several()),
        "{n_queries} queries over {n_keys} keys of several texts"
    );
    pass.show_attention(&input);
    if !is_host(&input.qkv.device()) {
        return reference::attention(input, pass);
    }
    let (layout, tensors) = match input.qkv {
        Qkv::Apart { q, k, v } | Qkv::Cached { q, k, v, .. } => {
            let tensors = [q, k, v].map(Tensor::into_dispatch);
            (Layout::Apart, tensors.to_vec())
        }
        Qkv::Packed(qkv) => (Layout::Packed, vec![qkv.into_dispatch()]),
        Qkv::PackedPair { q, kv } => {
            let tensors = vec![q.into_dispatch(), kv.into_dispatch()];
            (Layout::PackedPair, tensors)
        }
    };
    let kernel = Attention {
        layout,
        keys: n_keys,
        sight: Sight {
            texts: input.keep.as_ref().and_then(KeepMask::texts),
            keep: input.keep.map(|keep| keep.values()),
            causal: causal && n_queries > 1,
        },
        scale: input.scale as f32,
        dropout: pass.next_site(input.dropout),
    };
    let bias = input.bias.map(Tensor::into_dispatch);
    run(kernel, tensors.into_iter().chain(bias).collect())
}
