//! JSON lines: `{"text": "a fine film", "label": "positive"}`, several labels as a list; `{"text": "when ?", "pair": "in 1912",
//! "answers": [{"text": "1912", "answer_start": 3}]}`, counted in characters.

use std::iter;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::answers;
use super::fields::{Field, FieldNames, Need};
use super::stream::Examples;
use super::text::Lines;
use crate::{AnswerSpan, DataError, Example, Label};

/// The example of every line; blank lines are skipped.
pub(super) fn read(path: &Path, fields: &FieldNames) -> Result<Examples, DataError> {
    let mut lines = Lines::open(path)?;
    let (fields, answers) = (fields.all(), fields.answers());
    Ok(Box::new(iter::from_fn(move || {
        next_example(&mut lines, &fields, &answers).transpose()
    })))
}

fn next_example(
    lines: &mut Lines,
    fields: &[Field; 6],
    answers: &Field,
) -> Result<Option<Example>, DataError> {
    let path = Arc::clone(lines.path());
    while let Some(line) = lines.next_line()? {
        if line.text.trim().is_empty() {
            continue;
        }
        let values: Map<String, Value> =
            serde_json::from_str(line.text).map_err(|e| DataError::Json {
                path: path.to_path_buf(),
                line: line.number,
                reason: short(&e),
            })?;
        let object = Object {
            path: &path,
            line: line.number,
            values: &values,
        };
        let example = object.example(fields)?;
        return Ok(Some(Example {
            answers: object.answers(answers, &example)?,
            ..example
        }));
    }
    Ok(None)
}

/// The parser's words without its own line number, which is always 1.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    format!("{reason} at column {}", error.column())
}

struct Object<'a> {
    path: &'a Path,
    line: usize,
    values: &'a Map<String, Value>,
}

impl Object<'_> {
    fn example(
        &self,
        [id, text, pair, label, score, target]: &[Field; 6],
    ) -> Result<Example, DataError> {
        Ok(Example {
            id: self.name(id)?,
            file: None,
            line: self.line,
            text: self.text(text)?.expect("the text is required"),
            pair: self.text(pair)?,
            label: self.label(label)?,
            score: self.number(score)?,
            target: self.text(target)?,
            ..Example::default()
        })
    }

    fn value(&self, field: &Field) -> Result<Option<&Value>, DataError> {
        match self.values.get(&field.name) {
            Some(value) if !value.is_null() && field.need != Need::Absent => Ok(Some(value)),
            _ if field.need != Need::Required => Ok(None),
            _ => Err(DataError::MissingField {
                path: self.path.to_owned(),
                line: self.line,
                field: field.name.clone(),
                role: field.role,
                present: self.values.keys().cloned().collect(),
            }),
        }
    }

    fn text(&self, field: &Field) -> Result<Option<String>, DataError> {
        match self.value(field)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(field, other, "a string")),
        }
    }

    fn name(&self, field: &Field) -> Result<Option<String>, DataError> {
        match self.value(field)? {
            None => Ok(None),
            Some(value) => match name_of(value) {
                Some(name) => Ok(Some(name)),
                None => Err(self.wrong(field, value, "a string or an integer")),
            },
        }
    }

    fn label(&self, field: &Field) -> Result<Option<Label>, DataError> {
        let Some(value) = self.value(field)? else {
            return Ok(None);
        };
        let label = match value {
            Value::Array(values) => values
                .iter()
                .map(name_of)
                .collect::<Option<_>>()
                .map(Label::Names),
            one => name_of(one).map(Label::Name),
        };
        let expected = match value {
            Value::Number(_) => {
                "a string, an integer or a list of them (a number to predict is a score: set data.fields.score)"
            }
            _ => "a string, an integer or a list of them",
        };
        match label {
            Some(label) => Ok(Some(label)),
            None => Err(self.wrong(field, value, expected)),
        }
    }

    fn answers(
        &self,
        field: &Field,
        example: &Example,
    ) -> Result<Option<Vec<AnswerSpan>>, DataError> {
        let Some(value) = self.value(field)? else {
            return Ok(None);
        };
        let found =
            answers::parse(value).ok_or_else(|| self.wrong(field, value, answers::EXPECTED))?;
        let context = example.pair.as_deref().unwrap_or_default();
        match answers::check(context, found) {
            Ok(answers) => Ok(Some(answers)),
            Err(reason) => Err(DataError::Answer {
                path: self.path.to_owned(),
                line: self.line,
                reason,
            }),
        }
    }

    fn number(&self, field: &Field) -> Result<Option<f64>, DataError> {
        match self.value(field)? {
            None => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(field, value, "a number")),
            },
        }
    }

    fn wrong(&self, field: &Field, value: &Value, expected: &'static str) -> DataError {
        let shown: String = value.to_string().chars().take(60).collect();
        DataError::FieldType {
            path: self.path.to_owned(),
            line: self.line,
            field: field.name.clone(),
            role: field.role,
            found: shown,
            expected,
        }
    }
}

/// A class's name: text as it is, an integer or truth value as its text.
fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) if n.is_i64() || n.is_u64() => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}
