//! JSON lines: `{"text": "a fine film", "label": "positive"}`, several labels as a list; `{"text": "when ?", "pair": "in 1912",
//! "answers": [{"text": "1912", "answer_start": 3}]}`, counted in characters.

use std::iter;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::fields::FieldNames;
use super::object::{Object, ObjectFields};
use super::stream::Examples;
use super::text::Lines;
use crate::{DataError, Example};

/// The example of every line; blank lines are skipped.
pub(super) fn read(path: &Path, fields: &FieldNames) -> Result<Examples, DataError> {
    let mut lines = Lines::open(path)?;
    let fields = ObjectFields::new(fields);
    Ok(Box::new(iter::from_fn(move || {
        next_example(&mut lines, &fields).transpose()
    })))
}

fn next_example(lines: &mut Lines, fields: &ObjectFields) -> Result<Option<Example>, DataError> {
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
        return object.example(fields).map(Some);
    }
    Ok(None)
}

/// The parser's words without its own line number, which is always 1.
fn short(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" at line ").next().unwrap_or(&text);
    match error.column() {
        // What is of the wrong type is so from its beginning.
        0 => reason.to_owned(),
        column => format!("{reason} at column {column}"),
    }
}
