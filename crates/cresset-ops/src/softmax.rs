//! The softmax of attention by itself.

use burn::tensor::Tensor;

use crate::attention::Causality;
use crate::fused::{is_host, run};
use crate::host::attention::Sight;
use crate::host::masked_softmax::MaskedSoftmax;
use crate::{KeepMask, reference};

/// What [`masked_softmax`] works on.
#[derive(Clone, Debug)]
pub struct SoftmaxInput {
    /// `[batch, heads, queries, keys]`
    pub scores: Tensor<4>,
    /// What the scores are multiplied by.
    pub scale: f64,
    /// Added to the scaled scores, `[1 or batch, heads, queries, keys]`; it may be learnt.
    pub bias: Option<Tensor<4>>,
    /// Which keys hold something.
    pub keep: Option<KeepMask>,
    /// Whether a query sees keys behind it.
    pub causality: Causality,
}

/// `softmax(scale * scores + bias)` over the keys that each query sees: the probabilities of [`crate::attention`], without
/// dropout. A query that sees no key gives zeros.
///
/// # Shapes
/// out: `[batch, heads, queries, keys]`
///
/// # Panics
/// If the shapes do not fit each other, or a causal call has more queries than keys.
pub fn masked_softmax(input: SoftmaxInput) -> Tensor<4> {
    let [_, _, n_queries, n_keys] = input.scores.dims();
    let causal = input.causality == Causality::Causal;
    assert!(
        !causal || n_queries <= n_keys,
        "{n_queries} causal queries over {n_keys} keys"
    );
    if !is_host(&input.scores.device()) {
        return reference::masked_softmax(input);
    }
    let kernel = MaskedSoftmax {
        sight: Sight {
            texts: input.keep.as_ref().and_then(KeepMask::texts),
            keep: input.keep.map(|keep| keep.values()),
            causal: causal && n_queries > 1,
        },
        scale: input.scale as f32,
    };
    let mut tensors = vec![input.scores.into_dispatch()];
    tensors.extend(input.bias.map(Tensor::into_dispatch));
    run(kernel, tensors)
}
