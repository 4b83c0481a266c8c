//! Any token can start decoding, and whatever starts it in training starts it afterwards.

use std::fs;

use serde_json::Value;

use crate::workplace::{Workplace, config};

fn json(place: &Workplace, file: &str) -> Value {
    let bytes = fs::read(place.path(file)).expect("a file");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn id_of(place: &Workplace, model: &str, token: &str) -> u64 {
    let tokenizer = json(place, &format!("{model}/tokenizer.json"));
    let added = tokenizer["added_tokens"].as_array().expect("a list");
    let entry = added.iter().find(|entry| entry["content"] == token);
    entry.expect("the token")["id"].as_u64().expect("an id")
}

fn train(place: &Workplace, settings: &[&str]) {
    let config = config("tiny/seq2seq.toml");
    let warmup = "schedule.inverse_sqrt.warmup=1";
    let mut args = vec!["train", &config, "--quiet", "--set", warmup];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    place.succeeds(&args);
}

/// Training batches, files and generation of a model start with the token.
fn starts_with(place: &Workplace, model: &str, token: &str) {
    let id = id_of(place, model, token);
    for file in ["config.json", "generation_config.json"] {
        let start = &json(place, &format!("{model}/{file}"))["decoder_start_token_id"];
        assert_eq!(start.as_u64(), Some(id), "{file}");
    }
    let stored = json(place, &format!("{model}/cresset.json"));
    assert_eq!(stored["convention"]["tokens"]["decoder_start"], token);
    let seen = place.succeeds(&["doctor", model]);
    assert!(!seen.to_lowercase().contains("fail"), "{seen}");
    let input = "{\"id\": \"a\", \"text\": \"the old cats see a small house\"}\n";
    let output = place.run_on(input, &["generate", model, "--input", "-"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["id"], "a");
}

#[test]
fn bug_class_01_a_token_of_ones_own_starts_training_and_generation_alike() {
    let place = Workplace::with_sample_data();
    let start = [
        "special.overrides.decoder_start=<go>",
        "special.policy.decoder_start.init=mean",
        "train.steps=3",
    ];
    train(&place, &[&start[..], &["train.out=run"]].concat());
    starts_with(&place, "run/model", "<go>");

    let config = config("tiny/seq2seq.toml");
    let shown = place.succeeds(&[
        "preview",
        &config,
        "--batch",
        "0",
        "--set",
        "special.overrides.decoder_start=<go>",
    ]);
    assert!(shown.contains("decoder input: <go> B"), "{shown}");

    // A folder keeps its own start, unless the config names another.
    let folder = "model={ path = \"run/model\" }";
    let same = [folder, "tokenizer={}", "train.steps=2", "train.out=same"];
    train(&place, &same);
    starts_with(&place, "same/model", "<go>");
    let other = [
        folder,
        "tokenizer={}",
        "train.steps=2",
        "train.out=other",
        "special.overrides.decoder_start=<pad>",
    ];
    train(&place, &other);
    starts_with(&place, "other/model", "<pad>");
}

#[test]
fn a_start_token_that_a_folder_does_not_know_is_refused() {
    let place = Workplace::with_sample_data();
    train(&place, &["train.steps=2", "train.out=run"]);
    let message = place.is_refused(&[
        "train",
        &config("tiny/seq2seq.toml"),
        "--set",
        "model={ path = \"run/model\" }",
        "--set",
        "tokenizer={}",
        "--set",
        "train.steps=20",
        "--set",
        "train.out=other",
        "--set",
        "special.overrides.decoder_start=<go>",
    ]);
    assert!(
        message.contains("decoder_start") && message.contains("<go>"),
        "{message}"
    );
}
