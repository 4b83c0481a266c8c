//! Answers of a trained model: classes, scores, labels, tags, fillings of masks, answers in a text, generated text.

mod classify;
mod extract;
mod tag;

use std::borrow::Borrow;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use cresset_data::{Convention, Example, Framed, Tokenizer, pad};
use cresset_model::{
    CausalLm, EncoderInput, GreedyOptions, HeadKind, MaskedLm, Seq2SeqLm, greedy_causal,
    greedy_seq2seq,
};
use cresset_ops::Run;
use serde_json::{Map, Value, json};

use crate::load::load;
use crate::model_folder::ModelFolder;
use crate::{NewHead, ObjectiveConfig, RunError, session, upload};

/// One answer: the fields of an output line.
pub type Answer = Map<String, Value>;

/// A trained model that answers.
pub trait Predict {
    /// One answer per input, in their order.
    ///
    /// # Errors
    /// An input the model cannot take.
    fn predict(&self, inputs: &[Example]) -> Result<Vec<Answer>, RunError>;
}

/// A trained model that writes text.
pub trait Generate {
    /// One text per input, in their order.
    ///
    /// # Errors
    /// An input the model cannot take.
    fn generate(&self, inputs: &[Example], max_new_tokens: usize) -> Result<Vec<String>, RunError>;
}

/// Opens the folder of a classifier, a tagger, a masked language model or one that finds answers; `top` fillings are given per mask,
/// or answers per question.
///
/// # Errors
/// A folder whose head does not predict, or whose weights are incomplete.
pub fn open_predictor(
    folder: &ModelFolder,
    device: &Device,
    top: usize,
) -> Result<Box<dyn Predict>, RunError> {
    let frame = Frame::of(folder)?;
    match folder.files.head()? {
        HeadKind::SequenceClassification => classify::open(folder, frame, device),
        HeadKind::TokenClassification => tag::open(folder, frame, device),
        HeadKind::QuestionAnswering => extract::open(folder, frame, device, top),
        HeadKind::MaskedLm => {
            let model = MaskedLm::new(
                &session::encoder(&folder.files.config, "masked-lm")?,
                0,
                device,
            )?;
            let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
            Ok(Box::new(MaskPredictor {
                model,
                frame,
                top,
                device: device.clone(),
            }))
        }
        HeadKind::PermutedLm => Err(wrong_head(
            folder,
            "predict",
            "fine-tune it first, as in model = { path = \"folder\" } with objective classify or tag",
        )),
        _ => Err(wrong_head(
            folder,
            "predict",
            "use `cresset generate` for a model that writes text",
        )),
    }
}

/// Opens the folder of a model that writes text.
///
/// # Errors
/// A folder whose head does not write, or whose weights are incomplete.
pub fn open_generator(
    folder: &ModelFolder,
    device: &Device,
) -> Result<Box<dyn Generate>, RunError> {
    let frame = Frame::of(folder)?;
    match folder.files.head()? {
        HeadKind::Seq2SeqLm => {
            let prefix = match folder.facts.as_ref().map(|f| &f.objective) {
                Some(ObjectiveConfig::Seq2Seq(config)) => config.prefix.clone(),
                _ => String::new(),
            };
            let model = Seq2SeqLm::new(&session::seq2seq(&folder.files.config)?, 0, device)?;
            let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
            Ok(Box::new(PairGenerator {
                model,
                frame,
                prefix,
                device: device.clone(),
            }))
        }
        HeadKind::CausalLm => {
            let model = CausalLm::new(&session::decoder(&folder.files.config)?, 0, device)?;
            let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
            Ok(Box::new(TextGenerator {
                model,
                frame,
                positions: folder.files.config.max_positions(),
            }))
        }
        _ => Err(wrong_head(
            folder,
            "generate",
            "use `cresset predict` for a classifier or a masked language model",
        )),
    }
}

fn wrong_head(folder: &ModelFolder, verb: &str, hint: &str) -> RunError {
    RunError::Config(format!(
        "{} is a {} and cannot {verb}; {hint}",
        folder.files.path.display(),
        folder
            .files
            .architecture()
            .unwrap_or("model without `architectures` in config.json")
    ))
}

/// Texts to framed ids and back.
pub(crate) struct Frame {
    tokenizer: std::sync::Arc<Tokenizer>,
    pub(crate) convention: Convention,
    pub(crate) max_length: usize,
}

impl Frame {
    pub(crate) fn of(folder: &ModelFolder) -> Result<Self, RunError> {
        let positions = folder.files.config.max_positions().unwrap_or(512);
        let max_length = folder.facts.as_ref().map_or(positions, |f| f.max_length);
        Ok(Frame {
            tokenizer: folder.tokenizer.clone(),
            convention: folder.convention()?,
            max_length,
        })
    }

    fn encoder_input(
        &self,
        texts: &[String],
        pairs: &[Option<&str>],
        device: &Device,
    ) -> Result<(EncoderInput, Vec<Vec<u32>>), RunError> {
        let rows = self.framed(texts, pairs)?;
        let input = self.batch(&rows, device);
        Ok((input, rows.into_iter().map(|row| row.ids).collect()))
    }

    /// Texts as the encoder takes them, shortened to the longest input.
    pub(crate) fn framed(
        &self,
        texts: &[String],
        pairs: &[Option<&str>],
    ) -> Result<Vec<Framed>, RunError> {
        let row = |(text, pair): (&Vec<u32>, &Option<&str>)| {
            let pair = pair.map(|p| self.tokenizer.encode(p));
            Ok(self
                .convention
                .encoder_input(text, pair.as_deref(), self.max_length)?)
        };
        let texts = self.tokenizer.encode_batch(texts);
        texts.iter().zip(pairs).map(row).collect()
    }

    /// Framed texts as one batch.
    pub(crate) fn batch<F: Borrow<Framed>>(&self, rows: &[F], device: &Device) -> EncoderInput {
        self.placed_batch(rows, device).0
    }

    /// Framed texts as one batch, with the place of each row's first token among its `rows x width` places.
    fn placed_batch<F: Borrow<Framed>>(
        &self,
        rows: &[F],
        device: &Device,
    ) -> (EncoderInput, Vec<usize>) {
        let side = self.convention.pad_side();
        let ids: Vec<&[u32]> = rows.iter().map(|r| r.borrow().ids.as_slice()).collect();
        let segments: Vec<&[u32]> = rows
            .iter()
            .map(|r| r.borrow().segments.as_slice())
            .collect();
        let padded = pad(&ids, self.convention.pad_id(), side);
        let input = upload::encoder_input(&padded, Some(&pad(&segments, 0, side).ids), device);
        (
            input,
            (0..rows.len()).map(|row| padded.start_of(row)).collect(),
        )
    }
}

/// The place of the largest.
fn argmax(row: &[f32]) -> usize {
    (0..row.len())
        .max_by(|a, b| row[*a].total_cmp(&row[*b]))
        .unwrap_or(0)
}

struct MaskPredictor {
    model: MaskedLm,
    frame: Frame,
    top: usize,
    device: Device,
}

impl Predict for MaskPredictor {
    fn predict(&self, inputs: &[Example]) -> Result<Vec<Answer>, RunError> {
        let mask = self.frame.convention.mask_id()?;
        let texts: Vec<String> = inputs.iter().map(|e| e.text.clone()).collect();
        let (input, ids) =
            self.frame
                .encoder_input(&texts, &vec![None; inputs.len()], &self.device)?;
        let width = input.ids.dims()[1];
        let places: Vec<(usize, usize)> = ids
            .iter()
            .enumerate()
            .flat_map(|(row, ids)| {
                ids.iter()
                    .enumerate()
                    .filter(|(_, id)| **id == mask)
                    .map(move |(at, _)| (row, at))
            })
            .collect();
        for (row, example) in inputs.iter().enumerate() {
            if !places.iter().any(|(r, _)| *r == row) {
                let token = self.frame.tokenizer.id_to_token(mask).unwrap_or_default();
                return Err(RunError::Data(format!(
                    "{} holds no {token}; put {token} where a token is to be filled in",
                    example.place()
                )));
            }
        }
        let flat: Vec<u32> = places
            .iter()
            .map(|(row, at)| (row * width + at) as u32)
            .collect();
        let hidden = self.model.hidden(input, &Run::inference());
        let scores = softmax(
            self.model
                .scores_at(hidden, upload::indices(&flat, &self.device))
                .logits(),
            1,
        );
        let fillings = self.fillings(scores);
        let mut answers = vec![Vec::new(); inputs.len()];
        for ((row, _), filling) in places.iter().zip(fillings) {
            answers[*row].push(filling);
        }
        Ok(answers
            .into_iter()
            .map(|masks| Answer::from_iter([("masks".to_owned(), Value::Array(masks))]))
            .collect())
    }
}

impl MaskPredictor {
    fn fillings(&self, scores: Tensor<2>) -> Vec<Value> {
        let [_, vocabulary] = scores.dims();
        let scores: Vec<f32> = scores.into_data().iter::<f32>().collect();
        let filling = |row: &[f32]| {
            let mut order: Vec<usize> = (0..row.len()).collect();
            order.sort_by(|a, b| row[*b].total_cmp(&row[*a]));
            let token = |id: &usize| json!({"token": self.frame.tokenizer.id_to_token(*id as u32), "score": row[*id]});
            Value::Array(order.iter().take(self.top).map(token).collect())
        };
        scores.chunks(vocabulary).map(filling).collect()
    }
}

struct PairGenerator {
    model: Seq2SeqLm,
    frame: Frame,
    prefix: String,
    device: Device,
}

impl Generate for PairGenerator {
    fn generate(&self, inputs: &[Example], max_new_tokens: usize) -> Result<Vec<String>, RunError> {
        let texts: Vec<String> = inputs
            .iter()
            .map(|e| format!("{}{}", self.prefix, e.text))
            .collect();
        let (mut input, _) =
            self.frame
                .encoder_input(&texts, &vec![None; inputs.len()], &self.device)?;
        input.segments = None;
        let frame = self.frame.convention.generation()?;
        let options = GreedyOptions {
            start: frame.start,
            stop: frame.stop,
            pad: frame.pad,
            max_new_tokens,
        };
        Ok(greedy_seq2seq(&self.model, input, &options)
            .iter()
            .map(|ids| self.frame.tokenizer.decode(ids))
            .collect())
    }
}

struct TextGenerator {
    model: CausalLm,
    frame: Frame,
    positions: Option<usize>,
}

impl Generate for TextGenerator {
    fn generate(&self, inputs: &[Example], max_new_tokens: usize) -> Result<Vec<String>, RunError> {
        let frame = self.frame.convention.generation()?;
        let mut prompts = Vec::new();
        for example in inputs {
            let mut ids = frame.start.clone();
            ids.extend(self.frame.tokenizer.encode(&example.text));
            if ids.is_empty() {
                return Err(RunError::Data(format!(
                    "{} is empty, and the model's convention has no start token; give a prompt",
                    example.place()
                )));
            }
            if let Some(positions) = self.positions.filter(|p| ids.len() + max_new_tokens > *p) {
                return Err(RunError::Data(format!(
                    "the prompt in {} has {} tokens, which with {max_new_tokens} new ones exceeds the model's {positions} positions; lower --max-new-tokens or shorten the prompt",
                    example.place(),
                    ids.len()
                )));
            }
            prompts.push(ids);
        }
        let options = GreedyOptions {
            start: Vec::new(),
            stop: frame.stop,
            pad: frame.pad,
            max_new_tokens,
        };
        Ok(greedy_causal(&self.model, &prompts, &options)
            .iter()
            .map(|ids| self.frame.tokenizer.decode(ids))
            .collect())
    }
}
