//! An encoder-decoder of two BERTs, usually warm-started from pre-trained ones (Rothe et al. 2020): the second one reads from left to
//! right and has cross-attention to the first one's output, which no pre-training has seen.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run, Scores};
use serde::{Deserialize, Serialize};

use crate::bert::{Bert, BertConfig, BertEmbeddings, FAMILY, NAMES, Pooler, Positions};
use crate::check::supported;
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::heads::{HeadSizes, MaskedLmHead, rows_at};
use crate::hf::{
    HfModel, HfTensor, Layout, LoadReport, START_VECTOR, encoder_tensor, load_weights, one_id,
    rename,
};
use crate::init::{initialise_under, usual};
use crate::layers::{Bias, Cache, Embedding, Linear, Memory, PostNormDecoderLayer, StartVector};

/// `config.json` of Hugging Face's `EncoderDecoderModel`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EncoderDecoderConfig {
    /// The encoder.
    pub encoder: HalfConfig,
    /// The decoder; its `is_decoder` and `add_cross_attention` are true.
    pub decoder: HalfConfig,
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
}

/// One half of an encoder-decoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model_type", rename_all = "lowercase")]
pub enum HalfConfig {
    /// A BERT.
    Bert(BertConfig),
}

impl HalfConfig {
    /// The sizes.
    pub fn bert(&self) -> &BertConfig {
        match self {
            HalfConfig::Bert(config) => config,
        }
    }
}

impl Default for EncoderDecoderConfig {
    fn default() -> Self {
        EncoderDecoderConfig::of(&BertConfig::default(), &BertConfig::default())
    }
}

impl EncoderDecoderConfig {
    /// The configuration whose halves have the sizes of two models.
    pub fn of(encoder: &BertConfig, decoder: &BertConfig) -> EncoderDecoderConfig {
        EncoderDecoderConfig {
            encoder: HalfConfig::Bert(BertConfig {
                is_decoder: false,
                add_cross_attention: false,
                ..encoder.clone()
            }),
            decoder: HalfConfig::Bert(BertConfig {
                is_decoder: true,
                add_cross_attention: true,
                ..decoder.clone()
            }),
            decoder_start_token_id: None,
            decoder_start_vector: false,
            pad_token_id: encoder.pad_token_id,
            eos_token_id: None,
        }
    }

    /// Checks the values against each other.
    ///
    /// # Errors
    /// A half that does not validate, or a decoder without cross-attention.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.encoder.bert().validate_as_encoder()?;
        let decoder = self.decoder.bert();
        decoder.validate()?;
        supported(
            "decoder.is_decoder",
            decoder.is_decoder,
            decoder.is_decoder,
            "the second half reads from left to right",
        )
    }

    /// Rows of the smaller token embedding.
    pub fn vocab_size(&self) -> usize {
        let rows = |half: &HalfConfig| half.bert().vocab_size;
        rows(&self.encoder).min(rows(&self.decoder))
    }

    /// Longest input and output in tokens.
    pub fn max_positions(&self) -> usize {
        let positions = |half: &HalfConfig| half.bert().max_position_embeddings;
        positions(&self.encoder).min(positions(&self.decoder))
    }
}

/// Both halves: Hugging Face's `EncoderDecoderModel`.
#[derive(Module, Debug)]
pub struct EncoderDecoder {
    encoder: Bert,
    /// From the encoder's width to the decoder's, where they differ.
    projection: Option<Linear>,
    decoder: BertDecoder,
}

/// A BERT that writes: Hugging Face's `BertLMHeadModel` with cross-attention.
#[derive(Module, Debug)]
struct BertDecoder {
    embeddings: BertEmbeddings,
    layers: Vec<PostNormDecoderLayer>,
    head: MaskedLmHead,
}

impl EncoderDecoder {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &EncoderDecoderConfig,
        seed: u64,
        device: &Device,
    ) -> Result<EncoderDecoder, ModelError> {
        config.validate()?;
        let (encoder, decoder) = (config.encoder.bert(), config.decoder.bert());
        let projection = (encoder.hidden_size != decoder.hidden_size).then(|| {
            let layer = Linear::new(encoder.hidden_size, decoder.hidden_size, Bias::With, device);
            initialise_under("projection", layer, seed, |path| {
                usual(path, decoder.initializer_range)
            })
        });
        Ok(EncoderDecoder {
            encoder: Bert::filled(encoder, Pooler::With, ("encoder", seed), device),
            projection,
            decoder: BertDecoder::new(config, seed, device),
        })
    }

    /// Fills both halves from the folders of two pre-trained models. Cross-attention stays as it is at first and stands in the report
    /// as new, like all that the folders lack.
    ///
    /// # Errors
    /// As [`load_weights`].
    pub fn warm_start(
        self,
        encoder: &Path,
        decoder: &Path,
    ) -> Result<(EncoderDecoder, LoadReport), ModelError> {
        let mut report = LoadReport::default();
        let mut note = |half: &str, other: LoadReport| {
            let named = |names: Vec<String>| {
                names
                    .into_iter()
                    .map(move |name| format!("{half}.{name}"))
                    .collect::<Vec<_>>()
            };
            report.loaded.extend(named(other.loaded));
            report.new.extend(named(other.new));
            report.unused.extend(named(other.unused));
        };
        let (encoder, from_encoder) = load_weights(self.encoder, encoder)?;
        note("encoder", from_encoder);
        let (decoder, from_decoder) = load_weights(self.decoder, decoder)?;
        note("decoder", from_decoder);
        if self.projection.is_some() {
            let parts = ["weight", "bias"].map(|part| format!("enc_to_dec_proj.{part}"));
            report.new.extend(parts);
        }
        let model = EncoderDecoder {
            encoder,
            projection: self.projection,
            decoder,
        };
        Ok((model, report))
    }

    /// The encoder's output in its own width, which is what Hugging Face shows.
    ///
    /// # Shapes
    /// out: `[batch, source, hidden of the encoder]`
    pub fn encode(&self, source: EncoderInput, run: &Run) -> Tensor<3> {
        self.encoder.forward(source, run)
    }

    /// The decoder's output under teacher forcing.
    ///
    /// # Shapes
    /// As [`EncoderDecoder::decode_on`].
    pub fn decode(
        &self,
        ids: Tensor<2, Int>,
        memory: Tensor<3>,
        memory_keep: KeepMask,
        run: &Run,
    ) -> Tensor<3> {
        let mut unused = Cache::off(self.decoder.layers.len());
        self.decode_on(ids, memory, memory_keep, &mut unused, run)
    }

    /// The decoder's output for the positions that follow those in the cache.
    ///
    /// # Shapes
    /// ids: `[batch, new]`, memory: `[batch, source, hidden of the encoder]`, out: `[batch, new, hidden of the decoder]`
    pub fn decode_on(
        &self,
        ids: Tensor<2, Int>,
        memory: Tensor<3>,
        memory_keep: KeepMask,
        cache: &mut Cache,
        run: &Run,
    ) -> Tensor<3> {
        let memory = Memory {
            vectors: match &self.projection {
                None => memory,
                Some(projection) => projection.forward(memory),
            },
            keep: memory_keep,
        };
        self.decoder.forward(ids, &memory, cache, run)
    }

    /// A cache for a decoder that has read nothing.
    pub fn cache(&self) -> Cache {
        Cache::new(self.decoder.layers.len())
    }

    /// Rows of the decoder's position table.
    pub fn max_positions(&self) -> usize {
        self.decoder.embeddings.n_positions()
    }

    /// The decoder's token embedding.
    pub(crate) fn words(&self) -> &Embedding {
        &self.decoder.embeddings.word
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn scores_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Scores {
        let words = &self.decoder.embeddings.word;
        self.decoder
            .head
            .forward(rows_at(hidden, flat_positions), words)
    }
}

impl BertDecoder {
    fn new(whole: &EncoderDecoderConfig, seed: u64, device: &Device) -> BertDecoder {
        let config = whole.decoder.bert();
        let fill = |path: &str| usual(path, config.initializer_range);
        let mut embeddings = BertEmbeddings::blank(config, device);
        embeddings.word = embeddings
            .word
            .starting(StartVector::of(whole.decoder_start_vector));
        let layers = PostNormDecoderLayer::stack(&config.layer(), config.num_hidden_layers, device);
        BertDecoder {
            embeddings: initialise_under("decoder.embeddings", embeddings, seed, fill),
            layers: initialise_under("decoder.layers", layers, seed, fill),
            head: MaskedLmHead::new(&HeadSizes::of_bert(config), ("decoder.head", seed), device),
        }
    }

    /// # Shapes
    /// ids: `[batch, new]`, out: `[batch, new, hidden]`
    fn forward(
        &self,
        ids: Tensor<2, Int>,
        memory: &Memory,
        cache: &mut Cache,
        run: &Run,
    ) -> Tensor<3> {
        let positions = Positions {
            given: None,
            first: cache.length(),
        };
        let vectors = self.embeddings.forward(ids, None, positions, run);
        PostNormDecoderLayer::forward_all(&self.layers, vectors, memory, cache, run)
    }
}

impl HfModel for BertDecoder {
    fn architecture(&self) -> &'static str {
        "BertLMHeadModel"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        if path.starts_with("head.") {
            return Some(HfTensor {
                name: rename(path, FAMILY.heads),
                layout: Layout::Transposed,
            });
        }
        if path == "embeddings.word.start_vector" {
            return Some(HfTensor {
                name: START_VECTOR.to_owned(),
                layout: Layout::AsIs,
            });
        }
        let tensor = encoder_tensor(path, NAMES);
        Some(HfTensor {
            name: format!("{}{}", FAMILY.prefix, tensor.name),
            ..tensor
        })
    }

    fn base_prefix(&self) -> &'static str {
        FAMILY.prefix
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        FAMILY.tied_spellings(name)
    }
}

impl HfModel for EncoderDecoder {
    fn architecture(&self) -> &'static str {
        "EncoderDecoderModel"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        let under = |half: &str, tensor: HfTensor| HfTensor {
            name: format!("{half}.{}", tensor.name),
            ..tensor
        };
        match path.split_once('.') {
            Some(("encoder", inner)) => Some(under("encoder", self.encoder.hf_name(inner)?)),
            Some(("decoder", inner)) => Some(under("decoder", self.decoder.hf_name(inner)?)),
            _ => Some(HfTensor {
                name: rename(path, &[("projection", "enc_to_dec_proj")]),
                layout: Layout::Transposed,
            }),
        }
    }

    /// Its halves are whole models, so there is no base model without them.
    fn base_prefix(&self) -> &'static str {
        ""
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        let half = |inner: &str| FAMILY.tied_spellings(inner);
        match name.strip_prefix("decoder.") {
            Some(inner) => half(inner)
                .into_iter()
                .map(|other| format!("decoder.{other}"))
                .collect(),
            None => Vec::new(),
        }
    }

    /// Both halves are pre-trained models, and what joins them is to be named, not assumed.
    fn is_head(&self, _name: &str) -> bool {
        false
    }
}
