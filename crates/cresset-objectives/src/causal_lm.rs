//! Causal language modelling: position t predicts token t + 1 from what is before it.
//!
//! Loss: negative log likelihood per token (Radford et al. 2019, GPT-2). Either every text is a document of its own,
//! framed by the convention's start and stop token, or all texts are one stream from which windows are cut.

use burn::module::Module;
use cresset_data::{Collate, DataError, PadSide, PaddedIds, TokenizedTexts, pad};
use cresset_model::CausalLm;
use cresset_ops::{Run, Scores};
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::added_losses::{
    DISTILLATION, DistillConfig, Logits, Pass, Teacher, Z_LOSS, check_z_loss, own_weight, z_term,
};
use crate::cut::Mapped;
use crate::documents::Documents;
use crate::packed::{InRows, Pack, in_rows};
use crate::preview::{Reader, Shown, Targets};
use crate::rows::{Rows, Side};
use crate::session::{self, OpenRun, Parts, Task};
use crate::sources::both_text_splits;
use crate::stream::{Cut, RowKind, Stream, Window};
use crate::upload;
use crate::{RunError, Setup};

/// `[objective] causal-lm = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CausalLmConfig {
    /// How texts become rows.
    pub rows: RowKind,
    /// Coefficient of the z-loss; 0 leaves it out.
    pub z_loss: f64,
    /// A teacher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distill: Option<DistillConfig>,
}

impl CausalLmConfig {
    /// Checks the numbers.
    ///
    /// # Errors
    /// A number outside its range.
    pub fn validate(&self) -> Result<(), RunError> {
        check_z_loss("causal-lm", self.z_loss)?;
        match &self.distill {
            Some(distill) => distill.validate("causal-lm"),
            None => Ok(()),
        }
    }
}

/// A row: input tokens and, one further on, their labels.
#[derive(Clone, Debug)]
pub enum CausalLmItem {
    /// A tokenized document.
    Document {
        /// Input tokens.
        input: Vec<u32>,
        /// The token after each.
        labels: Vec<u32>,
    },
    /// A window of the stream: the input and the last label.
    Window(Window),
}

/// Rows with their labels as plain numbers.
#[derive(Clone, Debug)]
pub struct CausalLmBatch {
    /// Input tokens.
    pub input: PaddedIds,
    /// Positions with a target: indices into the `rows x width` positions.
    pub positions: Vec<u32>,
    /// The target at each of these positions, row after row.
    pub labels: Vec<u32>,
}

impl Pack for CausalLmBatch {
    fn pack(self, texts_per_row: &[usize], pad_id: u32) -> Self {
        let packed = self.input.packed(texts_per_row, pad_id);
        let positions = self.positions.iter();
        CausalLmBatch {
            positions: positions
                .map(|&position| packed.new_places[position as usize])
                .collect(),
            input: packed.ids,
            ..self
        }
    }
}

/// Makes batches of rows.
#[derive(Clone, Debug)]
pub struct CausalLmCollate {
    pad_id: u32,
    /// Where windows are cut from; documents need none.
    stream: Option<Stream>,
}

impl CausalLmCollate {
    fn row(&self, item: CausalLmItem, rng: &mut ChaCha8Rng) -> (Vec<u32>, Vec<u32>) {
        match (item, &self.stream) {
            (CausalLmItem::Document { input, labels }, _) => (input, labels),
            (CausalLmItem::Window(window), Some(stream)) => {
                let ids = stream.window(window, rng);
                (ids[..ids.len() - 1].to_vec(), ids[1..].to_vec())
            }
            (CausalLmItem::Window(_), None) => unreachable!("windows are made with their stream"),
        }
    }
}

impl Collate for CausalLmCollate {
    type Item = CausalLmItem;
    type Batch = CausalLmBatch;

    fn collate(
        &self,
        items: Vec<CausalLmItem>,
        rng: &mut ChaCha8Rng,
    ) -> Result<CausalLmBatch, DataError> {
        let rows: Vec<_> = items.into_iter().map(|i| self.row(i, rng)).collect();
        let inputs: Vec<&[u32]> = rows.iter().map(|r| r.0.as_slice()).collect();
        let input = pad(&inputs, self.pad_id, PadSide::Right);
        let positions = input.flat_positions();
        Ok(CausalLmBatch {
            input,
            positions,
            labels: rows.iter().flat_map(|r| r.1.iter().copied()).collect(),
        })
    }
}

/// The model and its loss.
#[derive(Module, Debug)]
pub struct CausalLanguageModelling {
    model: CausalLm,
    #[module(skip)]
    z_loss: f64,
    #[module(skip)]
    teacher: Option<Teacher<CausalLm>>,
}

impl CausalLanguageModelling {
    /// The objective over a decoder.
    pub fn new(model: CausalLm) -> Self {
        CausalLanguageModelling {
            model,
            z_loss: 0.0,
            teacher: None,
        }
    }

    /// The same with a z-loss of this coefficient.
    pub fn with_z_loss(self, z_loss: f64) -> Self {
        CausalLanguageModelling { z_loss, ..self }
    }

    /// The same with a teacher, if there is one.
    pub fn with_teacher(self, teacher: Option<Teacher<CausalLm>>) -> Self {
        CausalLanguageModelling { teacher, ..self }
    }

    /// The model.
    pub fn model(&self) -> &CausalLm {
        &self.model
    }
}

/// Scores of the targets.
///
/// # Shapes
/// out: scores `[targets, vocabulary]`
fn scores(model: &CausalLm, batch: &CausalLmBatch, run: &Run) -> Scores {
    let device = upload::device_of(model);
    // Rows are padded on the right and attention is causal: no kept position can see padding, so no mask is needed but
    // between texts that share a row.
    let keep = batch.input.texts.as_ref();
    let keep = keep.map(|_| upload::keep(&batch.input, &device));
    let hidden = model.hidden(upload::ids(&batch.input, &device), keep, run);
    model.scores_at(hidden, upload::indices(&batch.positions, &device))
}

impl Objective for CausalLanguageModelling {
    type Batch = CausalLmBatch;

    fn denominators(batch: &CausalLmBatch) -> Denominators {
        let n = batch.labels.len() as f64;
        Denominators(vec![("nll", n), (Z_LOSS, n), (DISTILLATION, n)])
    }

    fn tokens(batch: &CausalLmBatch) -> usize {
        batch.labels.len()
    }

    fn loss(&self, batch: &CausalLmBatch, at: &StepContext) -> LossTerms {
        let scores = scores(&self.model, batch, &at.run());
        let logits = Logits::read_if(self.z_loss > 0.0 || self.teacher.is_some());
        let pass = Pass::of_tokens(scores, &batch.labels, (None, 0.0), logits);
        let mut terms = vec![LossTerm {
            name: "nll",
            sum: pass.sum.clone(),
            weight: own_weight(self.teacher.as_ref()),
        }];
        terms.extend(z_term(&pass, None, self.z_loss));
        terms.extend(self.teacher.as_ref().map(|teacher| {
            let said = self::scores(&teacher.model, batch, &Run::inference()).logits();
            teacher.term(pass.read_logits(), said, None)
        }));
        LossTerms(terms)
    }

    fn observe(&self, batch: &CausalLmBatch, report: &mut Report) {
        let logits = scores(&self.model, batch, &Run::inference()).logits();
        upload::observe_tokens(
            logits,
            &batch.labels,
            &vec![1.0; batch.labels.len()],
            report,
        );
    }
}

impl Task for CausalLanguageModelling {
    type Collate = InRows<CausalLmCollate>;
    type Network = CausalLm;

    fn show(batch: &CausalLmBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let targets = Targets {
            input: &batch.input,
            positions: &batch.positions,
            ids: &batch.labels,
            weights: None,
        };
        let row = |i: usize| targets.read_and_written("input", i, reader).into();
        (0..batch.input.n_rows()).map(row).collect()
    }

    fn network(&self) -> &CausalLm {
        &self.model
    }
}

pub(crate) fn open(config: &CausalLmConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let model_config = setup.model_config()?;
    let model = CausalLm::new(
        &session::decoder(&model_config)?,
        setup.seed,
        &setup.model_device(),
    )?;
    let (model, load) = setup.load_into(model)?;
    let rows = match config.rows {
        RowKind::Documents => documents,
        RowKind::Stream => windows,
    };
    let (train, eval) = both_text_splits(&setup, rows)?;
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective: CausalLanguageModelling::new(model)
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

/// The teacher of a training, if there is one.
fn teacher(config: &CausalLmConfig, setup: &Setup) -> Result<Option<Teacher<CausalLm>>, RunError> {
    let open = |distill: &DistillConfig| {
        Teacher::open(distill, setup, |folder| {
            let decoder = session::decoder(&folder.files.config)?;
            Ok(CausalLm::new(&decoder, 0, &setup.device)?)
        })
    };
    let wanted = config.distill.as_ref().filter(|_| setup.train.is_some());
    wanted.map(open).transpose()
}

/// Every text framed as a document; a longer one continues in the next row.
fn documents(
    setup: &Setup,
    side: Side,
    texts: TokenizedTexts,
) -> Result<Rows<CausalLanguageModelling>, RunError> {
    let documents = Documents::new(setup, texts)?;
    let lengths = documents.cut.lengths();
    let collate = collate(setup, None);
    Ok(in_rows((setup, side), documents, lengths, collate))
}

/// All texts in one stream: within it documents are set apart by the stop token, unless there is only one.
fn windows(
    setup: &Setup,
    side: Side,
    texts: TokenizedTexts,
) -> Result<Rows<CausalLanguageModelling>, RunError> {
    let decoder = setup.convention.decoder_frame();
    if decoder.is_some_and(|decoder| decoder.start_is_learned) {
        return Err(RunError::Config(
            "special.overrides.learned_start is given, but the windows of rows = \"stream\" have no start in front, so that it would never be read; remove it, or take rows = \"documents\"".into(),
        ));
    }
    let shape = Cut {
        span: setup.data.max_length + 1,
        overlap: 1,
        separator: setup.convention.generation()?.stop,
    };
    let stream = Stream::new(setup, texts, shape)?;
    let windows = Mapped {
        items: stream.windows(side),
        make: CausalLmItem::Window,
    };
    let lengths = windows.items.lengths();
    let collate = collate(setup, Some(stream));
    Ok(in_rows((setup, side), windows, lengths, collate))
}

fn collate(setup: &Setup, stream: Option<Stream>) -> CausalLmCollate {
    CausalLmCollate {
        pad_id: setup.convention.pad_id(),
        stream,
    }
}
