//! What `bert-pretraining` and `albert-pretraining` share: pairs of segments with hidden tokens, and a guess about the pair.
//!
//! Losses: negative log likelihood of the hidden tokens, `mlm`, and cross entropy over the two classes of the pair, each divided by its
//! own count over the whole step, as in Hugging Face (Devlin et al. 2019, section 3.1; Lan et al. 2020, section 3.1). The pairs are drawn
//! once, the hidden tokens anew at every visit.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Tensor;
use cresset_data::{
    Collate, Convention, DataError, Dataset, PairOptions, PairPlaces, PairTask, TokenizedTexts,
    pair_places,
};
use cresset_losses::{CrossEntropyOptions, cross_entropy, vocabulary_nll};
use cresset_model::PreTraining;
use cresset_ops::{Run, Scores};
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;
use serde_json::Map;

use crate::masked_lm::{
    MaskedLanguageModelling, MaskedLmBatch, MaskedLmCollate, MaskedLmConfig, MaskedLmItem,
};
use crate::preview::{Reader, Shown};
use crate::rows::{Rows, Side};
use crate::session::{self, OpenRun, Parts, Task};
use crate::sources::both_text_splits;
use crate::upload;
use crate::{RunError, Setup};

/// A framed pair of segments.
#[derive(Clone, Debug)]
pub struct PreTrainingItem {
    text: MaskedLmItem,
    label: u32,
}

/// Pairs with hidden tokens, as plain numbers.
#[derive(Clone, Debug)]
pub struct PreTrainingBatch {
    /// The hidden tokens.
    pub masked: MaskedLmBatch,
    /// Class of each pair.
    pub labels: Vec<u32>,
    /// What the loss of the pairs is called.
    pub pair_term: &'static str,
}

/// Draws the hidden positions.
#[derive(Clone, Debug)]
pub struct PreTrainingCollate {
    masking: MaskedLmCollate,
    pair_term: &'static str,
}

impl Collate for PreTrainingCollate {
    type Item = PreTrainingItem;
    type Batch = PreTrainingBatch;

    fn collate(
        &self,
        items: Vec<PreTrainingItem>,
        rng: &mut ChaCha8Rng,
    ) -> Result<PreTrainingBatch, DataError> {
        let labels = items.iter().map(|item| item.label).collect();
        let texts = items.into_iter().map(|item| item.text).collect();
        Ok(PreTrainingBatch {
            masked: self.masking.collate(texts, rng)?,
            labels,
            pair_term: self.pair_term,
        })
    }
}

/// The model and its losses.
#[derive(Module, Debug)]
pub struct PairPreTraining {
    model: PreTraining,
}

/// Scores of the hidden tokens and of the pairs.
struct Both {
    tokens: Scores,
    pairs: Tensor<2>,
}

impl PairPreTraining {
    /// The objective over a model with both heads.
    pub fn new(model: PreTraining) -> Self {
        PairPreTraining { model }
    }

    fn logits(&self, batch: &MaskedLmBatch, run: &Run) -> Both {
        let device = upload::device_of(self);
        let input = upload::encoder_input(&batch.input, Some(&batch.segments), &device);
        let hidden = self.model.hidden(input, run);
        let positions = upload::indices(&batch.positions, &device);
        Both {
            pairs: self.model.pair_logits(hidden.clone(), run),
            tokens: self.model.scores_at(hidden, positions),
        }
    }
}

impl Objective for PairPreTraining {
    type Batch = PreTrainingBatch;

    fn denominators(batch: &PreTrainingBatch) -> Denominators {
        Denominators(vec![
            ("mlm", upload::total(&batch.masked.weights)),
            (batch.pair_term, batch.labels.len() as f64),
        ])
    }

    fn tokens(batch: &PreTrainingBatch) -> usize {
        MaskedLanguageModelling::tokens(&batch.masked)
    }

    fn loss(&self, batch: &PreTrainingBatch, at: &StepContext) -> LossTerms {
        let logits = self.logits(&batch.masked, &at.run());
        let device = logits.pairs.device();
        let tokens = vocabulary_nll(
            logits.tokens,
            upload::indices(&batch.masked.targets, &device),
            Some(upload::floats(&batch.masked.weights, &device)),
            0.0,
        );
        let labels = upload::indices(&batch.labels, &device);
        let pairs = cross_entropy(logits.pairs, labels, CrossEntropyOptions::default());
        let term = |name, sum| LossTerm {
            name,
            sum,
            weight: 1.0,
        };
        LossTerms(vec![term("mlm", tokens), term(batch.pair_term, pairs)])
    }

    fn observe(&self, batch: &PreTrainingBatch, report: &mut Report) {
        let logits = self.logits(&batch.masked, &Run::inference());
        let device = logits.pairs.device();
        let guesses = upload::read_indices(logits.pairs.clone().argmax(1).flatten::<1>(0, 1));
        let right = guesses
            .iter()
            .zip(&batch.labels)
            .filter(|(a, b)| a == b)
            .count();
        let labels = upload::indices(&batch.labels, &device);
        let sum = cross_entropy(logits.pairs, labels, CrossEntropyOptions::default());
        let n = batch.labels.len() as f64;
        report.add("pair_loss", upload::read_scalar(sum), n);
        report.add("pair_accuracy", right as f64, n);
        let (targets, weights) = (&batch.masked.targets, &batch.masked.weights);
        upload::observe_tokens(logits.tokens.logits(), targets, weights, report);
    }
}

impl Task for PairPreTraining {
    type Collate = PreTrainingCollate;
    type Network = PreTraining;

    fn show(batch: &PreTrainingBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let rows = MaskedLanguageModelling::show(&batch.masked, reader).into_iter();
        let answer = |label: u32| match (batch.pair_term, label) {
            ("nsp", 0) => "0 (follows)",
            ("nsp", _) => "1 (from another text)",
            (_, 0) => "0 (in order)",
            (_, _) => "1 (swapped)",
        };
        rows.zip(&batch.labels)
            .map(|(mut row, &label)| {
                row.push(reader.note("pair", answer(label).to_owned()));
                row
            })
            .collect()
    }

    /// `loss` and `perplexity` are those of the hidden tokens.
    fn metrics(report: &Report) -> BTreeMap<String, f64> {
        let mut values = report.values();
        if let Some(loss) = values.get("loss").copied() {
            values.insert("perplexity".into(), loss.exp());
        }
        values
    }

    fn network(&self) -> &PreTraining {
        &self.model
    }
}

/// Opens the pre-training on pairs of one kind.
///
/// # Errors
/// A model without both heads; a longest input that leaves no room for a pair; data without a pair.
pub(crate) fn open(
    masking: &MaskedLmConfig,
    task: PairTask,
    setup: Setup,
) -> Result<Box<dyn OpenRun>, RunError> {
    let pair_term = match task {
        PairTask::NextSentence => "nsp",
        PairTask::SentenceOrder => "sop",
    };
    let model_config = setup.model_config()?;
    let encoder = session::encoder(&model_config, setup.objective.name())?;
    let model = PreTraining::new(&encoder, setup.seed, &setup.model_device())?;
    let (model, load) = setup.load_into(model)?;
    let masking = MaskedLmCollate::new(masking, &setup)?;
    let rows = |setup: &Setup, _, documents| -> Result<Rows<PairPreTraining>, RunError> {
        let pairs = FramedPairs::new(setup, documents, task)?;
        let lengths = pairs.lengths();
        let collate = PreTrainingCollate {
            masking: masking.clone(),
            pair_term,
        };
        Ok(Rows::new(pairs, lengths, collate))
    };
    let (train, eval) = both_text_splits(&setup, rows)?;
    if train.rows.items.is_empty() && !setup.texts(Side::Train).is_empty() {
        return Err(RunError::Data(
            "the training data has no document of two tokens, so there are no pairs; give documents with a sentence a line and data.format = \"paragraphs\"".into(),
        ));
    }
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective: PairPreTraining::new(model),
            train,
            eval,
            description,
            load,
            n_shortened: 0,
        },
    )
}

/// The pairs of all documents, framed when asked for; a line of a document is a sentence.
struct FramedPairs {
    documents: TokenizedTexts,
    pairs: Vec<PairAt>,
    convention: Arc<Convention>,
    max_length: usize,
    /// Special tokens of the frame.
    n_special: usize,
}

/// A pair, small: there may be millions.
#[derive(Clone, Copy)]
struct PairAt {
    starts: [u64; 2],
    lengths: [u32; 2],
    label: u32,
}

impl PairAt {
    fn new(pair: &PairPlaces) -> PairAt {
        let segments = [&pair.first, &pair.second];
        PairAt {
            starts: segments.map(|places| places.start as u64),
            lengths: segments.map(|places| places.len() as u32),
            label: pair.label,
        }
    }
}

impl FramedPairs {
    fn new(setup: &Setup, documents: TokenizedTexts, task: PairTask) -> Result<Self, RunError> {
        let longest = setup.data.max_length;
        let frame = setup.convention.encoder_input(&[], Some(&[]), longest)?;
        let n_special = frame.ids.len();
        let room = longest.saturating_sub(n_special);
        if room < 2 {
            return Err(RunError::Config(format!(
                "data.max_length {longest} leaves no room for a pair beside {n_special} special tokens; raise it"
            )));
        }
        let options = PairOptions::new(task, room);
        let pairs = pair_places(&documents, &options, setup.seed)
            .map(|pair| PairAt::new(&pair))
            .collect();
        let pairs = FramedPairs {
            documents,
            pairs,
            convention: Arc::clone(&setup.convention),
            max_length: longest,
            n_special,
        };
        // A text that cannot be framed is said before training.
        let special = setup.convention.special_ids();
        for row in 0..pairs.len() {
            let ids = pairs.segments(row).concat();
            if ids.iter().any(|id| special.contains(id)) {
                pairs.get(row)?;
            }
        }
        Ok(pairs)
    }

    fn segments(&self, row: usize) -> [Vec<u32>; 2] {
        let pair = self.pairs[row];
        [0, 1].map(|i| {
            let start = pair.starts[i] as usize;
            self.documents.ids(start..start + pair.lengths[i] as usize)
        })
    }

    /// The word of each token of both segments, which share no word; none where words are dropped.
    fn words(&self, row: usize) -> Vec<u32> {
        let pair = self.pairs[row];
        let of = |i: usize| {
            let start = pair.starts[i] as usize;
            let places = start..start + pair.lengths[i] as usize;
            self.documents.words(places).unwrap_or_default()
        };
        let mut words = of(0);
        let first = words.last().map_or(0, |word| word + 1);
        words.extend(of(1).iter().map(|word| first + word));
        words
    }

    fn lengths(&self) -> Vec<usize> {
        let n_tokens = |pair: &PairAt| pair.lengths.iter().sum::<u32>() as usize;
        let pairs = self.pairs.iter();
        pairs.map(|pair| n_tokens(pair) + self.n_special).collect()
    }
}

impl Dataset for FramedPairs {
    type Item = PreTrainingItem;

    fn len(&self) -> usize {
        self.pairs.len()
    }

    fn get(&self, row: usize) -> Result<PreTrainingItem, DataError> {
        let [first, second] = self.segments(row);
        let words = self.words(row);
        let framed = self
            .convention
            .encoder_input(&first, Some(&second), self.max_length)?;
        Ok(PreTrainingItem {
            text: MaskedLmItem::new(framed).with_words(&words),
            label: self.pairs[row].label,
        })
    }
}
