//! Contrastive learning of embeddings: the vectors of two texts that belong together shall be nearer to each other than to
//! any other of the batch.
//!
//! Pairs come from the data (`text` and `pair`: a question and its answer, a sentence and its translation). A text without
//! `pair` is its own: it goes through the model twice, and dropout makes the difference (unsupervised SimCSE, Gao et al.
//! 2021, section 3; the model needs a dropout above 0 for that). Loss: [`info_nce`] with the other pairs of the
//! micro-batch as negatives, so a larger `data.batch_size` gives more of them and gradient accumulation does not.
//!
//! The model is an encoder without a head, and without a pooler: the loss is on the vectors that `embed` gives, and the
//! pooling is stored with the model. SimCSE's additional layer during training is left out. So the folder lacks the pooler
//! of Hugging Face's `BertModel`, which is to be loaded with `add_pooling_layer=False`.
//!
//! An evaluation retrieves: `accuracy` is the share of texts whose nearest second text in the batch is their own, so it
//! depends on the batch size. Held-out pairs with a `score` are not retrieved but compared: `spearman` is the correlation
//! of their cosine with it.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_data::{Collate, DataError, Example, Length, PadSide, PaddedIds, pad};
use cresset_losses::{InfoNceOptions, cosines, info_nce, info_nce_count};
use cresset_metrics::spearman;
use cresset_model::bert::Pooler;
use cresset_model::{Encoder, Pooling};
use cresset_ops::Run;
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::embed::placed;
use crate::preview::{Reader, Shown};
use crate::session::{self, OpenRun, Parts, Rows, Task};
use crate::sources::both_splits;
use crate::upload;
use crate::{RunError, Setup};

/// `[objective] contrastive = { .. }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContrastiveConfig {
    /// Which vector stands for a text.
    pub pooling: Pooling,
    /// By which cosines are divided before the softmax.
    pub temperature: f64,
    /// What a text is told from.
    pub negatives: Negatives,
}

impl Default for ContrastiveConfig {
    fn default() -> Self {
        ContrastiveConfig {
            pooling: Pooling::Mean,
            temperature: 0.05,
            negatives: Negatives::InBatch,
        }
    }
}

/// What a text is told from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Negatives {
    /// The second texts of the other pairs of the micro-batch.
    #[default]
    InBatch,
}

impl ContrastiveConfig {
    /// Checks the temperature.
    ///
    /// # Errors
    /// A temperature that is not above 0.
    pub fn validate(&self) -> Result<(), RunError> {
        if self.temperature > 0.0 && self.temperature.is_finite() {
            return Ok(());
        }
        Err(RunError::Config(format!(
            "objective.contrastive.temperature is {} but must be above 0; the usual value is 0.05",
            self.temperature
        )))
    }
}

/// Two framed texts.
#[derive(Clone, Debug)]
pub struct ContrastiveItem {
    texts: [FramedText; 2],
    score: Option<f64>,
}

#[derive(Clone, Debug)]
struct FramedText {
    ids: Vec<u32>,
    segments: Vec<u32>,
}

/// Pairs of texts as plain numbers.
#[derive(Clone, Debug)]
pub struct ContrastiveBatch {
    /// Framed texts: the first ones of all pairs, then the second ones in the same order. As rows of one forward pass
    /// they have dropout of their own, equal texts too.
    pub input: PaddedIds,
    /// Segment of each position; zeros at padding.
    pub segments: Vec<u32>,
    /// How alike the texts of each pair are, where the data says; such pairs are not part of loss and retrieval.
    pub scores: Vec<Option<f64>>,
}

impl ContrastiveBatch {
    fn n_pairs(&self) -> usize {
        self.scores.len()
    }

    /// The pairs that belong together.
    fn positives(&self) -> Vec<u32> {
        let pairs = 0..self.n_pairs();
        pairs
            .filter(|&pair| self.scores[pair].is_none())
            .map(|pair| pair as u32)
            .collect()
    }
}

/// Makes batches of pairs.
#[derive(Clone, Debug)]
pub struct ContrastiveCollate {
    pad_id: u32,
    pad_side: PadSide,
}

impl Collate for ContrastiveCollate {
    type Item = ContrastiveItem;
    type Batch = ContrastiveBatch;

    fn collate(
        &self,
        items: Vec<ContrastiveItem>,
        _rng: &mut ChaCha8Rng,
    ) -> Result<ContrastiveBatch, DataError> {
        let texts = || {
            [0, 1]
                .into_iter()
                .flat_map(|side| items.iter().map(move |i| &i.texts[side]))
        };
        let ids: Vec<&[u32]> = texts().map(|t| t.ids.as_slice()).collect();
        let segments: Vec<&[u32]> = texts().map(|t| t.segments.as_slice()).collect();
        Ok(ContrastiveBatch {
            input: pad(&ids, self.pad_id, self.pad_side),
            segments: pad(&segments, 0, self.pad_side).ids,
            scores: items.iter().map(|i| i.score).collect(),
        })
    }
}

/// The model and its loss.
#[derive(Module, Debug)]
pub struct Contrastive {
    model: Encoder,
    #[module(skip)]
    pooling: Pooling,
    #[module(skip)]
    temperature: f64,
}

impl Contrastive {
    /// The objective over an encoder; the pooling is by place, see [`Pooling::pool`].
    pub fn new(model: Encoder, pooling: Pooling, temperature: f64) -> Self {
        Contrastive {
            model,
            pooling,
            temperature,
        }
    }

    /// The vectors of the first and of the second texts, `[pairs, hidden_size]` each.
    fn embeddings(&self, batch: &ContrastiveBatch, run: &Run, device: &Device) -> [Tensor<2>; 2] {
        let input = upload::encoder_input(&batch.input, Some(&batch.segments), device);
        let keep = input.keep.clone();
        let states = if self.pooling.reads_first_layer() {
            self.model.hidden_states(input, run)
        } else {
            vec![self.model.forward(input, run)]
        };
        let vectors = self.pooling.pool(&states, &keep);
        let n = batch.n_pairs();
        [vectors.clone().slice(0..n), vectors.slice(n..2 * n)]
    }

    fn sum(&self, [first, second]: [Tensor<2>; 2]) -> Tensor<1> {
        let options = InfoNceOptions {
            temperature: self.temperature,
            hard_negatives: None,
        };
        info_nce(first, second, options)
    }
}

impl Objective for Contrastive {
    type Batch = ContrastiveBatch;

    fn denominators(batch: &ContrastiveBatch) -> Denominators {
        Denominators(vec![("contrastive", info_nce_count(batch.n_pairs()))])
    }

    fn tokens(batch: &ContrastiveBatch) -> usize {
        batch.input.n_tokens()
    }

    fn loss(&self, batch: &ContrastiveBatch, at: &StepContext) -> LossTerms {
        let device = upload::device_of(self);
        LossTerms(vec![LossTerm {
            name: "contrastive",
            sum: self.sum(self.embeddings(batch, &at.run(), &device)),
            weight: 1.0,
        }])
    }

    fn observe(&self, batch: &ContrastiveBatch, report: &mut Report) {
        let device = upload::device_of(self);
        let [first, second] = self.embeddings(batch, &Run::inference(), &device);
        let similar = cosines(first.clone(), second.clone());
        let numbers = upload::read_floats(similar);
        let n = batch.n_pairs();
        for (pair, score) in batch.scores.iter().enumerate() {
            if let Some(score) = score {
                report.push_numbers("cosines", &[*score], &[f64::from(numbers[pair * n + pair])]);
            }
        }
        let positives = batch.positives();
        // One pair alone is found among nothing.
        if positives.len() < 2 {
            return;
        }
        let places = upload::indices(&positives, &device);
        let [first, second] = [first, second].map(|v| v.select(0, places.clone()));
        let best = upload::read_indices(
            cosines(first.clone(), second.clone())
                .argmax(1)
                .flatten::<1>(0, 1),
        );
        let found = best
            .iter()
            .enumerate()
            .filter(|(row, best)| *row == **best as usize);
        report.count("accuracy", found.count(), positives.len());
        let sum = upload::read_scalar(self.sum([first, second]));
        report.add("loss", sum, info_nce_count(positives.len()));
    }
}

impl Task for Contrastive {
    type Collate = ContrastiveCollate;
    type Network = Encoder;

    fn show(batch: &ContrastiveBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let row = |pair: usize| {
            let text = |name, row| {
                reader
                    .input(name, &batch.input, row)
                    .with_segments(&batch.segments[batch.input.places(row)])
            };
            let mut shown = vec![text("text", pair), text("pair", batch.n_pairs() + pair)];
            if let Some(score) = batch.scores[pair] {
                shown.push(reader.note("score", score.to_string()));
            }
            shown
        };
        (0..batch.n_pairs()).map(row).collect()
    }

    fn metrics(report: &Report) -> BTreeMap<String, f64> {
        let mut values = report.values();
        if let Some(cosines) = report.numbers("cosines") {
            // Undefined, and so not a number, while all texts are equally alike.
            let value = spearman(&cosines.predictions, &cosines.references);
            values.insert("spearman".into(), value.unwrap_or(f64::NAN));
        }
        values
    }

    fn network(&self) -> &Encoder {
        &self.model
    }
}

pub(crate) fn open(config: &ContrastiveConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    if let Some(example) = setup.data.train.iter().find(|e| e.score.is_some()) {
        return Err(RunError::Data(format!(
            "{} has a score, but training takes pairs that belong together; leave out the scores and the pairs that are not alike, or take classify with task regression",
            example.place()
        )));
    }
    let model_config = setup.model_config()?;
    let model = Encoder::new(
        &session::encoder(&model_config, "contrastive")?,
        Pooler::Without,
        setup.seed,
        &setup.model_device(),
    )?;
    let (model, load) = setup.load_into(model)?;
    let mut n_shortened = 0;
    let rows = |examples: &[Example]| -> Result<Rows<Contrastive>, RunError> {
        let items = encode(&setup, examples, &mut n_shortened)?;
        // Both texts of a pair are rows of the batch.
        let length = |i: &ContrastiveItem| i.texts.iter().map(|t| t.ids.len()).sum::<usize>();
        let lengths: Vec<Length> = items.iter().map(|i| Length::from(length(i))).collect();
        let collate = ContrastiveCollate {
            pad_id: setup.convention.pad_id(),
            pad_side: setup.convention.pad_side(),
        };
        Ok(Rows::new(items, lengths, collate))
    };
    let (train, eval) = both_splits(&setup.data, rows)?;
    let pooling = placed(config.pooling, &setup.convention)?;
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective: Contrastive::new(model, pooling, config.temperature),
            train,
            eval,
            description,
            load,
            n_shortened,
        },
    )
}

/// Frames the two texts of every pair, each for itself.
fn encode(
    setup: &Setup,
    examples: &[Example],
    n_shortened: &mut usize,
) -> Result<Vec<ContrastiveItem>, RunError> {
    let mut framed = |text: &[u32]| -> Result<FramedText, RunError> {
        let framed = setup
            .convention
            .encoder_input(text, None, setup.data.max_length)?;
        *n_shortened += usize::from(framed.truncated > 0);
        Ok(FramedText {
            ids: framed.ids,
            segments: framed.segments,
        })
    };
    let first: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
    let second = |e: &Example| e.pair.clone().unwrap_or_else(|| e.text.clone());
    let second: Vec<String> = examples.iter().map(second).collect();
    let second: Vec<&str> = second.iter().map(String::as_str).collect();
    let ids = setup.tokenizer.encode_batch(&first).into_iter();
    let pairs = ids.zip(setup.tokenizer.encode_batch(&second));
    examples
        .iter()
        .zip(pairs)
        .map(|(example, (text, pair))| {
            Ok(ContrastiveItem {
                texts: [framed(&text)?, framed(&pair)?],
                score: example.score,
            })
        })
        .collect()
}
