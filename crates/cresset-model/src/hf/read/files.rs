//! Which files of a folder hold its weights.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::tensor::FileTensor;
use super::{pytorch, safetensors};
use crate::error::ModelError;

/// A way to store weights: one file, or shards with an index, and what opens a file.
struct Form {
    whole: &'static str,
    index: &'static str,
    open: fn(&Path) -> Result<Vec<FileTensor>, ModelError>,
}

/// The first form that a folder holds counts, as in transformers.
const FORMS: [Form; 2] = [
    Form {
        whole: "model.safetensors",
        index: "model.safetensors.index.json",
        open: safetensors::open,
    },
    Form {
        whole: "pytorch_model.bin",
        index: "pytorch_model.bin.index.json",
        open: pytorch::open,
    },
];

/// Every tensor of a folder's weights.
///
/// # Errors
/// A folder without weights, a shard that is not there, a damaged file.
pub(super) fn open(folder: &Path) -> Result<Vec<FileTensor>, ModelError> {
    for form in FORMS {
        let (whole, index) = (folder.join(form.whole), folder.join(form.index));
        if whole.exists() {
            return (form.open)(&whole);
        }
        if index.exists() {
            let shards = shards(folder, &index)?;
            let tensors: Result<Vec<_>, _> = shards.iter().map(|path| (form.open)(path)).collect();
            return Ok(tensors?.into_iter().flatten().collect());
        }
    }
    Err(ModelError::NoWeights {
        folder: folder.to_owned(),
    })
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

/// The files that an index names, all of which must be there.
fn shards(folder: &Path, index: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let text = std::fs::read_to_string(index).map_err(ModelError::read(index))?;
    let parsed: ShardIndex = serde_json::from_str(&text).map_err(|error| ModelError::Json {
        path: index.to_owned(),
        reason: error.to_string(),
    })?;
    let names: BTreeSet<String> = parsed.weight_map.into_values().collect();
    let there = |name: String| {
        let path = folder.join(&name);
        if path.exists() {
            return Ok(path);
        }
        Err(ModelError::MissingShard {
            index: index.to_owned(),
            shard: name,
        })
    };
    names.into_iter().map(there).collect()
}
