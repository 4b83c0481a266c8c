//! What a classifier reads is stored with it, and what a fine-tuned model begins anew is named.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::end_to_end::measured;
use crate::workplace::{Workplace, config, events};

const DATA: &str = "sample-data/sentiment/dev.jsonl";

fn args(out: &str, settings: &[&str]) -> Vec<String> {
    let mut args = vec!["train".to_owned(), config("tiny/classify.toml")];
    args.push("--quiet".to_owned());
    let out = format!("train.out={out}");
    for setting in [&out[..], "train.steps=5"].iter().chain(settings) {
        args.extend(["--set".to_owned(), (*setting).to_owned()]);
    }
    args
}

fn train(place: &Workplace, out: &str, settings: &[&str]) {
    let args = args(out, settings);
    place.succeeds(&args.iter().map(String::as_str).collect::<Vec<_>>());
}

fn refused(place: &Workplace, settings: &[&str]) -> String {
    let args = args("refused", settings);
    place.is_refused(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn tensors(model: &Path) -> BTreeMap<String, Vec<u8>> {
    let bytes = fs::read(model.join("model.safetensors")).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let all = file.tensors().into_iter();
    all.map(|(name, view)| (name, view.data().to_vec()))
        .collect()
}

/// Fails unless the saved model has the loss that training measured last.
fn assert_measured_as_trained(place: &Workplace, out: &str) {
    let trained = events(&place.path(out))
        .into_iter()
        .rfind(|event| event["event"] == "evaluated")
        .expect("an evaluation");
    let loss = |metrics: &Value| metrics["loss"].as_f64().expect("a loss");
    let model = format!("{out}/model");
    let (then, now) = (
        loss(&trained["values"]),
        loss(&measured(place, &model, DATA)),
    );
    assert!((then - now).abs() < 1e-5, "{out}: {then} and {now}");
}

#[test]
fn what_a_classifier_reads_is_stored_with_it_and_used_when_it_is_loaded() {
    let place = Workplace::with_sample_data();
    for (out, pooling, stored) in [
        ("mean", "\"mean\"", json!(["mean"])),
        (
            "several",
            "[\"cls\", \"first-last-avg\", \"attentive\"]",
            json!(["cls", "first-last-avg", "attentive"]),
        ),
        ("tokens", "\"all-cls\"", json!(["all-cls"])),
    ] {
        let setting = format!("objective.classify.pooling={pooling}");
        let more_cls = "special.overrides.more_cls=[\"[CLS2]\", \"[CLS3]\"]";
        let begin = "special.policy.more_cls.init=copy:[CLS]";
        let settings = match out {
            "tokens" => vec![&setting[..], more_cls, begin],
            _ => vec![&setting[..]],
        };
        train(&place, out, &settings);
        let model = format!("{out}/model");
        let bytes = fs::read(place.path(&model).join("config.json")).expect("config.json");
        let config: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(config["classifier_pooling"], stored);
        let has_query = tensors(&place.path(&model)).contains_key("pooling_query");
        assert_eq!(has_query, out == "several");
        let n_cls = config["n_cls_tokens"].as_u64();
        assert_eq!(n_cls, (out == "tokens").then_some(3));

        assert_measured_as_trained(&place, out);

        // Other ways to load it come to the same scores.
        let text = "{\"text\": \"the soup was good .\"}\n";
        let answer = place.run_on(text, &["predict", &model, "--input", "-"]);
        let answer: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
        assert!(answer["scores"].is_object(), "{answer}");
        place.succeeds(&["doctor", &model]);
        let embedded = place.run_on(text, &["embed", &model, "--input", "-"]);
        let said = String::from_utf8_lossy(&embedded.stderr).into_owned();
        assert!(embedded.status.success(), "{said}");
        assert_eq!(said.contains("warning"), out != "mean", "{said}");
    }
    // A pooler is no part of a model that does not read it.
    let names = tensors(&place.path("mean/model"));
    assert!(!names.keys().any(|name| name.contains("pooler")));
}

#[test]
fn what_an_encoder_decoder_is_judged_by_is_stored_and_used_too() {
    let place = Workplace::with_sample_data();
    for (kind, pooling) in [
        ("t5", json!(["encoder-mean"])),
        ("t5", json!(["decoder-start", "first-last-avg"])),
        ("bart", json!(["cls", "attentive", "encoder-first"])),
    ] {
        let out = format!("{kind}-{}", pooling.as_array().expect("a list").len());
        let model = format!(
            "model={{ {kind} = {{ n_layers = 2, hidden_size = 32, n_heads = 4, intermediate_size = 64 }} }}"
        );
        let setting = format!("objective.classify.pooling={pooling}");
        train(&place, &out, &[&model, &setting]);
        let model = format!("{out}/model");
        let bytes = fs::read(place.path(&model).join("config.json")).expect("config.json");
        let config: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(config["classifier_pooling"], pooling);
        assert_measured_as_trained(&place, &out);
        let seen = place.succeeds(&["doctor", &model]);
        assert!(!seen.contains("NOT SO"), "{out}: {seen}");
        let text = "{\"text\": \"the soup was good .\"}\n";
        let answer = place.run_on(text, &["predict", &model, "--input", "-"]);
        let answer: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
        assert!(answer["scores"].is_object(), "{answer}");
    }
    let of_encoder = [
        "evaluate",
        "t5-1/model",
        "--data",
        DATA,
        "--decoder-start",
        "</s>",
    ];
    let said = place.is_refused(&of_encoder);
    assert!(
        said.contains("the encoder only (pooling encoder-mean)"),
        "{said}"
    );
    let bert = refused(&place, &["objective.classify.pooling=\"encoder-mean\""]);
    assert!(bert.contains("on an encoder has no encoder-mean"), "{bert}");
}

#[test]
fn embeddings_are_made_as_they_were_trained_of_several_poolings_too() {
    let place = Workplace::with_sample_data();
    let shipped = config("tiny/contrastive.toml");
    place.succeeds(&[
        "train",
        &shipped,
        "--quiet",
        "--set",
        "train.out=run",
        "--set",
        "train.steps=20",
        "--set",
        "objective.contrastive.pooling=[\"cls\", \"mean\"]",
    ]);
    let text = "{\"text\": \"the soup was good .\"}\n";
    let embed = |more: &[&str]| {
        let args = [&["embed", "run/model", "--input", "-"], more].concat();
        let output = place.run_on(text, &args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && said.is_empty(), "{said}");
        let line: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        line["embedding"].as_array().expect("a vector").clone()
    };
    assert_eq!(embed(&[]), embed(&["--pooling", "cls,mean"]));
    let message = place.is_refused(&[
        "train",
        &shipped,
        "--set",
        "train.out=other",
        "--set",
        "objective.contrastive.pooling=[\"cls\", \"attentive\"]",
    ]);
    assert!(message.contains("`attentive`"), "{message}");
}

#[test]
fn poolings_that_make_no_sense_are_refused() {
    let place = Workplace::with_sample_data();
    for (pooling, part) in [
        ("\"meen\"", "did you mean `mean`?"),
        ("[\"cls\", \"maks\"]", "did you mean `max`?"),
        ("[\"mean\", \"mean\"]", "mean twice"),
        ("[]", "name at least one"),
        ("3", "a pooling or a list of them"),
    ] {
        let message = refused(&place, &[&format!("objective.classify.pooling={pooling}")]);
        assert!(message.contains(part), "{part:?} in: {message}");
    }
}

#[test]
fn what_is_reset_begins_anew_and_the_rest_is_kept() {
    let place = Workplace::with_sample_data();
    train(&place, "first", &["seed=5"]);
    // [MASK] stands in no text: trained alone and without decay, nothing moves.
    let still = [
        "special.policy.mask.train=alone",
        "special.policy.mask.weight_decay=0.0",
    ];
    train(&place, "fresh", &still);
    let folder = "model={ path = \"first/model\", reset = [\"pooler\"] }";
    let tuned = [&still[..], &[folder, "tokenizer={}"]].concat();
    train(&place, "tuned", &tuned);
    let [first, fresh, tuned] =
        ["first", "fresh", "tuned"].map(|run| tensors(&place.path(&format!("{run}/model"))));
    for (name, values) in &tuned {
        if name.contains("pooler.dense.weight") {
            assert_eq!(*values, fresh[name], "{name}");
            assert_ne!(*values, first[name], "{name}");
        } else if !name.contains("pooler") {
            assert_eq!(*values, first[name], "{name}");
        }
    }

    let message = refused(
        &place,
        &[
            "model={ path = \"first/model\", reset = [\"puler\"] }",
            "tokenizer={}",
        ],
    );
    assert!(message.contains("model.reset names \"puler\""), "{message}");
    let message = refused(
        &place,
        &[
            "model={ path = \"first/model\", resett = [] }",
            "tokenizer={}",
        ],
    );
    assert!(message.contains("did you mean `reset`?"), "{message}");
}
