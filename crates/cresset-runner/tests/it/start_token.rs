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

/// The metrics of a model on the held-out pairs, and what it writes for the first of them.
fn measured(place: &Workplace, model: &str, more: &[&str]) -> (Value, String) {
    let dev = ["en", "lum"].map(|end| format!("sample-data/translation/dev.{end}"));
    let evaluate = ["evaluate", model, "--json", "--data", &dev[0], &dev[1]];
    let metrics = place.succeeds(&[&evaluate[..], more].concat());
    let generate = ["generate", model, "--text", "--max-new-tokens", "20"];
    let input = ["--input", &dev[0]];
    let written = place.succeeds(&[&generate[..], &input, more].concat());
    let metrics = serde_json::from_str(&metrics).expect("JSON");
    (metrics, written)
}

#[test]
fn bug_class_01_another_start_is_as_if_the_folder_named_it() {
    let place = Workplace::with_sample_data();
    train(&place, &["train.out=run"]);
    let model = "run/model";
    let own = measured(&place, model, &[]);
    assert_eq!(measured(&place, model, &["--decoder-start", "<bos>"]), own);
    let other = measured(&place, model, &["--decoder-start", "<eos>"]);
    assert_ne!(other.0["loss"], own.0["loss"]);
    assert!(other.0["bleu"].is_number());
    // A word of the vocabulary, with which some targets begin.
    let word = measured(&place, model, &["--decoder-start", "a"]);
    assert_ne!(word.0["loss"], own.0["loss"]);

    let facts = place.path("run/model/cresset.json");
    let mut stored = json(&place, "run/model/cresset.json");
    stored["convention"]["tokens"]["decoder_start"] = "<eos>".into();
    fs::write(&facts, stored.to_string()).expect("a file");
    assert_eq!(measured(&place, model, &[]), other);
}

#[test]
fn another_start_stands_in_front_of_a_decoders_documents() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/causal-lm.toml");
    let settings = |rows: &'static str, out: &'static str| {
        let mut args = vec!["train".to_owned(), config.clone(), "--quiet".to_owned()];
        let format = if rows.contains("documents") {
            "text"
        } else {
            "whole-file"
        };
        for setting in [rows, out, "train.steps=6", "data.format="] {
            let value = if setting.ends_with('=') { format } else { "" };
            args.extend(["--set".to_owned(), format!("{setting}{value}")]);
        }
        args
    };
    for (rows, out) in [
        (
            "objective={ causal-lm = { rows = \"documents\" } }",
            "train.out=docs",
        ),
        (
            "objective={ causal-lm = { rows = \"stream\" } }",
            "train.out=stream",
        ),
    ] {
        let args = settings(rows, out);
        place.succeeds(&args.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let evaluate = |more: &[&str]| -> Value {
        let data = [
            "evaluate",
            "docs/model",
            "--json",
            "--data",
            "sample-data/corpus.txt",
        ];
        serde_json::from_str(&place.succeeds(&[&data[..], more].concat())).expect("JSON")
    };
    let own = evaluate(&[]);
    assert_eq!(evaluate(&["--decoder-start", "<bos>"]), own);
    assert_ne!(evaluate(&["--decoder-start", "<eos>"])["loss"], own["loss"]);
    let generate = |more: &[&str]| {
        let prompt = [
            "generate",
            "docs/model",
            "--input",
            "-",
            "--max-new-tokens",
            "12",
        ];
        let output = place.run_on("{\"text\": \"\"}\n", &[&prompt[..], more].concat());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(generate(&["--decoder-start", "<bos>"]), generate(&[]));
    assert_ne!(generate(&["--decoder-start", "e"]), generate(&[]));

    let data = ["--data", "sample-data/corpus.txt", "--decoder-start", "e"];
    let message = place.is_refused(&[&["evaluate", "stream/model"], &data[..]].concat());
    assert!(message.contains("windows of a stream"), "{message}");
}

#[test]
fn a_start_that_cannot_be_is_refused() {
    let place = Workplace::with_sample_data();
    train(&place, &["train.steps=2", "train.out=run"]);
    let encoder = config("tiny/masked-lm.toml");
    let short = ["train.steps=2", "train.out=encoder"];
    place.succeeds(&[
        "train", &encoder, "--quiet", "--set", short[0], "--set", short[1],
    ]);
    let data = ["--data", "sample-data/corpus.txt", "--decoder-start"];
    for command in ["evaluate", "generate"] {
        let data = if command == "evaluate" {
            data
        } else {
            ["--input", "sample-data/corpus.txt", data[2]]
        };
        let unknown = place.is_refused(&[&[command, "run/model"], &data[..], &["<go>"]].concat());
        assert!(
            unknown.contains("no token \"<go>\"") && unknown.contains("<bos>"),
            "{unknown}"
        );
        let other =
            place.is_refused(&[&[command, "encoder/model"], &data[..], &["[CLS]"]].concat());
        assert!(other.contains("encoder (bert)"), "{other}");
    }
}
