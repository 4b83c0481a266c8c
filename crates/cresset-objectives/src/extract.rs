//! Extractive question answering: where in a text the answer to a question stands (Devlin et al. 2019, BERT, section 4.2).
//!
//! | of an example | is |
//! | --- | --- |
//! | `text` | the question |
//! | `pair` | the context in which the answer stands |
//! | `answers` | the answers that people gave; the first is learnt, all count in an evaluation |
//!
//! Loss: the mean of the cross entropies of the answer's first and last token over the row. A context that does not fit
//! is cut into windows that overlap, each with the whole question; in a window without the answer both are at `[CLS]`, as
//! in BERT's own program. An answer is scored with the sum of its two logits, the best of all windows wins; it starts not
//! behind its end, is not longer than `max_answer_length` and stands in the context.
//!
//! Deviations from BERT's program: a token of several windows may be answered from any of them, not only from the one that
//! shows most around it; every question needs an answer (SQuAD 1.1, not 2.0).

mod batch;
mod loss;
mod spans;
mod windows;

use std::sync::Arc;

use cresset_data::{Example, Length};
use cresset_metrics::AnswerUnit;
use cresset_model::QuestionAnswering;
use serde::{Deserialize, Serialize};
use serde_json::Map;

pub use self::batch::{ExtractBatch, ExtractCollate, ExtractItem};
pub use self::loss::Extract;
pub(crate) use self::spans::{Candidate, best_of, row_of, spans};
pub use self::windows::Window;
pub(crate) use self::windows::{Framer, padded};
use crate::rows::Rows;
use crate::session::{self, OpenRun, Parts};
use crate::sources::both_splits;
use crate::{RunError, Setup};

/// `[objective] extract = { .. }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExtractConfig {
    /// Tokens from the start of a window of the context to the start of the next.
    pub doc_stride: usize,
    /// Tokens of a question at most; a longer one loses its end.
    pub max_question_length: usize,
    /// Tokens of an answer at most, in evaluation and prediction.
    pub max_answer_length: usize,
    /// What answers are compared by: `word` as in SQuAD, `character` for Chinese.
    pub unit: AnswerUnit,
}

impl Default for ExtractConfig {
    fn default() -> Self {
        ExtractConfig {
            doc_stride: 64,
            max_question_length: 64,
            max_answer_length: 30,
            unit: AnswerUnit::Word,
        }
    }
}

impl ExtractConfig {
    /// Checks the lengths.
    ///
    /// # Errors
    /// A length of 0.
    pub fn validate(&self) -> Result<(), RunError> {
        let lengths = [
            ("doc_stride", self.doc_stride, 64),
            ("max_question_length", self.max_question_length, 64),
            ("max_answer_length", self.max_answer_length, 30),
        ];
        match lengths.iter().find(|(_, length, _)| *length == 0) {
            Some((key, _, usual)) => Err(RunError::Config(format!(
                "objective.extract.{key} is 0 but must be at least 1 token; the usual value is {usual}"
            ))),
            None => Ok(()),
        }
    }
}

pub(crate) fn open(config: &ExtractConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let model_config = setup.model_config()?;
    let model = QuestionAnswering::new(
        &session::encoder(&model_config, "extract")?,
        setup.seed,
        &setup.model_device(),
    )?;
    let (model, load) = setup.load_into(model)?;
    let mut n_shortened = 0;
    let rows = |examples: &[Example]| -> Result<Rows<Extract>, RunError> {
        let items = encode(config, &setup, examples, &mut n_shortened)?;
        let lengths: Vec<Length> = items.iter().map(|i| Length::from(i.n_tokens())).collect();
        let collate = ExtractCollate {
            pad_id: setup.convention.pad_id(),
            pad_side: setup.convention.pad_side(),
        };
        Ok(Rows::new(items, lengths, collate))
    };
    let (train, eval) = both_splits(&setup.data, rows)?;
    let description = setup.description(model_config, Map::new());
    session::open(
        &setup,
        Parts {
            objective: Extract::new(model, config),
            train,
            eval,
            description,
            load,
            n_shortened,
        },
    )
}

/// The windows of every example with the place of the answer in each.
fn encode(
    config: &ExtractConfig,
    setup: &Setup,
    examples: &[Example],
    n_shortened: &mut usize,
) -> Result<Vec<ExtractItem>, RunError> {
    let framer = Framer {
        tokenizer: &setup.tokenizer,
        convention: &setup.convention,
        max_length: setup.data.max_length,
        config,
    };
    let mut items = Vec::new();
    for (question, example) in examples.iter().enumerate() {
        let asked = framer.frame(example)?;
        *n_shortened += usize::from(asked.is_shortened);
        let answers = example.answers.as_deref().unwrap_or_default();
        let Some(learnt) = answers.first() else {
            return Err(RunError::Data(format!(
                "{} has no answer; set data.fields.answers to the field that holds [{{\"text\": .., \"answer_start\": ..}}], and leave out questions without an answer",
                example.place()
            )));
        };
        let tokens = asked.tokens_of(learnt);
        let context: Arc<str> = Arc::from(example.pair.as_deref().unwrap_or_default());
        let answers: Arc<[String]> = answers.iter().map(|answer| answer.text.clone()).collect();
        items.extend(asked.windows.into_iter().map(|window| ExtractItem {
            question,
            target: window.target(tokens),
            window: Arc::new(window),
            context: Arc::clone(&context),
            answers: Arc::clone(&answers),
        }));
    }
    Ok(items)
}
