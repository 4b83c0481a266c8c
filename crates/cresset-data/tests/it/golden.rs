//! Equality with Python's tokenizers and transformers; the golden files come from `scripts/golden_tokenizer.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cresset_data::{Convention, Tokenizer, TokenizerKind, TokenizerTrainConfig};
use serde_json::Value;

const CORPUS: &str = include_str!("../golden/corpus.txt");
const PAIRS: [(&str, Option<&str>); 4] = [
    ("The old dog ran across the river.", None),
    (
        "She said: \"I don't know!\"",
        Some("The keys are under the stone."),
    ),
    ("Ein unbekanntes Wort: Quizzaciously, 世界, ꙮ, naïve", None),
    ("  two  spaces and\ta tab ", Some("x")),
];

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn train(preset: &str, config: &TokenizerTrainConfig) -> Tokenizer {
    Tokenizer::train(config, CORPUS.lines(), preset).unwrap()
}

fn numbers(value: &Value) -> Vec<Vec<u32>> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn word_pieces_are_those_of_python() {
    let config = TokenizerTrainConfig {
        vocab_size: 300,
        lowercase: true,
        ..TokenizerTrainConfig::new(TokenizerKind::Wordpiece)
    };
    let tokenizer = train("bert", &config);
    let ours: BTreeSet<String> = (0..tokenizer.vocab_size() as u32)
        .map(|id| tokenizer.id_to_token(id).unwrap())
        .collect();
    let golden = golden("vocabulary.json");
    let set =
        |key: &str| -> BTreeSet<String> { serde_json::from_value(golden[key].clone()).unwrap() };
    // Python breaks ties at random: what all its runs have must be ours, and ours must be in some of them.
    let always = set("word_pieces_always");
    assert_eq!(
        always.difference(&ours).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    let any: BTreeSet<String> = always
        .union(&set("word_pieces_sometimes"))
        .cloned()
        .collect();
    assert_eq!(
        ours.difference(&any).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

#[test]
fn byte_level_pieces_and_ids_are_those_of_python() {
    let config = TokenizerTrainConfig {
        vocab_size: 400,
        min_frequency: 0,
        ..TokenizerTrainConfig::new(TokenizerKind::Bpe)
    };
    let tokenizer = train("mt", &config);
    let golden = golden("vocabulary.json");
    let ours: Vec<String> = (0..400)
        .map(|id| tokenizer.id_to_token(id).unwrap())
        .collect();
    let pieces: Vec<String> = serde_json::from_value(golden["byte_level"].clone()).unwrap();
    assert_eq!(ours, pieces);
    let ids: Vec<Vec<u32>> = PAIRS
        .iter()
        .map(|(text, _)| tokenizer.encode(text))
        .collect();
    assert_eq!(ids, numbers(&golden["byte_level_ids"]));
}

/// Tokenizers of all kinds and presets, as transformers reads their folders.
fn folders() -> BTreeMap<&'static str, (&'static str, TokenizerTrainConfig)> {
    let config = |kind| TokenizerTrainConfig {
        vocab_size: 400,
        ..TokenizerTrainConfig::new(kind)
    };
    let lower = |kind| TokenizerTrainConfig {
        lowercase: true,
        ..config(kind)
    };
    use TokenizerKind::{Bpe, Characters, Unigram, Wordpiece};
    BTreeMap::from([
        ("albert-unigram", ("albert", lower(Unigram))),
        ("bart-bpe", ("bart", config(Bpe))),
        ("bert-wordpiece", ("bert", lower(Wordpiece))),
        ("gpt-bpe", ("gpt", config(Bpe))),
        ("gpt-characters", ("gpt", config(Characters))),
        ("mt-bpe", ("mt", config(Bpe))),
        ("plain-characters", ("plain", config(Characters))),
        ("roberta-bpe", ("roberta", lower(Bpe))),
        ("t5-unigram", ("t5", config(Unigram))),
        ("xlnet-unigram", ("xlnet", config(Unigram))),
    ])
}

#[test]
#[ignore = "writes the folders that scripts/golden_tokenizer.py reads, into CRESSET_FOLDERS"]
fn write_folders() {
    let target = std::env::var_os("CRESSET_FOLDERS").unwrap();
    for (name, (preset, config)) in folders() {
        let tokenizer = train(preset, &config);
        let convention = Convention::preset(preset, &tokenizer).unwrap();
        tokenizer
            .save(Path::new(&target).join(name), &convention)
            .unwrap();
    }
}

#[test]
fn trained_tokenizers_encode_and_frame_as_transformers_does_with_their_folders() {
    let golden = golden("encodings.json");
    for (name, (preset, config)) in folders() {
        let tokenizer = train(preset, &config);
        let convention = Convention::preset(preset, &tokenizer).unwrap();
        let golden = &golden[name];
        for (i, (text, pair)) in PAIRS.iter().enumerate() {
            let (a, b) = (
                tokenizer.encode(text),
                pair.map(|pair| tokenizer.encode(pair)),
            );
            let (ids, segments) = match convention.encoder_frame() {
                Some(_) => {
                    let framed = convention.encoder_input(&a, b.as_deref(), 512).unwrap();
                    (framed.ids, Some(framed.segments))
                }
                None => (
                    convention.document(&[a, b.unwrap_or_default()].concat()),
                    None,
                ),
            };
            assert_eq!(ids, numbers(&golden["ids"])[i], "{name}, text {i}");
            if let (Some(segments), false) = (segments, golden["segments"].is_null()) {
                assert_eq!(
                    segments,
                    numbers(&golden["segments"])[i],
                    "{name}, text {i}"
                );
            }
            assert_eq!(
                tokenizer.decode(&ids),
                golden["decoded"][i].as_str().unwrap(),
                "{name}, text {i}"
            );
        }
        if preset != "plain" {
            assert_eq!(golden["pad"], convention.pad_id(), "{name}");
        }
    }
}
