//! GPT-2 (Radford et al. 2019): a causal pre-norm decoder with learned positions and an output layer tied to the embedding.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{
    AttentionInput, Causality, KeepMask, Qkv, Residual, Run, Scores, attention, dropout,
    residual_sum,
};
use serde::{Deserialize, Serialize};

use crate::check::{rate, split_into_heads, supported, within};
use crate::decoder::CausalInput;
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, Layout, one_id, rename};
use crate::init::{Fill, initialise, usual};
use crate::layers::{
    Activation, Bias, Cache, Embedding, FeedForward, KeyValues, LayerCache, LayerNorm, Linear,
    StartVector,
};

/// GPT-2's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gpt2Config {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Rows of the position embedding.
    pub n_positions: usize,
    /// Width of a vector.
    pub n_embd: usize,
    /// Number of layers.
    pub n_layer: usize,
    /// Number of attention heads.
    pub n_head: usize,
    /// Inner width of the feed-forward block; `4 * n_embd` by default.
    pub n_inner: Option<usize>,
    /// Activation of the feed-forward block.
    pub activation_function: Activation,
    /// Dropout of block outputs.
    pub resid_pdrop: f64,
    /// Dropout of embeddings.
    pub embd_pdrop: f64,
    /// Dropout of attention probabilities.
    pub attn_pdrop: f64,
    /// Added to the variance in layer norms.
    pub layer_norm_epsilon: f64,
    /// Standard deviation of initial weights.
    pub initializer_range: f64,
    /// Whether scores are divided by `sqrt(head size)`.
    pub scale_attn_weights: bool,
    /// Whether scores are divided by the layer's number as well; must be false.
    pub scale_attn_by_inverse_layer_idx: bool,
    /// Whether the output layer is tied; must be true.
    pub tie_word_embeddings: bool,
    /// Whether there is cross-attention; must be false.
    pub add_cross_attention: bool,
    /// Whether the decoder starts with a vector of its own, which is no token's; unknown to transformers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub decoder_start_vector: bool,
    /// Id that begins a document.
    #[serde(deserialize_with = "one_id")]
    pub bos_token_id: Option<u32>,
    /// Id that ends a document.
    #[serde(deserialize_with = "one_id")]
    pub eos_token_id: Option<u32>,
    /// Id of the padding token, where there is one.
    #[serde(deserialize_with = "one_id")]
    pub pad_token_id: Option<u32>,
}

impl Default for Gpt2Config {
    fn default() -> Self {
        Gpt2Config {
            vocab_size: 50257,
            n_positions: 1024,
            n_embd: 768,
            n_layer: 12,
            n_head: 12,
            n_inner: None,
            activation_function: Activation::GeluNew,
            resid_pdrop: 0.1,
            embd_pdrop: 0.1,
            attn_pdrop: 0.1,
            layer_norm_epsilon: 1e-5,
            initializer_range: 0.02,
            scale_attn_weights: true,
            scale_attn_by_inverse_layer_idx: false,
            tie_word_embeddings: true,
            add_cross_attention: false,
            decoder_start_vector: false,
            bos_token_id: Some(50256),
            eos_token_id: Some(50256),
            pad_token_id: None,
        }
    }
}

impl Gpt2Config {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range, or a variant that is not supported.
    pub fn validate(&self) -> Result<(), ModelError> {
        within("vocab_size", self.vocab_size, 1..)?;
        within("n_positions", self.n_positions, 1..)?;
        within("n_layer", self.n_layer, 1..)?;
        within("n_inner", self.n_inner.unwrap_or(1), 1..)?;
        split_into_heads(("n_embd", self.n_embd), ("n_head", self.n_head))?;
        rate("resid_pdrop", self.resid_pdrop)?;
        rate("embd_pdrop", self.embd_pdrop)?;
        rate("attn_pdrop", self.attn_pdrop)?;
        let by_layer = self.scale_attn_by_inverse_layer_idx;
        supported(
            "scale_attn_by_inverse_layer_idx",
            by_layer,
            !by_layer,
            "scores are scaled by the head size only",
        )?;
        supported(
            "add_cross_attention",
            self.add_cross_attention,
            !self.add_cross_attention,
            "there is no encoder to look at",
        )?;
        supported(
            "tie_word_embeddings",
            self.tie_word_embeddings,
            self.tie_word_embeddings,
            "the output layer is always tied",
        )
    }
}

/// GPT-2 with its tied output layer: Hugging Face's `GPT2LMHeadModel`.
#[derive(Module, Debug)]
pub struct Gpt2LmHead {
    tokens: Embedding,
    positions: Embedding,
    layers: Vec<Gpt2Layer>,
    norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
}

#[derive(Module, Debug)]
struct Gpt2Layer {
    attention_norm: LayerNorm,
    attention: Gpt2Attention,
    feed_forward_norm: LayerNorm,
    feed_forward: FeedForward,
    #[module(skip)]
    dropout: f64,
}

/// Self-attention whose three input projections are one matrix.
#[derive(Module, Debug)]
struct Gpt2Attention {
    qkv: Linear,
    o: Linear,
    #[module(skip)]
    n_heads: usize,
    #[module(skip)]
    scale: f64,
    #[module(skip)]
    dropout: f64,
}

impl Gpt2LmHead {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &Gpt2Config, seed: u64, device: &Device) -> Result<Gpt2LmHead, ModelError> {
        config.validate()?;
        let model = Gpt2LmHead {
            tokens: Embedding::new(config.vocab_size, config.n_embd, device)
                .starting(StartVector::of(config.decoder_start_vector)),
            positions: Embedding::new(config.n_positions, config.n_embd, device),
            layers: (0..config.n_layer)
                .map(|_| Gpt2Layer::blank(config, device))
                .collect(),
            norm: LayerNorm::new(config.n_embd, config.layer_norm_epsilon, device),
            dropout: config.embd_pdrop,
        };
        // The paper's section 2.3: projections that add to the residual stream start smaller, by the number of additions.
        let residual_std = config.initializer_range / ((2 * config.n_layer) as f64).sqrt();
        Ok(initialise(model, seed, |path| match path {
            _ if path.ends_with("attention.o.weight")
                || path.ends_with("feed_forward.down.weight") =>
            {
                Fill::Normal(residual_std)
            }
            _ => usual(path, config.initializer_range),
        }))
    }

    /// The last layer's output. With a mask, positions count kept places of each text only, so that padding on either side changes
    /// nothing, nor do other texts in the row.
    ///
    /// # Shapes
    /// ids: `[batch, seq]`, out: `[batch, seq, hidden]`
    pub fn hidden(&self, ids: Tensor<2, Int>, keep: Option<KeepMask>, run: &Run) -> Tensor<3> {
        let positions = keep.as_ref().map(KeepMask::places);
        self.hidden_on(
            CausalInput {
                ids,
                keep,
                positions,
            },
            &mut Cache::off(self.layers.len()),
            run,
        )
    }

    /// The last layer's output for the positions that follow those in the cache.
    ///
    /// # Shapes
    /// out: `[batch, new, hidden]`
    pub fn hidden_on(&self, input: CausalInput, cache: &mut Cache, run: &Run) -> Tensor<3> {
        let [_, new] = input.ids.dims();
        let positions = match input.positions {
            Some(positions) => self.positions.forward(positions),
            None => self
                .positions
                .weight
                .val()
                .narrow(0, cache.length(), new)
                .unsqueeze_dim(0),
        };
        let mut hidden = dropout(
            self.tokens.forward(input.ids) + positions,
            self.dropout,
            run,
        );
        for (layer, state) in self.layers.iter().zip(&mut cache.layers) {
            run.show(&hidden);
            let keep = input.keep.clone();
            hidden = match state {
                LayerCache::Off => run.layer(layer, hidden, move |layer, x, run| {
                    let keep = keep.clone().map(|keep| keep.beside(&x.device()));
                    layer.forward(x, keep, &mut LayerCache::Off, run)
                }),
                LayerCache::On { .. } => layer.forward(hidden, keep, state, run),
            };
        }
        cache.advance(new);
        let hidden = self.norm.forward(hidden);
        run.show(&hidden);
        hidden
    }

    /// A cache for a model that has read nothing.
    pub fn cache(&self) -> Cache {
        Cache::new(self.layers.len())
    }

    /// Rows of the position embedding.
    pub fn max_positions(&self) -> usize {
        self.positions.weight.dims()[0]
    }

    /// The token embedding.
    pub(crate) fn words(&self) -> &Embedding {
        &self.tokens
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn scores_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Scores {
        self.tokens
            .scores(crate::heads::rows_at(hidden, flat_positions), None)
    }
}

impl Gpt2Layer {
    fn blank(config: &Gpt2Config, device: &Device) -> Gpt2Layer {
        let size = config.n_embd;
        let inner = config.n_inner.unwrap_or(4 * size);
        let head_size = size / config.n_head;
        Gpt2Layer {
            attention_norm: LayerNorm::new(size, config.layer_norm_epsilon, device),
            attention: Gpt2Attention {
                qkv: Linear::new(size, 3 * size, Bias::With, device),
                o: Linear::new(size, size, Bias::With, device),
                n_heads: config.n_head,
                scale: if config.scale_attn_weights {
                    (head_size as f64).powf(-0.5)
                } else {
                    1.0
                },
                dropout: config.attn_pdrop,
            },
            feed_forward_norm: LayerNorm::new(size, config.layer_norm_epsilon, device),
            feed_forward: FeedForward::new(
                size,
                inner,
                config.activation_function,
                Bias::With,
                device,
            ),
            dropout: config.resid_pdrop,
        }
    }

    fn forward(
        &self,
        x: Tensor<3>,
        keep: Option<KeepMask>,
        state: &mut LayerCache,
        run: &Run,
    ) -> Tensor<3> {
        let mixed =
            self.attention
                .forward(self.attention_norm.forward(x.clone()), keep, state, run);
        let sum = |x, branch| {
            let dropout = self.dropout;
            residual_sum(Residual { x, branch, dropout }, run)
        };
        let x = sum(x, mixed);
        let fed = self
            .feed_forward
            .forward(self.feed_forward_norm.forward(x.clone()), run);
        sum(x, fed)
    }
}

impl Gpt2Attention {
    fn forward(
        &self,
        x: Tensor<3>,
        keep: Option<KeepMask>,
        state: &mut LayerCache,
        run: &Run,
    ) -> Tensor<3> {
        let [batch, seq, size] = x.dims();
        let head_size = size / self.n_heads;
        let packed =
            Qkv::Packed(
                self.qkv
                    .forward(x)
                    .reshape([batch, seq, 3, self.n_heads, head_size]),
            );
        let qkv = match state {
            LayerCache::Off => packed,
            LayerCache::On { own, .. } => {
                let [q, keys, values] = packed.apart();
                LayerCache::join(own, q, KeyValues { keys, values })
            }
        };
        let input = AttentionInput {
            qkv,
            bias: None,
            keep,
            causality: Causality::Causal,
            scale: self.scale,
            dropout: self.dropout,
        };
        self.o
            .forward(attention(input, run).reshape([batch, seq, size]))
    }
}

const NAMES: &[(&str, &str)] = &[
    ("tokens.start_vector", "transformer.decoder_start_vector"),
    ("tokens", "transformer.wte"),
    ("positions", "transformer.wpe"),
    ("layers", "transformer.h"),
    ("norm", "transformer.ln_f"),
    ("attention_norm", "ln_1"),
    ("attention.qkv", "attn.c_attn"),
    ("attention.o", "attn.c_proj"),
    ("feed_forward_norm", "ln_2"),
    ("feed_forward.up", "mlp.c_fc"),
    ("feed_forward.down", "mlp.c_proj"),
];

impl HfModel for Gpt2LmHead {
    fn architecture(&self) -> &'static str {
        "GPT2LMHeadModel"
    }

    /// All as they are: GPT-2's `Conv1D` keeps its matrix as `[in, out]`.
    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        Some(HfTensor {
            name: rename(path, NAMES),
            layout: Layout::AsIs,
        })
    }

    fn base_prefix(&self) -> &'static str {
        "transformer."
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        if name == "transformer.wte.weight" {
            vec!["lm_head.weight".to_owned()]
        } else {
            Vec::new()
        }
    }

    /// Older files carry the causal mask as a buffer.
    fn ignores(&self, name: &str) -> bool {
        name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias")
    }
}
