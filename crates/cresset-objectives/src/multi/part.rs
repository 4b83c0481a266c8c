//! One objective of several: its batches among those of the others, and its loss on the shared model.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use cresset_data::{Batches, Collate, DataError, Example, Loader};
use cresset_model::{HeadSpec, Pooling, SharedModel, TextClassifier};
use cresset_train::{Denominators, LossTerms, Objective, Report, StepContext};
use serde_json::{Map, Value};

use super::{Multi, MultiBatch};
use crate::added_losses::{DISTILLATION, R_DROP, Z_LOSS};
use crate::classify::{self, ClassLosses, Classify, ClassifyBatch};
use crate::contrastive::{self, Contrast, Contrastive, ContrastiveBatch, TRIPLET};
use crate::denoising::{self, Denoiser, Denoising, DenoisingBatch};
use crate::embed::all_placed;
use crate::masked_lm::{self, MaskedLanguageModelling, MaskedLmBatch};
use crate::preview::{Reader, Shown};
use crate::rows::{Rows, Source, load_eval, load_train};
use crate::seq2seq::{self, Seq2SeqBatch, SequenceToSequence, WritingLosses};
use crate::session::Task;
use crate::sources::{TrainRows, both_splits, both_text_splits};
use crate::{ObjectiveConfig, Poolings, RunError, Setup, denoise, prefix_lm, span_corruption};

/// A batch of one part.
#[derive(Clone, Debug)]
pub enum PartBatch {
    /// Hidden tokens.
    MaskedLm(MaskedLmBatch),
    /// Texts with what is to be said of them.
    Classify(ClassifyBatch),
    /// Texts that belong together.
    Contrastive(ContrastiveBatch),
    /// Sources and targets.
    Seq2Seq(Seq2SeqBatch),
    /// Corrupted texts.
    Denoising(DenoisingBatch),
}

/// How a part's loss comes from the shared model.
#[derive(Clone, Debug)]
pub enum Recipe {
    /// From the head on hidden tokens.
    MaskedLm {
        /// Coefficient of the z-loss.
        z_loss: f64,
    },
    /// From the head on texts.
    Classify(ClassLosses),
    /// From the encoder's vectors.
    Contrastive {
        /// Which vectors stand for a text.
        poolings: Poolings<Pooling>,
        /// How vectors are set apart.
        contrast: Contrast,
    },
    /// From what the decoder writes.
    Seq2Seq(WritingLosses),
}

/// Whether an objective can be a part.
pub(super) fn mixes(objective: &ObjectiveConfig) -> bool {
    matches!(
        objective,
        ObjectiveConfig::MaskedLm(_)
            | ObjectiveConfig::Classify(_)
            | ObjectiveConfig::Contrastive(_)
            | ObjectiveConfig::Seq2Seq(_)
            | ObjectiveConfig::SpanCorruption(_)
            | ObjectiveConfig::Denoise(_)
            | ObjectiveConfig::PrefixLm(_)
    )
}

/// Whether an objective has a teacher.
pub(super) fn distills(objective: &ObjectiveConfig) -> bool {
    match objective {
        ObjectiveConfig::MaskedLm(config) => config.distill.is_some(),
        ObjectiveConfig::Classify(config) => config.distill.is_some(),
        _ => false,
    }
}

/// What the loss terms of a part are called among those of all parts.
#[derive(Clone, Debug)]
pub(super) struct PartNames {
    part: Arc<str>,
    /// Each term's own name and the one among all.
    terms: Arc<[(&'static str, &'static str)]>,
}

impl PartNames {
    pub(super) fn new(part: &str, objective: &ObjectiveConfig) -> Self {
        let terms: &[&'static str] = match objective {
            ObjectiveConfig::MaskedLm(_) => &["mlm", Z_LOSS, DISTILLATION],
            ObjectiveConfig::Classify(_) => &["classification", "regression", R_DROP, DISTILLATION],
            ObjectiveConfig::Contrastive(_) => &["contrastive", TRIPLET],
            _ => &["nll", Z_LOSS, R_DROP],
        };
        // The names of loss terms live as long as the process; there are a few per part.
        let named = |term: &&'static str| (*term, &*format!("{part}.{term}").leak());
        PartNames {
            part: part.into(),
            terms: terms.iter().map(named).collect(),
        }
    }

    /// The part's name.
    pub(super) fn part(&self) -> &str {
        &self.part
    }

    /// The name of a term of the part.
    pub(super) fn of(&self, term: &str) -> &'static str {
        let known = self.terms.iter().find(|(own, _)| *own == term);
        known.expect("every term of a part is listed").1
    }
}

impl PartBatch {
    pub(super) fn denominators(&self) -> Denominators {
        match self {
            PartBatch::MaskedLm(batch) => MaskedLanguageModelling::denominators(batch),
            PartBatch::Classify(batch) => Classify::denominators(batch),
            PartBatch::Contrastive(batch) => Contrastive::denominators(batch),
            PartBatch::Seq2Seq(batch) => SequenceToSequence::denominators(batch),
            PartBatch::Denoising(batch) => Denoising::denominators(batch),
        }
    }

    pub(super) fn tokens(&self) -> usize {
        match self {
            PartBatch::MaskedLm(batch) => MaskedLanguageModelling::tokens(batch),
            PartBatch::Classify(batch) => Classify::tokens(batch),
            PartBatch::Contrastive(batch) => Contrastive::tokens(batch),
            PartBatch::Seq2Seq(batch) => SequenceToSequence::tokens(batch),
            PartBatch::Denoising(batch) => Denoising::tokens(batch),
        }
    }

    pub(super) fn show(&self, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        match self {
            PartBatch::MaskedLm(batch) => MaskedLanguageModelling::show(batch, reader),
            PartBatch::Classify(batch) => Classify::show(batch, reader),
            PartBatch::Contrastive(batch) => Contrastive::show(batch, reader),
            PartBatch::Seq2Seq(batch) => SequenceToSequence::show(batch, reader),
            PartBatch::Denoising(batch) => Denoising::show(batch, reader),
        }
    }
}

impl Recipe {
    /// The objective of the part with this number on the shared model: the same parameters under the part's own head.
    pub(super) fn on(&self, model: &SharedModel, part: usize) -> PartObjective {
        match (self, model) {
            (Recipe::MaskedLm { z_loss }, SharedModel::Encoder(model)) => {
                let own = MaskedLanguageModelling::new(model.masked_lm(part));
                PartObjective::MaskedLm(own.with_z_loss(*z_loss))
            }
            (Recipe::Classify(losses), SharedModel::Encoder(model)) => {
                let model = TextClassifier::Encoder(model.sequence_classifier(part));
                PartObjective::Classify(Classify::new(model, 0.0).with_losses(*losses))
            }
            (Recipe::Contrastive { poolings, contrast }, SharedModel::Encoder(model)) => {
                let own = Contrastive::reading(model.encoder().clone(), poolings.clone());
                PartObjective::Contrastive(own.with_contrast(*contrast))
            }
            (Recipe::Seq2Seq(losses), SharedModel::EncoderDecoder(model)) => {
                let own = SequenceToSequence::new(model.clone(), 0.0);
                PartObjective::Seq2Seq(own.with_losses(*losses))
            }
            _ => unreachable!("the parts are of the shape of their model"),
        }
    }

    /// Metrics from what its evaluation observed.
    pub(super) fn metrics(&self, report: &Report) -> BTreeMap<String, f64> {
        match self {
            Recipe::MaskedLm { .. } => MaskedLanguageModelling::metrics(report),
            Recipe::Classify(_) => Classify::metrics(report),
            Recipe::Contrastive { .. } => Contrastive::metrics(report),
            Recipe::Seq2Seq(_) => SequenceToSequence::metrics(report),
        }
    }
}

/// The objective of a part, on the shared model.
#[allow(
    clippy::large_enum_variant,
    reason = "made for one batch, of handles to the parameters"
)]
pub(super) enum PartObjective {
    MaskedLm(MaskedLanguageModelling),
    Classify(Classify),
    Contrastive(Contrastive),
    Seq2Seq(SequenceToSequence),
}

impl PartObjective {
    pub(super) fn loss(&self, batch: &PartBatch, at: &StepContext) -> LossTerms {
        match (self, batch) {
            (PartObjective::MaskedLm(own), PartBatch::MaskedLm(batch)) => own.loss(batch, at),
            (PartObjective::Classify(own), PartBatch::Classify(batch)) => own.loss(batch, at),
            (PartObjective::Contrastive(own), PartBatch::Contrastive(batch)) => own.loss(batch, at),
            (PartObjective::Seq2Seq(own), PartBatch::Seq2Seq(batch)) => own.loss(batch, at),
            (PartObjective::Seq2Seq(own), PartBatch::Denoising(batch)) => {
                own.loss(&batch.pairs, at)
            }
            _ => unreachable!("a batch knows its part"),
        }
    }

    pub(super) fn observe(&self, batch: &PartBatch, report: &mut Report) {
        match (self, batch) {
            (PartObjective::MaskedLm(own), PartBatch::MaskedLm(batch)) => {
                own.observe(batch, report)
            }
            (PartObjective::Classify(own), PartBatch::Classify(batch)) => {
                own.observe(batch, report)
            }
            (PartObjective::Contrastive(own), PartBatch::Contrastive(batch)) => {
                own.observe(batch, report)
            }
            (PartObjective::Seq2Seq(own), PartBatch::Seq2Seq(batch)) => own.observe(batch, report),
            (PartObjective::Seq2Seq(own), PartBatch::Denoising(batch)) => {
                own.observe(&batch.pairs, report)
            }
            _ => unreachable!("a batch knows its part"),
        }
    }
}

/// What a part brings with it.
pub(super) struct Opened {
    pub(super) recipe: Recipe,
    pub(super) head: HeadSpec,
    pub(super) train: Source<Multi>,
    pub(super) eval: Source<Multi>,
    /// Keys of `config.json`.
    pub(super) keys: Map<String, Value>,
    pub(super) n_shortened: usize,
}

/// Opens a part on its examples, which are those of the setup.
///
/// # Errors
/// Examples that do not fit the objective.
pub(super) fn open_part(
    (part, names): (usize, PartNames),
    objective: &ObjectiveConfig,
    setup: &Setup,
) -> Result<Opened, RunError> {
    let mut n_shortened = 0;
    let place = Place { part, names, setup };
    let opened = |recipe, head, (train, eval)| Opened {
        recipe,
        head,
        train,
        eval,
        keys: Map::new(),
        n_shortened: 0,
    };
    let (denoiser, z_loss): (Denoiser, f64) = match objective {
        ObjectiveConfig::MaskedLm(config) => {
            let rows = |setup: &Setup, side, texts| masked_lm::rows(config, (setup, side), texts);
            let sources = place.sources(both_text_splits(setup, rows)?, PartBatch::MaskedLm)?;
            let recipe = Recipe::MaskedLm {
                z_loss: config.z_loss,
            };
            return Ok(opened(recipe, HeadSpec::MaskedLm, sources));
        }
        ObjectiveConfig::Classify(config) => {
            let labels = classify::labels(config.task, setup)?;
            let rows = |examples: &[Example]| {
                classify::rows((config, &labels), setup, examples, &mut n_shortened)
            };
            let sources = place.sources(both_splits(&setup.data, rows)?, PartBatch::Classify)?;
            let recipe = Recipe::Classify(config.losses());
            let head = classify::head(config, &labels, setup);
            return Ok(Opened {
                keys: classify::keys(config, &labels, &head),
                n_shortened,
                ..opened(recipe, HeadSpec::Sequence(head), sources)
            });
        }
        ObjectiveConfig::Contrastive(config) => {
            contrastive::check_training(config, &setup.data.train)?;
            let rows = |examples: &[Example]| contrastive::rows(setup, examples, &mut n_shortened);
            let sources = place.sources(both_splits(&setup.data, rows)?, PartBatch::Contrastive)?;
            let recipe = Recipe::Contrastive {
                poolings: all_placed(&config.pooling, &setup.convention)?,
                contrast: config.contrast(),
            };
            return Ok(Opened {
                n_shortened,
                ..opened(recipe, HeadSpec::None, sources)
            });
        }
        ObjectiveConfig::Seq2Seq(config) => {
            let rows =
                |examples: &[Example]| seq2seq::rows(config, setup, examples, &mut n_shortened);
            let sources = place.sources(both_splits(&setup.data, rows)?, PartBatch::Seq2Seq)?;
            let recipe = Recipe::Seq2Seq(config.losses());
            return Ok(Opened {
                n_shortened,
                ..opened(recipe, HeadSpec::None, sources)
            });
        }
        ObjectiveConfig::SpanCorruption(config) => {
            (span_corruption::denoiser(config, setup)?, config.z_loss)
        }
        ObjectiveConfig::Denoise(config) => (denoise::denoiser(config, setup)?, config.z_loss),
        ObjectiveConfig::PrefixLm(config) => (prefix_lm::denoiser(config), config.z_loss),
        other => unreachable!("{} was refused as a part", other.name()),
    };
    let rows = |setup: &Setup, _, texts| denoising::rows(&denoiser, setup, texts);
    let sources = place.sources(both_text_splits(setup, rows)?, PartBatch::Denoising)?;
    let recipe = Recipe::Seq2Seq(WritingLosses {
        z_loss,
        ..WritingLosses::default()
    });
    Ok(opened(recipe, HeadSpec::None, sources))
}

/// Where a part's batches belong.
struct Place<'a> {
    part: usize,
    names: PartNames,
    setup: &'a Setup,
}

impl Place<'_> {
    /// The batches of a part among those of the others.
    fn sources<T: Task>(
        &self,
        (train, eval): (TrainRows<T>, Rows<T>),
        wrap: fn(T::Batch) -> PartBatch,
    ) -> Result<(Source<Multi>, Source<Multi>), RunError>
    where
        T::Collate: Collate<Batch = T::Batch>,
        <T::Collate as Collate>::Item: 'static,
    {
        Ok((
            self.source(load_train(self.setup, train)?, wrap),
            self.source(load_eval(self.setup, eval), wrap),
        ))
    }

    fn source<C: Collate>(
        &self,
        loader: Loader<C>,
        wrap: fn(C::Batch) -> PartBatch,
    ) -> Source<Multi> {
        let n_rows = loader.dataset().len();
        let batches = OfPart {
            part: self.part,
            names: self.names.clone(),
            loader,
            wrap,
        };
        Source {
            batches: (n_rows > 0)
                .then(|| Arc::new(batches) as Arc<dyn Batches<Batch = MultiBatch>>),
            n_rows,
        }
    }
}

/// The batches of a loader, marked with their part.
struct OfPart<C: Collate> {
    part: usize,
    names: PartNames,
    loader: Loader<C>,
    wrap: fn(C::Batch) -> PartBatch,
}

impl<C: Collate> Batches for OfPart<C> {
    type Batch = MultiBatch;

    fn batches_per_epoch(&self) -> u64 {
        self.loader.batches_per_epoch()
    }

    fn batch(&self, index: u64) -> Result<MultiBatch, DataError> {
        Ok(MultiBatch {
            part: self.part,
            names: self.names.clone(),
            batch: (self.wrap)(self.loader.batch(index)?),
        })
    }
}
