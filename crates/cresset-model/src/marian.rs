//! The original Transformer for translation (Vaswani et al. 2017) in Hugging Face's Marian layout: a post-norm encoder and decoder,
//! sinusoidal positions, one embedding for source, target and output.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run, Scores, dropout};
use serde::{Deserialize, Serialize};

use crate::check::{supported, within};
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, Layout, one_id, rename};
use crate::init::{initialise, usual};
use crate::layers::{
    Activation, Cache, Embedding, Memory, POST_NORM_NAMES, PostNormConfig, PostNormDecoderLayer,
    PostNormEncoderLayer, PostNormKeys, Sinusoids, StartVector,
};

/// Marian's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MarianConfig {
    /// Rows of the shared embedding.
    pub vocab_size: usize,
    /// The same, for the decoder.
    pub decoder_vocab_size: Option<usize>,
    /// Width of a vector.
    pub d_model: usize,
    /// Layers of the encoder.
    pub encoder_layers: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    /// Heads of the encoder.
    pub encoder_attention_heads: usize,
    /// Heads of the decoder.
    pub decoder_attention_heads: usize,
    /// Inner width of the encoder's feed-forward blocks.
    pub encoder_ffn_dim: usize,
    /// Inner width of the decoder's feed-forward blocks.
    pub decoder_ffn_dim: usize,
    /// Activation of the feed-forward blocks.
    pub activation_function: Activation,
    /// Dropout of embeddings and block outputs.
    pub dropout: f64,
    /// Dropout of attention probabilities.
    pub attention_dropout: f64,
    /// Dropout inside the feed-forward blocks.
    pub activation_dropout: f64,
    /// Positions of the sinusoidal table.
    pub max_position_embeddings: usize,
    /// Standard deviation of initial weights.
    pub init_std: f64,
    /// Whether embeddings are multiplied by `sqrt(d_model)`.
    pub scale_embedding: bool,
    /// Whether source, target and output share one embedding; must be true.
    pub share_encoder_decoder_embeddings: bool,
    /// Whether the output layer is tied; must be true.
    pub tie_word_embeddings: bool,
    /// Id that starts decoding.
    #[serde(deserialize_with = "one_id")]
    pub decoder_start_token_id: Option<u32>,
    /// Whether the decoder starts with a vector of its own, which is no token's; unknown to transformers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub decoder_start_vector: bool,
    /// Id of the padding token.
    #[serde(deserialize_with = "one_id")]
    pub pad_token_id: Option<u32>,
    /// Id that ends a sequence.
    #[serde(deserialize_with = "one_id")]
    pub eos_token_id: Option<u32>,
    /// Id that begins a sequence, where there is one.
    #[serde(deserialize_with = "one_id")]
    pub bos_token_id: Option<u32>,
    /// Id forced at the maximum length of generation.
    #[serde(deserialize_with = "one_id")]
    pub forced_eos_token_id: Option<u32>,
}

impl Default for MarianConfig {
    fn default() -> Self {
        MarianConfig {
            vocab_size: 58101,
            decoder_vocab_size: None,
            d_model: 1024,
            encoder_layers: 12,
            decoder_layers: 12,
            encoder_attention_heads: 16,
            decoder_attention_heads: 16,
            encoder_ffn_dim: 4096,
            decoder_ffn_dim: 4096,
            activation_function: Activation::Gelu,
            dropout: 0.1,
            attention_dropout: 0.0,
            activation_dropout: 0.0,
            max_position_embeddings: 1024,
            init_std: 0.02,
            scale_embedding: false,
            share_encoder_decoder_embeddings: true,
            tie_word_embeddings: true,
            decoder_start_token_id: Some(58100),
            decoder_start_vector: false,
            pad_token_id: Some(58100),
            eos_token_id: Some(0),
            bos_token_id: None,
            forced_eos_token_id: Some(0),
        }
    }
}

impl MarianConfig {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range, or a variant that is not supported.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (key, value) in [
            ("vocab_size", self.vocab_size),
            ("encoder_layers", self.encoder_layers),
            ("decoder_layers", self.decoder_layers),
            ("max_position_embeddings", self.max_position_embeddings),
        ] {
            within(key, value, 1..)?;
        }
        self.encoder_layer().validate(PostNormKeys::ENCODER)?;
        self.decoder_layer().validate(PostNormKeys::DECODER)?;
        let shared = self.share_encoder_decoder_embeddings;
        supported(
            "share_encoder_decoder_embeddings",
            shared,
            shared,
            "source and target share one vocabulary",
        )?;
        supported(
            "tie_word_embeddings",
            self.tie_word_embeddings,
            self.tie_word_embeddings,
            "the output layer is always tied",
        )?;
        let decoder = self.decoder_vocab_size.unwrap_or(self.vocab_size);
        supported(
            "decoder_vocab_size",
            decoder,
            decoder == self.vocab_size,
            "source and target share one vocabulary",
        )
    }

    /// What starts decoding: Marian's published start is the padding token, where nothing else is said.
    pub fn start_token_id(&self) -> Option<u32> {
        self.decoder_start_token_id.or(self.pad_token_id)
    }

    fn encoder_layer(&self) -> PostNormConfig {
        PostNormConfig {
            hidden_size: self.d_model,
            n_heads: self.encoder_attention_heads,
            intermediate_size: self.encoder_ffn_dim,
            activation: self.activation_function,
            norm_epsilon: 1e-5,
            dropout: self.dropout,
            output_dropout: self.dropout,
            attention_dropout: self.attention_dropout,
            activation_dropout: self.activation_dropout,
        }
    }

    fn decoder_layer(&self) -> PostNormConfig {
        PostNormConfig {
            n_heads: self.decoder_attention_heads,
            intermediate_size: self.decoder_ffn_dim,
            ..self.encoder_layer()
        }
    }
}

/// Encoder, decoder and tied output layer: Hugging Face's `MarianMTModel`.
#[derive(Module, Debug)]
pub struct MarianMtModel {
    shared: Embedding,
    encoder: Vec<PostNormEncoderLayer>,
    decoder: Vec<PostNormDecoderLayer>,
    /// `[1, vocab]`, added to the scores; published models hide a token with it. A buffer in Hugging Face: not trained.
    final_logits_bias: Param<Tensor<2>>,
    positions: Sinusoids,
    #[module(skip)]
    embed_scale: f64,
    #[module(skip)]
    dropout: f64,
}

impl MarianMtModel {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &MarianConfig,
        seed: u64,
        device: &Device,
    ) -> Result<MarianMtModel, ModelError> {
        config.validate()?;
        let model = MarianMtModel {
            shared: Embedding::new(config.vocab_size, config.d_model, device)
                .starting(StartVector::of(config.decoder_start_vector)),
            encoder: PostNormEncoderLayer::stack(
                &config.encoder_layer(),
                config.encoder_layers,
                device,
            ),
            decoder: PostNormDecoderLayer::stack(
                &config.decoder_layer(),
                config.decoder_layers,
                device,
            ),
            final_logits_bias: Param::from_tensor(Tensor::zeros([1, config.vocab_size], device))
                .set_require_grad(false),
            positions: Sinusoids::new(config.max_position_embeddings, config.d_model),
            embed_scale: if config.scale_embedding {
                (config.d_model as f64).sqrt()
            } else {
                1.0
            },
            dropout: config.dropout,
        };
        Ok(initialise(model, seed, |path| usual(path, config.init_std)))
    }

    /// The encoder's output, the memory of the decoder.
    ///
    /// # Shapes
    /// out: `[batch, source, hidden]`
    pub fn encode(&self, source: EncoderInput, run: &Run) -> Tensor<3> {
        let vectors = self.embed(source.ids, 0, run);
        PostNormEncoderLayer::forward_all(&self.encoder, vectors, &source.keep, run)
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
        let mut unused = Cache::off(self.decoder.len());
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
        let vectors = self.embed(ids, cache.length(), run);
        let memory = Memory {
            vectors: memory,
            keep: memory_keep,
        };
        PostNormDecoderLayer::forward_all(&self.decoder, vectors, &memory, cache, run)
    }

    /// A cache for a decoder that has read nothing.
    pub fn cache(&self) -> Cache {
        Cache::new(self.decoder.len())
    }

    /// Positions of the sinusoidal table.
    pub fn max_positions(&self) -> usize {
        self.positions.n_positions()
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
        let bias = self.final_logits_bias.val().squeeze_dim(0);
        self.shared
            .scores(crate::heads::rows_at(hidden, flat_positions), Some(bias))
    }

    fn embed(&self, ids: Tensor<2, Int>, start: usize, run: &Run) -> Tensor<3> {
        let [_, seq] = ids.dims();
        let device = ids.device();
        let vectors = self.shared.forward(ids);
        let vectors = if self.embed_scale == 1.0 {
            vectors
        } else {
            vectors * self.embed_scale
        };
        dropout(
            vectors + self.positions.forward(start, seq, &device),
            self.dropout,
            run,
        )
    }
}

const NAMES: &[(&str, &str)] = &[
    ("shared.start_vector", "model.decoder_start_vector"),
    ("shared", "model.shared"),
    ("encoder", "model.encoder.layers"),
    ("decoder", "model.decoder.layers"),
];

impl HfModel for MarianMtModel {
    fn architecture(&self) -> &'static str {
        "MarianMTModel"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        let as_is = path.starts_with("shared") || path.starts_with("final_logits_bias");
        Some(HfTensor {
            name: rename(&rename(path, NAMES), POST_NORM_NAMES),
            layout: if as_is {
                Layout::AsIs
            } else {
                Layout::Transposed
            },
        })
    }

    fn base_prefix(&self) -> &'static str {
        "model."
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        if name == "model.shared.weight" {
            [
                "lm_head.weight",
                "model.encoder.embed_tokens.weight",
                "model.decoder.embed_tokens.weight",
            ]
            .map(str::to_owned)
            .to_vec()
        } else {
            Vec::new()
        }
    }

    /// Files of other tools lack the logits' bias; it is zero then.
    fn is_optional(&self, name: &str) -> bool {
        name == "final_logits_bias"
    }

    fn ignores(&self, name: &str) -> bool {
        name.ends_with("embed_positions.weight")
    }
}
