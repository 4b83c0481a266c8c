//! `cresset.json`: the convention in a model folder, by the spelling of its tokens.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Convention, Overrides, SpecialToken};
use crate::{DataError, Tokenizer};

const FILE: &str = "cresset.json";
const KEY: &str = "convention";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    preset: String,
    tokens: Overrides,
}

impl Convention {
    /// Writes the convention into the folder's `cresset.json`; what else the file holds stays.
    ///
    /// # Errors
    /// A file that cannot be written, or one that is there and not JSON.
    pub fn save(&self, folder: &Path) -> Result<(), DataError> {
        let path = folder.join(FILE);
        let mut file = if path.exists() {
            read(&path)?
        } else {
            Map::new()
        };
        let stored = Stored {
            preset: self.name.clone(),
            tokens: self.as_overrides(),
        };
        let value = serde_json::to_value(stored).expect("a convention is plain data");
        file.insert(KEY.to_owned(), value);
        let text = serde_json::to_string_pretty(&file).expect("a JSON object is plain data");
        fs::write(&path, text + "\n").map_err(|source| DataError::Write { path, source })
    }

    /// Reads the convention of a model folder.
    ///
    /// # Errors
    /// A `cresset.json` that is missing, broken or without a convention; a token that the tokenizer does not have.
    pub fn load(folder: &Path, tokenizer: &Tokenizer) -> Result<Self, DataError> {
        let path = folder.join(FILE);
        let fail = |reason: String| DataError::ConventionFile {
            path: path.clone(),
            reason,
        };
        let mut file = read(&path)?;
        let value = file
            .remove(KEY)
            .ok_or_else(|| fail(format!("there is no key \"{KEY}\"")))?;
        let stored: Stored = serde_json::from_value(value).map_err(|e| fail(e.to_string()))?;
        Self::with_overrides(&stored.preset, &stored.tokens, tokenizer)
    }

    /// Every role's token, so that a stored convention does not depend on what a preset prefers.
    pub(super) fn as_overrides(&self) -> Overrides {
        let spelled = |token: &Option<SpecialToken>| token.as_ref().map(|t| t.token.clone());
        let decoder = self.decoder.as_ref();
        Overrides {
            pad: Some(self.roles.pad.token.clone()),
            unk: spelled(&self.roles.unk),
            cls: spelled(&self.roles.cls),
            more_cls: Some(&self.roles.more_cls)
                .filter(|more| !more.is_empty())
                .map(|more| more.iter().map(|t| t.token.clone()).collect()),
            sep: spelled(&self.roles.sep),
            mask: spelled(&self.roles.mask),
            bos: spelled(&self.roles.bos),
            eos: spelled(&self.roles.eos),
            decoder_start: decoder.and_then(|d| spelled(&d.start)),
            learned_start: decoder.filter(|d| d.start_is_learned).map(|_| true),
            decoder_prefix: decoder.map(|d| d.prefix.iter().map(|t| t.token.clone()).collect()),
            pad_side: Some(self.pad_side),
        }
    }
}

fn read(path: &Path) -> Result<Map<String, Value>, DataError> {
    let text = fs::read_to_string(path).map_err(|source| DataError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|e| DataError::ConventionFile {
        path: path.to_owned(),
        reason: format!("not a JSON object ({e})"),
    })
}
