//! One of T5's two stacks of layers.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::{Causality, KeepMask, Residual, Run, dropout, residual_sum};

use super::{FeedForwardKind, T5Config};
use crate::layers::{
    Activation, Attention, AttentionConfig, Bias, Cache, FeedForward, LayerCache, Memory,
    RelativeBias, RelativeBiasConfig, RmsNorm, Sight, Span,
};

/// Layers, final norm and the relative position bias that the layers share.
#[derive(Module, Debug)]
pub(super) struct T5Stack {
    relative_bias: RelativeBias,
    layers: Vec<T5Layer>,
    norm: RmsNorm,
    #[module(skip)]
    causality: Causality,
    #[module(skip)]
    dropout: f64,
}

#[derive(Module, Debug)]
struct T5Layer {
    attention: Attention,
    attention_norm: RmsNorm,
    cross: Option<Attention>,
    cross_norm: Option<RmsNorm>,
    feed_forward: FeedForward,
    feed_forward_norm: RmsNorm,
    #[module(skip)]
    dropout: f64,
}

impl T5Stack {
    /// A causal stack is the decoder and has cross-attention.
    pub(super) fn blank(config: &T5Config, causality: Causality, device: &Device) -> T5Stack {
        let buckets = RelativeBiasConfig {
            n_buckets: config.relative_attention_num_buckets,
            max_distance: config.relative_attention_max_distance,
            causality,
        };
        let n_layers = match causality {
            Causality::Causal => config.n_decoder_layers(),
            Causality::Bidirectional => config.num_layers,
        };
        T5Stack {
            relative_bias: RelativeBias::new(buckets, config.num_heads, device),
            layers: (0..n_layers)
                .map(|_| T5Layer::blank(config, causality, device))
                .collect(),
            norm: RmsNorm::new(config.d_model, config.layer_norm_epsilon, device),
            causality,
            dropout: config.dropout_rate,
        }
    }

    pub(super) fn n_layers(&self) -> usize {
        self.layers.len()
    }

    pub(super) fn is_gated(&self) -> bool {
        self.layers
            .first()
            .is_some_and(|layer| layer.feed_forward.gate.is_some())
    }

    pub(super) fn forward(
        &self,
        vectors: Tensor<3>,
        keep: Option<KeepMask>,
        memory: Option<Memory>,
        cache: &mut Cache,
        run: &Run,
    ) -> Tensor<3> {
        let [_, new, _] = vectors.dims();
        let span = Span {
            queries: new,
            keys: cache.length() + new,
            offset: cache.length(),
        };
        let bias = run.shared(self.relative_bias.forward(span, &vectors.device()));
        let memory = memory.map(|memory| memory.shared(run));
        let sight = Sight {
            keep,
            causality: self.causality,
            bias: Some(bias),
        };
        let mut hidden = dropout(vectors, self.dropout, run);
        for (layer, state) in self.layers.iter().zip(&mut cache.layers) {
            run.show(&hidden);
            hidden = match state {
                LayerCache::Off => {
                    let (sight, memory) = (sight.clone(), memory.clone());
                    run.layer(layer, hidden, move |layer, x, run| {
                        let (state, device) = (&mut LayerCache::Off, x.device());
                        let sight = sight.clone().beside(&device);
                        let memory = memory.clone().map(|memory| memory.beside(&device));
                        layer.forward(x, sight, memory.as_ref(), state, run)
                    })
                }
                LayerCache::On { .. } => {
                    layer.forward(hidden, sight.clone(), memory.as_ref(), state, run)
                }
            };
        }
        cache.advance(new);
        let hidden = dropout(self.norm.forward(hidden), self.dropout, run);
        run.show(&hidden);
        hidden
    }
}

impl T5Layer {
    fn blank(config: &T5Config, causality: Causality, device: &Device) -> T5Layer {
        let attention = || {
            let sizes = AttentionConfig {
                hidden_size: config.d_model,
                n_heads: config.num_heads,
                head_size: config.d_kv,
                bias: Bias::Without,
                scale: 1.0,
                dropout: config.dropout_rate,
            };
            Attention::new(sizes, device)
        };
        let norm = || RmsNorm::new(config.d_model, config.layer_norm_epsilon, device);
        let feed_forward = |activation| {
            FeedForward::new(
                config.d_model,
                config.d_ff,
                activation,
                Bias::Without,
                device,
            )
        };
        let has_cross = causality == Causality::Causal;
        T5Layer {
            attention: attention(),
            attention_norm: norm(),
            cross: has_cross.then(attention),
            cross_norm: has_cross.then(norm),
            feed_forward: match config.feed_forward_proj {
                FeedForwardKind::Relu => feed_forward(Activation::Relu),
                FeedForwardKind::GatedGelu => feed_forward(Activation::GeluNew).with_gate(device),
            }
            .with_dropout(config.dropout_rate),
            feed_forward_norm: norm(),
            dropout: config.dropout_rate,
        }
    }

    fn forward(
        &self,
        x: Tensor<3>,
        sight: Sight,
        memory: Option<&Memory>,
        state: &mut LayerCache,
        run: &Run,
    ) -> Tensor<3> {
        let sum = |x, branch| {
            let dropout = self.dropout;
            residual_sum(Residual { x, branch, dropout }, run)
        };
        let normed = self.attention_norm.forward(x.clone());
        let mixed = self.attention.attend_self(normed, sight, state, run);
        let mut x = sum(x, mixed);
        if let (Some(cross), Some(norm), Some(memory)) = (&self.cross, &self.cross_norm, memory) {
            let normed = norm.forward(x.clone());
            let read = cross.attend_memory(normed, memory, state, run);
            x = sum(x, read);
        }
        let fed = self
            .feed_forward
            .forward(self.feed_forward_norm.forward(x.clone()), run);
        sum(x, fed)
    }
}
