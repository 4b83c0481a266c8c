//! Sequence to sequence with teacher forcing: decoder position t sees the source and the targets before t.
//!
//! Loss: negative log likelihood per target token, `L = -sum_t log p(y_t | y_<t, x)` (Sutskever et al. 2014; Vaswani et
//! al. 2017 for label smoothing). The decoder-start token, the stop token and with them the shift come from the convention.

use burn::module::Module;
use cresset_data::{Collate, DataError, Example, Length, PadSide, PaddedIds, pad};
use cresset_model::Seq2SeqLm;
use cresset_ops::{Run, Scores};
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::added_losses::{
    Logits, Pass, R_DROP, RDropConfig, Z_LOSS, check_z_loss, r_drop_terms, z_term,
};
use crate::load::warm_start;
use crate::preview::{Reader, Shown, Targets};
use crate::rows::Rows;
use crate::session::{self, OpenRun, Parts, Task};
use crate::sources::both_splits;
use crate::upload;
use crate::{ModelSource, RunError, Setup};

/// `[objective] seq2seq = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Seq2SeqConfig {
    /// Put in front of every source text, as in T5's "translate English to German: ".
    pub prefix: String,
    /// Share of the target's probability spread over the vocabulary.
    pub label_smoothing: f64,
    /// Coefficient of the z-loss; 0 leaves it out.
    pub z_loss: f64,
    /// Two passes with different dropout that shall say the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_drop: Option<RDropConfig>,
}

impl Seq2SeqConfig {
    /// Checks the numbers; the smoothing is the caller's.
    ///
    /// # Errors
    /// A number outside its range.
    pub fn validate(&self) -> Result<(), RunError> {
        check_z_loss("seq2seq", self.z_loss)?;
        match &self.r_drop {
            Some(r_drop) => r_drop.validate("seq2seq"),
            None => Ok(()),
        }
    }

    /// The losses it asks for.
    pub fn losses(&self) -> WritingLosses {
        WritingLosses {
            label_smoothing: self.label_smoothing,
            z_loss: self.z_loss,
            r_drop: self.r_drop.map(|r_drop| r_drop.alpha),
        }
    }
}

/// What the loss of written tokens is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WritingLosses {
    /// Share of the target's probability spread over the vocabulary.
    pub label_smoothing: f64,
    /// Coefficient of the z-loss; 0 leaves it out.
    pub z_loss: f64,
    /// Weight of R-Drop, if there is a second pass.
    pub r_drop: Option<f64>,
}

/// A tokenized pair.
#[derive(Clone, Debug)]
pub struct Seq2SeqItem {
    /// The framed source.
    pub source: Vec<u32>,
    /// The labels, shifted behind the start token.
    pub decoder_input: Vec<u32>,
    /// The targets.
    pub labels: Vec<u32>,
}

/// Sources and targets as plain numbers.
#[derive(Clone, Debug)]
pub struct Seq2SeqBatch {
    /// Framed sources.
    pub source: PaddedIds,
    /// Decoder inputs: the labels, shifted behind the start token.
    pub decoder_input: PaddedIds,
    /// Positions with a target: indices into the `rows x width` positions of the decoder input.
    pub positions: Vec<u32>,
    /// The target at each of these positions, row after row.
    pub labels: Vec<u32>,
}

/// Makes batches of pairs.
#[derive(Clone, Debug)]
pub struct Seq2SeqCollate {
    pad_id: u32,
}

impl Seq2SeqCollate {
    /// Pads with this id.
    pub fn new(pad_id: u32) -> Self {
        Seq2SeqCollate { pad_id }
    }
}

impl Collate for Seq2SeqCollate {
    type Item = Seq2SeqItem;
    type Batch = Seq2SeqBatch;

    fn collate(
        &self,
        items: Vec<Seq2SeqItem>,
        _rng: &mut ChaCha8Rng,
    ) -> Result<Seq2SeqBatch, DataError> {
        let sources: Vec<&[u32]> = items.iter().map(|i| i.source.as_slice()).collect();
        let inputs: Vec<&[u32]> = items.iter().map(|i| i.decoder_input.as_slice()).collect();
        let decoder_input = pad(&inputs, self.pad_id, PadSide::Right);
        let positions = decoder_input.flat_positions();
        Ok(Seq2SeqBatch {
            source: pad(&sources, self.pad_id, PadSide::Right),
            decoder_input,
            positions,
            labels: items
                .iter()
                .flat_map(|i| i.labels.iter().copied())
                .collect(),
        })
    }
}

/// The model and its loss.
#[derive(Module, Debug)]
pub struct SequenceToSequence {
    model: Seq2SeqLm,
    #[module(skip)]
    losses: WritingLosses,
}

impl SequenceToSequence {
    /// The objective over an encoder-decoder.
    pub fn new(model: Seq2SeqLm, label_smoothing: f64) -> Self {
        let losses = WritingLosses {
            label_smoothing,
            ..WritingLosses::default()
        };
        SequenceToSequence { model, losses }
    }

    /// The same with other losses.
    pub fn with_losses(self, losses: WritingLosses) -> Self {
        SequenceToSequence { losses, ..self }
    }

    fn pass(&self, batch: &Seq2SeqBatch, run: &Run) -> Pass {
        let logits = Logits::read_if(self.losses.z_loss > 0.0 || self.losses.r_drop.is_some());
        let (scores, smoothing) = (self.scores(batch, run), self.losses.label_smoothing);
        Pass::of_tokens(scores, &batch.labels, (None, smoothing), logits)
    }

    /// The model.
    pub fn model(&self) -> &Seq2SeqLm {
        &self.model
    }

    fn scores(&self, batch: &Seq2SeqBatch, run: &Run) -> Scores {
        let device = upload::device_of(self);
        let source = upload::encoder_input(&batch.source, None, &device);
        let memory_keep = source.keep.clone();
        let memory = self.model.encode(source, run);
        let hidden = self.model.decode(
            upload::ids(&batch.decoder_input, &device),
            memory,
            memory_keep,
            run,
        );
        self.model
            .scores_at(hidden, upload::indices(&batch.positions, &device))
    }
}

impl Objective for SequenceToSequence {
    type Batch = Seq2SeqBatch;

    fn denominators(batch: &Seq2SeqBatch) -> Denominators {
        let n = batch.labels.len() as f64;
        Denominators(vec![("nll", n), (Z_LOSS, n), (R_DROP, n)])
    }

    fn tokens(batch: &Seq2SeqBatch) -> usize {
        batch.source.lengths.iter().sum::<usize>() + batch.labels.len()
    }

    fn loss(&self, batch: &Seq2SeqBatch, at: &StepContext) -> LossTerms {
        let run = at.run();
        let first = self.pass(batch, &run);
        let z_term = z_term(&first, None, self.losses.z_loss);
        let mut terms = match self.losses.r_drop {
            Some(alpha) => r_drop_terms("nll", [first, self.pass(batch, &run)], alpha),
            None => vec![LossTerm {
                name: "nll",
                sum: first.sum,
                weight: 1.0,
            }],
        };
        terms.extend(z_term);
        LossTerms(terms)
    }

    fn observe(&self, batch: &Seq2SeqBatch, report: &mut Report) {
        let logits = self.scores(batch, &Run::inference()).logits();
        upload::observe_tokens(
            logits,
            &batch.labels,
            &vec![1.0; batch.labels.len()],
            report,
        );
    }
}

impl Task for SequenceToSequence {
    type Collate = Seq2SeqCollate;
    type Network = Seq2SeqLm;

    fn show(batch: &Seq2SeqBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let source = |i: usize| reader.plain_text(batch.source.row(i));
        (0..batch.source.n_rows())
            .map(|i| shown(batch, i, source(i), reader))
            .collect()
    }

    fn network(&self) -> &Seq2SeqLm {
        &self.model
    }
}

/// A row as a person reads it, with the text that it was made from.
pub(crate) fn shown(
    batch: &Seq2SeqBatch,
    row: usize,
    source: String,
    reader: &Reader<'_>,
) -> Vec<Shown> {
    let targets = Targets {
        input: &batch.decoder_input,
        positions: &batch.positions,
        ids: &batch.labels,
        weights: None,
    };
    let [input, labels] = targets.read_and_written("decoder input", row, reader);
    vec![
        reader.note("source", source),
        reader.input("encoder input", &batch.source, row),
        input,
        labels,
    ]
}

pub(crate) fn open(config: &Seq2SeqConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let model_config = setup.model_config()?;
    let model = Seq2SeqLm::new(
        &session::seq2seq(&model_config)?,
        setup.seed,
        &setup.model_device(),
    )?;
    let (model, load) = match (&setup.model, model) {
        (ModelSource::WarmStart(halves), Seq2SeqLm::EncoderDecoder(model)) => {
            let (model, report) = warm_start(model, &halves.encoder, &halves.decoder)?;
            (Seq2SeqLm::EncoderDecoder(model), Some(report))
        }
        (_, model) => setup.load_into(model)?,
    };
    let mut n_shortened = 0;
    let rows = |examples: &[Example]| rows(config, &setup, examples, &mut n_shortened);
    let (train, eval) = both_splits(&setup.data, rows)?;
    let objective =
        SequenceToSequence::new(model, config.label_smoothing).with_losses(config.losses());
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective,
            train,
            eval,
            description,
            load,
            n_shortened,
        },
    )
}

/// The rows of some examples.
///
/// # Errors
/// An example without a target, a longest input without room for the frame.
pub(crate) fn rows(
    config: &Seq2SeqConfig,
    setup: &Setup,
    examples: &[Example],
    n_shortened: &mut usize,
) -> Result<Rows<SequenceToSequence>, RunError> {
    let items = encode(config, setup, examples, n_shortened)?;
    let length = |i: &Seq2SeqItem| Length::from((i.source.len(), i.labels.len()));
    let lengths: Vec<Length> = items.iter().map(length).collect();
    let collate = Seq2SeqCollate::new(setup.convention.pad_id());
    Ok(Rows::new(items, lengths, collate))
}

fn encode(
    config: &Seq2SeqConfig,
    setup: &Setup,
    examples: &[Example],
    n_shortened: &mut usize,
) -> Result<Vec<Seq2SeqItem>, RunError> {
    let sources: Vec<String> = examples
        .iter()
        .map(|e| format!("{}{}", config.prefix, e.text))
        .collect();
    let targets = examples
        .iter()
        .map(target_of)
        .collect::<Result<Vec<&str>, RunError>>()?;
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let pairs = setup
        .tokenizer
        .encode_batch(&sources)
        .into_iter()
        .zip(setup.tokenizer.encode_batch(&targets));
    let item = |(source, target): (Vec<u32>, Vec<u32>)| {
        let framed = setup
            .convention
            .encoder_input(&source, None, setup.data.max_length)?;
        let (decoder_input, labels) = setup
            .convention
            .decoder_pair(&target, setup.data.max_target_length)?;
        *n_shortened += usize::from(framed.truncated > 0 || labels.len() < target.len());
        Ok(Seq2SeqItem {
            source: framed.ids,
            decoder_input,
            labels,
        })
    };
    pairs.map(item).collect()
}

fn target_of(example: &Example) -> Result<&str, RunError> {
    example.target.as_deref().ok_or_else(|| {
        RunError::Data(format!("{} has no target; set data.fields.target to the field that holds it, or data.format = \"parallel\"", example.place()))
    })
}
