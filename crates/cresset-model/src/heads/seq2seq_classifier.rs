//! Classification of whole texts by an encoder-decoder (Lewis et al. 2020, section 3.1).

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run, Watched, dropout};

use super::TextHead;
use super::text_pooling::Shape;
use crate::bart::{Bart, bart_ignores, bart_name, bart_spellings};
use crate::encoder::EncoderInput;
use crate::encoder_decoder::Seq2SeqConfig;
use crate::error::ModelError;
use crate::hf::{HfModel, HfTensor, Layout, inner_path};
use crate::init::{initialise, usual};
use crate::layers::{Bias, Embedding, LEARNED_START, Linear};
use crate::t5::{T5Config, T5ForConditionalGeneration};

/// An encoder-decoder that puts a text, or a pair of texts, in one class: Hugging Face's `BartForSequenceClassification` and
/// `T5ForSequenceClassification`.
///
/// Both stacks read the text, the decoder shifted to the right behind its start token; the decoder's vector at the last kept position,
/// which has seen everything, stands for the text. Texts must end with the end token, as the conventions of these models have it: the
/// last kept position is then Hugging Face's "last `</s>`". A [`TextHead`] can ask for other vectors, which Hugging Face's classes know nothing
/// of.
#[derive(Module, Debug)]
pub struct Seq2SeqClassifier {
    body: Seq2SeqBody,
    head: ClassificationHead,
    /// Of attentive pooling.
    pooling_query: Option<Param<Tensor<1>>>,
    #[module(skip)]
    start: u32,
    #[module(skip)]
    reads: TextHead,
}

/// Encoder and decoder without an output layer.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a process holds one or two models, and layers lie on the heap"
)]
enum Seq2SeqBody {
    /// T5, with the output layer tied, which has no parameters.
    T5(T5ForConditionalGeneration),
    /// BART.
    Bart(Bart),
}

/// A hidden layer between the text's vector and the scores.
#[derive(Module, Debug)]
struct ClassificationHead {
    dense: Linear,
    out_proj: Linear,
    #[module(skip)]
    dropout: f64,
}

struct HeadConfig {
    hidden_size: usize,
    dropout: f64,
    /// Standard deviation of initial weights.
    std: f64,
}

impl Seq2SeqClassifier {
    /// A model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate or names no start token, an architecture without such a class (Marian), no labels.
    pub fn new(
        config: &Seq2SeqConfig,
        n_labels: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Seq2SeqClassifier, ModelError> {
        Seq2SeqClassifier::with_head(config, &TextHead::of_class(n_labels), seed, device)
    }

    /// A model with initial weights that reads what its head asks for.
    ///
    /// # Errors
    /// As [`Seq2SeqClassifier::new`]; no pooling, one twice, or one of encoders alone.
    pub fn with_head(
        config: &Seq2SeqConfig,
        reads: &TextHead,
        seed: u64,
        device: &Device,
    ) -> Result<Seq2SeqClassifier, ModelError> {
        reads.validate(Shape::EncoderDecoder)?;
        let (body, start, head) = match config {
            Seq2SeqConfig::T5(config) => {
                let tied = T5Config {
                    tie_word_embeddings: true,
                    ..config.clone()
                };
                let head = HeadConfig {
                    hidden_size: config.d_model,
                    dropout: config.classifier_dropout,
                    std: config.initializer_factor * (config.d_model as f64).powf(-0.5),
                };
                let body = T5ForConditionalGeneration::new(&tied, seed, device)?;
                (Seq2SeqBody::T5(body), config.start_token_id(), head)
            }
            Seq2SeqConfig::Bart(config) => {
                let head = HeadConfig {
                    hidden_size: config.d_model,
                    dropout: config.classifier_dropout,
                    std: config.init_std,
                };
                let body = Bart::new(config, seed, device)?;
                (Seq2SeqBody::Bart(body), config.start_token_id(), head)
            }
            Seq2SeqConfig::Marian(_) => return Err(no_such_class("marian")),
            Seq2SeqConfig::EncoderDecoder(_) => return Err(no_such_class("encoder-decoder")),
        };
        let is_learned = match config {
            Seq2SeqConfig::T5(config) => config.decoder_start_vector,
            Seq2SeqConfig::Bart(config) => config.decoder_start_vector,
            _ => false,
        };
        let start = match is_learned {
            true => Some(LEARNED_START),
            false => start,
        };
        let start = start.ok_or_else(|| ModelError::BadValue {
            key: "decoder_start_token_id".to_owned(),
            reason: "a classifier on an encoder-decoder starts its decoder with it; give the id"
                .to_owned(),
        })?;
        let blank = ClassificationHead {
            dense: Linear::new(
                head.hidden_size * reads.n_vectors(),
                head.hidden_size,
                Bias::With,
                device,
            ),
            out_proj: Linear::new(head.hidden_size, reads.n_labels, Bias::With, device),
            dropout: head.dropout,
        };
        Ok(Seq2SeqClassifier {
            body,
            head: initialise(blank, seed, |path| usual(path, head.std)),
            pooling_query: reads.query(head.hidden_size, device),
            start,
            reads: reads.clone(),
        })
    }

    /// # Shapes
    /// out: `[batch, labels]`
    ///
    /// # Panics
    /// If the text is longer than BART's positions; check lengths with `ModelConfig::check_length`.
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<2> {
        let keep = input.keep.clone();
        let (memory, states) = self.read(input, run);
        self.logits((&memory, &states), &keep, run)
    }

    /// What the head reads: the encoder's output, and of the decoder the last layer's, where the first layer is read those of the
    /// embeddings and all layers, and nothing where the encoder alone is read.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]` each
    pub fn read(&self, input: EncoderInput, run: &Run) -> (Tensor<3>, Vec<Tensor<3>>) {
        let (ids, keep) = (input.ids.clone(), input.keep.clone());
        let memory = self.encode(input, run);
        if !self.reads.reads_decoder() {
            return (memory, Vec::new());
        }
        let decode = |run: &Run| self.decode(ids, memory.clone(), keep, run);
        let states = match self.reads.reads_first_layer() {
            true => run.watch(Watched::HiddenStates, decode).1.hidden_states,
            false => vec![decode(run)],
        };
        (memory, states)
    }

    /// The encoder's output.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn encode(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        match &self.body {
            Seq2SeqBody::T5(body) => body.encode(input, run),
            Seq2SeqBody::Bart(body) => body.encode(input, run),
        }
    }

    /// The token embedding, which both stacks share.
    pub(crate) fn words(&self) -> &Embedding {
        match &self.body {
            Seq2SeqBody::T5(body) => body.words(),
            Seq2SeqBody::Bart(body) => body.words(),
        }
    }

    /// The decoder's output for the same text, which it reads shifted.
    ///
    /// # Shapes
    /// ids: `[batch, seq]`, memory and out: `[batch, seq, hidden]`
    pub fn decode(
        &self,
        ids: Tensor<2, Int>,
        memory: Tensor<3>,
        keep: KeepMask,
        run: &Run,
    ) -> Tensor<3> {
        let target = self.shifted(ids);
        match &self.body {
            Seq2SeqBody::T5(body) => body.decode(target, memory, keep, run),
            Seq2SeqBody::Bart(body) => body.decode(target, memory, keep, run),
        }
    }

    /// Scores from what the head reads.
    ///
    /// # Shapes
    /// memory and states: `[batch, seq, hidden]` each, out: `[batch, labels]`
    pub fn logits(
        &self,
        read: (&Tensor<3>, &[Tensor<3>]),
        keep: &KeepMask,
        run: &Run,
    ) -> Tensor<2> {
        let query = self.pooling_query.as_ref().map(|query| query.val());
        let summary = self.reads.pool_decoded(read, query, keep);
        self.head.forward(summary, run)
    }

    /// What the decoder reads beside a text.
    pub fn shifted_ids(&self, text: &[u32]) -> Vec<u32> {
        let before = text.iter().take(text.len().saturating_sub(1));
        std::iter::once(self.start).chain(before.copied()).collect()
    }

    /// The start token and all but the last column.
    fn shifted(&self, ids: Tensor<2, Int>) -> Tensor<2, Int> {
        let [batch, seq] = ids.dims();
        let start = Tensor::full([batch, 1], self.start, &ids.device());
        match seq {
            // An empty text of T5 is its end token alone.
            1 => start,
            _ => Tensor::cat(vec![start, ids.narrow(1, 0, seq - 1)], 1),
        }
    }
}

fn no_such_class(found: &'static str) -> ModelError {
    ModelError::WrongArchitecture {
        wanted: "a classifier on an encoder-decoder",
        expected: "t5 or bart",
        found,
    }
}

impl ClassificationHead {
    /// # Shapes
    /// x: `[batch, hidden * vectors]`, out: `[batch, labels]`
    fn forward(&self, x: Tensor<2>, run: &Run) -> Tensor<2> {
        let inner = self.dense.forward(dropout(x, self.dropout, run)).tanh();
        self.out_proj.forward(dropout(inner, self.dropout, run))
    }
}

impl HfModel for Seq2SeqClassifier {
    fn architecture(&self) -> &'static str {
        match &self.body {
            Seq2SeqBody::T5(_) => "T5ForSequenceClassification",
            Seq2SeqBody::Bart(_) => "BartForSequenceClassification",
        }
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        if path == "pooling_query" {
            return Some(HfTensor {
                name: path.to_owned(),
                layout: Layout::AsIs,
            });
        }
        if let Some(part) = path.strip_prefix("head.") {
            return Some(HfTensor {
                name: format!("classification_head.{part}"),
                layout: Layout::Transposed,
            });
        }
        let path = inner_path(inner_path(path));
        let inner = match &self.body {
            Seq2SeqBody::T5(body) => body.hf_name(path)?,
            Seq2SeqBody::Bart(_) => bart_name(path),
        };
        Some(HfTensor {
            name: format!("{}{}", self.base_prefix(), inner.name),
            layout: inner.layout,
        })
    }

    fn base_prefix(&self) -> &'static str {
        match &self.body {
            Seq2SeqBody::T5(body) => body.base_prefix(),
            Seq2SeqBody::Bart(_) => "model.",
        }
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        match &self.body {
            Seq2SeqBody::T5(body) => {
                let prefix = self.base_prefix();
                let inner = name.strip_prefix(prefix).unwrap_or(name);
                // The output layer is no part of this model: a file's own one may well differ from the embedding.
                let others = body.spellings(inner).into_iter();
                others
                    .filter(|name| name != "lm_head.weight")
                    .map(|name| format!("{prefix}{name}"))
                    .collect()
            }
            Seq2SeqBody::Bart(_) => bart_spellings(name),
        }
    }

    fn ignores(&self, name: &str) -> bool {
        match &self.body {
            Seq2SeqBody::T5(body) => {
                body.ignores(name.strip_prefix(self.base_prefix()).unwrap_or(name))
            }
            Seq2SeqBody::Bart(_) => bart_ignores(name),
        }
    }
}
