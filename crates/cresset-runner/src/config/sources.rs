//! The entries of `data.train`: names of files, and tables that give files a weight, a format or fields of their own.

use std::fmt;
use std::path::PathBuf;

use cresset_data::{FieldNames, Format, SourceConfig};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::DataConfig;
use crate::failure::user;

/// An entry of `data.train`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TrainEntry {
    /// A file, or a pattern of files.
    File(PathBuf),
    /// Files that are read or drawn in their own way.
    Source(Box<TrainSource>),
}

/// Files with a weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSource {
    /// The files or patterns; for `parallel` source and target in turn.
    pub files: Vec<PathBuf>,
    /// How often an epoch draws each row.
    #[serde(default = "one")]
    pub weight: f64,
    /// Their format; `data.format` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Which fields or columns hold what; `data.fields` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields: Option<FieldNames>,
}

fn one() -> f64 {
    1.0
}

/// What is trained on, and how often an epoch draws each of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedSource {
    /// The files and how to read them.
    pub files: SourceConfig,
    /// Draws per epoch.
    pub weight: f64,
}

impl DataConfig {
    /// The sources of `data.train`: first all plain names together, with weight 1, then the tables.
    pub fn train_sources(&self) -> Vec<WeightedSource> {
        let plain = self.train.iter().filter_map(|entry| match entry {
            TrainEntry::File(name) => Some(name.clone()),
            TrainEntry::Source(_) => None,
        });
        let plain: Vec<PathBuf> = plain.collect();
        let mut sources = Vec::new();
        if !plain.is_empty() {
            sources.push(WeightedSource {
                files: self.source(plain),
                weight: 1.0,
            });
        }
        sources.extend(self.train.iter().filter_map(|entry| match entry {
            TrainEntry::File(_) => None,
            TrainEntry::Source(source) => Some(WeightedSource {
                files: SourceConfig {
                    format: source.format.unwrap_or(self.format),
                    files: source.files.clone(),
                    fields: source.fields.clone().unwrap_or_else(|| self.fields.clone()),
                },
                weight: source.weight,
            }),
        }));
        sources
    }

    /// Files that are read as the section says.
    pub fn source(&self, files: Vec<PathBuf>) -> SourceConfig {
        SourceConfig {
            format: self.format,
            files,
            fields: self.fields.clone(),
        }
    }
}

/// Refuses entries that name nothing or weigh nothing.
///
/// # Errors
/// The entry, by its number from 0, and the way out.
pub fn check(entries: &[TrainEntry]) -> anyhow::Result<()> {
    if entries.is_empty() {
        return Err(user(
            "data.train names no file; set data.train = [\"train.jsonl\"]",
        ));
    }
    for (i, entry) in entries.iter().enumerate() {
        let TrainEntry::Source(source) = entry else {
            continue;
        };
        if source.files.is_empty() {
            return Err(user(format!(
                "data.train[{i}].files names no file; set files = [\"train.jsonl\"]"
            )));
        }
        if !(source.weight > 0.0 && source.weight.is_finite()) {
            return Err(user(format!(
                "data.train[{i}].weight is {} but must be above 0 and finite: 2 draws every row twice an epoch, 0.5 every other; remove the entry to leave it out",
                source.weight
            )));
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for TrainEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrTable)
    }
}

struct NameOrTable;

impl<'de> Visitor<'de> for NameOrTable {
    type Value = TrainEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file name, or a table such as { files = [\"a.jsonl\"], weight = 2.0 }")
    }

    fn visit_str<E>(self, name: &str) -> Result<TrainEntry, E> {
        Ok(TrainEntry::File(PathBuf::from(name)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TrainEntry, A::Error> {
        let source = TrainSource::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TrainEntry::Source(Box::new(source)))
    }
}
