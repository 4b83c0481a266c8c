//! Classification of whole texts.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use cresset_ops::{KeepMask, Run, dropout};

use super::text_pooling::Shape;
use super::{HeadSizes, Summary, TextHead, TextPooling, tensor_of};
use crate::bert::Pooler;
use crate::encoder::{Encoder, EncoderConfig, EncoderInput};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor};
use crate::init::{initialise_under, usual};
use crate::layers::{Bias, Linear};

/// An encoder that puts a text, or a pair of texts, in one class; with one label it is a regression. What the classifier reads follows
/// the family: BERT's and ALBERT's pooler; RoBERTa's first vector and XLNet's last through a layer of the head. A [`TextHead`] can ask for
/// other vectors, which Hugging Face's classes know nothing of.
#[derive(Module, Debug)]
pub struct SequenceClassifier {
    encoder: Encoder,
    classifier: ClassificationHead,
    /// Of attentive pooling.
    pooling_query: Option<Param<Tensor<1>>>,
    #[module(skip)]
    head: TextHead,
}

/// All of a classifier but its encoder.
#[derive(Module, Debug)]
pub(crate) struct SequenceHead {
    classifier: ClassificationHead,
    pooling_query: Option<Param<Tensor<1>>>,
    #[module(skip)]
    head: TextHead,
}

impl SequenceHead {
    /// # Errors
    /// No labels, no pooling or one twice.
    pub(crate) fn new(
        sizes: &HeadSizes,
        head: &TextHead,
        seed: u64,
        device: &Device,
    ) -> Result<SequenceHead, ModelError> {
        head.validate(Shape::Encoder)?;
        Ok(SequenceHead {
            classifier: ClassificationHead::new(sizes, head, seed, device),
            pooling_query: head.query(sizes.hidden_size, device),
            head: head.clone(),
        })
    }
}

/// From one vector per text to scores.
#[derive(Module, Debug)]
pub(crate) struct ClassificationHead {
    dense: Option<Linear>,
    out: Linear,
    #[module(skip)]
    dropout: [f64; 2],
}

impl SequenceClassifier {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate, or no labels.
    pub fn new(
        config: &EncoderConfig,
        n_labels: usize,
        seed: u64,
        device: &Device,
    ) -> Result<SequenceClassifier, ModelError> {
        SequenceClassifier::with_head(config, &TextHead::of_class(n_labels), seed, device)
    }

    /// A model with initial weights that reads what its head asks for. There is a pooler only if it is read.
    ///
    /// # Errors
    /// A configuration that does not validate, no labels, no pooling or one twice.
    pub fn with_head(
        config: &EncoderConfig,
        head: &TextHead,
        seed: u64,
        device: &Device,
    ) -> Result<SequenceClassifier, ModelError> {
        head.validate(Shape::Encoder)?;
        let sizes = config.head_sizes();
        let reads = |pooling: TextPooling| head.poolings.contains(&pooling);
        let pooler = match sizes.summary {
            Summary::Pooler if reads(TextPooling::Cls) => Pooler::With,
            _ => Pooler::Without,
        };
        Ok(SequenceClassifier {
            encoder: Encoder::new(config, pooler, seed, device)?,
            classifier: ClassificationHead::new(&sizes, head, seed, device),
            pooling_query: head.query(sizes.hidden_size, device),
            head: head.clone(),
        })
    }

    /// An encoder under a head of several.
    pub(crate) fn of(encoder: Encoder, head: SequenceHead) -> SequenceClassifier {
        SequenceClassifier {
            encoder,
            classifier: head.classifier,
            pooling_query: head.pooling_query,
            head: head.head,
        }
    }

    /// # Shapes
    /// out: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<2> {
        let keep = input.keep.clone();
        self.logits(&self.states(input, run), &keep, run)
    }

    /// The encoder's outputs that the head reads: the last layer's at the end, and where the first layer is read, those of the embeddings
    /// and all layers.
    ///
    /// # Shapes
    /// each: `[batch, seq, hidden]`
    pub fn states(&self, input: EncoderInput, run: &Run) -> Vec<Tensor<3>> {
        if self.head.reads_first_layer() {
            self.encoder.hidden_states(input, run)
        } else {
            vec![self.encoder.forward(input, run)]
        }
    }

    /// The scores, given the encoder's outputs.
    ///
    /// # Shapes
    /// states: `[batch, seq, hidden]` each, out: `[batch, labels]`
    pub fn logits(&self, states: &[Tensor<3>], keep: &KeepMask, run: &Run) -> Tensor<2> {
        let query = self.pooling_query.as_ref().map(|query| query.val());
        let summary = self.head.pool(&self.encoder, query, (states, keep));
        self.classifier.forward(summary, run)
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

impl ClassificationHead {
    pub(crate) fn new(
        sizes: &HeadSizes,
        head: &TextHead,
        seed: u64,
        device: &Device,
    ) -> ClassificationHead {
        let size = sizes.hidden_size;
        let read = size * head.n_vectors();
        let part = |path: &str, layer: Linear| {
            initialise_under(path, layer, seed, |path| usual(path, sizes.std))
        };
        let dense = (sizes.summary == Summary::OwnLayer)
            .then(|| Linear::new(read, size, Bias::With, device));
        let out = dense.as_ref().map_or(read, |_| size);
        ClassificationHead {
            dense: dense.map(|dense| part("classifier.dense", dense)),
            out: part(
                "classifier",
                Linear::new(out, head.n_labels, Bias::With, device),
            ),
            dropout: sizes.summary_dropout,
        }
    }

    /// # Shapes
    /// summary: `[batch, hidden * vectors]`, out: `[batch, labels]`
    fn forward(&self, summary: Tensor<2>, run: &Run) -> Tensor<2> {
        let summary = dropout(summary, self.dropout[0], run);
        let read = match &self.dense {
            None => summary,
            Some(dense) => dropout(dense.forward(summary).tanh(), self.dropout[1], run),
        };
        self.out.forward(read)
    }
}

impl HfModel for SequenceClassifier {
    fn architecture(&self) -> &'static str {
        self.encoder.family().sequence_classifier
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        tensor_of(&self.encoder, path)
    }

    fn base_prefix(&self) -> &'static str {
        self.encoder.base_prefix()
    }
}
