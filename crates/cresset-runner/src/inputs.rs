//! Inputs of `predict` and `generate`: JSON lines or plain lines, from a file or standard input.

use std::io::Read;
use std::path::Path;

use cresset_data::{Example, Format, Label};
use serde_json::Value;

use crate::failure::user;

/// What a line of input looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// `{"id": .., "text": .., "pair": ..}`; of a question also `{"question": .., "context": ..}`, for a tagger `"words": [..]` in place
    /// of the text.
    Json,
    /// The text itself.
    Plain,
}

/// Reads all inputs; `-` is standard input.
///
/// # Errors
/// A file that is not there, empty or not UTF-8; a line that is not JSON or has no `text`.
pub fn read(path: &Path, lines: Lines) -> anyhow::Result<Vec<Example>> {
    let name = if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path)
            .map_err(|e| user(format!("cannot read {name}: {e}; check the path")))?;
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes()[..e.utf8_error().valid_up_to()]
            .iter()
            .filter(|&&b| b == b'\n')
            .count()
            + 1;
        user(format!(
            "{name}, line {line}: not valid UTF-8; convert the file to UTF-8"
        ))
    })?;
    let examples = text
        .lines()
        .enumerate()
        .filter(|(_, line)| lines == Lines::Plain || !line.trim().is_empty())
        .map(|(i, line)| {
            parse(line, i + 1, lines).map_err(|e| user(format!("{name}, line {}: {e}", i + 1)))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    if examples.is_empty() {
        return Err(user(format!("{name} holds no input; give one text a line")));
    }
    Ok(examples)
}

fn parse(line: &str, number: usize, lines: Lines) -> Result<Example, String> {
    let mut example = Example {
        line: number,
        ..Example::default()
    };
    if lines == Lines::Plain {
        example.text = line.to_owned();
        return Ok(example);
    }
    let value: Value = serde_json::from_str(line)
        .map_err(|e| format!("not JSON ({e}); write {{\"text\": \"...\"}}, or pass --text for plain lines where the command has it"))?;
    let field = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    example.words = words(&value)?;
    let text = field("text").or_else(|| field("question"));
    example.text = match text {
        Some(text) => text,
        None if !example.words.is_empty() => example.words.join(" "),
        None => {
            return Err("no field \"text\" holding a string; write {\"text\": \"...\"}, or {\"question\": \"...\", \"context\": \"...\"} where answers are looked for".to_owned());
        }
    };
    example.pair = field("pair").or_else(|| field("context"));
    example.label = match value.get("label") {
        Some(Value::String(label)) => Some(Label::Name(label.clone())),
        Some(Value::Number(label)) => Some(Label::Name(label.to_string())),
        _ => None,
    };
    example.id = match value.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    Ok(example)
}

/// The list under `words`; empty if there is none.
fn words(line: &Value) -> Result<Vec<String>, String> {
    let Some(value) = line.get("words") else {
        return Ok(Vec::new());
    };
    let word = |word: &Value| word.as_str().map(str::to_owned);
    let words = value
        .as_array()
        .and_then(|list| list.iter().map(word).collect::<Option<Vec<_>>>());
    words.ok_or_else(|| {
        "field \"words\" is no list of strings; write {\"words\": [\"..\", \"..\"]}".to_owned()
    })
}

/// What names an input in the output: its id, or its line number.
pub fn name_of(example: &Example) -> Value {
    match &example.id {
        Some(id) => Value::from(id.clone()),
        None => Value::from(example.line),
    }
}

/// The format of `--format`.
///
/// # Errors
/// A name that is none.
pub fn format(name: &str) -> anyhow::Result<Format> {
    serde_json::from_value(Value::from(name)).map_err(|_| {
        user(format!("--format {name:?} is unknown; choose jsonl, csv, tsv, text, paragraphs, parallel, whole-file, conll, conllu, squad or parquet"))
    })
}
