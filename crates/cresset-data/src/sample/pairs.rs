//! Sentences beside their translation into Lumo, in one file: texts that belong together.

use std::collections::HashSet;

use rand_chacha::ChaCha8Rng;

use super::translation;

const N_TRAIN: usize = 2000;
const N_DEV: usize = 200;

/// Both splits; no English sentence occurs twice.
pub(super) fn files(rng: &mut ChaCha8Rng) -> Vec<(&'static str, String)> {
    let mut seen = HashSet::new();
    let train = lines(N_TRAIN, &mut seen, rng);
    let dev = lines(N_DEV, &mut seen, rng);
    vec![("pairs/train.jsonl", train), ("pairs/dev.jsonl", dev)]
}

fn lines(n: usize, seen: &mut HashSet<String>, rng: &mut ChaCha8Rng) -> String {
    let mut lines = Vec::with_capacity(n);
    while lines.len() < n {
        let (text, pair) = translation::both(rng);
        if seen.insert(text.clone()) {
            let line = serde_json::json!({ "text": text, "pair": pair });
            lines.push(format!("{line}\n"));
        }
    }
    lines.concat()
}
