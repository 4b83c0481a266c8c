//! The encoder shape: text in, one vector per position out.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run, Watched};

use crate::albert::{self, Albert, AlbertConfig};
use crate::bert::{self, Bert, BertConfig, Pooler};
use crate::error::ModelError;
use crate::heads::{Family, HeadSizes, Summary};
use crate::hf::{HfModel, HfTensor, inner_path};
use crate::layers::Activation;
use crate::roberta::{self, Roberta, RobertaConfig};
use crate::xlnet::{self, Xlnet, XlnetConfig};

/// A batch of framed texts.
#[derive(Clone, Debug)]
pub struct EncoderInput {
    /// Token ids, `[batch, seq]`.
    pub ids: Tensor<2, Int>,
    /// Which positions hold text, `[batch, seq]`.
    pub keep: KeepMask,
    /// Segment of each position, `[batch, seq]`; all zero by default.
    pub segments: Option<Tensor<2, Int>>,
    /// Position ids, `[batch, seq]`; as the architecture counts them by default.
    pub positions: Option<Tensor<2, Int>>,
}

/// Configuration of an encoder.
#[derive(Clone, Debug, PartialEq)]
pub enum EncoderConfig {
    /// BERT.
    Bert(BertConfig),
    /// RoBERTa.
    Roberta(RobertaConfig),
    /// ALBERT.
    Albert(AlbertConfig),
    /// XLNet.
    Xlnet(XlnetConfig),
}

impl EncoderConfig {
    /// What a head must know of the encoder it stands on.
    pub(crate) fn head_sizes(&self) -> HeadSizes {
        match self {
            EncoderConfig::Bert(config) => HeadSizes::of_bert(config),
            EncoderConfig::Roberta(config) => HeadSizes {
                activation: Activation::Gelu,
                summary: Summary::OwnLayer,
                ..HeadSizes::of_bert(&config.bert)
            },
            EncoderConfig::Albert(config) => HeadSizes {
                hidden_size: config.hidden_size,
                embedding_size: config.embedding_size,
                vocab_size: config.vocab_size,
                activation: config.hidden_act,
                layer_norm_eps: config.layer_norm_eps,
                std: config.initializer_range,
                token_dropout: config.classifier_dropout_prob,
                pair_dropout: config.classifier_dropout_prob,
                summary: Summary::Pooler,
                summary_dropout: [config.classifier_dropout_prob; 2],
            },
            EncoderConfig::Xlnet(config) => HeadSizes {
                hidden_size: config.d_model,
                embedding_size: config.d_model,
                vocab_size: config.vocab_size,
                activation: config.ff_activation,
                layer_norm_eps: config.layer_norm_eps,
                std: config.initializer_range,
                token_dropout: 0.0,
                pair_dropout: 0.0,
                summary: Summary::OwnLayer,
                summary_dropout: [0.0, config.summary_last_dropout],
            },
        }
    }
}

/// An encoder without a task head.
#[derive(Module, Debug)]
pub enum Encoder {
    /// BERT.
    Bert(Bert),
    /// RoBERTa.
    Roberta(Roberta),
    /// ALBERT.
    Albert(Albert),
    /// XLNet; it has no pooler.
    Xlnet(Xlnet),
}

impl Encoder {
    /// An encoder with initial weights, with or without its pooler.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &EncoderConfig,
        pooler: Pooler,
        seed: u64,
        device: &Device,
    ) -> Result<Encoder, ModelError> {
        Ok(match config {
            EncoderConfig::Bert(config) => Encoder::Bert(Bert::new(config, pooler, seed, device)?),
            EncoderConfig::Roberta(config) => {
                Encoder::Roberta(Roberta::new(config, pooler, seed, device)?)
            }
            EncoderConfig::Albert(config) => {
                Encoder::Albert(Albert::new(config, pooler, seed, device)?)
            }
            EncoderConfig::Xlnet(config) => Encoder::Xlnet(Xlnet::new(config, seed, device)?),
        })
    }

    /// The last layer's output.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        match self {
            Encoder::Bert(model) => model.forward(input, run),
            Encoder::Roberta(model) => model.forward(input, run),
            Encoder::Albert(model) => model.forward(input, run),
            Encoder::Xlnet(model) => model.forward(input, run),
        }
    }

    /// The embeddings' output and every layer's, as Hugging Face's `hidden_states`.
    ///
    /// # Shapes
    /// each: `[batch, seq, hidden]`
    pub fn hidden_states(&self, input: EncoderInput, run: &Run) -> Vec<Tensor<3>> {
        let pass = |run: &Run| self.forward(input, run);
        run.watch(Watched::HiddenStates, pass).1.hidden_states
    }

    /// The vector that stands for the whole text: that of the first position, through the pooler where there
    /// is one; XLNet's is that of the last position.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, hidden]`
    pub fn pooled(&self, hidden: Tensor<3>) -> Tensor<2> {
        match self {
            Encoder::Bert(model) => model.pooled(hidden),
            Encoder::Roberta(model) => model.pooled(hidden),
            Encoder::Albert(model) => model.pooled(hidden),
            Encoder::Xlnet(model) => model.last(hidden),
        }
    }

    /// The vectors of the tokens that stand for the whole text, one behind the other, as the last layer leaves them: the first
    /// `n_tokens`, of XLNet the last.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, n_tokens * hidden]`
    ///
    /// # Panics
    /// If there are fewer.
    pub fn cls(&self, hidden: Tensor<3>, n_tokens: usize) -> Tensor<2> {
        let [batch, seq, size] = hidden.dims();
        let start = match self {
            Encoder::Xlnet(_) => seq - n_tokens,
            _ => 0,
        };
        hidden
            .narrow(1, start, n_tokens)
            .reshape([batch, n_tokens * size])
    }

    /// Whether there is a pooler. XLNet has none.
    pub fn has_pooler(&self) -> bool {
        match self {
            Encoder::Bert(model) => model.has_pooler(),
            Encoder::Roberta(model) => model.has_pooler(),
            Encoder::Albert(model) => model.has_pooler(),
            Encoder::Xlnet(_) => false,
        }
    }

    /// The names of the family's classes and heads.
    pub(crate) fn family(&self) -> &'static Family {
        match self {
            Encoder::Bert(_) => &bert::FAMILY,
            Encoder::Roberta(_) => &roberta::FAMILY,
            Encoder::Albert(_) => &albert::FAMILY,
            Encoder::Xlnet(_) => &xlnet::FAMILY,
        }
    }
}

impl HfModel for Encoder {
    fn architecture(&self) -> &'static str {
        self.family().model
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        let path = inner_path(path);
        match self {
            Encoder::Bert(model) => model.hf_name(path),
            Encoder::Roberta(model) => model.hf_name(path),
            Encoder::Albert(model) => model.hf_name(path),
            Encoder::Xlnet(model) => model.hf_name(path),
        }
    }

    fn base_prefix(&self) -> &'static str {
        self.family().prefix
    }

    fn is_head(&self, _name: &str) -> bool {
        false
    }
}
