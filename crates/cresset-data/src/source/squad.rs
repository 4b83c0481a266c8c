//! SQuAD's nested JSON: `{"data": [{"paragraphs": [{"context": "..", "qas": [{"question": "..", "answers": [..]}]}]}]}`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::answers::{self, Answer};
use super::stream::Examples;
use super::text;
use crate::{AnswerSpan, DataError, Example};

#[derive(Deserialize)]
struct File {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Paragraph>,
}

/// A paragraph whose answers have been found in it. Checked while it is parsed, so that the parser says in which line.
#[derive(Deserialize)]
#[serde(try_from = "RawParagraph")]
struct Paragraph {
    context: String,
    questions: Vec<Question>,
}

struct Question {
    id: Option<String>,
    text: String,
    answers: Vec<AnswerSpan>,
}

#[derive(Deserialize)]
struct RawParagraph {
    context: String,
    qas: Vec<RawQuestion>,
}

#[derive(Deserialize)]
struct RawQuestion {
    #[serde(default)]
    id: Value,
    question: String,
    #[serde(default)]
    answers: Vec<Answer>,
}

impl TryFrom<RawParagraph> for Paragraph {
    type Error = String;

    fn try_from(raw: RawParagraph) -> Result<Self, String> {
        let RawParagraph { context, qas } = raw;
        let question = |raw: RawQuestion| {
            let id = match raw.id {
                Value::Null => None,
                Value::String(id) => Some(id),
                other => Some(other.to_string()),
            };
            let answers = answers::check(&context, raw.answers).map_err(|reason| {
                format!(
                    "question {:?}: {reason}",
                    id.as_ref().unwrap_or(&raw.question)
                )
            })?;
            Ok(Question {
                id,
                text: raw.question,
                answers,
            })
        };
        let questions = qas
            .into_iter()
            .map(question)
            .collect::<Result<_, String>>()?;
        Ok(Paragraph { context, questions })
    }
}

/// An example per question: the question as its text, the paragraph as its pair.
pub(super) fn read(path: &Path) -> Result<Examples, DataError> {
    let file: File = serde_json::from_str(&text::read(path)?).map_err(|error| {
        let text = error.to_string();
        let reason = text
            .rsplit_once(" at line ")
            .map_or(&*text, |(reason, _)| reason);
        DataError::Squad {
            path: path.to_owned(),
            line: error.line(),
            reason: reason.to_owned(),
        }
    })?;
    let paragraphs = file.data.into_iter().flat_map(|article| article.paragraphs);
    let examples = paragraphs.flat_map(|Paragraph { context, questions }| {
        questions.into_iter().map(move |question| Example {
            id: question.id,
            text: question.text,
            pair: Some(context.clone()),
            answers: Some(question.answers),
            ..Example::default()
        })
    });
    Ok(Box::new(examples.map(Ok)))
}
