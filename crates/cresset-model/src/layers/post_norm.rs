//! The layers of the original Transformer: a layer norm after each residual sum (Vaswani et al. 2017). Those of Marian and BART, and of BERT
//! and its like.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::{KeepMask, Residual, Run};

use super::{
    Activation, Attention, AttentionConfig, Bias, Cache, FeedForward, LayerCache, LayerNorm,
    Memory, Sight,
};
use crate::check::{rate, split_into_heads, within};
use crate::error::ModelError;

/// Sizes of a layer.
#[derive(Clone, Copy, Debug)]
pub struct PostNormConfig {
    /// Width of a vector.
    pub hidden_size: usize,
    /// Number of attention heads.
    pub n_heads: usize,
    /// Inner width of the feed-forward block.
    pub intermediate_size: usize,
    /// Activation of the feed-forward block.
    pub activation: Activation,
    /// Added to the variance in layer norms.
    pub norm_epsilon: f64,
    /// Dropout of the attention blocks' outputs.
    pub dropout: f64,
    /// Dropout of the feed-forward block's output.
    pub output_dropout: f64,
    /// Dropout of attention probabilities.
    pub attention_dropout: f64,
    /// Dropout inside the feed-forward block.
    pub activation_dropout: f64,
}

/// Self-attention and a feed-forward block.
#[derive(Module, Debug)]
pub struct PostNormEncoderLayer {
    attention: Attention,
    attention_norm: LayerNorm,
    feed_forward: FeedForward,
    output_norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    output_dropout: f64,
}

/// Causal self-attention, attention to the memory and a feed-forward block.
#[derive(Module, Debug)]
pub struct PostNormDecoderLayer {
    attention: Attention,
    attention_norm: LayerNorm,
    cross: Attention,
    cross_norm: LayerNorm,
    feed_forward: FeedForward,
    output_norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    output_dropout: f64,
}

/// Hugging Face's names of the layers' parts.
pub(crate) const POST_NORM_NAMES: &[(&str, &str)] = &[
    ("attention.q", "self_attn.q_proj"),
    ("attention.k", "self_attn.k_proj"),
    ("attention.v", "self_attn.v_proj"),
    ("attention.o", "self_attn.out_proj"),
    ("attention_norm", "self_attn_layer_norm"),
    ("cross.q", "encoder_attn.q_proj"),
    ("cross.k", "encoder_attn.k_proj"),
    ("cross.v", "encoder_attn.v_proj"),
    ("cross.o", "encoder_attn.out_proj"),
    ("cross_norm", "encoder_attn_layer_norm"),
    ("feed_forward.up", "fc1"),
    ("feed_forward.down", "fc2"),
    ("output_norm", "final_layer_norm"),
];

/// The names of a layer's sizes in a `config.json`, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PostNormKeys {
    pub(crate) n_heads: &'static str,
    pub(crate) intermediate_size: &'static str,
}

impl PostNormKeys {
    pub(crate) const ENCODER: PostNormKeys = PostNormKeys {
        n_heads: "encoder_attention_heads",
        intermediate_size: "encoder_ffn_dim",
    };
    pub(crate) const DECODER: PostNormKeys = PostNormKeys {
        n_heads: "decoder_attention_heads",
        intermediate_size: "decoder_ffn_dim",
    };
}

impl PostNormConfig {
    pub(crate) fn validate(&self, keys: PostNormKeys) -> Result<(), ModelError> {
        within(keys.intermediate_size, self.intermediate_size, 1..)?;
        split_into_heads(("d_model", self.hidden_size), (keys.n_heads, self.n_heads))?;
        rate("dropout", self.dropout)?;
        rate("attention_dropout", self.attention_dropout)?;
        rate("activation_dropout", self.activation_dropout)
    }

    fn attention(&self, device: &Device) -> Attention {
        let head_size = self.hidden_size / self.n_heads;
        let config = AttentionConfig {
            hidden_size: self.hidden_size,
            n_heads: self.n_heads,
            head_size,
            bias: Bias::With,
            scale: (head_size as f64).powf(-0.5),
            dropout: self.attention_dropout,
        };
        Attention::new(config, device)
    }

    fn norm(&self, device: &Device) -> LayerNorm {
        LayerNorm::new(self.hidden_size, self.norm_epsilon, device)
    }

    fn feed_forward(&self, device: &Device) -> FeedForward {
        FeedForward::new(
            self.hidden_size,
            self.intermediate_size,
            self.activation,
            Bias::With,
            device,
        )
        .with_dropout(self.activation_dropout)
    }
}

impl PostNormEncoderLayer {
    /// The layers of an encoder, of zeros.
    pub fn stack(config: &PostNormConfig, n_layers: usize, device: &Device) -> Vec<Self> {
        let layer = |_| PostNormEncoderLayer {
            attention: config.attention(device),
            attention_norm: config.norm(device),
            feed_forward: config.feed_forward(device),
            output_norm: config.norm(device),
            dropout: config.dropout,
            output_dropout: config.output_dropout,
        };
        (0..n_layers).map(layer).collect()
    }

    /// A text through all layers; `x` and every layer's output are shown to whoever watches the run.
    ///
    /// # Shapes
    /// x and out: `[batch, seq, hidden]`
    pub fn forward_all(layers: &[Self], x: Tensor<3>, keep: &KeepMask, run: &Run) -> Tensor<3> {
        run.show(&x);
        layers.iter().fold(x, |x, layer| {
            let hidden = layer.forward_on(x, keep, run);
            run.show(&hidden);
            hidden
        })
    }

    /// A text through one layer, which may be checkpointed.
    ///
    /// # Shapes
    /// x and out: `[batch, seq, hidden]`
    pub fn forward_on(&self, x: Tensor<3>, keep: &KeepMask, run: &Run) -> Tensor<3> {
        let keep = keep.clone();
        run.layer(self, x, move |layer, x, run| {
            let sight = Sight::all(keep.clone()).beside(&x.device());
            layer.forward(x, sight, run)
        })
    }

    /// # Shapes
    /// x and out: `[batch, seq, hidden]`
    pub fn forward(&self, x: Tensor<3>, sight: Sight, run: &Run) -> Tensor<3> {
        let mixed = self.attention.forward(x.clone(), sight, run);
        let x = self
            .attention_norm
            .forward_sum(residual(x, mixed, self.dropout), run);
        let fed = self.feed_forward.forward(x.clone(), run);
        self.output_norm
            .forward_sum(residual(x, fed, self.output_dropout), run)
    }
}

impl PostNormDecoderLayer {
    /// The layers of a decoder, of zeros.
    pub fn stack(config: &PostNormConfig, n_layers: usize, device: &Device) -> Vec<Self> {
        let layer = |_| PostNormDecoderLayer {
            attention: config.attention(device),
            attention_norm: config.norm(device),
            cross: config.attention(device),
            cross_norm: config.norm(device),
            feed_forward: config.feed_forward(device),
            output_norm: config.norm(device),
            dropout: config.dropout,
            output_dropout: config.output_dropout,
        };
        (0..n_layers).map(layer).collect()
    }

    /// The positions that follow those in the cache through all layers; `x` and every layer's output are shown to whoever watches
    /// the run.
    ///
    /// # Shapes
    /// x and out: `[batch, new, hidden]`
    pub fn forward_all(
        layers: &[Self],
        x: Tensor<3>,
        memory: &Memory,
        cache: &mut Cache,
        run: &Run,
    ) -> Tensor<3> {
        let [_, new, _] = x.dims();
        run.show(&x);
        let memory = &memory.clone().shared(run);
        let mut hidden = x;
        for (layer, state) in layers.iter().zip(&mut cache.layers) {
            hidden = match state {
                LayerCache::Off => {
                    let memory = memory.clone();
                    run.layer(layer, hidden, move |layer, x, run| {
                        let memory = memory.clone().beside(&x.device());
                        layer.forward(x, &memory, &mut LayerCache::Off, run)
                    })
                }
                LayerCache::On { .. } => layer.forward(hidden, memory, state, run),
            };
            run.show(&hidden);
        }
        cache.advance(new);
        hidden
    }

    /// # Shapes
    /// x and out: `[batch, new, hidden]`
    pub fn forward(
        &self,
        x: Tensor<3>,
        memory: &Memory,
        state: &mut LayerCache,
        run: &Run,
    ) -> Tensor<3> {
        let mixed = self
            .attention
            .attend_self(x.clone(), Sight::causal(None), state, run);
        let x = self
            .attention_norm
            .forward_sum(residual(x, mixed, self.dropout), run);
        let read = self.cross.attend_memory(x.clone(), memory, state, run);
        let x = self
            .cross_norm
            .forward_sum(residual(x, read, self.dropout), run);
        let fed = self.feed_forward.forward(x.clone(), run);
        self.output_norm
            .forward_sum(residual(x, fed, self.output_dropout), run)
    }
}

fn residual(x: Tensor<3>, branch: Tensor<3>, dropout: f64) -> Residual<3> {
    Residual { x, branch, dropout }
}
