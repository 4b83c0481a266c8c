//! Multi-head attention (Vaswani et al. 2017, section 3.2).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::{
    AttentionInput, Causality, KeepMask, Qkv, Run, attention, beside, linear_packed,
};

use super::{Bias, LayerCache, Linear, Memory};

/// Sizes of an attention block.
#[derive(Clone, Copy, Debug)]
pub struct AttentionConfig {
    /// Width of the block's input and output.
    pub hidden_size: usize,
    /// Number of heads.
    pub n_heads: usize,
    /// Width of a head; `n_heads * head_size` need not be `hidden_size`.
    pub head_size: usize,
    /// Biases of all four projections.
    pub bias: Bias,
    /// Factor on the scores.
    pub scale: f64,
    /// Dropout of the attention probabilities.
    pub dropout: f64,
}

/// Keys and values, the content of a cache.
#[derive(Clone, Debug)]
pub struct KeyValues {
    /// `[batch, seq, heads, head_size]`
    pub keys: Tensor<4>,
    /// `[batch, seq, heads, head_size]`
    pub values: Tensor<4>,
}

impl KeyValues {
    /// Number of positions.
    pub fn length(&self) -> usize {
        self.keys.dims()[1]
    }
}

/// What the queries may see.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Which keys exist.
    pub keep: Option<KeepMask>,
    /// Whether later keys are hidden.
    pub causality: Causality,
    /// Added to the scores, `[1 or batch, heads, queries, keys]`.
    pub bias: Option<Tensor<4>>,
}

impl Sight {
    /// All keys that are kept.
    pub fn all(keep: KeepMask) -> Sight {
        Sight {
            keep: Some(keep),
            causality: Causality::Bidirectional,
            bias: None,
        }
    }

    /// Kept keys up to the query's own position.
    pub fn causal(keep: Option<KeepMask>) -> Sight {
        Sight {
            keep,
            causality: Causality::Causal,
            bias: None,
        }
    }

    /// The same on the side of autodiff that a device is on.
    #[must_use]
    pub fn beside(self, device: &Device) -> Sight {
        Sight {
            keep: self.keep.map(|keep| keep.beside(device)),
            bias: self.bias.map(|bias| beside(bias, device)),
            ..self
        }
    }

    /// The same with a bias on the scores.
    #[must_use]
    pub fn with_bias(mut self, bias: Tensor<4>) -> Sight {
        self.bias = Some(bias);
        self
    }
}

/// Projections of queries, keys, values and output. One block serves self-attention, cross-attention and cached decoding: they differ
/// only in where the keys and values come from.
#[derive(Module, Debug)]
pub struct Attention {
    /// `[hidden, heads * head_size]`
    pub q: Linear,
    /// `[hidden, heads * head_size]`
    pub k: Linear,
    /// `[hidden, heads * head_size]`
    pub v: Linear,
    /// `[heads * head_size, hidden]`
    pub o: Linear,
    #[module(skip)]
    n_heads: usize,
    #[module(skip)]
    head_size: usize,
    #[module(skip)]
    scale: f64,
    #[module(skip)]
    dropout: f64,
}

impl Attention {
    /// A block of zeros.
    pub fn new(config: AttentionConfig, device: &Device) -> Attention {
        let inner = config.n_heads * config.head_size;
        let input = || Linear::new(config.hidden_size, inner, config.bias, device);
        Attention {
            q: input(),
            k: input(),
            v: input(),
            o: Linear::new(inner, config.hidden_size, config.bias, device),
            n_heads: config.n_heads,
            head_size: config.head_size,
            scale: config.scale,
            dropout: config.dropout,
        }
    }

    /// Attention of a sequence to itself.
    ///
    /// # Shapes
    /// x and out: `[batch, seq, hidden]`
    pub fn forward(&self, x: Tensor<3>, sight: Sight, run: &Run) -> Tensor<3> {
        self.attend_self(x, sight, &mut LayerCache::Off, run)
    }

    /// Attention of the positions of `x` to themselves and to those in the cache, which they join.
    ///
    /// # Shapes
    /// x and out: `[batch, seq, hidden]`
    pub fn attend_self(
        &self,
        x: Tensor<3>,
        sight: Sight,
        state: &mut LayerCache,
        run: &Run,
    ) -> Tensor<3> {
        let qkv = match state {
            LayerCache::Off => Qkv::Packed(self.packed(x, [&self.q, &self.k, &self.v])),
            LayerCache::On { own, .. } => {
                let new = self.keys_values(x.clone());
                LayerCache::join(own, self.heads(self.q.forward(x)), new)
            }
        };
        self.attend(qkv, sight, run)
    }

    /// Attention of the positions of `x` to the encoder's output, whose keys and values are computed once where there is a cache.
    ///
    /// # Shapes
    /// x and out: `[batch, seq, hidden]`
    pub fn attend_memory(
        &self,
        x: Tensor<3>,
        memory: &Memory,
        state: &mut LayerCache,
        run: &Run,
    ) -> Tensor<3> {
        let vectors = || memory.vectors.clone();
        let qkv = match state {
            LayerCache::Off => Qkv::PackedPair {
                q: self.heads(self.q.forward(x)),
                kv: self.packed(vectors(), [&self.k, &self.v]),
            },
            LayerCache::On { memory, .. } => {
                let kept = memory.get_or_insert_with(|| self.keys_values(vectors()));
                self.over(x, kept.clone())
            }
        };
        self.attend(qkv, Sight::all(memory.keep.clone()), run)
    }

    fn attend(&self, qkv: Qkv, sight: Sight, run: &Run) -> Tensor<3> {
        let input = AttentionInput {
            qkv,
            bias: sight.bias,
            keep: sight.keep,
            causality: sight.causality,
            scale: self.scale,
            dropout: self.dropout,
        };
        let mixed = attention(input, run);
        let [batch, seq, ..] = mixed.dims();
        self.o
            .forward(mixed.reshape([batch, seq, self.n_heads * self.head_size]))
    }

    /// The queries of `x` with keys and values from elsewhere.
    fn over(&self, x: Tensor<3>, kv: KeyValues) -> Qkv {
        Qkv::Apart {
            q: self.heads(self.q.forward(x)),
            k: kv.keys,
            v: kv.values,
        }
    }

    fn keys_values(&self, x: Tensor<3>) -> KeyValues {
        KeyValues {
            keys: self.heads(self.k.forward(x.clone())),
            values: self.heads(self.v.forward(x)),
        }
    }

    fn heads(&self, x: Tensor<3>) -> Tensor<4> {
        let [batch, seq, _] = x.dims();
        x.reshape([batch, seq, self.n_heads, self.head_size])
    }

    /// Several projections of the same positions, `[batch, seq, projections, heads, head size]`.
    fn packed<const N: usize>(&self, x: Tensor<3>, projections: [&Linear; N]) -> Tensor<5> {
        let [batch, seq, _] = x.dims();
        let maps = projections.map(Linear::affine).to_vec();
        linear_packed(x, maps).reshape([batch, seq, N, self.n_heads, self.head_size])
    }
}
