//! From files to examples: one format per file of this module.

mod answers;
mod conll;
mod conllu;
mod delimited;
mod fields;
mod files;
mod jsonl;
mod lines;
mod object;
mod open;
mod parallel;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(not(feature = "parquet"))]
#[path = "source/no_parquet.rs"]
mod parquet;
mod quotes;
mod squad;
mod stream;
mod text;
mod zstd;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{DataError, Example};

pub use fields::FieldNames;
pub use stream::{ExampleStream, stream_examples};

/// Files and how to read them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The format of all files.
    #[serde(default)]
    pub format: Format,
    /// The files, read in this order; for `parallel` source and target in turn. Patterns such as `data/*.jsonl` stand for what they
    /// match, see [`SourceConfig::resolved_files`]; gzip and zstd are recognised and unpacked.
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
    /// One row each, its columns as JSON's fields; needs the feature `parquet`.
    Parquet,
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
            Format::Parquet => "parquet",
        }
    }
}

/// All examples of the files, in their order; [`stream_examples`] reads files that are larger than memory.
///
/// # Errors
/// As [`stream_examples`], and the first error of the stream.
pub fn read_examples(config: &SourceConfig) -> Result<Vec<Example>, DataError> {
    stream_examples(config)?.collect()
}
