//! Answers that stand in a text: `[{"text": "1912", "answer_start": 27}]`, starts counted in characters.

use serde::Deserialize;
use serde_json::Value;

use crate::AnswerSpan;

/// What the field of a line may hold.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answers {
    /// One object each, as in SQuAD's files.
    List(Vec<Answer>),
    /// One object with lists, as the same data are often passed on.
    Columns {
        text: Vec<String>,
        answer_start: Vec<i64>,
    },
}

/// An answer as it is written; other keys of the object are left alone.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) answer_start: i64,
}

/// What the field should hold, for messages.
pub(super) const EXPECTED: &str = "a list such as [{\"text\": \"1912\", \"answer_start\": 27}] or an object such as {\"text\": [\"1912\"], \"answer_start\": [27]}";

/// The answers of a value; `None` if it holds something else.
pub(super) fn parse(value: &Value) -> Option<Vec<Answer>> {
    match Answers::deserialize(value).ok()? {
        Answers::List(answers) => Some(answers),
        Answers::Columns { text, answer_start } => {
            let answer = |(text, answer_start)| Answer { text, answer_start };
            (text.len() == answer_start.len())
                .then(|| text.into_iter().zip(answer_start).map(answer).collect())
        }
    }
}

/// What stands for the start of an answer that is no piece of the context, in data whose answers were written freely
/// (CMRC 2018).
const NOWHERE: i64 = -1;

/// The answers, each where it says it stands. One that says it stands nowhere is left out where another stands somewhere.
///
/// # Errors
/// In words, what is wrong with the first that does not.
pub(super) fn check(context: &str, mut answers: Vec<Answer>) -> Result<Vec<AnswerSpan>, String> {
    if answers.iter().any(|answer| answer.answer_start != NOWHERE) {
        answers.retain(|answer| answer.answer_start != NOWHERE);
    }
    let span = |answer: Answer| {
        let Answer { text, answer_start } = answer;
        let n_chars = text.chars().count();
        if n_chars == 0 {
            return Err(
                "an answer is empty; remove it, or the whole example if it has no other".to_owned(),
            );
        }
        let start = usize::try_from(answer_start).map_err(|_| {
            format!("answer_start of {text:?} is {answer_start} but must be 0 or more")
        })?;
        let found: String = context.chars().skip(start).take(n_chars).collect();
        if found == text {
            return Ok(AnswerSpan { text, start });
        }
        let there = match found.as_str() {
            "" => format!(
                "the context ends after {} characters",
                context.chars().count()
            ),
            found => format!("{found:?} stands there"),
        };
        let hint = match context.find(&text) {
            Some(at) => format!(
                "; the answer first stands at {}",
                context[..at].chars().count()
            ),
            None => "; the answer stands nowhere in the context".to_owned(),
        };
        Err(format!(
            "the answer {text:?} does not stand at character {start} of the context: {there}{hint}"
        ))
    };
    answers.into_iter().map(span).collect()
}
