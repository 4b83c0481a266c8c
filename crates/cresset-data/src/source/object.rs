//! An object with named values, a line of JSON or a row of Parquet, as an example.

use std::path::Path;

use serde_json::{Map, Value};

use super::answers;
use super::fields::{Field, FieldNames, Need};
use crate::{AnswerSpan, DataError, Example, Label};

/// The fields of a source of objects.
pub(super) struct ObjectFields {
    others: [Field; 6],
    answers: Field,
}

impl ObjectFields {
    pub(super) fn new(fields: &FieldNames) -> Self {
        ObjectFields {
            others: fields.all(),
            answers: fields.answers(),
        }
    }

    /// All of them.
    #[cfg(feature = "parquet")]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.others.iter().chain([&self.answers])
    }
}

/// An object, and where it stands.
pub(super) struct Object<'a> {
    pub(super) path: &'a Path,
    /// The line, or the row, from 1.
    pub(super) line: usize,
    pub(super) values: &'a Map<String, Value>,
}

impl Object<'_> {
    pub(super) fn example(&self, fields: &ObjectFields) -> Result<Example, DataError> {
        let [id, text, pair, label, score, target] = &fields.others;
        let example = Example {
            id: self.name(id)?,
            file: None,
            line: self.line,
            text: self.text(text)?.expect("the text is required"),
            pair: self.text(pair)?,
            label: self.label(label)?,
            score: self.number(score)?,
            target: self.text(target)?,
            ..Example::default()
        };
        Ok(Example {
            answers: self.answers(&fields.answers, &example)?,
            ..example
        })
    }

    /// The value of a field; null is as good as absent where the field need not be there.
    fn value(&self, field: &Field) -> Result<Option<&Value>, DataError> {
        if field.need == Need::Absent {
            return Ok(None);
        }
        match find(self.values, &field.name) {
            Ok(Value::Null) | Err(_) if field.need == Need::Optional => Ok(None),
            Ok(null @ Value::Null) => Err(self.wrong(field, null, expected(field.role))),
            Ok(value) => Ok(Some(value)),
            Err(Gap::Field) => Err(DataError::MissingField {
                path: self.path.to_owned(),
                line: self.line,
                field: field.name.clone(),
                role: field.role,
                present: self.values.keys().cloned().collect(),
            }),
            Err(Gap::Piece(gap)) => Err(DataError::MissingPiece {
                path: self.path.to_owned(),
                line: self.line,
                field: field.name.clone(),
                role: field.role,
                gap,
            }),
        }
    }

    fn text(&self, field: &Field) -> Result<Option<String>, DataError> {
        match self.value(field)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(field, other, expected(field.role))),
        }
    }

    fn name(&self, field: &Field) -> Result<Option<String>, DataError> {
        match self.value(field)? {
            None => Ok(None),
            Some(value) => match name_of(value) {
                Some(name) => Ok(Some(name)),
                None => Err(self.wrong(field, value, expected(field.role))),
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
            _ => expected(field.role),
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
            answers::parse(value).ok_or_else(|| self.wrong(field, value, expected(field.role)))?;
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
                None => Err(self.wrong(field, value, expected(field.role))),
            },
        }
    }

    fn wrong(&self, field: &Field, value: &Value, expected: &'static str) -> DataError {
        DataError::FieldType {
            path: self.path.to_owned(),
            line: self.line,
            field: field.name.clone(),
            role: field.role,
            found: shown(value),
            expected,
        }
    }
}

/// What a role's field must hold, for messages.
fn expected(role: &str) -> &'static str {
    match role {
        "id" => "a string or an integer",
        "label" => "a string, an integer or a list of them",
        "score" => "a number",
        "answers" => answers::EXPECTED,
        _ => "a string",
    }
}

/// Where a path of names ends before its value.
#[derive(Debug, PartialEq, Eq)]
enum Gap {
    /// At its beginning.
    Field,
    /// At a piece of it: which, and what stands there, in words.
    Piece(String),
}

/// The value of a name, or of a path of names and list indices such as `messages.0.content`. A key that is written with
/// dots comes before a path, at each step.
fn find<'a>(values: &'a Map<String, Value>, path: &str) -> Result<&'a Value, Gap> {
    if let Some(value) = values.get(path) {
        return Ok(value);
    }
    let (first, mut rest) = path.split_once('.').ok_or(Gap::Field)?;
    let mut here = values.get(first).ok_or(Gap::Field)?;
    loop {
        let (piece, behind) = match rest.split_once('.') {
            Some((piece, behind)) if step(here, rest).is_none() => (piece, Some(behind)),
            _ => (rest, None),
        };
        here = step(here, piece).ok_or_else(|| {
            let inside = &path[..path.len() - rest.len() - 1];
            Gap::Piece(format!(
                "no \"{piece}\": \"{inside}\" is {}",
                in_words(here)
            ))
        })?;
        match behind {
            Some(behind) => rest = behind,
            None => return Ok(here),
        }
    }
}

fn step<'a>(value: &'a Value, piece: &str) -> Option<&'a Value> {
    match value {
        Value::Object(values) => values.get(piece),
        Value::Array(values) => values.get(piece.parse::<usize>().ok()?),
        _ => None,
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Object(values) if values.is_empty() => "an object without keys".to_owned(),
        Value::Object(values) => {
            let keys: Vec<&str> = values.keys().map(String::as_str).collect();
            format!("an object with {}", keys.join(", "))
        }
        Value::Array(values) => format!("a list of {}, counted from 0", values.len()),
        other => shown(other),
    }
}

/// The beginning of a value.
fn shown(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
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
