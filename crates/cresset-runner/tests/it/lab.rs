//! `cresset lab probe`: planted facts are found, and its numbers are those of the other commands.

use std::fs;

use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::workplace::{Workplace, config};

fn train(place: &Workplace, name: &str, settings: &[&str]) {
    let config = config(&format!("tiny/{name}.toml"));
    let fixed = ["train", &config, "--quiet", "--set", "train.out=run"];
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    place.succeeds(&fixed.into_iter().chain(settings).collect::<Vec<_>>());
}

fn probe(place: &Workplace, flags: &[&str]) -> Value {
    let output = place.succeeds(&[&["lab", "probe", "run/model", "--json"], flags].concat());
    serde_json::from_str(&output).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is a number"))
}

/// The accuracy of the probe of a layer's pooling.
fn accuracy(report: &Value, layer: u64, pooling: &str) -> f64 {
    let probes = report["layers"]["probes"].as_array().expect("probes");
    let found = probes
        .iter()
        .find(|p| p["layer"] == layer && p["pooling"] == pooling);
    number(&found.expect("a probe")["accuracy"]["value"])
}

/// The metrics with something in a token's place.
fn ablated<'a>(report: &'a Value, token: &str, by: &str) -> &'a Value {
    let changed = report["ablations"]["changed"].as_array().expect("a list");
    let found = changed
        .iter()
        .find(|c| c["token"] == token && c["by"] == by);
    &found.unwrap_or_else(|| panic!("{token} by {by}"))["measured"]["metrics"]
}

/// Texts of which every other one has a separator in its middle, which is its class.
fn write_separated(place: &Workplace) {
    const WORDS: [&str; 6] = ["the", "old", "cat", "sleeps", "here", "today"];
    for (file, n, shift) in [("train.jsonl", 400, 0), ("dev.jsonl", 100, 7)] {
        let line = |i: usize| {
            let mut words: Vec<&str> = (0..5)
                .map(|k| WORDS[(i / 2 + shift + k * (1 + i / 12)) % 6])
                .collect();
            let label = if i.is_multiple_of(2) { "cut" } else { "whole" };
            words[2] = if i.is_multiple_of(2) {
                "[SEP]"
            } else {
                words[2]
            };
            json!({"text": words.join(" "), "label": label}).to_string() + "\n"
        };
        place.write(file, (0..n).map(line).collect::<String>());
    }
}

#[test]
fn a_planted_separator_is_found_in_every_layer_and_ablating_it_brings_a_classifier_to_chance() {
    let place = Workplace::empty();
    write_separated(&place);
    let data = [
        "data.train=[\"train.jsonl\"]",
        "data.eval=[\"dev.jsonl\"]",
        "tokenizer.train.vocab_size=60",
        "train.steps=60",
    ];
    train(&place, "classify", &data);
    let report = probe(&place, &["--data", "dev.jsonl"]);
    assert_eq!(
        (&report["n_texts"], &report["notes"]),
        (&json!(100), &json!([]))
    );
    // The embedding of [CLS] is the same in every text: a probe of it knows nothing, one of the largest values over tokens all.
    assert!(accuracy(&report, 0, "cls") <= number(&report["layers"]["majority"]["high"]));
    assert_eq!(report["clouds"]["layers"][0]["effective_rank"], Value::Null);
    assert!(accuracy(&report, 0, "max") > 0.9);
    assert!(accuracy(&report, 1, "cls") > 0.9);
    let layer = &report["clouds"]["layers"][1];
    assert!(number(&layer["within_classes"]) > number(&layer["between_classes"]) + 0.3);
    // What the model reads the class off is the separator, not [CLS].
    assert!(number(&report["ablations"]["untouched"]["metrics"]["accuracy"]) > 0.95);
    let left = number(&ablated(&report, "[SEP]", "mean of the vocabulary")["accuracy"]);
    assert!((left - 0.5).abs() < 0.11, "{left}");
    let left = number(&ablated(&report, "[CLS]", "mean of the vocabulary")["accuracy"]);
    assert!(left > 0.9, "{left}");
    // On the classes of another task there are probes still, and it is said that there are no ablations.
    let other = |i: usize| json!({"text": "the old cat", "label": i % 3}).to_string() + "\n";
    place.write("other.jsonl", (0..30).map(other).collect::<String>());
    let report = probe(&place, &["--data", "other.jsonl"]);
    assert!(report["ablations"].is_null() && report["layers"].is_object());
    let note = report["notes"][0].as_str().expect("a note");
    assert!(note.starts_with("no ablations: label \"0\""), "{note}");
}

#[test]
fn an_ablation_gives_the_metrics_of_a_folder_whose_row_was_changed() {
    let place = Workplace::with_sample_data();
    train(&place, "classify", &["train.steps=40"]);
    let data = "sample-data/sentiment/dev.jsonl";
    let report = probe(&place, &["--data", data]);
    let evaluate = || {
        let output = place.succeeds(&["evaluate", "run/model", "--data", data, "--json"]);
        serde_json::from_str::<Value>(&output).expect("JSON")
    };
    let same = |ours: &Value, theirs: &Value| {
        for (name, value) in theirs.as_object().expect("metrics") {
            // Batches hold other texts, so sums are added in another order.
            assert!(
                (number(&ours[name]) - number(value)).abs() < 1e-5,
                "{name}: {ours}"
            );
        }
    };
    for change in report["ablations"]["changed"].as_array().expect("a list") {
        // Two ways to the same change.
        let paired = &change["paired"];
        let apart = number(&paired["mean"]) - number(&change["change"]);
        assert!(apart.abs() < 1e-9, "{change}");
        assert!(number(&paired["low"]) < number(&paired["high"]));
    }
    let untouched = &report["ablations"]["untouched"];
    same(&untouched["metrics"], &evaluate());
    assert_eq!(untouched["accuracy"]["n"], 500);
    // The row of [CLS] in the file becomes zeros.
    let path = place.path("run/model/model.safetensors");
    let mut bytes = fs::read(&path).expect("weights");
    let (start, row) = {
        let parsed = SafeTensors::deserialize(&bytes).expect("safetensors");
        let table = parsed
            .tensor("bert.embeddings.word_embeddings.weight")
            .expect("a table");
        let offset = table.data().as_ptr() as usize - bytes.as_ptr() as usize;
        (offset, table.shape()[1] * 4)
    };
    let id = {
        let tokenizer: Value = serde_json::from_slice(
            &fs::read(place.path("run/model/tokenizer.json")).expect("a tokenizer"),
        )
        .expect("JSON");
        tokenizer["model"]["vocab"]["[CLS]"]
            .as_u64()
            .expect("an id") as usize
    };
    bytes[start + id * row..start + (id + 1) * row].fill(0);
    fs::write(&path, bytes).expect("weights");
    let zeros = evaluate();
    assert_ne!(zeros["loss"], untouched["metrics"]["loss"]);
    same(ablated(&report, "[CLS]", "zeros"), &zeros);
}

#[test]
fn the_start_token_of_a_translator_is_probed_with_the_loss_of_its_evaluation() {
    let place = Workplace::with_sample_data();
    train(&place, "seq2seq", &["train.steps=40"]);
    let lines = |name: &str| fs::read_to_string(place.path(name)).expect("text");
    let (sources, targets) = (
        lines("sample-data/translation/dev.en"),
        lines("sample-data/translation/dev.lum"),
    );
    let pairs = sources.lines().zip(targets.lines());
    let pairs: String = pairs
        .map(|(text, target)| json!({"text": text, "target": target}).to_string() + "\n")
        .collect();
    place.write("pairs.jsonl", pairs);
    let report = probe(&place, &["--data", "pairs.jsonl"]);
    let start = &report["start"];
    assert_eq!(start["token"], "<bos>");
    let evaluated: Value = serde_json::from_str(&place.succeeds(&[
        "evaluate",
        "run/model",
        "--data",
        "pairs.jsonl",
        "--format",
        "jsonl",
        "--json",
        "--quiet",
    ]))
    .expect("JSON");
    let apart = number(&start["nll"]) - number(&evaluated["loss"]);
    assert!(apart.abs() < 1e-4, "{apart}");
    assert!(number(&start["entropy_of_mean"]) >= number(&start["entropy"]) - 1e-9);
    let top = start["top"].as_array().expect("a list");
    assert_eq!(top.len(), 10);
    assert!(top.is_sorted_by_key(|token| -number(&token["probability"])));
    for change in start["changed"].as_array().expect("a list") {
        assert!(number(&change["kl"]) > 1e-4, "{change}");
        assert_ne!(change["by"], "<bos>");
        let nll = &change["nll"];
        assert!(number(&nll["low"]) < number(&nll["mean"]));
    }
    // The translations have no classes, which is said.
    assert!(report["layers"].is_null());
    assert!(
        report["notes"][0]
            .as_str()
            .expect("a note")
            .contains("no labels")
    );
    let table = place.succeeds(&[
        "lab",
        "probe",
        "run/model",
        "--data",
        "pairs.jsonl",
        "--limit",
        "5",
    ]);
    assert!(
        table.contains("5 of 300 texts") && table.contains("The start token <bos>"),
        "{table}"
    );
}

#[test]
fn the_first_token_of_a_language_model_does_not_depend_on_the_text_and_probes_read_its_layers() {
    let place = Workplace::with_sample_data();
    train(
        &place,
        "causal-lm",
        &["train.steps=20", "special.convention=\"gpt\""],
    );
    let flags = ["--data", "sample-data/sentiment/dev.jsonl", "--limit", "60"];
    let report = probe(&place, &flags);
    let start = &report["start"];
    let apart = number(&start["entropy"]) - number(&start["entropy_of_mean"]);
    assert!(apart.abs() < 1e-5, "{apart}");
    assert_eq!(report["stack"], "decoder");
    assert!(accuracy(&report, 1, "last") >= 0.0);
    // The same probe again, into a file too.
    let again = [&flags[..], &["--out", "report.json"]].concat();
    assert_eq!(report, probe(&place, &again));
    let written = fs::read(place.path("report.json")).expect("a report");
    assert_eq!(
        report,
        serde_json::from_slice::<Value>(&written).expect("JSON")
    );
}

#[test]
fn data_that_cannot_be_probed_is_refused_in_one_sentence() {
    let place = Workplace::with_sample_data();
    train(&place, "masked-lm", &["train.steps=2"]);
    let labelled = |label: &dyn Fn(usize) -> Value, n: usize| -> String {
        let line =
            |i: usize| json!({"text": "the soup was good .", "label": label(i)}).to_string() + "\n";
        (0..n).map(line).collect()
    };
    place.write(
        "none.jsonl",
        "{\"text\": \"the soup was good .\"}\n".repeat(30),
    );
    place.write("one.jsonl", labelled(&|_| json!("good"), 30));
    place.write("few.jsonl", labelled(&|i| json!(i % 2), 10));
    place.write("lists.jsonl", labelled(&|_| json!(["good", "soup"]), 30));
    for (file, reason) in [
        ("none.jsonl", "no text has a label"),
        ("one.jsonl", "all 30 texts have the label \"good\""),
        ("few.jsonl", "10 texts are too few"),
        ("lists.jsonl", "list of labels"),
        ("absent.jsonl", "absent.jsonl"),
    ] {
        let message = place.is_refused(&["lab", "probe", "run/model", "--data", file, "--quiet"]);
        assert!(message.contains(reason), "{message}");
    }
    place.write("good.jsonl", labelled(&|i| json!(i % 2), 30));
    let data = [
        "lab",
        "probe",
        "run/model",
        "--data",
        "good.jsonl",
        "--quiet",
    ];
    let message = place.is_refused(&[&data[..], &["--out", "absent/report.json"]].concat());
    assert!(message.contains("choose another --out"), "{message}");
    // Texts that are all the same stay in one fold: what a probe learns of them it does not meet again.
    let report = probe(&place, &["--data", "good.jsonl"]);
    assert!(report["ablations"].is_null() && report["start"].is_null());
}
