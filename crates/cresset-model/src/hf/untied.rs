//! Output layers that a folder's configuration calls tied and its weights do not.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::tensor::Metadata;
use serde::Deserialize;

use crate::t5::T5Config;

/// T5's configuration as the folder's weights have it. transformers 5 writes `tie_word_embeddings = true` for every T5, and an output
/// layer of its own beside it where the model has one, as version 1.1 does.
pub(super) fn untied_where_the_weights_are(mut config: T5Config, folder: &Path) -> T5Config {
    if config.tie_word_embeddings && holds_two(folder, "lm_head.weight", "shared.weight") {
        config.scale_decoder_outputs = Some(config.scales_outputs());
        config.tie_word_embeddings = false;
    }
    config
}

/// Whether both tensors are there, with different values. What cannot be read is an error where the weights are loaded, not here.
fn holds_two(folder: &Path, first: &str, second: &str) -> bool {
    let Some(first) = tensor_bytes(folder, first) else {
        return false;
    };
    tensor_bytes(folder, second).is_some_and(|second| second != first)
}

/// The bytes of one tensor, read without the rest of its file.
fn tensor_bytes(folder: &Path, name: &str) -> Option<Vec<u8>> {
    let whole = folder.join("model.safetensors");
    let path = if whole.exists() {
        whole
    } else {
        let index = std::fs::read(folder.join("model.safetensors.index.json")).ok()?;
        let index: ShardIndex = serde_json::from_slice(&index).ok()?;
        folder.join(index.weight_map.get(name)?)
    };
    let mut file = File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let mut header = Vec::new();
    let length = u64::from_le_bytes(length);
    (&file).take(length).read_to_end(&mut header).ok()?;
    let header: Metadata = serde_json::from_slice(&header).ok()?;
    let (begin, end) = header.info(name)?.data_offsets;
    let start = length.checked_add(8 + begin as u64)?;
    file.seek(SeekFrom::Start(start)).ok()?;
    let size = end.checked_sub(begin)?;
    let mut bytes = Vec::new();
    file.take(size as u64).read_to_end(&mut bytes).ok()?;
    (bytes.len() == size).then_some(bytes)
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}
