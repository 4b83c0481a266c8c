//! Texts that are tokenized once give the batches that they give from text, and are used again.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::workplace::{Workplace, assert_same_run, config, events};

/// What the previews of some batches say, in both epochs.
fn previews(place: &Workplace, config: &str, prepare: &str, settings: &[&str]) -> String {
    let prepare = format!("data.prepare={prepare}");
    let batches = ["3", "40"].map(|batch| {
        let mut args = vec![
            "preview", config, "--json", "--batch", batch, "--set", &prepare,
        ];
        settings
            .iter()
            .for_each(|setting| args.extend(["--set", setting]));
        place.succeeds(&args)
    });
    batches.join("\n")
}

/// The prepared folders of the default place, those that are being written included.
fn entries(place: &Workplace) -> Vec<PathBuf> {
    let folder = fs::read_dir(place.path("runs/prepared")).expect("prepared texts");
    folder
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn batches_from_prepared_texts_are_those_from_text() {
    let place = Workplace::with_sample_data();
    let stream = r#"objective={ causal-lm = { rows = "stream" } }"#;
    let cases: [(&str, &[&str]); 13] = [
        ("masked-lm", &[]),
        ("masked-lm", &["data.max_length=7"]),
        ("masked-lm", &["data.packing=true"]),
        ("masked-lm", &["data.split={ ratio = 0.2, seed = 3 }"]),
        (
            "masked-lm",
            &[r#"objective={ masked-lm = { unit = "words" } }"#],
        ),
        ("permuted-lm", &[]),
        ("causal-lm", &[]),
        (
            "causal-lm",
            &[
                "data.format=text",
                "objective={ causal-lm = {} }",
                "data.max_length=9",
            ],
        ),
        ("causal-lm", &["data.format=text", stream]),
        ("span-corruption", &[]),
        ("denoise", &["data.bucket=true"]),
        ("prefix-lm", &[]),
        ("bert-pretraining", &[]),
    ];
    for (name, settings) in cases {
        let config = config(&format!("tiny/{name}.toml"));
        let from_text = previews(&place, &config, "never", settings);
        for visit in ["written", "used again"] {
            let prepared = previews(&place, &config, "always", settings);
            assert!(prepared == from_text, "{name} {settings:?}, {visit}");
        }
    }
}

#[test]
fn a_run_on_prepared_texts_gives_the_same_bytes_and_bug_class_06_resumes_exactly() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/masked-lm.toml");
    let train = |out: &str, prepare: &str| {
        let (out, prepare) = (
            format!("train.out={out}"),
            format!("data.prepare={prepare}"),
        );
        let settings = ["train.steps=12", "train.checkpoint_every=6", &out, &prepare];
        let mut args = vec!["train", config.as_str(), "--quiet"];
        settings
            .iter()
            .for_each(|setting| args.extend(["--set", setting]));
        place.succeeds(&args);
    };
    train("runs/text", "never");
    train("runs/prepared-texts", "always");
    train("runs/resumed", "always");
    fs::remove_dir_all(place.path("runs/resumed/checkpoints/step-12")).expect("the last one");
    fs::remove_dir_all(place.path("runs/resumed/model")).expect("the model");
    // Where the tokens come from may change in the middle.
    train("runs/resumed", "never");
    for run in ["runs/prepared-texts", "runs/resumed"] {
        assert_same_run(&place.path("runs/text"), &place.path(run));
    }
    let waits = events(&place.path("runs/text"));
    let waits = waits.iter().filter(|event| event["event"] == "step");
    assert!(
        waits
            .into_iter()
            .all(|step| step["data_wait_seconds"].is_number())
    );
}

#[test]
fn prepare_writes_once_and_auto_takes_what_is_there() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/masked-lm.toml");
    let prepare = || -> Value {
        serde_json::from_str(&place.succeeds(&["prepare", &config, "--json"])).expect("JSON")
    };
    let (first, second) = (prepare(), prepare());
    assert!(first["seconds"].is_number() && second["seconds"].is_null());
    assert_eq!(first["tokens"], second["tokens"]);
    let entry = place.path(first["folder"].as_str().expect("a folder"));
    assert_eq!(entries(&place), std::slice::from_ref(&entry));

    // The run with the default settings reads it: it notices the damage.
    fs::write(entry.join("ids.bin"), "cut short").expect("written");
    let message = place.is_refused(&["preview", &config]);
    assert!(
        message.contains("ids.bin has 9 bytes") && message.contains("remove it"),
        "{message}"
    );
    place.succeeds(&["preview", &config, "--set", "data.prepare=never"]);

    // Other data is another folder.
    fs::remove_dir_all(&entry).expect("removed");
    place.succeeds(&["prepare", &config, "--set", "data.format=paragraphs"]);
    place.succeeds(&["prepare", &config]);
    assert_eq!(entries(&place).len(), 2);
    place.succeeds(&["prepare", &config, "--set", "data.prepared=elsewhere"]);
    assert_eq!(
        fs::read_dir(place.path("elsewhere"))
            .expect("a folder")
            .count(),
        1
    );
}

#[test]
fn a_whole_file_is_split_by_characters_before_it_is_tokenized() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/causal-lm.toml");
    let format = "data.format=whole-file";
    let stream = r#"objective={ causal-lm = { rows = "stream" } }"#;
    let evaluated = |prepare: &str, out: &str| {
        let (prepare, out) = (
            format!("data.prepare={prepare}"),
            format!("train.out={out}"),
        );
        let settings = [
            format,
            stream,
            "train.steps=8",
            "data.split=0.2",
            &prepare,
            &out,
        ];
        let mut args = vec!["train", config.as_str(), "--quiet", "--json"];
        settings
            .iter()
            .for_each(|setting| args.extend(["--set", setting]));
        place.succeeds(&args)
    };
    assert_eq!(evaluated("never", "runs/a"), evaluated("always", "runs/b"));
}

#[test]
fn what_cannot_be_prepared_or_packed_is_said_before_any_file_is_opened() {
    let place = Workplace::empty();
    let classify = config("tiny/classify.toml");
    for setting in ["data.prepare=always", "data.prepared=folder"] {
        let message = place.is_refused(&["train", &classify, "--set", setting]);
        assert!(
            message.contains("objective classify reads more"),
            "{message}"
        );
    }
    let message = place.is_refused(&["prepare", &classify]);
    assert!(message.contains("nothing can be prepared"), "{message}");
    let denoise = config("tiny/denoise.toml");
    let message = place.is_refused(&["train", &denoise, "--set", "data.packing=true"]);
    assert!(
        message.contains("data.packing cannot be used with objective denoise"),
        "{message}"
    );
}

#[test]
fn the_pipeline_is_measured_from_text_and_from_prepared_texts() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/masked-lm.toml");
    let facts = place.succeeds(&["bench", "pipeline", "--config", &config, "--json"]);
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    for name in ["tokenize", "prepare", "from_text", "from_prepared"] {
        let rate = facts[format!("{name}_tokens_per_s")].as_f64();
        assert!(rate.is_some_and(|rate| rate > 0.0), "{name} in {facts}");
    }
}
