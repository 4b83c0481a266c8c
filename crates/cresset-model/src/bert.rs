//! BERT (Devlin et al. 2019): a bidirectional post-norm encoder over token, position and segment embeddings.
//!
//! Deviation from Hugging Face: the padding token's row starts like any other and is trained through the tied head only, instead of
//! starting at zero; it never reaches a kept position.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{Run, dropout};
use serde::{Deserialize, Serialize};

use crate::check::{rate, split_into_heads, supported, within};
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, Layout, rename};
use crate::init::{initialise, usual};
use crate::layers::{
    Activation, Attention, AttentionConfig, Bias, Embedding, FeedForward, LayerNorm, Linear, Sight,
};

/// BERT's `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BertConfig {
    /// Rows of the token embedding.
    pub vocab_size: usize,
    /// Width of a vector.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads.
    pub num_attention_heads: usize,
    /// Inner width of the feed-forward block.
    pub intermediate_size: usize,
    /// Activation of the feed-forward block and the masked-LM head.
    pub hidden_act: Activation,
    /// Dropout of embeddings and block outputs.
    pub hidden_dropout_prob: f64,
    /// Dropout of attention probabilities.
    pub attention_probs_dropout_prob: f64,
    /// Rows of the position embedding.
    pub max_position_embeddings: usize,
    /// Number of segments.
    pub type_vocab_size: usize,
    /// Standard deviation of initial weights.
    pub initializer_range: f64,
    /// Added to the variance in layer norms.
    pub layer_norm_eps: f64,
    /// Dropout before the classifier; `hidden_dropout_prob` by default.
    pub classifier_dropout: Option<f64>,
    /// Id of the padding token.
    pub pad_token_id: Option<u32>,
    /// Whether the masked-LM head shares the token embedding; must be true.
    pub tie_word_embeddings: bool,
    /// Whether attention is causal; must be false.
    pub is_decoder: bool,
    /// Kind of positions in older files; must be `absolute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position_embedding_type: Option<String>,
}

impl Default for BertConfig {
    fn default() -> Self {
        BertConfig {
            vocab_size: 30522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            hidden_act: Activation::Gelu,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            classifier_dropout: None,
            pad_token_id: Some(0),
            tie_word_embeddings: true,
            is_decoder: false,
            position_embedding_type: None,
        }
    }
}

impl BertConfig {
    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range, or a variant that is not supported.
    pub fn validate(&self) -> Result<(), ModelError> {
        within("vocab_size", self.vocab_size, 1..)?;
        within("num_hidden_layers", self.num_hidden_layers, 1..)?;
        within("intermediate_size", self.intermediate_size, 1..)?;
        within("max_position_embeddings", self.max_position_embeddings, 1..)?;
        within("type_vocab_size", self.type_vocab_size, 1..)?;
        split_into_heads(
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
        )?;
        rate("hidden_dropout_prob", self.hidden_dropout_prob)?;
        rate(
            "attention_probs_dropout_prob",
            self.attention_probs_dropout_prob,
        )?;
        rate("classifier_dropout", self.classifier_dropout.unwrap_or(0.0))?;
        supported(
            "is_decoder",
            self.is_decoder,
            !self.is_decoder,
            "only the bidirectional encoder is",
        )?;
        supported(
            "tie_word_embeddings",
            self.tie_word_embeddings,
            self.tie_word_embeddings,
            "the masked-LM head is always tied",
        )?;
        let kind = self
            .position_embedding_type
            .as_deref()
            .unwrap_or("absolute");
        supported(
            "position_embedding_type",
            kind,
            kind == "absolute",
            "only absolute positions are",
        )
    }
}

/// Whether a model has BERT's pooler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooler {
    /// It has.
    With,
    /// It has not.
    Without,
}

/// The encoder with its embeddings: Hugging Face's `BertModel`.
#[derive(Module, Debug)]
pub struct Bert {
    embeddings: BertEmbeddings,
    layers: Vec<BertLayer>,
    pooler: Option<Linear>,
}

#[derive(Module, Debug)]
struct BertEmbeddings {
    word: Embedding,
    position: Embedding,
    segment: Embedding,
    norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
}

#[derive(Module, Debug)]
struct BertLayer {
    attention: Attention,
    attention_norm: LayerNorm,
    feed_forward: FeedForward,
    output_norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
}

impl Bert {
    /// An encoder with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &BertConfig,
        pooler: Pooler,
        seed: u64,
        device: &Device,
    ) -> Result<Bert, ModelError> {
        config.validate()?;
        Ok(initialise(
            Bert::blank(config, pooler, device),
            seed,
            |path| usual(path, config.initializer_range),
        ))
    }

    fn blank(config: &BertConfig, pooler: Pooler, device: &Device) -> Bert {
        let size = config.hidden_size;
        Bert {
            embeddings: BertEmbeddings {
                word: Embedding::new(config.vocab_size, size, device),
                position: Embedding::new(config.max_position_embeddings, size, device),
                segment: Embedding::new(config.type_vocab_size, size, device),
                norm: LayerNorm::new(size, config.layer_norm_eps, device),
                dropout: config.hidden_dropout_prob,
            },
            layers: (0..config.num_hidden_layers)
                .map(|_| BertLayer::blank(config, device))
                .collect(),
            pooler: (pooler == Pooler::With).then(|| Linear::new(size, size, Bias::With, device)),
        }
    }

    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        let keep = input.keep.clone();
        let mut hidden = self.embeddings.forward(input, run);
        for layer in &self.layers {
            hidden = layer.forward(hidden, Sight::all(keep.clone()), run);
        }
        hidden
    }

    /// Hugging Face's `hidden_states`: the embeddings, then every layer's output.
    ///
    /// # Shapes
    /// out: layers + 1 times `[batch, seq, hidden]`
    pub fn hidden_states(&self, input: EncoderInput, run: &Run) -> Vec<Tensor<3>> {
        let sight = Sight::all(input.keep.clone());
        let mut states = vec![self.embeddings.forward(input, run)];
        for layer in &self.layers {
            states.push(layer.forward(states[states.len() - 1].clone(), sight.clone(), run));
        }
        states
    }

    /// `tanh(W h + b)` of the first position's vector, that of `[CLS]`; without a pooler the vector itself.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, hidden]`
    pub fn pooled(&self, hidden: Tensor<3>) -> Tensor<2> {
        let [batch, _, size] = hidden.dims();
        let first = hidden.narrow(1, 0, 1).reshape([batch, size]);
        match &self.pooler {
            Some(pooler) => pooler.forward(first).tanh(),
            None => first,
        }
    }
}

impl BertEmbeddings {
    fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        let [_, seq] = input.ids.dims();
        let positions = match input.positions {
            Some(positions) => self.position.forward(positions),
            None => self
                .position
                .weight
                .val()
                .narrow(0, 0, seq)
                .unsqueeze_dim(0),
        };
        let segments = match input.segments {
            Some(segments) => self.segment.forward(segments),
            None => self.segment.weight.val().narrow(0, 0, 1).unsqueeze_dim(0),
        };
        dropout(
            self.norm
                .forward(self.word.forward(input.ids) + segments + positions),
            self.dropout,
            run,
        )
    }
}

impl BertLayer {
    fn blank(config: &BertConfig, device: &Device) -> BertLayer {
        let size = config.hidden_size;
        let head_size = size / config.num_attention_heads;
        let attention = AttentionConfig {
            hidden_size: size,
            n_heads: config.num_attention_heads,
            head_size,
            bias: Bias::With,
            scale: (head_size as f64).powf(-0.5),
            dropout: config.attention_probs_dropout_prob,
        };
        BertLayer {
            attention: Attention::new(attention, device),
            attention_norm: LayerNorm::new(size, config.layer_norm_eps, device),
            feed_forward: FeedForward::new(
                size,
                config.intermediate_size,
                config.hidden_act,
                Bias::With,
                device,
            ),
            output_norm: LayerNorm::new(size, config.layer_norm_eps, device),
            dropout: config.hidden_dropout_prob,
        }
    }

    fn forward(&self, x: Tensor<3>, sight: Sight, run: &Run) -> Tensor<3> {
        let mixed = dropout(
            self.attention.forward(x.clone(), sight, run),
            self.dropout,
            run,
        );
        let x = self.attention_norm.forward(mixed + x);
        let fed = dropout(self.feed_forward.forward(x.clone(), run), self.dropout, run);
        self.output_norm.forward(fed + x)
    }
}

/// BERT with a classifier on the pooled vector: Hugging Face's `BertForSequenceClassification`.
#[derive(Module, Debug)]
pub struct BertForSequenceClassification {
    bert: Bert,
    classifier: Linear,
    #[module(skip)]
    dropout: f64,
}

impl BertForSequenceClassification {
    /// A classifier with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(
        config: &BertConfig,
        n_labels: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self, ModelError> {
        config.validate()?;
        within("num_labels", n_labels, 1..)?;
        let model = BertForSequenceClassification {
            bert: Bert::blank(config, Pooler::With, device),
            classifier: Linear::new(config.hidden_size, n_labels, Bias::With, device),
            dropout: config
                .classifier_dropout
                .unwrap_or(config.hidden_dropout_prob),
        };
        Ok(initialise(model, seed, |path| {
            usual(path, config.initializer_range)
        }))
    }

    /// # Shapes
    /// out: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<2> {
        let pooled = self.bert.pooled(self.bert.forward(input, run));
        self.classifier.forward(dropout(pooled, self.dropout, run))
    }

    /// The encoder.
    pub fn encoder(&self) -> &Bert {
        &self.bert
    }
}

/// BERT with a masked-LM head whose output matrix is the token embedding: Hugging Face's `BertForMaskedLM`.
#[derive(Module, Debug)]
pub struct BertForMaskedLm {
    bert: Bert,
    head: BertMaskedLmHead,
}

#[derive(Module, Debug)]
struct BertMaskedLmHead {
    dense: Linear,
    norm: LayerNorm,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    activation: Activation,
}

impl BertForMaskedLm {
    /// A masked language model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &BertConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let size = config.hidden_size;
        let model = BertForMaskedLm {
            bert: Bert::blank(config, Pooler::Without, device),
            head: BertMaskedLmHead {
                dense: Linear::new(size, size, Bias::With, device),
                norm: LayerNorm::new(size, config.layer_norm_eps, device),
                bias: Param::from_tensor(Tensor::zeros([config.vocab_size], device)),
                activation: config.hidden_act,
            },
        };
        Ok(initialise(model, seed, |path| {
            usual(path, config.initializer_range)
        }))
    }

    /// The encoder's output.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn hidden(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        self.bert.forward(input, run)
    }

    /// Scores of every token at the given positions only.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, vocab]`
    pub fn logits_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Tensor<2> {
        let rows = crate::heads::rows_at(hidden, flat_positions);
        let rows = self
            .head
            .norm
            .forward(self.head.activation.forward(self.head.dense.forward(rows)));
        self.bert.embeddings.word.scores(rows) + self.head.bias.val().unsqueeze_dim(0)
    }

    /// The encoder.
    pub fn encoder(&self) -> &Bert {
        &self.bert
    }
}

const NAMES: &[(&str, &str)] = &[
    ("layers", "encoder.layer"),
    ("embeddings.word", "embeddings.word_embeddings"),
    ("embeddings.position", "embeddings.position_embeddings"),
    ("embeddings.segment", "embeddings.token_type_embeddings"),
    ("embeddings.norm", "embeddings.LayerNorm"),
    ("attention.q", "attention.self.query"),
    ("attention.k", "attention.self.key"),
    ("attention.v", "attention.self.value"),
    ("attention.o", "attention.output.dense"),
    ("attention_norm", "attention.output.LayerNorm"),
    ("feed_forward.up", "intermediate.dense"),
    ("feed_forward.down", "output.dense"),
    ("output_norm", "output.LayerNorm"),
    ("pooler", "pooler.dense"),
    ("head.dense", "cls.predictions.transform.dense"),
    ("head.norm", "cls.predictions.transform.LayerNorm"),
    ("head.bias", "cls.predictions.bias"),
];

fn bert_name(path: &str) -> Option<HfTensor> {
    let layout = if path.contains("embeddings") {
        Layout::AsIs
    } else {
        Layout::Transposed
    };
    Some(HfTensor {
        name: rename(path, NAMES),
        layout,
    })
}

impl HfModel for Bert {
    fn architecture(&self) -> &'static str {
        "BertModel"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        bert_name(path)
    }

    fn base_prefix(&self) -> &'static str {
        "bert."
    }
}

impl HfModel for BertForSequenceClassification {
    fn architecture(&self) -> &'static str {
        "BertForSequenceClassification"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        bert_name(path)
    }

    fn base_prefix(&self) -> &'static str {
        "bert."
    }
}

impl HfModel for BertForMaskedLm {
    fn architecture(&self) -> &'static str {
        "BertForMaskedLM"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        bert_name(path)
    }

    fn base_prefix(&self) -> &'static str {
        "bert."
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match name {
            "bert.embeddings.word_embeddings.weight" => {
                vec!["cls.predictions.decoder.weight".to_owned()]
            }
            "cls.predictions.bias" => vec!["cls.predictions.decoder.bias".to_owned()],
            _ => Vec::new(),
        }
    }
}
