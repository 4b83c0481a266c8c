//! Output layers that a folder's configuration calls tied and its weights do not.

use std::path::Path;

use super::read::floats_of;
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
    match floats_of(folder, [first, second]) {
        Some([first, second]) => first != second,
        None => false,
    }
}
