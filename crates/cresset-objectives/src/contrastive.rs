//! Contrastive learning of embeddings: the vectors of two texts that belong together shall be nearer to each other than to
//! any other of the batch.
//!
//! Pairs come from the data (`text` and `pair`: a question and its answer, a sentence and its translation). A text without
//! `pair` is its own: it goes through the model twice, and dropout makes the difference (unsupervised SimCSE, Gao et al.
//! 2021, section 3; the model needs a dropout above 0 for that). A pair may bring texts that are no match for it though they
//! look like one, its hard negatives (`negative`, one text or a list).
//!
//! Loss: [`info_nce`](cresset_losses::info_nce) with the other pairs of the micro-batch and the hard negatives of all of them as negatives, as in
//! supervised SimCSE (section 4) and sentence-transformers' `MultipleNegativesRankingLoss`. A larger `data.batch_size` gives
//! more of them and gradient accumulation does not. With `triplet = { .. }` it is [`triplet_loss`](cresset_losses::triplet_loss) of each text, its second
//! text and each of its negatives (Schroff et al. 2015, FaceNet; Reimers and Gurevych 2019, Sentence-BERT, section 3).
//!
//! The model is an encoder without a head, and without a pooler: the loss is on the vectors that `embed` gives, and the
//! pooling is stored with the model. SimCSE's additional layer during training is left out. So the folder lacks the pooler
//! of Hugging Face's `BertModel`, which is to be loaded with `add_pooling_layer=False`.
//!
//! An evaluation retrieves: `accuracy` is the share of texts whose nearest second text in the batch is their own, so it
//! depends on the batch size; of triplets it is the share with the second text nearer than the negative. Held-out pairs with a `score` are not retrieved but compared: `spearman` is the correlation
//! of their cosine with it.

mod batch;
mod loss;

use cresset_data::{Example, Length};
use cresset_losses::Distance;
use cresset_model::bert::Pooler;
use cresset_model::{Encoder, Pooling};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use self::batch::FramedText;
pub use self::batch::{ContrastiveBatch, ContrastiveCollate, ContrastiveItem};
pub use self::loss::Contrastive;
pub(crate) use self::loss::TRIPLET;
use crate::embed::all_placed;
use crate::rows::Rows;
use crate::session::{self, OpenRun, Parts};
use crate::sources::both_splits;
use crate::{Poolings, RunError, Setup};

/// `[objective] contrastive = { .. }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContrastiveConfig {
    /// Which vector stands for a text, or which ones, one behind the other.
    pub pooling: Poolings<Pooling>,
    /// By which cosines are divided before the softmax.
    pub temperature: f64,
    /// What a text is told from.
    pub negatives: Negatives,
    /// A loss of triplets in place of the softmax; every training example then needs a `negative`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triplet: Option<TripletConfig>,
}

/// `triplet = { .. }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TripletConfig {
    /// By how much the negative shall be farther than the second text.
    pub margin: f64,
    /// How far two vectors are apart.
    pub distance: DistanceKind,
}

impl Default for TripletConfig {
    fn default() -> Self {
        TripletConfig {
            margin: 1.0,
            distance: DistanceKind::default(),
        }
    }
}

/// How far two vectors are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DistanceKind {
    /// One less their cosine.
    Cosine,
    /// The length of their difference.
    #[default]
    Euclidean,
    /// The square of that.
    SquaredEuclidean,
}

impl From<DistanceKind> for Distance {
    fn from(kind: DistanceKind) -> Distance {
        match kind {
            DistanceKind::Cosine => Distance::Cosine,
            DistanceKind::Euclidean => Distance::Euclidean,
            DistanceKind::SquaredEuclidean => Distance::SquaredEuclidean,
        }
    }
}

impl Default for ContrastiveConfig {
    fn default() -> Self {
        ContrastiveConfig {
            pooling: Poolings(vec![Pooling::Mean]),
            temperature: 0.05,
            negatives: Negatives::InBatch,
            triplet: None,
        }
    }
}

/// What a text is told from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Negatives {
    /// The second texts of the other pairs of the micro-batch, and the hard negatives of all its pairs.
    #[default]
    InBatch,
}

impl ContrastiveConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// No pooling, or one twice; a temperature or a margin that is not above 0; a temperature that has no use.
    pub fn validate(&self) -> Result<(), RunError> {
        self.pooling.validate("objective.contrastive.pooling")?;
        let numbers = [
            ("temperature", self.temperature, "0.05"),
            (
                "triplet.margin",
                self.triplet.unwrap_or_default().margin,
                "1.0",
            ),
        ];
        for (key, value, usual) in numbers {
            if !(value > 0.0 && value.is_finite()) {
                return Err(RunError::Config(format!(
                    "objective.contrastive.{key} is {value} but must be above 0; the usual value is {usual}"
                )));
            }
        }
        if self.triplet.is_some() && self.temperature != ContrastiveConfig::default().temperature {
            return Err(RunError::Config(
                "objective.contrastive.temperature and triplet are both given, but a loss of triplets has no temperature; keep one of them".into(),
            ));
        }
        Ok(())
    }

    /// The loss it asks for.
    pub fn contrast(&self) -> Contrast {
        match self.triplet {
            Some(triplet) => Contrast::Triplet {
                margin: triplet.margin,
                distance: triplet.distance.into(),
            },
            None => Contrast::InfoNce {
                temperature: self.temperature,
            },
        }
    }
}

/// How vectors are set apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Contrast {
    /// By a softmax over all candidates.
    InfoNce {
        /// By which cosines are divided.
        temperature: f64,
    },
    /// Triplet by triplet.
    Triplet {
        /// By how much the negative shall be farther.
        margin: f64,
        /// How far two vectors are apart.
        distance: Distance,
    },
}

pub(crate) fn open(config: &ContrastiveConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    check_training(config, &setup.data.train)?;
    let model_config = setup.model_config()?;
    let model = Encoder::new(
        &session::encoder(&model_config, "contrastive")?,
        Pooler::Without,
        setup.seed,
        &setup.model_device(),
    )?;
    let (model, load) = setup.load_into(model)?;
    let mut n_shortened = 0;
    let rows = |examples: &[Example]| rows(&setup, examples, &mut n_shortened);
    let (train, eval) = both_splits(&setup.data, rows)?;
    let poolings = all_placed(&config.pooling, &setup.convention)?;
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective: Contrastive::reading(model, poolings).with_contrast(config.contrast()),
            train,
            eval,
            description,
            load,
            n_shortened,
        },
    )
}

/// Refuses pairs to train on that do not belong together, and triplets that are none.
///
/// # Errors
/// A pair with a score; an example without a negative where there are to be triplets.
pub(crate) fn check_training(
    config: &ContrastiveConfig,
    examples: &[Example],
) -> Result<(), RunError> {
    let is_single = |e: &&Example| config.triplet.is_some() && e.negatives.is_empty();
    if let Some(example) = examples.iter().find(is_single) {
        return Err(RunError::Data(format!(
            "{} has no negative, but objective.contrastive.triplet needs one in every training example; set data.fields.negative to the field that holds it, or remove triplet",
            example.place()
        )));
    }
    if let Some(example) = examples.iter().find(|e| e.score.is_some()) {
        return Err(RunError::Data(format!(
            "{} has a score, but training takes pairs that belong together; leave out the scores and the pairs that are not alike, or take classify with task regression",
            example.place()
        )));
    }
    Ok(())
}

/// The rows of some examples.
///
/// # Errors
/// A longest input without room for the frame.
pub(crate) fn rows(
    setup: &Setup,
    examples: &[Example],
    n_shortened: &mut usize,
) -> Result<Rows<Contrastive>, RunError> {
    let items = encode(setup, examples, n_shortened)?;
    // All texts of a pair are rows of the batch.
    let length = |i: &ContrastiveItem| {
        let texts = i.texts.iter().chain(&i.negatives);
        texts.map(|t| t.ids.len()).sum::<usize>()
    };
    let lengths: Vec<Length> = items.iter().map(|i| Length::from(length(i))).collect();
    let collate = ContrastiveCollate {
        pad_id: setup.convention.pad_id(),
        pad_side: setup.convention.pad_side(),
    };
    Ok(Rows::new(items, lengths, collate))
}

/// Frames the texts of every pair, each for itself.
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
    let negatives: Vec<&String> = examples.iter().flat_map(|e| &e.negatives).collect();
    let mut negatives = setup.tokenizer.encode_batch(&negatives).into_iter();
    examples
        .iter()
        .zip(pairs)
        .map(|(example, (text, pair))| {
            Ok(ContrastiveItem {
                texts: [framed(&text)?, framed(&pair)?],
                negatives: negatives
                    .by_ref()
                    .take(example.negatives.len())
                    .map(|text| framed(&text))
                    .collect::<Result<_, _>>()?,
                score: example.score,
            })
        })
        .collect()
}
