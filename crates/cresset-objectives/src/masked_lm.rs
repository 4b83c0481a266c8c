//! Masked language modelling: some tokens are hidden, the model says which they were.
//!
//! Loss: negative log likelihood of the hidden tokens (Devlin et al. 2019, BERT, section 3.1). 15 % of the positions are
//! targets; of these 80 % become `[MASK]`, 10 % a random token, 10 % stay. Special tokens are never targets. Every visit
//! to a text draws new positions (RoBERTa's dynamic masking, Liu et al. 2019, section 4.1). Hidden are tokens, whole words
//! or spans of words ([`MaskUnit`]).

mod unit;

use std::sync::Arc;

use burn::module::Module;
use cresset_data::{
    Collate, Convention, DataError, Dataset, Framed, MaskOptions, Masked, PadSide, PaddedIds,
    SpanLengths, TokenizedTexts, mask_spans, mask_tokens, mask_whole_words, pad,
};
use cresset_model::MaskedLm;
use cresset_ops::{Run, Scores};
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Map;

pub use self::unit::{MaskUnit, Segmentation, SpanConfig};
use crate::added_losses::{
    DISTILLATION, DistillConfig, Logits, Pass, Teacher, Z_LOSS, check_z_loss, own_weight, z_term,
};
use crate::cut::{CutTexts, Cutting};
use crate::packed::{InRows, Pack, in_rows};
use crate::preview::{Reader, Shown, Targets};
use crate::rows::{Rows, Side};
use crate::session::{self, OpenRun, Parts, Task};
use crate::sources::both_text_splits;
use crate::upload;
use crate::{RunError, Setup};

/// `[objective] masked-lm = { .. }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaskedLmConfig {
    /// Share of the positions that are targets.
    pub rate: f64,
    /// Share of the targets replaced by the mask token.
    pub mask_share: f64,
    /// Share of the targets replaced by a random token.
    pub random_share: f64,
    /// What is hidden as a whole.
    pub unit: MaskUnit,
    /// What the words of a text are.
    pub segmentation: Segmentation,
    /// How long spans are; SpanBERT's lengths by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spans: Option<SpanConfig>,
    /// Coefficient of the z-loss; 0 leaves it out. Of objective `masked-lm` only.
    pub z_loss: f64,
    /// A teacher. Of objective `masked-lm` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distill: Option<DistillConfig>,
}

impl Default for MaskedLmConfig {
    fn default() -> Self {
        MaskedLmConfig {
            rate: 0.15,
            mask_share: 0.8,
            random_share: 0.1,
            unit: MaskUnit::default(),
            segmentation: Segmentation::default(),
            spans: None,
            z_loss: 0.0,
            distill: None,
        }
    }
}

impl MaskedLmConfig {
    /// Checks the rates.
    ///
    /// # Errors
    /// A rate outside its range.
    pub fn validate(&self) -> Result<(), RunError> {
        check_z_loss("masked-lm", self.z_loss)?;
        if let Some(distill) = &self.distill {
            distill.validate("masked-lm")?;
        }
        self.check_masking("masked-lm")
    }

    /// The same for rates that stand under another key of `objective`, which knows masking alone.
    pub(crate) fn validate_under(&self, key: &str) -> Result<(), RunError> {
        if self.z_loss != 0.0 || self.distill.is_some() {
            return Err(RunError::Config(format!(
                "objective.{key} has z_loss or distill, but only objective masked-lm knows them; remove them"
            )));
        }
        self.check_masking(key)
    }

    fn check_masking(&self, key: &str) -> Result<(), RunError> {
        let in_unit = |v: f64| (0.0..=1.0).contains(&v);
        if !in_unit(self.rate) || self.rate == 0.0 {
            return Err(RunError::Config(format!(
                "objective.{key}.rate is {} but must be above 0 and at most 1; the usual value is 0.15",
                self.rate
            )));
        }
        if !in_unit(self.mask_share)
            || !in_unit(self.random_share)
            || self.mask_share + self.random_share > 1.0
        {
            return Err(RunError::Config(format!(
                "objective.{key}.mask_share {} and random_share {} must each lie between 0 and 1 and add up to at most 1",
                self.mask_share, self.random_share
            )));
        }
        self.validate_unit(key)
    }
}

/// A framed chunk of text.
#[derive(Clone, Debug)]
pub struct MaskedLmItem {
    pub(crate) ids: Vec<u32>,
    pub(crate) segments: Vec<u32>,
    pub(crate) special: Vec<bool>,
    /// The word of each token, none of special ones; empty where words are not asked for.
    words: Vec<Option<u32>>,
}

impl MaskedLmItem {
    /// An item of a framed text.
    pub(crate) fn new(framed: Framed) -> Self {
        MaskedLmItem {
            ids: framed.ids,
            segments: framed.segments,
            special: framed.special,
            words: Vec::new(),
        }
    }

    /// The same, with the word of each token that is not special; without any if there are none.
    ///
    /// # Panics
    /// If there are words, but not one for each of these tokens.
    pub(crate) fn with_words(mut self, words: &[u32]) -> Self {
        if !words.is_empty() {
            let mut words = words.iter().copied();
            let word = |is_special: &bool| match is_special {
                true => None,
                false => Some(words.next().expect("a word for each token of the text")),
            };
            self.words = self.special.iter().map(word).collect();
        }
        self
    }
}

/// Corrupted texts with their targets, as plain numbers. A row may hold several texts: `input` says so.
#[derive(Clone, Debug)]
pub struct MaskedLmBatch {
    /// Corrupted texts.
    pub input: PaddedIds,
    /// Segment of each position.
    pub segments: Vec<u32>,
    /// Targets: indices into the `rows x width` positions. Never empty.
    pub positions: Vec<u32>,
    /// The hidden token of each target.
    pub targets: Vec<u32>,
    /// 1 for a target, 0 for the placeholder of a batch in which nothing was hidden.
    pub weights: Vec<f32>,
}

impl Pack for MaskedLmBatch {
    fn pack(self, texts_per_row: &[usize], pad_id: u32) -> Self {
        let packed = self.input.packed(texts_per_row, pad_id);
        let positions = self.positions.iter();
        MaskedLmBatch {
            segments: packed.moved(&self.segments, &self.input),
            positions: positions
                .map(|&position| packed.new_places[position as usize])
                .collect(),
            input: packed.ids,
            ..self
        }
    }
}

/// Draws the hidden positions.
#[derive(Clone, Debug)]
pub struct MaskedLmCollate {
    pad_id: u32,
    pad_side: PadSide,
    options: MaskOptions,
    unit: MaskUnit,
    spans: SpanLengths,
}

impl MaskedLmCollate {
    fn mask(&self, item: &MaskedLmItem, rng: &mut ChaCha8Rng) -> Masked {
        let options = &self.options;
        match self.unit {
            MaskUnit::Tokens => mask_tokens(&item.ids, &item.special, options, rng),
            MaskUnit::Words => mask_whole_words(&item.ids, &item.words, options, rng),
            MaskUnit::Spans => mask_spans(&item.ids, &item.words, options, self.spans, rng),
        }
    }

    /// Hides tokens at these rates.
    ///
    /// # Errors
    /// A convention without a mask token.
    pub(crate) fn new(config: &MaskedLmConfig, setup: &Setup) -> Result<Self, RunError> {
        Ok(MaskedLmCollate {
            pad_id: setup.convention.pad_id(),
            pad_side: setup.convention.pad_side(),
            options: MaskOptions {
                rate: config.rate,
                mask_share: config.mask_share,
                random_share: config.random_share,
                mask_id: setup.convention.mask_id()?,
                vocab: 0..setup.tokenizer.vocab_size() as u32,
            },
            unit: config.unit,
            spans: config.spans.unwrap_or_default().into(),
        })
    }
}

impl Collate for MaskedLmCollate {
    type Item = MaskedLmItem;
    type Batch = MaskedLmBatch;

    fn collate(
        &self,
        items: Vec<MaskedLmItem>,
        rng: &mut ChaCha8Rng,
    ) -> Result<MaskedLmBatch, DataError> {
        let masked: Vec<_> = items.iter().map(|item| self.mask(item, rng)).collect();
        let ids: Vec<&[u32]> = masked.iter().map(|m| m.ids.as_slice()).collect();
        let segments: Vec<&[u32]> = items.iter().map(|i| i.segments.as_slice()).collect();
        let input = pad(&ids, self.pad_id, self.pad_side);
        let mut positions = Vec::new();
        let mut targets = Vec::new();
        for (row, m) in masked.iter().enumerate() {
            let start = input.start_of(row);
            positions.extend(m.positions.iter().map(|&p| (start + p) as u32));
            targets.extend_from_slice(&m.targets);
        }
        let mut weights = vec![1.0; targets.len()];
        if targets.is_empty() {
            (positions, targets, weights) = (vec![0], vec![0], vec![0.0]);
        }
        Ok(MaskedLmBatch {
            segments: pad(&segments, 0, self.pad_side).ids,
            input,
            positions,
            targets,
            weights,
        })
    }
}

/// The model and its loss.
#[derive(Module, Debug)]
pub struct MaskedLanguageModelling {
    model: MaskedLm,
    #[module(skip)]
    z_loss: f64,
    #[module(skip)]
    teacher: Option<Teacher<MaskedLm>>,
}

impl MaskedLanguageModelling {
    /// The objective over a model with a masked-LM head.
    pub fn new(model: MaskedLm) -> Self {
        MaskedLanguageModelling {
            model,
            z_loss: 0.0,
            teacher: None,
        }
    }

    /// The same with a z-loss of this coefficient.
    pub fn with_z_loss(self, z_loss: f64) -> Self {
        MaskedLanguageModelling { z_loss, ..self }
    }

    /// The same with a teacher, if there is one.
    pub fn with_teacher(self, teacher: Option<Teacher<MaskedLm>>) -> Self {
        MaskedLanguageModelling { teacher, ..self }
    }

    /// The model.
    pub fn model(&self) -> &MaskedLm {
        &self.model
    }
}

/// Scores of the targets.
///
/// # Shapes
/// out: scores `[targets, vocabulary]`
fn scores(model: &MaskedLm, batch: &MaskedLmBatch, run: &Run) -> Scores {
    let device = upload::device_of(model);
    let input = upload::encoder_input(&batch.input, Some(&batch.segments), &device);
    let hidden = model.hidden(input, run);
    model.scores_at(hidden, upload::indices(&batch.positions, &device))
}

impl Objective for MaskedLanguageModelling {
    type Batch = MaskedLmBatch;

    fn denominators(batch: &MaskedLmBatch) -> Denominators {
        let n = upload::total(&batch.weights);
        Denominators(vec![("mlm", n), (Z_LOSS, n), (DISTILLATION, n)])
    }

    fn tokens(batch: &MaskedLmBatch) -> usize {
        batch.input.lengths.iter().sum()
    }

    fn loss(&self, batch: &MaskedLmBatch, at: &StepContext) -> LossTerms {
        let scores = scores(&self.model, batch, &at.run());
        let keep = upload::floats(&batch.weights, &scores.rows.device());
        let logits = Logits::read_if(self.z_loss > 0.0 || self.teacher.is_some());
        let pass = Pass::of_tokens(scores, &batch.targets, (Some(keep.clone()), 0.0), logits);
        let mut terms = vec![LossTerm {
            name: "mlm",
            sum: pass.sum.clone(),
            weight: own_weight(self.teacher.as_ref()),
        }];
        terms.extend(z_term(&pass, Some(&keep), self.z_loss));
        terms.extend(self.teacher.as_ref().map(|teacher| {
            let said = self::scores(&teacher.model, batch, &Run::inference()).logits();
            teacher.term(pass.read_logits(), said, Some(keep))
        }));
        LossTerms(terms)
    }

    fn observe(&self, batch: &MaskedLmBatch, report: &mut Report) {
        let logits = scores(&self.model, batch, &Run::inference()).logits();
        upload::observe_tokens(logits, &batch.targets, &batch.weights, report);
    }
}

impl Task for MaskedLanguageModelling {
    type Collate = InRows<MaskedLmCollate>;
    type Network = MaskedLm;

    fn show(batch: &MaskedLmBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let targets = Targets {
            input: &batch.input,
            positions: &batch.positions,
            ids: &batch.targets,
            weights: Some(&batch.weights),
        };
        let row = |i: usize| {
            let places = batch.input.places(i);
            let targets = targets.of_row(i);
            let mut source = batch.input.ids[places.clone()].to_vec();
            for &(place, id) in &targets {
                source[place] = id;
            }
            let input = reader
                .input("encoder input", &batch.input, i)
                .with_segments(&batch.segments[places])
                .with_originals(&targets)
                .with_labels(reader.spelled(targets));
            let labels = input.labels_in_line();
            vec![
                reader.note("source", reader.text(&source[batch.input.kept(i)])),
                input,
                reader.note("labels", labels),
            ]
        };
        (0..batch.input.n_rows()).map(row).collect()
    }

    fn network(&self) -> &MaskedLm {
        &self.model
    }
}

pub(crate) fn open(config: &MaskedLmConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let model_config = setup.model_config()?;
    let model = MaskedLm::new(
        &session::encoder(&model_config, "masked-lm")?,
        setup.seed,
        &setup.model_device(),
    )?;
    let (model, load) = setup.load_into(model)?;
    let (train, eval) = both_text_splits(&setup, |setup, side, texts| {
        rows(config, (setup, side), texts)
    })?;
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective: MaskedLanguageModelling::new(model)
                .with_z_loss(config.z_loss)
                .with_teacher(teacher(config, &setup)?),
            train,
            eval,
            description,
            load,
            n_shortened: 0,
        },
    )
}

/// Framed texts by number; a text longer than the longest input is cut into several, so that nothing is lost.
pub(crate) struct FramedTexts {
    cut: CutTexts,
    convention: Arc<Convention>,
    max_length: usize,
    /// Special tokens of the frame.
    n_special: usize,
}

impl FramedTexts {
    /// These texts, framed.
    ///
    /// # Errors
    /// A longest input that the frame alone exceeds; a text that is framed already.
    pub(crate) fn new(setup: &Setup, texts: TokenizedTexts) -> Result<Self, RunError> {
        let (convention, max_length) = (&setup.convention, setup.data.max_length);
        let n_special = convention.encoder_input(&[], None, max_length)?.ids.len();
        let cutting = Cutting {
            extra: 0,
            room: max_length.saturating_sub(n_special).max(1),
        };
        let cut = CutTexts::new(texts, cutting);
        cut.check(convention, |ends| {
            convention.encoder_input(ends, None, usize::MAX).map(drop)
        })?;
        Ok(FramedTexts {
            cut,
            convention: Arc::clone(convention),
            max_length,
            n_special,
        })
    }

    /// Their lengths, special tokens counted.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> + use<> {
        let n_special = self.n_special;
        self.cut.lengths().map(move |length| length + n_special)
    }
}

impl Dataset for FramedTexts {
    type Item = MaskedLmItem;

    fn len(&self) -> usize {
        self.cut.len()
    }

    fn get(&self, row: usize) -> Result<MaskedLmItem, DataError> {
        let ids = self.cut.get(row)?;
        let words = self.cut.texts.words(self.cut.places(row));
        let framed = self.convention.encoder_input(&ids, None, self.max_length)?;
        Ok(MaskedLmItem::new(framed).with_words(&words.unwrap_or_default()))
    }
}

/// The teacher of a training, if there is one.
fn teacher(config: &MaskedLmConfig, setup: &Setup) -> Result<Option<Teacher<MaskedLm>>, RunError> {
    let open = |distill: &DistillConfig| {
        Teacher::open(distill, setup, |folder| {
            let encoder = session::encoder(&folder.files.config, "masked-lm")?;
            Ok(MaskedLm::new(&encoder, 0, &setup.device)?)
        })
    };
    let wanted = config.distill.as_ref().filter(|_| setup.train.is_some());
    wanted.map(open).transpose()
}

/// The rows of some texts.
///
/// # Errors
/// A convention without a mask token, a longest input without room for text.
pub(crate) fn rows(
    config: &MaskedLmConfig,
    (setup, side): (&Setup, Side),
    texts: TokenizedTexts,
) -> Result<Rows<MaskedLanguageModelling>, RunError> {
    let texts = FramedTexts::new(setup, texts)?;
    let lengths = texts.lengths();
    let collate = MaskedLmCollate::new(config, setup)?;
    Ok(in_rows((setup, side), texts, lengths, collate))
}
