//! Token classification: a tag for every word, as of names or parts of speech.
//!
//! Words are cut into tokens one by one, and the first token of a word carries its tag; the loss, cross entropy, and the
//! answer leave the others out (Devlin et al. 2019, BERT, section 5.3). Head and loss are those of Hugging Face's
//! `..ForTokenClassification`. A sentence longer than the longest input is cut between words into several rows, so that
//! every word is trained on and answered; an entity across such a cut counts as two.

mod align;
mod batch;
mod loss;

use std::sync::Arc;

use cresset_data::Example;
use cresset_metrics::{EntityMode, entities};
use cresset_model::TokenClassifier;
use serde::{Deserialize, Serialize};

pub(crate) use self::align::{Row, align};
pub use self::batch::{TagBatch, TagCollate, TagItem};
pub use self::loss::Tagging;
pub(crate) use self::loss::first_tokens;
use crate::labels::Labels;
use crate::rows::Rows;
use crate::session::{self, OpenRun, Parts};
use crate::sources::both_splits;
use crate::{ModelSource, RunError, Setup};

/// `[objective] tag = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TagConfig {
    /// What the tags are.
    pub scheme: Scheme,
    /// Share of the target's probability spread over all tags.
    pub label_smoothing: f64,
}

/// What the tags are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Entities: `B-` begins one, `I-` goes on, `O` is outside.
    #[default]
    Iob2,
    /// Entities: as IOB2, and `E-` ends one, `S-` is one of a single word.
    Bioes,
    /// Each word's own, such as parts of speech.
    None,
}

impl Scheme {
    pub(crate) const ALL: [Scheme; 3] = [Scheme::Iob2, Scheme::Bioes, Scheme::None];

    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Iob2 => "iob2",
            Scheme::Bioes => "bioes",
            Scheme::None => "none",
        }
    }

    /// The metrics its evaluation reports.
    pub fn metrics(self) -> &'static [&'static str] {
        match self {
            Scheme::Iob2 | Scheme::Bioes => &[
                "entity_f1",
                "entity_precision",
                "entity_recall",
                "accuracy",
                "loss",
            ],
            Scheme::None => &["accuracy", "macro_f1", "loss"],
        }
    }

    /// The scheme that all these tags belong to, the one with fewer prefixes first.
    pub fn of_tags(tags: &[String]) -> Self {
        let allows = |scheme: &Scheme| tags.iter().all(|tag| scheme.allows(tag));
        Scheme::ALL.into_iter().find(allows).unwrap_or(Scheme::None)
    }

    fn allows(self, tag: &str) -> bool {
        let mode = match self {
            Scheme::Iob2 => EntityMode::StrictIob2,
            Scheme::Bioes => EntityMode::StrictIobes,
            Scheme::None => return true,
        };
        let has_a_type = tag.get(1..2) == Some("-") && tag.len() > 2;
        (tag == "O" || has_a_type) && entities(&[tag], mode).is_ok()
    }
}

pub(crate) fn open(config: &TagConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let labels = labels(config.scheme, &setup)?;
    let model_config = setup.model_config()?;
    let model = TokenClassifier::new(
        &session::encoder(&model_config, "tag")?,
        labels.len(),
        setup.seed,
        &setup.model_device(),
    )?;
    let (model, load) = setup.load_into(model)?;
    let names: Arc<[String]> = labels.names().into();
    let mut n_shortened = 0;
    let rows = |examples: &[Example]| -> Result<Rows<Tagging>, RunError> {
        let mut items = Vec::new();
        for example in examples {
            items.extend(encode(&setup, &labels, example, &mut n_shortened)?);
        }
        let lengths: Vec<usize> = items.iter().map(|i| i.n_tokens()).collect();
        let collate = TagCollate::new(&setup.convention, Arc::clone(&names));
        Ok(Rows::new(items, lengths, collate))
    };
    let (train, eval) = both_splits(&setup.data, rows)?;
    let description = setup.description(model_config, labels.to_config());
    session::open(
        &setup,
        Parts {
            objective: Tagging::new(model, config),
            train,
            eval,
            description,
            load,
            n_shortened,
        },
    )
}

/// The names of the model's outputs: those of a trained model, or those of the training data.
fn labels(scheme: Scheme, setup: &Setup) -> Result<Labels, RunError> {
    let known = match &setup.model {
        ModelSource::Folder(folder, _) if setup.train.is_none() => folder.files.labels(),
        _ => None,
    };
    let examples = setup.data.train.iter().chain(&setup.data.eval);
    for example in examples {
        if let Some(tag) = example.tags.iter().find(|tag| !scheme.allows(tag)) {
            return Err(RunError::Data(format!(
                "the sentence at {} has the tag {tag:?}, which is none of scheme {}; correct it, choose the column with data.fields.label, or set objective.tag.scheme = \"none\" if the tags are no entities",
                example.place(),
                scheme.name()
            )));
        }
    }
    match known {
        Some(names) => Ok(Labels::from_names(names)),
        None => Labels::from_tags(&setup.data.train),
    }
}

/// The rows of one example.
fn encode(
    setup: &Setup,
    labels: &Labels,
    example: &Example,
    n_shortened: &mut usize,
) -> Result<Vec<TagItem>, RunError> {
    let tags = labels.of_words(example)?;
    let aligned = align(
        &setup.tokenizer,
        &setup.convention,
        &example.words,
        setup.data.max_length,
    )?;
    *n_shortened += usize::from(aligned.iter().any(|row| row.is_shortened));
    Ok(aligned
        .into_iter()
        .map(|row| TagItem::new(row, &tags))
        .collect())
}
