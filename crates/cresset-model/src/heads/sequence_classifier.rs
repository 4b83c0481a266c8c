//! Classification of whole texts.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::{Run, dropout};

use super::{HeadSizes, Summary, tensor_of};
use crate::bert::Pooler;
use crate::check::within;
use crate::encoder::{Encoder, EncoderConfig, EncoderInput};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor};
use crate::init::{initialise_under, usual};
use crate::layers::{Bias, Linear};

/// An encoder that puts a text, or a pair of texts, in one class; with one label it is a regression. What the classifier reads follows
/// the family: BERT's and ALBERT's pooler; RoBERTa's first vector and XLNet's last through a layer of the head.
#[derive(Module, Debug)]
pub struct SequenceClassifier {
    encoder: Encoder,
    classifier: ClassificationHead,
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
        within("num_labels", n_labels, 1..)?;
        let sizes = config.head_sizes();
        let pooler = match sizes.summary {
            Summary::Pooler => Pooler::With,
            Summary::OwnLayer => Pooler::Without,
        };
        Ok(SequenceClassifier {
            encoder: Encoder::new(config, pooler, seed, device)?,
            classifier: ClassificationHead::new(&sizes, n_labels, seed, device),
        })
    }

    /// An encoder under a head.
    pub(crate) fn of(encoder: Encoder, classifier: ClassificationHead) -> SequenceClassifier {
        SequenceClassifier {
            encoder,
            classifier,
        }
    }

    /// # Shapes
    /// out: `[batch, labels]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<2> {
        let hidden = self.encoder.forward(input, run);
        self.logits(hidden, run)
    }

    /// The scores, given the encoder's output.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, labels]`
    pub fn logits(&self, hidden: Tensor<3>, run: &Run) -> Tensor<2> {
        self.classifier.forward(self.encoder.pooled(hidden), run)
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

impl ClassificationHead {
    pub(crate) fn new(
        sizes: &HeadSizes,
        n_labels: usize,
        seed: u64,
        device: &Device,
    ) -> ClassificationHead {
        let size = sizes.hidden_size;
        let part = |path: &str, layer: Linear| {
            initialise_under(path, layer, seed, |path| usual(path, sizes.std))
        };
        let dense = (sizes.summary == Summary::OwnLayer)
            .then(|| Linear::new(size, size, Bias::With, device));
        ClassificationHead {
            dense: dense.map(|dense| part("classifier.dense", dense)),
            out: part(
                "classifier",
                Linear::new(size, n_labels, Bias::With, device),
            ),
            dropout: sizes.summary_dropout,
        }
    }

    /// # Shapes
    /// summary: `[batch, hidden]`, out: `[batch, labels]`
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
