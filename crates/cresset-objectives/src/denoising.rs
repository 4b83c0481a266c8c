//! What `span-corruption`, `denoise` and `prefix-lm` share: a text becomes a pair of source and target, anew at every visit, and an
//! encoder-decoder learns to write the one from the other.

use std::sync::Arc;

use burn::module::Module;
use cresset_data::{Collate, Convention, DataError, TokenizedTexts};
use cresset_model::Seq2SeqLm;
use cresset_train::{Denominators, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;
use serde_json::Map;

use crate::cut::{CutTexts, Cutting};
use crate::preview::{Reader, Shown};
use crate::rows::Rows;
use crate::seq2seq::{
    self, Seq2SeqBatch, Seq2SeqCollate, Seq2SeqItem, SequenceToSequence, WritingLosses,
};
use crate::session::{self, OpenRun, Parts, Task};
use crate::sources::both_text_splits;
use crate::{RunError, Setup};

/// Source and target of a text, without special tokens around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What the encoder reads.
    pub source: Vec<u32>,
    /// What the decoder writes.
    pub target: Vec<u32>,
}

/// Makes a pair of a text; whatever is random in it comes from the generator.
pub type Corrupt = Arc<dyn Fn(&[u32], &mut ChaCha8Rng) -> Pair + Send + Sync>;

/// Corrupts texts and frames the pairs.
#[derive(Clone)]
pub struct DenoisingCollate {
    corrupt: Corrupt,
    convention: Arc<Convention>,
    max_length: usize,
    max_target_length: usize,
}

/// Corrupted texts with what they were.
#[derive(Clone, Debug)]
pub struct DenoisingBatch {
    /// What is learnt from.
    pub pairs: Seq2SeqBatch,
    /// The text of each row before it was corrupted.
    pub texts: Vec<Vec<u32>>,
}

impl Collate for DenoisingCollate {
    type Item = Vec<u32>;
    type Batch = DenoisingBatch;

    fn collate(
        &self,
        items: Vec<Vec<u32>>,
        rng: &mut ChaCha8Rng,
    ) -> Result<DenoisingBatch, DataError> {
        let mut framed = Vec::with_capacity(items.len());
        for text in &items {
            let pair = (self.corrupt)(text, rng);
            let source = self
                .convention
                .encoder_input(&pair.source, None, self.max_length)?;
            let (decoder_input, labels) = self
                .convention
                .decoder_pair(&pair.target, self.max_target_length)?;
            framed.push(Seq2SeqItem {
                source: source.ids,
                decoder_input,
                labels,
            });
        }
        Ok(DenoisingBatch {
            pairs: Seq2SeqCollate::new(self.convention.pad_id()).collate(framed, rng)?,
            texts: items,
        })
    }
}

/// The model and its loss: that of `seq2seq`.
#[derive(Module, Debug)]
pub struct Denoising {
    inner: SequenceToSequence,
}

impl Objective for Denoising {
    type Batch = DenoisingBatch;

    fn denominators(batch: &DenoisingBatch) -> Denominators {
        SequenceToSequence::denominators(&batch.pairs)
    }

    fn tokens(batch: &DenoisingBatch) -> usize {
        SequenceToSequence::tokens(&batch.pairs)
    }

    fn loss(&self, batch: &DenoisingBatch, at: &StepContext) -> LossTerms {
        self.inner.loss(&batch.pairs, at)
    }

    fn observe(&self, batch: &DenoisingBatch, report: &mut Report) {
        self.inner.observe(&batch.pairs, report);
    }
}

impl Task for Denoising {
    type Collate = DenoisingCollate;
    type Network = Seq2SeqLm;

    fn show(batch: &DenoisingBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let texts = batch.texts.iter().enumerate();
        texts
            .map(|(row, text)| seq2seq::shown(&batch.pairs, row, reader.plain_text(text), reader))
            .collect()
    }

    fn network(&self) -> &Seq2SeqLm {
        self.inner.model()
    }
}

/// How long a text may be so that its pair fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// The source is the longer side.
    Source,
    /// Source and target may each be as long as the text.
    BothSides,
}

/// What an objective does to texts.
pub(crate) struct Denoiser {
    pub(crate) corrupt: Corrupt,
    pub(crate) room: Room,
}

/// Opens an objective that corrupts texts.
///
/// # Errors
/// Another shape of model; a longest input that leaves no room for text.
pub(crate) fn open(
    setup: Setup,
    denoiser: &Denoiser,
    z_loss: f64,
) -> Result<Box<dyn OpenRun>, RunError> {
    let model_config = setup.model_config()?;
    let config = session::seq2seq(&model_config)?;
    let model = Seq2SeqLm::new(&config, setup.seed, &setup.model_device())?;
    let (model, load) = setup.load_into(model)?;
    let (train, eval) = both_text_splits(&setup, |setup, _, texts| rows(denoiser, setup, texts))?;
    let objective = Denoising {
        inner: SequenceToSequence::new(model, 0.0).with_losses(WritingLosses {
            z_loss,
            ..WritingLosses::default()
        }),
    };
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective,
            train,
            eval,
            description,
            load,
            n_shortened: 0,
        },
    )
}

/// The rows of some texts.
///
/// # Errors
/// A longest input that leaves no room for text.
pub(crate) fn rows(
    denoiser: &Denoiser,
    setup: &Setup,
    texts: TokenizedTexts,
) -> Result<Rows<Denoising>, RunError> {
    let room = text_room(setup, denoiser.room)?;
    let cut = CutTexts::new(texts, Cutting { extra: 0, room });
    let lengths = cut.lengths();
    let collate = DenoisingCollate {
        corrupt: Arc::clone(&denoiser.corrupt),
        convention: Arc::clone(&setup.convention),
        max_length: setup.data.max_length,
        max_target_length: setup.data.max_target_length,
    };
    Ok(Rows::new(cut, lengths, collate))
}

/// Tokens of a text beyond which it is cut, so that nothing is lost.
fn text_room(setup: &Setup, room: Room) -> Result<usize, RunError> {
    let data = &setup.data;
    let frame = setup.convention.encoder_input(&[], None, data.max_length)?;
    let (input, _) = setup.convention.decoder_pair(&[], data.max_target_length)?;
    let source = data.max_length.saturating_sub(frame.ids.len());
    let target = data.max_target_length.saturating_sub(input.len());
    let longest = match room {
        Room::Source => source,
        Room::BothSides => source.min(target),
    };
    Ok(longest.max(1))
}

/// Refuses a share of corrupted tokens outside its range.
///
/// # Errors
/// The key, the value and the usual one.
pub(crate) fn check_rate(objective: &str, rate: f64, usual: f64) -> Result<(), RunError> {
    if rate > 0.0 && rate < 1.0 {
        return Ok(());
    }
    Err(RunError::Config(format!(
        "objective.{objective}.rate is {rate} but must lie between 0 and 1; the usual value is {usual}"
    )))
}

/// Refuses spans that are no spans.
///
/// # Errors
/// The key, the value and the usual one.
pub(crate) fn check_mean_span_length(objective: &str, length: f64) -> Result<(), RunError> {
    if length >= 1.0 && length.is_finite() {
        return Ok(());
    }
    Err(RunError::Config(format!(
        "objective.{objective}.mean_span_length is {length} but must be at least 1 token; the usual value is 3"
    )))
}
