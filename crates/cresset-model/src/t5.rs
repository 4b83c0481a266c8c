//! T5 (Raffel et al. 2020): a pre-norm encoder-decoder with RMS norms, no biases, unscaled attention scores and a relative position
//! bias that the first layer of each stack owns and the others share. Version 1.1 has a gated feed-forward block (Shazeer 2020).

mod config;
mod stack;

pub use config::{FeedForwardKind, T5Config};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{Causality, KeepMask, Run, Scores};

use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, Layout, START_VECTOR, rename};
use crate::init::{Fill, initialise};
use crate::layers::{Bias, Cache, Embedding, Linear, Memory, StartVector};
use stack::T5Stack;

/// Encoder, decoder and output layer: Hugging Face's `T5ForConditionalGeneration`.
#[derive(Module, Debug)]
pub struct T5ForConditionalGeneration {
    shared: Embedding,
    encoder: T5Stack,
    decoder: T5Stack,
    /// The output layer of models that do not tie it to the embedding.
    lm_head: Option<Linear>,
    #[module(skip)]
    output_scale: f64,
}

impl T5ForConditionalGeneration {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &T5Config, seed: u64, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let model = T5ForConditionalGeneration {
            shared: Embedding::new(config.vocab_size, config.d_model, device)
                .starting(StartVector::of(config.decoder_start_vector)),
            encoder: T5Stack::blank(config, Causality::Bidirectional, device),
            decoder: T5Stack::blank(config, Causality::Causal, device),
            lm_head: (!config.tie_word_embeddings)
                .then(|| Linear::new(config.d_model, config.vocab_size, Bias::Without, device)),
            output_scale: if config.scales_outputs() {
                (config.d_model as f64).powf(-0.5)
            } else {
                1.0
            },
        };
        Ok(initialise(model, seed, |path| first_values(config, path)))
    }

    /// The encoder's output, the memory of the decoder.
    ///
    /// # Shapes
    /// out: `[batch, source, hidden]`
    pub fn encode(&self, source: EncoderInput, run: &Run) -> Tensor<3> {
        let mut unused = Cache::off(self.encoder.n_layers());
        self.encoder.forward(
            self.shared.forward(source.ids),
            Some(source.keep),
            None,
            &mut unused,
            run,
        )
    }

    /// The decoder's output under teacher forcing.
    ///
    /// # Shapes
    /// ids: `[batch, target]`, memory: `[batch, source, hidden]`, out: `[batch, target, hidden]`
    pub fn decode(
        &self,
        ids: Tensor<2, Int>,
        memory: Tensor<3>,
        memory_keep: KeepMask,
        run: &Run,
    ) -> Tensor<3> {
        let mut unused = Cache::off(self.decoder.n_layers());
        self.decode_on(ids, memory, memory_keep, &mut unused, run)
    }

    /// The decoder's output for the positions that follow those in the cache.
    ///
    /// # Shapes
    /// ids: `[batch, new]`, memory: `[batch, source, hidden]`, out: `[batch, new, hidden]`
    pub fn decode_on(
        &self,
        ids: Tensor<2, Int>,
        memory: Tensor<3>,
        memory_keep: KeepMask,
        cache: &mut Cache,
        run: &Run,
    ) -> Tensor<3> {
        let memory = Memory {
            vectors: memory,
            keep: memory_keep,
        };
        self.decoder
            .forward(self.shared.forward(ids), None, Some(memory), cache, run)
    }

    /// A cache for a decoder that has read nothing.
    pub fn cache(&self) -> Cache {
        Cache::new(self.decoder.n_layers())
    }

    /// The token embedding, which both stacks share.
    pub(crate) fn words(&self) -> &Embedding {
        &self.shared
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn scores_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Scores {
        let rows = crate::heads::rows_at(hidden, flat_positions);
        let rows = if self.output_scale == 1.0 {
            rows
        } else {
            rows * self.output_scale
        };
        match &self.lm_head {
            None => self.shared.scores(rows, None),
            Some(head) => head.scores(rows),
        }
    }
}

/// T5's factors: every matrix by the width it reads from, so that unscaled scores start at variance one.
fn first_values(config: &T5Config, path: &str) -> Fill {
    let factor = config.initializer_factor;
    let by = |width: usize| Fill::Normal(factor * (width as f64).powf(-0.5));
    match path {
        _ if path.contains("norm") => Fill::Ones,
        "shared.weight" | "shared.start_vector" => Fill::Normal(factor),
        _ if path.ends_with("relative_bias.table.weight") => by(config.d_model),
        _ if path.ends_with(".q.weight") => by(config.d_model * config.d_kv),
        _ if path.ends_with(".o.weight") => by(config.num_heads * config.d_kv),
        _ if path.ends_with(".down.weight") => by(config.d_ff),
        _ => by(config.d_model),
    }
}

const ENCODER_NAMES: &[(&str, &str)] = &[
    ("shared.start_vector", START_VECTOR),
    ("layers", "block"),
    (
        "relative_bias.table",
        "block.0.layer.0.SelfAttention.relative_attention_bias",
    ),
    ("attention", "layer.0.SelfAttention"),
    ("attention_norm", "layer.0.layer_norm"),
    ("feed_forward.gate", "layer.1.DenseReluDense.wi_0"),
    ("feed_forward.up", "layer.1.DenseReluDense.wi_1"),
    ("feed_forward.down", "layer.1.DenseReluDense.wo"),
    ("feed_forward_norm", "layer.1.layer_norm"),
    ("norm", "final_layer_norm"),
];

const DECODER_NAMES: &[(&str, &str)] = &[
    ("layers", "block"),
    (
        "relative_bias.table",
        "block.0.layer.0.SelfAttention.relative_attention_bias",
    ),
    ("attention", "layer.0.SelfAttention"),
    ("attention_norm", "layer.0.layer_norm"),
    ("cross", "layer.1.EncDecAttention"),
    ("cross_norm", "layer.1.layer_norm"),
    ("feed_forward.gate", "layer.2.DenseReluDense.wi_0"),
    ("feed_forward.up", "layer.2.DenseReluDense.wi_1"),
    ("feed_forward.down", "layer.2.DenseReluDense.wo"),
    ("feed_forward_norm", "layer.2.layer_norm"),
    ("norm", "final_layer_norm"),
];

impl HfModel for T5ForConditionalGeneration {
    fn architecture(&self) -> &'static str {
        "T5ForConditionalGeneration"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        let mut name = rename(
            path,
            if path.starts_with("decoder") {
                DECODER_NAMES
            } else {
                ENCODER_NAMES
            },
        );
        if !self.encoder.is_gated() {
            name = name.replace("DenseReluDense.wi_1", "DenseReluDense.wi");
        }
        let as_is = path.starts_with("shared") || path.contains("relative_bias");
        Some(HfTensor {
            name,
            layout: if as_is {
                Layout::AsIs
            } else {
                Layout::Transposed
            },
        })
    }

    fn base_prefix(&self) -> &'static str {
        "transformer."
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        let mut others = Vec::new();
        if name == "shared.weight" {
            others.extend(
                ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"].map(str::to_owned),
            );
            if self.lm_head.is_none() {
                others.push("lm_head.weight".to_owned());
            }
        }
        others
    }

    /// A table that early checkpoints hold and no version of T5 reads.
    fn is_head(&self, name: &str) -> bool {
        name.starts_with("lm_head.")
    }

    fn ignores(&self, name: &str) -> bool {
        name == "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"
    }
}
