//! Permutation language modelling: some tokens are predicted in a random order, each from the text around them and the
//! targets before it.
//!
//! Loss: negative log likelihood of the targets only (Yang et al. 2019, XLNet, sections 2.2 and 2.3: partial prediction, two
//! streams). Targets are spans of up to 5 tokens, a sixth of the text, drawn anew at every visit as Hugging Face's
//! `DataCollatorForPermutationLanguageModeling` draws them; [`permute`] lists the differences. Unlike in the paper no memory
//! of an earlier text is reused and a row is one segment, not a pair of them.
//!
//! Either every text is a document in the convention's frame, or all texts are one stream from which windows are cut, each
//! framed by itself; between the texts of a stream stands the convention's `eos`, a token like any other.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use cresset_data::{
    Collate, Convention, DataError, PaddedIds, PermutationOptions, TokenizedTexts, pad, permute,
};
use cresset_losses::vocabulary_nll;
use cresset_model::EncoderConfig;
use cresset_model::xlnet::{XlnetInput, XlnetLmHead};
use cresset_ops::{Run, Scores};
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::cut::Mapped;
use crate::masked_lm::{FramedTexts, MaskedLmItem};
use crate::preview::{Reader, Shown, Targets};
use crate::rows::{Rows, Side};
use crate::session::{self, OpenRun, Parts, Task};
use crate::sources::both_text_splits;
use crate::stream::{Cut, RowKind, Stream, Window};
use crate::upload;
use crate::{RunError, Setup};

/// `[objective] permuted-lm = { .. }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PermutedLmConfig {
    /// Share of the tokens that are targets.
    pub rate: f64,
    /// Tokens of the longest span of targets.
    pub max_span_length: usize,
    /// How texts become rows.
    pub rows: RowKind,
}

impl Default for PermutedLmConfig {
    fn default() -> Self {
        let options = PermutationOptions::default();
        PermutedLmConfig {
            rate: options.rate,
            max_span_length: options.max_span_length,
            rows: RowKind::default(),
        }
    }
}

impl PermutedLmConfig {
    /// Checks the rate and the spans.
    ///
    /// # Errors
    /// A rate outside its range, spans of no token.
    pub fn validate(&self) -> Result<(), RunError> {
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return Err(RunError::Config(format!(
                "objective.permuted-lm.rate is {} but must be above 0 and at most 1; the usual value is a sixth, 0.1667",
                self.rate
            )));
        }
        if self.max_span_length == 0 {
            return Err(RunError::Config(
                "objective.permuted-lm.max_span_length is 0 but must be at least 1; the usual value is 5"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// A row before its targets are drawn.
#[derive(Clone, Debug)]
pub enum PermutedLmItem {
    /// A framed text.
    Text(MaskedLmItem),
    /// A window of the stream, not framed yet.
    Window(Window),
}

/// Texts with their targets, as plain numbers.
#[derive(Clone, Debug)]
pub struct PermutedLmBatch {
    /// The texts; nothing in them is replaced.
    pub input: PaddedIds,
    /// Segment of each position.
    pub segments: Vec<u32>,
    /// Whether a position (second place) must not see another (third): `rows x width x width`.
    pub hidden: Vec<bool>,
    /// Targets: indices into the `rows x width` positions, ascending. Never empty.
    pub positions: Vec<u32>,
    /// The token of each target.
    pub targets: Vec<u32>,
    /// 1 for a target, 0 for the placeholder of a batch in which there is none.
    pub weights: Vec<f32>,
}

impl PermutedLmBatch {
    /// The row of each target, and its place among the targets of that row.
    fn places(&self) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(self.positions.len());
        for &position in &self.positions {
            let row = position as usize / self.input.width;
            let place = match places.last() {
                Some(&(before, place)) if before == row => place + 1,
                _ => 0,
            };
            places.push((row, place));
        }
        places
    }

    /// When each token of a row is predicted, from 0; `None` for what is there from the start.
    fn order(&self, row: usize) -> Vec<Option<usize>> {
        let width = self.input.width;
        let start = self.input.start_of(row) - row * width;
        let own = |position: &&u32| **position as usize / width == row;
        let n_targets = self.positions.iter().filter(own).count();
        let when = |at: usize| {
            let seen = &self.hidden[(row * width + at) * width..][..width];
            // A target sees neither itself nor those behind it.
            let hidden = seen.iter().filter(|hidden| **hidden).count();
            seen[at].then(|| n_targets - hidden)
        };
        (start..start + self.input.lengths[row]).map(when).collect()
    }
}

/// Draws the targets and their order.
#[derive(Clone, Debug)]
pub struct PermutedLmCollate {
    convention: Arc<Convention>,
    max_length: usize,
    options: PermutationOptions,
    /// Where windows are cut from; documents need none.
    stream: Option<Stream>,
}

impl PermutedLmCollate {
    fn framed(
        &self,
        item: PermutedLmItem,
        rng: &mut ChaCha8Rng,
    ) -> Result<MaskedLmItem, DataError> {
        match (item, &self.stream) {
            (PermutedLmItem::Text(text), _) => Ok(text),
            (PermutedLmItem::Window(window), Some(stream)) => {
                let ids = stream.window(window, rng);
                let framed = self.convention.encoder_input(&ids, None, self.max_length)?;
                Ok(MaskedLmItem::new(framed))
            }
            (PermutedLmItem::Window(_), None) => {
                unreachable!("windows are made with their stream")
            }
        }
    }
}

impl Collate for PermutedLmCollate {
    type Item = PermutedLmItem;
    type Batch = PermutedLmBatch;

    fn collate(
        &self,
        items: Vec<PermutedLmItem>,
        rng: &mut ChaCha8Rng,
    ) -> Result<PermutedLmBatch, DataError> {
        let texts = items
            .into_iter()
            .map(|item| self.framed(item, rng))
            .collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<&[u32]> = texts.iter().map(|t| t.ids.as_slice()).collect();
        let segments: Vec<&[u32]> = texts.iter().map(|t| t.segments.as_slice()).collect();
        let side = self.convention.pad_side();
        let input = pad(&ids, self.convention.pad_id(), side);
        let width = input.width;
        let mut batch = PermutedLmBatch {
            segments: pad(&segments, 0, side).ids,
            hidden: vec![false; texts.len() * width * width],
            input,
            positions: Vec::new(),
            targets: Vec::new(),
            weights: Vec::new(),
        };
        for (row, text) in texts.iter().enumerate() {
            let drawn = permute(&text.ids, &text.special, &self.options, rng);
            let start = batch.input.start_of(row);
            let n = text.ids.len();
            for (at, unseen) in drawn.perm_mask.chunks(n.max(1)).enumerate() {
                let from = (start + at) * width + start - row * width;
                for (hidden, unseen) in batch.hidden[from..from + n].iter_mut().zip(unseen) {
                    *hidden = *unseen == 1.0;
                }
            }
            let positions = drawn.positions.iter().map(|&p| (start + p) as u32);
            batch.positions.extend(positions);
            batch.targets.extend(drawn.targets);
        }
        batch.weights = vec![1.0; batch.targets.len()];
        if batch.targets.is_empty() {
            (batch.positions, batch.targets, batch.weights) = (vec![0], vec![0], vec![0.0]);
        }
        Ok(batch)
    }
}

/// The model and its loss.
#[derive(Module, Debug)]
pub struct PermutedLanguageModelling {
    model: XlnetLmHead,
}

impl PermutedLanguageModelling {
    /// The objective over a model with two streams.
    pub fn new(model: XlnetLmHead) -> Self {
        PermutedLanguageModelling { model }
    }

    /// The model.
    pub fn model(&self) -> &XlnetLmHead {
        &self.model
    }

    fn scores(&self, batch: &PermutedLmBatch, run: &Run) -> Scores {
        let device = upload::device_of(self);
        let places = batch.places();
        let n_targets = 1 + places.iter().map(|(_, place)| *place).max().unwrap_or(0);
        let text = upload::encoder_input(&batch.input, Some(&batch.segments), &device);
        let input = XlnetInput {
            perm_mask: Some(perm_mask(batch, &device)),
            target_mapping: Some(target_mapping(batch, (&places, n_targets), &device)),
            ..XlnetInput::from(text)
        };
        let (_, query) = self.model.encoder().two_stream(input, run);
        let query = query.expect("with a target mapping there is a stream of targets");
        let flat: Vec<u32> = places
            .iter()
            .map(|(row, place)| (row * n_targets + place) as u32)
            .collect();
        self.model.scores_at(query, upload::indices(&flat, &device))
    }
}

/// # Shapes
/// out: `[rows, width, width]`
fn perm_mask(batch: &PermutedLmBatch, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = batch
        .hidden
        .iter()
        .map(|&hidden| f32::from(u8::from(hidden)))
        .collect();
    let (rows, width) = (batch.input.n_rows(), batch.input.width);
    Tensor::from_data(TensorData::new(values, [rows, width, width]), device)
}

/// Rows with fewer targets than others have targets that are nowhere.
///
/// # Shapes
/// out: `[rows, targets, width]`
fn target_mapping(
    batch: &PermutedLmBatch,
    (places, n_targets): (&[(usize, usize)], usize),
    device: &Device,
) -> Tensor<3> {
    let (rows, width) = (batch.input.n_rows(), batch.input.width);
    let mut values = vec![0.0f32; rows * n_targets * width];
    for ((row, place), &position) in places.iter().zip(&batch.positions) {
        values[(row * n_targets + place) * width + position as usize % width] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, [rows, n_targets, width]), device)
}

impl Objective for PermutedLanguageModelling {
    type Batch = PermutedLmBatch;

    fn denominators(batch: &PermutedLmBatch) -> Denominators {
        Denominators(vec![("plm", upload::total(&batch.weights))])
    }

    fn tokens(batch: &PermutedLmBatch) -> usize {
        batch.input.n_tokens()
    }

    fn loss(&self, batch: &PermutedLmBatch, at: &StepContext) -> LossTerms {
        let scores = self.scores(batch, &at.run());
        let device = scores.rows.device();
        let sum = vocabulary_nll(
            scores,
            upload::indices(&batch.targets, &device),
            Some(upload::floats(&batch.weights, &device)),
            0.0,
        );
        LossTerms(vec![LossTerm {
            name: "plm",
            sum,
            weight: 1.0,
        }])
    }

    fn observe(&self, batch: &PermutedLmBatch, report: &mut Report) {
        let logits = self.scores(batch, &Run::inference()).logits();
        upload::observe_tokens(logits, &batch.targets, &batch.weights, report);
    }
}

impl Task for PermutedLanguageModelling {
    type Collate = PermutedLmCollate;
    type Network = XlnetLmHead;

    fn show(batch: &PermutedLmBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let targets = Targets {
            input: &batch.input,
            positions: &batch.positions,
            ids: &batch.targets,
            weights: Some(&batch.weights),
        };
        let row = |i: usize| {
            let places = batch.input.places(i);
            let kept = batch.input.kept(i);
            let mut order = vec!["-".to_owned(); places.len()];
            for (place, when) in kept.zip(batch.order(i)) {
                if let Some(when) = when {
                    order[place] = when.to_string();
                }
            }
            let targets = targets.of_row(i);
            let input = reader
                .input("encoder input", &batch.input, i)
                .with_segments(&batch.segments[places])
                .with_originals(&targets)
                .with_labels(reader.spelled(targets))
                .with_aligned("order", order);
            let labels = input.labels_in_line();
            vec![input, reader.note("labels", labels)]
        };
        (0..batch.input.n_rows()).map(row).collect()
    }

    fn network(&self) -> &XlnetLmHead {
        &self.model
    }
}

pub(crate) fn open(config: &PermutedLmConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let model_config = setup.model_config()?;
    let EncoderConfig::Xlnet(sizes) = session::encoder(&model_config, "permuted-lm")? else {
        return Err(RunError::Config(format!(
            "objective permuted-lm needs the two streams of model.xlnet, but the model is {}; take model.xlnet, or objective masked-lm",
            model_config.kind()
        )));
    };
    let model = XlnetLmHead::new(&sizes, setup.seed, &setup.model_device())?;
    let (model, load) = setup.load_into(model)?;
    let rows = match config.rows {
        RowKind::Documents => documents,
        RowKind::Stream => windows,
    };
    let (train, eval) = both_text_splits(&setup, |setup, side, texts| {
        rows(config, setup, (side, texts))
    })?;
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective: PermutedLanguageModelling::new(model),
            train,
            eval,
            description,
            load,
            n_shortened: 0,
        },
    )
}

fn documents(
    config: &PermutedLmConfig,
    setup: &Setup,
    (_, texts): (Side, TokenizedTexts),
) -> Result<Rows<PermutedLanguageModelling>, RunError> {
    let texts = Mapped {
        items: FramedTexts::new(setup, texts)?,
        make: PermutedLmItem::Text,
    };
    let lengths = texts.items.lengths();
    Ok(Rows::new(texts, lengths, collate(config, setup, None)))
}

fn windows(
    config: &PermutedLmConfig,
    setup: &Setup,
    (side, texts): (Side, TokenizedTexts),
) -> Result<Rows<PermutedLanguageModelling>, RunError> {
    let longest = setup.data.max_length;
    let frame = setup.convention.encoder_input(&[], None, longest)?;
    let room = longest - frame.ids.len();
    if room == 0 {
        return Err(RunError::Config(format!(
            "data.max_length {longest} leaves no room for text beside {} special tokens; raise it",
            frame.ids.len()
        )));
    }
    let separator = setup.convention.roles().eos.as_ref().ok_or_else(|| {
        RunError::Config(format!(
            "the convention {} has no end token to set the texts of a stream apart; take special.convention = \"xlnet\", or rows = \"documents\"",
            setup.convention.name()
        ))
    })?;
    let shape = Cut {
        span: room,
        overlap: 0,
        separator: separator.id,
    };
    let stream = Stream::new(setup, texts, shape)?;
    let windows = Mapped {
        items: stream.windows(side),
        make: PermutedLmItem::Window,
    };
    let lengths = windows.items.lengths();
    Ok(Rows::new(
        windows,
        lengths,
        collate(config, setup, Some(stream)),
    ))
}

fn collate(config: &PermutedLmConfig, setup: &Setup, stream: Option<Stream>) -> PermutedLmCollate {
    PermutedLmCollate {
        convention: Arc::clone(&setup.convention),
        max_length: setup.data.max_length,
        options: PermutationOptions {
            rate: config.rate,
            max_span_length: config.max_span_length,
        },
        stream,
    }
}
