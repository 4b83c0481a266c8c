//! The vectors of texts after every layer, by every pooling.

use burn::tensor::{Device, Tensor};
use cresset_data::{Convention, Example, Framed, PadSide, pad};
use cresset_model::bert::Pooler;
use cresset_model::{CausalLm, Encoder, ModelConfig, Pooling, Seq2SeqLm};
use cresset_ops::{KeepMask, Run, Watched};

use super::logistic::Rows;
use crate::embed::placed;
use crate::load::load;
use crate::predict::Frame;
use crate::{ModelFolder, NewHead, ObjectiveConfig, RunError, session, upload};

/// Which stack of the model is looked at.
#[allow(
    clippy::large_enum_variant,
    reason = "a process holds one model, and layers lie on the heap"
)]
enum Stack {
    Encoder(Encoder),
    /// The encoder of an encoder-decoder.
    Reading(Seq2SeqLm),
    Decoder(CausalLm),
}

/// What gives the vectors.
pub(super) struct VectorReader<'a> {
    folder: &'a ModelFolder,
    frame: Frame,
    stack: Stack,
    poolings: Vec<(Pooling, Pooling)>,
    device: Device,
}

/// The vectors of all texts after one layer, by each pooling that can be taken there.
pub(super) type OfLayer = Vec<(Pooling, Rows)>;

impl<'a> VectorReader<'a> {
    /// Opens the encoder of a folder under whatever head, or its decoder where there is no encoder.
    pub(super) fn open(folder: &'a ModelFolder, device: &Device) -> Result<Self, RunError> {
        let config = &folder.files.config;
        let path = &folder.files.path;
        let stack = match config {
            ModelConfig::T5(_)
            | ModelConfig::Marian(_)
            | ModelConfig::Bart(_)
            | ModelConfig::EncoderDecoder(_) => {
                let model = Seq2SeqLm::new(&session::seq2seq(config)?, 0, device)?;
                Stack::Reading(load(model, path, NewHead::Refused)?.0)
            }
            ModelConfig::Gpt2(_) => {
                let model = CausalLm::new(&session::decoder(config)?, 0, device)?;
                Stack::Decoder(load(model, path, NewHead::Refused)?.0)
            }
            _ => {
                let model = Encoder::new(&config.encoder()?, Pooler::Without, 0, device)?;
                Stack::Encoder(load(model, path, NewHead::Refused)?.0)
            }
        };
        let frame = Frame::of(folder)?;
        Ok(VectorReader {
            poolings: poolings(&frame.convention),
            folder,
            frame,
            stack,
            device: device.clone(),
        })
    }

    /// What is looked at, in words.
    pub(super) fn stack(&self) -> &'static str {
        match self.stack {
            Stack::Encoder(_) => "encoder",
            Stack::Reading(_) => "encoder of the encoder-decoder",
            Stack::Decoder(_) => "decoder",
        }
    }

    /// The vectors after the embeddings and after every layer.
    pub(super) fn read(
        &self,
        examples: &[Example],
        batch_size: usize,
    ) -> Result<Vec<OfLayer>, RunError> {
        let rows = self.framed(examples)?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&row| rows[row].ids.len());
        let mut layers: Vec<OfLayer> = Vec::new();
        for places in order.chunks(batch_size.max(1)) {
            let batch: Vec<&Framed> = places.iter().map(|&row| &rows[row]).collect();
            let (states, keep) = self.states(&batch);
            if layers.is_empty() {
                layers = (0..states.len())
                    .map(|l| self.blank(l, rows.len()))
                    .collect();
            }
            for (layer, of_layer) in layers.iter_mut().enumerate() {
                for ((pooling, found), (_, by)) in of_layer.iter_mut().zip(&self.poolings) {
                    debug_assert!(layer > 0 || !pooling.reads_first_layer());
                    let pooled = by.pool(&states[..=layer], &keep);
                    let [_, width] = pooled.dims();
                    found.width = width;
                    found.values.resize(rows.len() * width, 0.0);
                    let numbers = upload::read_floats(pooled);
                    for (&row, vector) in places.iter().zip(numbers.chunks(width)) {
                        let to = &mut found.values[row * width..(row + 1) * width];
                        to.iter_mut()
                            .zip(vector)
                            .for_each(|(t, v)| *t = f64::from(*v));
                    }
                }
            }
        }
        Ok(layers)
    }

    /// Texts longer than the model takes, which are shortened.
    pub(super) fn n_shortened(&self, examples: &[Example]) -> Result<usize, RunError> {
        let rows = self.framed(examples)?;
        Ok(rows.iter().filter(|row| row.truncated > 0).count())
    }

    fn framed(&self, examples: &[Example]) -> Result<Vec<Framed>, RunError> {
        let prefix = prefix(self.folder);
        let text = |example: &Example| format!("{prefix}{}", example.text);
        let texts: Vec<String> = examples.iter().map(text).collect();
        let pairs: Vec<Option<&str>> = examples.iter().map(|e| e.pair.as_deref()).collect();
        if !matches!(self.stack, Stack::Decoder(_)) {
            return self.frame.framed(&texts, &pairs);
        }
        let document = |text: &Vec<u32>| {
            let mut ids = self.frame.convention.document(text);
            let truncated = ids.len().saturating_sub(self.frame.max_length);
            ids.truncate(self.frame.max_length);
            Framed {
                segments: vec![0; ids.len()],
                special: vec![false; ids.len()],
                ids,
                truncated,
            }
        };
        let texts = self.folder.tokenizer.encode_batch(&texts);
        let rows: Vec<Framed> = texts.iter().map(document).collect();
        match rows.iter().position(|row| row.ids.is_empty()) {
            Some(empty) => Err(RunError::Data(format!(
                "{} is empty, and the model's convention has no start token; leave it out",
                examples[empty].place()
            ))),
            None => Ok(rows),
        }
    }

    /// The hidden states of a batch.
    fn states(&self, rows: &[&Framed]) -> (Vec<Tensor<3>>, KeepMask) {
        let run = Run::inference();
        let seen = |pass: &dyn Fn(&Run) -> Tensor<3>| {
            run.watch(Watched::HiddenStates, pass).1.hidden_states
        };
        match &self.stack {
            Stack::Encoder(model) => {
                let input = self.frame.batch(rows, &self.device);
                let keep = input.keep.clone();
                (model.hidden_states(input, &run), keep)
            }
            Stack::Reading(model) => {
                let mut input = self.frame.batch(rows, &self.device);
                input.segments = None;
                let keep = input.keep.clone();
                (seen(&|run| model.encode(input.clone(), run)), keep)
            }
            Stack::Decoder(model) => {
                let ids: Vec<&[u32]> = rows.iter().map(|row| row.ids.as_slice()).collect();
                let padded = pad(&ids, self.frame.convention.pad_id(), PadSide::Right);
                let keep = upload::keep(&padded, &self.device);
                let ids = upload::ids(&padded, &self.device);
                let pass = |run: &Run| model.hidden(ids.clone(), Some(keep.clone()), run);
                (seen(&pass), keep)
            }
        }
    }

    fn blank(&self, layer: usize, n_rows: usize) -> OfLayer {
        let possible = self.poolings.iter();
        possible
            .filter(|(pooling, _)| layer > 0 || !pooling.reads_first_layer())
            .map(|&(pooling, _)| {
                let rows = Rows {
                    values: Vec::with_capacity(n_rows),
                    width: 0,
                };
                (pooling, rows)
            })
            .collect()
    }
}

/// What stands in front of every text the model was trained to read.
pub(super) fn prefix(folder: &ModelFolder) -> &str {
    match folder.facts.as_ref().map(|facts| &facts.objective) {
        Some(ObjectiveConfig::Seq2Seq(config)) => &config.prefix,
        _ => "",
    }
}

/// The poolings that a convention allows, each with how it is taken: `cls` is the vector at its token's place, and without such a token
/// there is none. Where that token stands last, `last` would be the same again. Those that the embeddings lack come last.
fn poolings(convention: &Convention) -> Vec<(Pooling, Pooling)> {
    let mut all = Vec::new();
    for pooling in Pooling::ALL {
        match placed(pooling, convention) {
            Ok(by) => all.push((pooling, by)),
            Err(_) => continue,
        }
    }
    let cls_stands_last = all.contains(&(Pooling::Cls, Pooling::Last));
    all.retain(|(pooling, _)| !(cls_stands_last && *pooling == Pooling::Last));
    all
}
