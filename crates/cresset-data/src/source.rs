//! From files to examples: one format per file of this module.

mod answers;
mod conll;
mod conllu;
mod delimited;
mod jsonl;
mod lines;
mod parallel;
mod squad;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{DataError, Example};

/// Files and how to read them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The format of all files.
    #[serde(default)]
    pub format: Format,
    /// The files, read in this order; for `parallel` source and target in turn.
    pub files: Vec<PathBuf>,
    /// Which fields or columns hold what.
    #[serde(default)]
    pub fields: FieldNames,
}

/// How files hold examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Comma-separated, with a header line; cells may be quoted.
    Csv,
    /// Tab-separated, with a header line; quotes are ordinary characters.
    Tsv,
    /// One document a line; blank lines are skipped.
    Text,
    /// Documents separated by blank lines.
    Paragraphs,
    /// The whole file is one document, every character of it.
    WholeFile,
    /// Two line-aligned files: texts and targets.
    Parallel,
    /// A word and its tag a line, in columns; blank lines separate sentences.
    Conll,
    /// Universal Dependencies' ten columns; the tag is the universal part of speech unless another is named.
    Conllu,
    /// SQuAD's nested JSON: questions about paragraphs.
    Squad,
}

impl Format {
    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Text => "text",
            Format::Paragraphs => "paragraphs",
            Format::WholeFile => "whole-file",
            Format::Parallel => "parallel",
            Format::Conll => "conll",
            Format::Conllu => "conllu",
            Format::Squad => "squad",
        }
    }
}

/// Which fields (JSONL) or columns (CSV, TSV) hold what; of CoNLL's columns `text` is that of the words, by number from 1, and
/// `label` that of the tags, by number or in CoNLL-U by name.
///
/// A field that is not named here is looked for under the name of its role and may be absent; one that is named must
/// be there. The text must be there in any case. A field that is named for one role is not looked at for another:
/// with `score = "label"` there is no label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FieldNames {
    /// The example's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The second text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// The class, or a list of classes (JSONL only).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// The text to generate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The answers that stand in the second text (JSONL only): `[{"text": .., "answer_start": ..}]`, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
}

/// Whether an example can do without a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
    /// Its usual name was given to another role.
    Absent,
}

/// A role, the field that holds it and whether it must be there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) role: &'static str,
    pub(crate) name: &'a str,
    pub(crate) need: Need,
}

impl FieldNames {
    /// Fields in the order id, text, pair, label, score, target.
    pub(crate) fn all(&self) -> [Field<'_>; 6] {
        [
            self.field("id", self.id.as_deref()),
            Field {
                need: Need::Required,
                ..self.field("text", self.text.as_deref())
            },
            self.field("pair", self.pair.as_deref()),
            self.field("label", self.label.as_deref()),
            self.field("score", self.score.as_deref()),
            self.field("target", self.target.as_deref()),
        ]
    }

    /// The field of the answers, which tables have not.
    pub(crate) fn answers(&self) -> Field<'_> {
        self.field("answers", self.answers.as_deref())
    }

    fn field<'a>(&'a self, role: &'static str, given: Option<&'a str>) -> Field<'a> {
        let others = [
            &self.id,
            &self.text,
            &self.pair,
            &self.label,
            &self.score,
            &self.target,
            &self.answers,
        ];
        let taken = others.iter().any(|name| name.as_deref() == Some(role));
        let (name, need) = match given {
            Some(name) => (name, Need::Required),
            None if taken => (role, Need::Absent),
            None => (role, Need::Optional),
        };
        Field { role, name, need }
    }
}

/// All examples of the files, in their order.
///
/// # Errors
/// No file; a file that is missing, empty or not UTF-8; a line that does not hold what it should.
pub fn read_examples(config: &SourceConfig) -> Result<Vec<Example>, DataError> {
    if config.files.is_empty() {
        return Err(DataError::Files(
            "no data file is given; name at least one".to_owned(),
        ));
    }
    if config.fields.answers.is_some() && config.format != Format::Jsonl {
        return Err(DataError::Files(format!(
            "data.fields.answers is given, but the format is {}; answers are read from jsonl, or from squad, which has its own names",
            config.format.name()
        )));
    }
    if config.format == Format::Parallel {
        return parallel::read(&config.files);
    }
    let mut examples = Vec::new();
    for path in &config.files {
        let content = text::read(path)?;
        let before = examples.len();
        match config.format {
            Format::Jsonl => jsonl::read(path, &content, &config.fields, &mut examples)?,
            Format::Csv => delimited::read_csv(path, &content, &config.fields, &mut examples)?,
            Format::Tsv => delimited::read_tsv(path, &content, &config.fields, &mut examples)?,
            Format::Text => lines::read_lines(&content, &mut examples),
            Format::Paragraphs => lines::read_paragraphs(&content, &mut examples),
            Format::WholeFile => lines::read_whole(&content, &mut examples),
            Format::Conll => conll::read(path, &content, &config.fields, &mut examples)?,
            Format::Conllu => conllu::read(path, &content, &config.fields, &mut examples)?,
            Format::Squad => squad::read(path, &content, &mut examples)?,
            Format::Parallel => unreachable!("handled above"),
        }
        name_file(&mut examples[before..], path);
        if examples.len() == before {
            return Err(DataError::Empty {
                path: path.clone(),
                format: config.format.name().to_owned(),
            });
        }
    }
    Ok(examples)
}

/// Notes the file that the examples were read from.
pub(crate) fn name_file(examples: &mut [Example], path: &Path) {
    let file: Arc<Path> = Arc::from(path);
    for example in examples {
        example.file = Some(Arc::clone(&file));
    }
}
