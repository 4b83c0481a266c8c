//! BART (Lewis et al. 2020): the original Transformer's layers with learned positions and a layer norm on the embeddings, in Hugging
//! Face's layout.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run, Scores, dropout};
use serde::{Deserialize, Serialize};

use crate::check::{rate, supported, within};
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, Layout, START_VECTOR, one_id, rename};
use crate::init::{initialise, usual};
use crate::layers::{
    Activation, Cache, Embedding, LayerNorm, Memory, POST_NORM_NAMES, PostNormConfig,
    PostNormDecoderLayer, PostNormEncoderLayer, PostNormKeys, StartVector,
};

/// BART's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BartConfig {
    /// Rows of the shared embedding.
    pub vocab_size: usize,
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
    /// Dropout of the classification head.
    pub classifier_dropout: f64,
    /// Positions a text may have; the tables have two rows more.
    pub max_position_embeddings: usize,
    /// Standard deviation of initial weights.
    pub init_std: f64,
    /// Whether embeddings are multiplied by `sqrt(d_model)`.
    pub scale_embedding: bool,
    /// Whether the output layer is tied; must be true.
    pub tie_word_embeddings: bool,
    /// Id that starts decoding: published models take `</s>`.
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
    /// Id that begins a sequence.
    #[serde(deserialize_with = "one_id")]
    pub bos_token_id: Option<u32>,
    /// Id forced behind the decoder's start in generation.
    #[serde(deserialize_with = "one_id")]
    pub forced_bos_token_id: Option<u32>,
    /// Id forced at the maximum length of generation.
    #[serde(deserialize_with = "one_id")]
    pub forced_eos_token_id: Option<u32>,
}

impl Default for BartConfig {
    fn default() -> Self {
        BartConfig {
            vocab_size: 50265,
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
            classifier_dropout: 0.0,
            max_position_embeddings: 1024,
            init_std: 0.02,
            scale_embedding: false,
            tie_word_embeddings: true,
            decoder_start_token_id: Some(2),
            decoder_start_vector: false,
            pad_token_id: Some(1),
            eos_token_id: Some(2),
            bos_token_id: Some(0),
            forced_bos_token_id: None,
            forced_eos_token_id: Some(2),
        }
    }
}

impl BartConfig {
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
        rate("classifier_dropout", self.classifier_dropout)?;
        supported(
            "tie_word_embeddings",
            self.tie_word_embeddings,
            self.tie_word_embeddings,
            "the output layer is always tied",
        )
    }

    /// What starts decoding: BART's published start is the end token, where nothing else is said.
    pub fn start_token_id(&self) -> Option<u32> {
        self.decoder_start_token_id.or(self.eos_token_id)
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

/// Encoder and decoder without an output layer: Hugging Face's `BartModel`.
#[derive(Module, Debug)]
pub struct Bart {
    shared: Embedding,
    encoder_embeddings: BartEmbeddings,
    encoder: Vec<PostNormEncoderLayer>,
    decoder_embeddings: BartEmbeddings,
    decoder: Vec<PostNormDecoderLayer>,
}

/// What makes vectors of tokens the input of a stack.
#[derive(Module, Debug)]
struct BartEmbeddings {
    positions: Embedding,
    norm: LayerNorm,
    #[module(skip)]
    token_scale: f64,
    #[module(skip)]
    dropout: f64,
}

/// The rows of a position table before position 0, which no text uses: the original code counted positions from `pad_id + 1`.
const OFFSET: usize = 2;

impl Bart {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &BartConfig, seed: u64, device: &Device) -> Result<Bart, ModelError> {
        config.validate()?;
        let model = Bart {
            shared: Embedding::new(config.vocab_size, config.d_model, device)
                .starting(StartVector::of(config.decoder_start_vector)),
            encoder_embeddings: BartEmbeddings::blank(config, device),
            encoder: PostNormEncoderLayer::stack(
                &config.encoder_layer(),
                config.encoder_layers,
                device,
            ),
            decoder_embeddings: BartEmbeddings::blank(config, device),
            decoder: PostNormDecoderLayer::stack(
                &config.decoder_layer(),
                config.decoder_layers,
                device,
            ),
        };
        Ok(initialise(model, seed, |path| usual(path, config.init_std)))
    }

    /// The encoder's output, the memory of the decoder.
    ///
    /// # Shapes
    /// out: `[batch, source, hidden]`
    ///
    /// # Panics
    /// If the source is longer than [`Bart::max_positions`]; check lengths with `ModelConfig::check_length`.
    pub fn encode(&self, source: EncoderInput, run: &Run) -> Tensor<3> {
        let tokens = self.shared.forward(source.ids);
        let vectors = self.encoder_embeddings.forward(tokens, 0, run);
        PostNormEncoderLayer::forward_all(&self.encoder, vectors, &source.keep, run)
    }

    /// The decoder's output under teacher forcing.
    ///
    /// # Shapes
    /// ids: `[batch, target]`, memory: `[batch, source, hidden]`, out: `[batch, target, hidden]`
    ///
    /// # Panics
    /// If the target is longer than [`Bart::max_positions`].
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
    ///
    /// # Panics
    /// If the positions go beyond [`Bart::max_positions`].
    pub fn decode_on(
        &self,
        ids: Tensor<2, Int>,
        memory: Tensor<3>,
        memory_keep: KeepMask,
        cache: &mut Cache,
        run: &Run,
    ) -> Tensor<3> {
        let tokens = self.shared.forward(ids);
        let vectors = self.decoder_embeddings.forward(tokens, cache.length(), run);
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

    /// The token embedding, which both stacks share.
    pub(crate) fn words(&self) -> &Embedding {
        &self.shared
    }

    /// Positions a text may have.
    pub fn max_positions(&self) -> usize {
        self.decoder_embeddings.max_positions()
    }
}

impl BartEmbeddings {
    fn blank(config: &BartConfig, device: &Device) -> BartEmbeddings {
        let rows = config.max_position_embeddings + OFFSET;
        BartEmbeddings {
            positions: Embedding::new(rows, config.d_model, device),
            norm: LayerNorm::new(config.d_model, 1e-5, device),
            token_scale: if config.scale_embedding {
                (config.d_model as f64).sqrt()
            } else {
                1.0
            },
            dropout: config.dropout,
        }
    }

    /// # Shapes
    /// tokens and out: `[batch, seq, hidden]`
    fn forward(&self, tokens: Tensor<3>, start: usize, run: &Run) -> Tensor<3> {
        let [_, seq, _] = tokens.dims();
        assert!(
            start + seq <= self.max_positions(),
            "positions {start}..{} exceed the table of {}",
            start + seq,
            self.max_positions()
        );
        let positions = self.positions.weight.val().narrow(0, start + OFFSET, seq);
        let tokens = if self.token_scale == 1.0 {
            tokens
        } else {
            tokens * self.token_scale
        };
        let vectors = self.norm.forward(tokens + positions.unsqueeze_dim(0));
        dropout(vectors, self.dropout, run)
    }

    fn max_positions(&self) -> usize {
        self.positions.weight.dims()[0] - OFFSET
    }
}

/// BART with its tied output layer: Hugging Face's `BartForConditionalGeneration`.
#[derive(Module, Debug)]
pub struct BartForConditionalGeneration {
    model: Bart,
    /// `[1, vocab]`, added to the scores; a buffer in Hugging Face: not trained.
    final_logits_bias: Param<Tensor<2>>,
}

impl BartForConditionalGeneration {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &BartConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        Ok(BartForConditionalGeneration {
            model: Bart::new(config, seed, device)?,
            final_logits_bias: Param::from_tensor(Tensor::zeros([1, config.vocab_size], device))
                .set_require_grad(false),
        })
    }

    /// Encoder and decoder.
    pub fn body(&self) -> &Bart {
        &self.model
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn scores_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Scores {
        let bias = self.final_logits_bias.val().squeeze_dim(0);
        self.model
            .shared
            .scores(crate::heads::rows_at(hidden, flat_positions), Some(bias))
    }
}

const NAMES: &[(&str, &str)] = &[
    ("shared.start_vector", START_VECTOR),
    ("encoder_embeddings.positions", "encoder.embed_positions"),
    ("encoder_embeddings.norm", "encoder.layernorm_embedding"),
    ("encoder", "encoder.layers"),
    ("decoder_embeddings.positions", "decoder.embed_positions"),
    ("decoder_embeddings.norm", "decoder.layernorm_embedding"),
    ("decoder", "decoder.layers"),
];

/// Name and layout of a parameter of [`Bart`], also below other modules.
pub(crate) fn bart_name(path: &str) -> HfTensor {
    let as_is = ["shared", "positions", "final_logits_bias"]
        .iter()
        .any(|part| path.contains(part));
    HfTensor {
        name: rename(&rename(path, NAMES), POST_NORM_NAMES),
        layout: if as_is {
            Layout::AsIs
        } else {
            Layout::Transposed
        },
    }
}

/// The names of the shared embedding in the two stacks.
pub(crate) fn bart_spellings(name: &str) -> Vec<String> {
    if name == "model.shared.weight" {
        ["encoder", "decoder"]
            .map(|stack| format!("model.{stack}.embed_tokens.weight"))
            .to_vec()
    } else {
        Vec::new()
    }
}

/// A version number in files of early tools.
pub(crate) fn bart_ignores(name: &str) -> bool {
    name.ends_with("encoder.version") || name.ends_with("decoder.version")
}

impl HfModel for BartForConditionalGeneration {
    fn architecture(&self) -> &'static str {
        "BartForConditionalGeneration"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        Some(bart_name(path))
    }

    fn base_prefix(&self) -> &'static str {
        "model."
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        let mut others = bart_spellings(name);
        if name == "model.shared.weight" {
            others.push("lm_head.weight".to_owned());
        }
        others
    }

    /// Files of the base model lack the logits' bias; it is zero then.
    fn is_optional(&self, name: &str) -> bool {
        name == "final_logits_bias"
    }

    fn ignores(&self, name: &str) -> bool {
        bart_ignores(name)
    }
}
