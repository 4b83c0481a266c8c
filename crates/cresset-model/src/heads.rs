//! Task heads: one file per task, the same for every architecture that has it.

mod kind;
mod masked_lm;
mod pre_training;
mod question_answering;
mod seq2seq_classifier;
mod sequence_classifier;
mod shared;
mod shared_model;
mod text_classifier;
mod text_pooling;
mod token_classifier;

pub use kind::HeadKind;
pub use masked_lm::MaskedLm;
pub use pre_training::PreTraining;
pub use question_answering::{QuestionAnswering, SpanLogits};
pub use seq2seq_classifier::Seq2SeqClassifier;
pub use sequence_classifier::SequenceClassifier;
pub use shared::{HeadSpec, SharedEncoder};
pub use shared_model::SharedModel;
pub use text_classifier::{Reading, TextClassifier};
pub use text_pooling::{TextHead, TextPooling};
pub use token_classifier::TokenClassifier;

pub(crate) use masked_lm::MaskedLmHead;

use burn::tensor::{Int, Tensor};

use crate::bert::BertConfig;
use crate::encoder::Encoder;
use crate::hf::{HfModel, HfTensor, Layout, rename};
use crate::layers::Activation;

/// What a family of encoders calls its classes and the parameters of its heads.
pub(crate) struct Family {
    /// In front of the encoder's names in a model with a head.
    pub(crate) prefix: &'static str,
    /// Class of the encoder alone.
    pub(crate) model: &'static str,
    /// Class with masked-LM head and a head on pairs of texts, where there is one.
    pub(crate) pre_training: Option<&'static str>,
    /// Class with a masked-LM head, where there is one.
    pub(crate) masked_lm: Option<&'static str>,
    /// Class that puts texts in classes.
    pub(crate) sequence_classifier: &'static str,
    /// Class that puts tokens in classes.
    pub(crate) token_classifier: &'static str,
    /// Class that finds an answer's start and end.
    pub(crate) question_answering: &'static str,
    /// From our names of the heads' parameters to Hugging Face's.
    pub(crate) heads: &'static [(&'static str, &'static str)],
    /// The masked-LM head's output layer in files that name it besides the embedding it is tied to.
    pub(crate) output_layer: &'static str,
    /// Its bias in the files we write.
    pub(crate) output_bias: &'static str,
    /// The token embedding.
    pub(crate) embedding: &'static str,
}

/// What a head must know of the encoder it stands on.
pub(crate) struct HeadSizes {
    pub(crate) hidden_size: usize,
    pub(crate) embedding_size: usize,
    pub(crate) vocab_size: usize,
    /// Activation of the masked-LM head.
    pub(crate) activation: Activation,
    pub(crate) layer_norm_eps: f64,
    /// Standard deviation of initial weights.
    pub(crate) std: f64,
    /// Dropout before a classifier of tokens.
    pub(crate) token_dropout: f64,
    /// Dropout before the head on pairs of texts.
    pub(crate) pair_dropout: f64,
    /// What a classifier of texts reads.
    pub(crate) summary: Summary,
    /// Dropout of the summary, and behind the classifier's own layer.
    pub(crate) summary_dropout: [f64; 2],
}

/// What a classifier of texts reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Summary {
    /// The encoder's pooled vector.
    Pooler,
    /// The vector of the position that stands for the text, through a layer of the classifier's own.
    OwnLayer,
}

impl Family {
    /// Other names of a tensor in models with a masked-LM head.
    pub(crate) fn tied_spellings(&self, name: &str) -> Vec<String> {
        if name == self.embedding {
            vec![format!("{}.weight", self.output_layer)]
        } else if name == self.output_bias {
            vec![format!("{}.bias", self.output_layer)]
        } else {
            Vec::new()
        }
    }
}

impl HeadSizes {
    pub(crate) fn of_bert(config: &BertConfig) -> HeadSizes {
        let dropout = config
            .classifier_dropout
            .unwrap_or(config.hidden_dropout_prob);
        HeadSizes {
            hidden_size: config.hidden_size,
            embedding_size: config.hidden_size,
            vocab_size: config.vocab_size,
            activation: config.hidden_act,
            layer_norm_eps: config.layer_norm_eps,
            std: config.initializer_range,
            token_dropout: dropout,
            pair_dropout: 0.0,
            summary: Summary::Pooler,
            summary_dropout: [dropout; 2],
        }
    }
}

/// The tensor of a parameter of a model made of `encoder` and a head.
fn tensor_of(encoder: &Encoder, path: &str) -> Option<HfTensor> {
    let family = encoder.family();
    match path.strip_prefix("encoder.") {
        Some(inner) => encoder.hf_name(inner).map(|tensor| HfTensor {
            name: format!("{}{}", family.prefix, tensor.name),
            layout: tensor.layout,
        }),
        None => Some(HfTensor {
            name: rename(path, family.heads),
            layout: Layout::Transposed,
        }),
    }
}

/// The vectors at the given positions, so that a head computes nothing nobody asked for.
///
/// # Shapes
/// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, hidden]`
pub(crate) fn rows_at(hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Tensor<2> {
    let [batch, seq, size] = hidden.dims();
    hidden
        .reshape([batch * seq, size])
        .select(0, flat_positions)
}
