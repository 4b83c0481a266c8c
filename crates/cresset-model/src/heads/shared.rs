//! One encoder under the heads of several tasks.

use burn::module::Module;
use burn::tensor::Device;

use super::masked_lm::MaskedLmHead;
use super::sequence_classifier::SequenceHead;
use super::{MaskedLm, SequenceClassifier, Summary, TextHead, TextPooling, tensor_of};
use crate::bert::Pooler;
use crate::encoder::{Encoder, EncoderConfig};
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, inner_path, parameter_names};

/// What a task needs beside the encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadSpec {
    /// Nothing: it is about the encoder's vectors.
    None,
    /// Scores of hidden tokens.
    MaskedLm,
    /// Scores of a text's labels.
    Sequence(TextHead),
}

/// An encoder with a head for each of several tasks. [`SharedEncoder::masked_lm`] and its like are the models of single tasks:
/// they hold the very same parameters, so what one of them learns all of them know.
///
/// It is saved as the class of one head, whose weights a folder must hold; the other heads' are written beside it under their
/// Hugging Face names, as far as those are free, where whoever loads another class finds them.
#[derive(Module, Debug)]
pub struct SharedEncoder {
    encoder: Encoder,
    heads: Vec<Option<Head>>,
    /// The head that gives the class its name.
    #[module(skip)]
    saved: usize,
}

#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a process holds one model with a few heads"
)]
enum Head {
    MaskedLm(MaskedLmHead),
    Sequence(SequenceHead),
}

impl SharedEncoder {
    /// A model with initial weights; `saved` is the head that gives its class the name.
    ///
    /// # Errors
    /// A configuration that does not validate, a family without one of the heads, a head without labels.
    ///
    /// # Panics
    /// If there is no head `saved`.
    pub fn new(
        config: &EncoderConfig,
        (specs, saved): (&[HeadSpec], usize),
        seed: u64,
        device: &Device,
    ) -> Result<SharedEncoder, ModelError> {
        assert!(saved < specs.len(), "the head that is saved is one of them");
        let sizes = config.head_sizes();
        let reads_pooler = specs.iter().any(|spec| match spec {
            HeadSpec::Sequence(head) => head.poolings.contains(&TextPooling::Cls),
            _ => false,
        });
        let pooler = match (sizes.summary, reads_pooler) {
            (Summary::Pooler, true) => Pooler::With,
            _ => Pooler::Without,
        };
        let encoder = Encoder::new(config, pooler, seed, device)?;
        let head = |spec: &HeadSpec| match spec {
            HeadSpec::None => Ok(None),
            HeadSpec::MaskedLm => {
                MaskedLm::check_family(&encoder)?;
                let head = MaskedLmHead::new(&sizes, ("head", seed), device);
                Ok(Some(Head::MaskedLm(head)))
            }
            HeadSpec::Sequence(head) => {
                let head = SequenceHead::new(&sizes, head, seed, device)?;
                Ok(Some(Head::Sequence(head)))
            }
        };
        let heads = specs.iter().map(head).collect::<Result<_, ModelError>>()?;
        Ok(SharedEncoder {
            encoder,
            heads,
            saved,
        })
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// The encoder under the head on hidden tokens with this number.
    ///
    /// # Panics
    /// If that head is another one.
    pub fn masked_lm(&self, head: usize) -> MaskedLm {
        match &self.heads[head] {
            Some(Head::MaskedLm(head)) => MaskedLm::of(self.encoder.clone(), head.clone()),
            _ => panic!("head {head} is not one on hidden tokens"),
        }
    }

    /// The encoder under the head on texts with this number.
    ///
    /// # Panics
    /// If that head is another one.
    pub fn sequence_classifier(&self, head: usize) -> SequenceClassifier {
        match &self.heads[head] {
            Some(Head::Sequence(head)) => {
                SequenceClassifier::of(self.encoder.clone(), head.clone())
            }
            _ => panic!("head {head} is not one on texts"),
        }
    }

    /// The names of what is not saved: tensors of a head like another one, whose names those of that head are.
    pub fn unsaved(&self) -> Vec<String> {
        let names = |head: usize| -> Vec<String> {
            match &self.heads[head] {
                None => Vec::new(),
                Some(Head::MaskedLm(_)) => parameter_names(&self.masked_lm(head)),
                Some(Head::Sequence(_)) => parameter_names(&self.sequence_classifier(head)),
            }
        };
        let prefix = self.base_prefix();
        (0..self.heads.len())
            .filter(|&head| self.is_hidden(head))
            .flat_map(names)
            .filter(|name| !name.starts_with(prefix))
            .collect()
    }

    /// Whether another head of the kind goes before this one: the one that is saved, or an earlier one.
    fn is_hidden(&self, head: usize) -> bool {
        let kind = |head: usize| self.heads[head].as_ref().map(std::mem::discriminant);
        let first = std::iter::once(self.saved)
            .chain(0..self.heads.len())
            .find(|&other| kind(other) == kind(head));
        first.is_some_and(|first| first != head)
    }
}

impl HfModel for SharedEncoder {
    fn architecture(&self) -> &'static str {
        let family = self.encoder.family();
        match &self.heads[self.saved] {
            None => family.model,
            Some(Head::MaskedLm(_)) => family.masked_lm.expect("checked when the model was made"),
            Some(Head::Sequence(_)) => family.sequence_classifier,
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        let Some(path) = path.strip_prefix("heads.") else {
            return tensor_of(&self.encoder, path);
        };
        let (head, path) = path.split_once('.')?;
        let head: usize = head.parse().ok()?;
        if self.is_hidden(head) {
            return None;
        }
        let path = inner_path(path);
        match self.heads[head].as_ref()? {
            Head::MaskedLm(_) => tensor_of(&self.encoder, &format!("head.{path}")),
            Head::Sequence(_) => tensor_of(&self.encoder, path),
        }
    }

    fn base_prefix(&self) -> &'static str {
        self.encoder.base_prefix()
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        let guesses = |head: &Option<Head>| matches!(head, Some(Head::MaskedLm(_)));
        if self.heads.iter().any(guesses) {
            self.encoder.family().tied_spellings(name)
        } else {
            Vec::new()
        }
    }
}
