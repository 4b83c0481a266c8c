//! `index.json`: what a folder of prepared texts holds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::damaged;
use crate::texts::Width;
use crate::{DataError, TextForm};

/// The file's name.
pub(super) const INDEX: &str = "index.json";

/// The layout of the files; a change of it is another number.
pub(super) const LAYOUT: u32 = 1;

/// What a folder holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    pub(super) layout: u32,
    /// The tool's version.
    pub(super) version: String,
    /// The folder's own name.
    pub(super) key: String,
    /// The data files, for a reader.
    pub(super) sources: Vec<String>,
    pub(super) form: TextForm,
    /// How ids are written.
    pub(super) ids: Width,
    pub(super) n_texts: u64,
    pub(super) n_pieces: u64,
    pub(super) n_tokens: u64,
    pub(super) files: BTreeMap<String, FileFacts>,
}

/// A file's size and checksum.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileFacts {
    pub(super) bytes: u64,
    pub(super) blake3: String,
}

/// The one field that every layout has.
#[derive(Deserialize)]
struct AnyLayout {
    layout: u32,
}

impl Index {
    pub(super) fn read(folder: &Path, key: &str) -> Result<Index, DataError> {
        let path = folder.join(INDEX);
        let text = std::fs::read_to_string(&path).map_err(|e| {
            damaged(
                folder,
                &format!(
                    "it holds no readable {INDEX} ({e}), so it is something else or half a copy"
                ),
            )
        })?;
        let broken =
            |e: serde_json::Error| damaged(folder, &format!("its {INDEX} is broken ({e})"));
        let AnyLayout { layout } = serde_json::from_str(&text).map_err(broken)?;
        if layout != LAYOUT {
            return Err(damaged(
                folder,
                &format!("its layout is {layout}, and this version of the tool reads {LAYOUT}"),
            ));
        }
        let index: Index = serde_json::from_str(&text).map_err(broken)?;
        if index.key != key {
            return Err(damaged(
                folder,
                &format!("its {INDEX} says it is {}, so it was renamed", index.key),
            ));
        }
        index.check_counts(folder)?;
        Ok(index)
    }

    /// The files' sizes follow from the counts.
    fn check_counts(&self, folder: &Path) -> Result<(), DataError> {
        let sizes = [
            ("ids.bin", self.n_tokens * self.ids.bytes() as u64),
            ("pieces.bin", (self.n_pieces + 1) * 8),
        ];
        for (name, size) in sizes {
            if self.files.get(name).map(|file| file.bytes) != Some(size) {
                return Err(damaged(
                    folder,
                    &format!("its {INDEX} contradicts itself about {name}"),
                ));
            }
        }
        Ok(())
    }
}
