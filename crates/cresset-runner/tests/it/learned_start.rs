//! A decoder that starts with a vector of its own, trained, stored and used.

use std::fs;

use safetensors::SafeTensors;
use serde_json::Value;

use crate::workplace::{Workplace, assert_same_run, config, events};

const LEARNED: &str = "special.overrides.learned_start=true";

fn json(place: &Workplace, file: &str) -> Value {
    let bytes = fs::read(place.path(file)).expect("a file");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn train(place: &Workplace, name: &str, settings: &[&str]) {
    let config = config(&format!("tiny/{name}.toml"));
    let mut args = vec!["train", &config, "--quiet"];
    if name.starts_with("seq2seq") {
        args.extend(["--set", "schedule.inverse_sqrt.warmup=1"]);
    }
    for setting in settings {
        args.extend(["--set", setting]);
    }
    place.succeeds(&args);
}

/// The tensors of a model whose names end so, by their names.
fn tensors(place: &Workplace, model: &str, ending: &str) -> Vec<(String, Vec<f32>)> {
    let path = place.path(&format!("{model}/model.safetensors"));
    let bytes = fs::read(path).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let of = |name: &str| {
        let view = file.tensor(name).expect("a tensor");
        let words = view.data().as_chunks::<4>().0.iter();
        words.map(|word| f32::from_le_bytes(*word)).collect()
    };
    let mut names: Vec<&str> = file.names().into_iter().collect();
    names.retain(|name| name.ends_with(ending));
    names.sort_unstable();
    names
        .iter()
        .map(|name| ((*name).to_owned(), of(name)))
        .collect()
}

fn start(place: &Workplace, model: &str) -> Vec<f32> {
    let mut found = tensors(place, model, "decoder_start_vector");
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0).1
}

#[test]
fn bug_class_01_a_learned_start_starts_training_and_generation_of_every_decoder() {
    let place = Workplace::with_sample_data();
    for (name, stand_in) in [
        ("seq2seq", "<bos>"),
        ("seq2seq-t5", "<pad>"),
        ("seq2seq-bart", "</s>"),
        ("seq2seq-bert2bert", "[CLS]"),
    ] {
        let out = format!("train.out={name}");
        train(&place, name, &[LEARNED, "train.steps=12", &out]);
        let model = format!("{name}/model");
        let written = json(&place, &format!("{model}/config.json"));
        assert_eq!(written["decoder_start_vector"], true, "{name}");
        let tokens = &json(&place, &format!("{model}/cresset.json"))["convention"]["tokens"];
        assert_eq!(tokens["learned_start"], true, "{name}");
        // Readers that know of no such vector find a token.
        assert_eq!(tokens["decoder_start"], stand_in, "{name}");
        assert!(written["decoder_start_token_id"].is_u64(), "{name}");
        assert!(start(&place, &model).iter().any(|x| *x != 0.0), "{name}");
        let seen = place.succeeds(&["doctor", &model]);
        assert!(!seen.to_lowercase().contains("fail"), "{name}: {seen}");
        assert!(seen.contains("(learned-start)"), "{name}: {seen}");

        let input = "{\"id\": \"a\", \"text\": \"the old cats see a small house\"}\n";
        let write = |more: &[&str]| {
            let args = ["generate", &model, "--input", "-", "--max-new-tokens", "8"];
            let output = place.run_on(input, &[&args[..], more].concat());
            assert!(output.status.success(), "{name}: {output:?}");
        };
        write(&[]);
        write(&["--decoder-start", stand_in]);
        let evaluate = |more: &[&str]| {
            let dev = ["en", "lum"].map(|end| format!("sample-data/translation/dev.{end}"));
            let args = ["evaluate", &model, "--json", "--data", &dev[0], &dev[1]];
            let said = place.succeeds(&[&args[..], more].concat());
            let said: Value = serde_json::from_str(&said).expect("JSON");
            said["loss"].as_f64().expect("a number")
        };
        assert_ne!(
            evaluate(&[]),
            evaluate(&["--decoder-start", stand_in]),
            "{name}"
        );
    }
    let shown = place.succeeds(&["preview", &config("tiny/seq2seq.toml"), "--set", LEARNED]);
    assert!(
        shown.contains("decoder input: (learned-start) B"),
        "{shown}"
    );
}

#[test]
fn a_classifier_reads_where_its_learned_start_stands() {
    let place = Workplace::with_sample_data();
    for kind in ["t5", "bart"] {
        let model = format!(
            "model={{ {kind} = {{ n_layers = 1, hidden_size = 32, n_heads = 4, intermediate_size = 64 }} }}"
        );
        let out = format!("train.out={kind}");
        let pooling = "objective.classify.pooling=\"decoder-start\"";
        let settings = [LEARNED, &model, pooling, &out, "train.steps=5"];
        train(&place, "classify", &settings);
        let loss = |more: &[&str]| {
            let model = format!("{kind}/model");
            let data = "sample-data/sentiment/dev.jsonl";
            let args = ["evaluate", &model, "--json", "--data", data];
            let said = place.succeeds(&[&args[..], more].concat());
            let said: Value = serde_json::from_str(&said).expect("JSON");
            said["loss"].as_f64().expect("a number")
        };
        let own = loss(&[]);
        assert_ne!(own, loss(&["--decoder-start", "<pad>"]), "{kind}");
        let events = events(&place.path(kind));
        let last = events.iter().rfind(|e| e["event"] == "evaluated");
        let then = last.expect("an evaluation")["values"]["loss"].as_f64();
        assert!((then.expect("a loss") - own).abs() < 1e-5, "{kind}");
    }
}

#[test]
fn a_learned_start_stands_in_front_of_a_decoders_documents_and_is_refused_for_a_stream() {
    let place = Workplace::with_sample_data();
    let documents = [
        LEARNED,
        "objective={ causal-lm = { rows = \"documents\" } }",
        "data.format=text",
        "train.steps=8",
        "train.out=docs",
    ];
    train(&place, "causal-lm", &documents);
    let seen = place.succeeds(&["doctor", "docs/model"]);
    assert!(!seen.to_lowercase().contains("fail"), "{seen}");
    let args = [
        "generate",
        "docs/model",
        "--input",
        "-",
        "--max-new-tokens",
        "8",
    ];
    let output = place.run_on("{\"text\": \"\"}\n{\"text\": \"ab\"}\n", &args);
    assert!(output.status.success(), "{output:?}");
    let probe = [
        "lab",
        "probe",
        "docs/model",
        "--data",
        "sample-data/corpus.txt",
    ];
    let said = place.succeeds(&[&probe[..], &["--format", "text", "--limit", "8"]].concat());
    assert!(said.contains("(learned-start)"), "{said}");

    let stream = config("tiny/causal-lm.toml");
    let message = place.is_refused(&["train", &stream, "--set", LEARNED]);
    assert!(
        message.contains("learned_start") && message.contains("documents"),
        "{message}"
    );
    let encoder = config("tiny/masked-lm.toml");
    let message = place.is_refused(&["train", &encoder, "--set", LEARNED]);
    assert!(message.contains("learned_start"), "{message}");
}

#[test]
fn a_learned_start_begins_and_is_trained_as_its_policy_says() {
    let place = Workplace::with_sample_data();
    let policy = |key: &str| format!("special.policy.learned_start.{key}");
    let frozen = [policy("init=zeros"), policy("train=frozen")];
    let frozen = [
        LEARNED,
        &frozen[0],
        &frozen[1],
        "train.steps=6",
        "train.out=frozen",
    ];
    train(&place, "seq2seq", &frozen);
    assert!(start(&place, "frozen/model").iter().all(|x| *x == 0.0));
    // It is what starts decoding, so a policy for the decoder start is about it.
    let frozen = [
        LEARNED,
        "special.policy.decoder_start.init=zeros",
        "special.policy.decoder_start.train=frozen",
        "train.steps=6",
        "train.out=by-role",
    ];
    train(&place, "seq2seq", &frozen);
    assert!(start(&place, "by-role/model").iter().all(|x| *x == 0.0));

    // A folder without the vector is given one, which begins as the token that stood there and is then trained alone.
    train(&place, "seq2seq", &["train.steps=6", "train.out=plain"]);
    let plain = tensors(&place, "plain/model", "");
    let alone = [policy("init=copy:<bos>"), policy("train=alone")];
    let alone = [
        LEARNED,
        "model={ path = \"plain/model\" }",
        "tokenizer={}",
        &alone[0],
        &alone[1],
        "train.steps=4",
        "train.out=alone",
    ];
    train(&place, "seq2seq", &alone);
    let mut after = tensors(&place, "alone/model", "");
    let is_start = |(name, _): &(String, Vec<f32>)| name.ends_with("decoder_start_vector");
    let at = after.iter().position(is_start).expect("the vector");
    let (_, vector) = after.remove(at);
    assert_eq!(after, plain);
    let facts = json(&place, "plain/model/config.json");
    let row = facts["decoder_start_token_id"].as_u64().expect("an id") as usize;
    let (_, table) = plain
        .iter()
        .find(|(n, _)| n.ends_with("shared.weight"))
        .expect("the table");
    let size = vector.len();
    let bos = &table[row * size..(row + 1) * size];
    assert_ne!(vector, bos);
    let apart = vector.iter().zip(bos).map(|(a, b)| (a - b).abs());
    assert!(apart.fold(0.0, f32::max) < 0.1, "it began there");

    // A token that is named starts instead, and the vector is gone.
    let back = [
        "model={ path = \"alone/model\" }",
        "tokenizer={}",
        "special.overrides.decoder_start=<bos>",
        "train.steps=2",
        "train.out=back",
    ];
    train(&place, "seq2seq", &back);
    assert!(tensors(&place, "back/model", "decoder_start_vector").is_empty());
}

#[test]
fn bug_class_06_a_run_with_a_learned_start_resumes_to_the_same_bytes() {
    let place = Workplace::with_sample_data();
    let rates = "special.policy.learned_start.lr_factor=3.0";
    let order = [
        LEARNED,
        rates,
        "train.steps=12",
        "train.checkpoint_every=6",
        "train.keep_last=5",
    ];
    let run = |out: &'static str| train(&place, "seq2seq", &[&order[..], &[out]].concat());
    run("train.out=whole");
    run("train.out=resumed");
    fs::remove_dir_all(place.path("resumed/checkpoints/step-12")).expect("the last checkpoint");
    fs::remove_dir_all(place.path("resumed/model")).expect("the model");
    run("train.out=resumed");
    assert_same_run(&place.path("whole"), &place.path("resumed"));
}

#[test]
fn what_says_that_a_start_is_learned_must_agree() {
    let place = Workplace::with_sample_data();
    train(
        &place,
        "seq2seq",
        &[LEARNED, "train.steps=2", "train.out=run"],
    );
    let mut written = json(&place, "run/model/config.json");
    written
        .as_object_mut()
        .expect("an object")
        .remove("decoder_start_vector");
    fs::write(place.path("run/model/config.json"), written.to_string()).expect("a file");
    let message = place.is_refused(&["generate", "run/model", "--input", "none.jsonl"]);
    assert!(message.contains("decoder_start_vector"), "{message}");

    let policy = "special.policy.learned_start.init=zeros";
    let tiny = config("tiny/seq2seq.toml");
    let message = place.is_refused(&["train", &tiny, "--set", policy]);
    assert!(message.contains("learned_start = true"), "{message}");
}

#[test]
fn telemetry_tells_of_the_learned_start_and_not_of_the_token_in_whose_place_it_stands() {
    let place = Workplace::with_sample_data();
    for (name, stack) in [("seq2seq", None), ("seq2seq-bert2bert", Some("decoder"))] {
        let out = format!("train.out={name}");
        let settings = [
            LEARNED,
            "special.policy.learned_start.lr_factor=2.0",
            &out,
            "train.steps=4",
            "train.eval_every=2",
        ];
        train(&place, name, &settings);
        let mut looks = events(&place.path(name));
        looks.retain(|event| event["event"] == "special");
        let last = looks.last().expect("a look");
        let of = |values: &'_ Value| -> Vec<Value> {
            let values = values.as_array().expect("a list").iter();
            let starts =
                values.filter(|v| v["role"] == "decoder_start" || v["role"] == "learned_start");
            starts.cloned().collect()
        };
        let [told] = &of(&last["vectors"])[..] else {
            panic!("{name}: one start in {last}")
        };
        assert_eq!(told["token"], "(learned-start)", "{name}");
        assert_eq!(told["stack"].as_str(), stack, "{name}");
        let number = |key: &str| told[key].as_f64().expect("a number");
        let own = start(&place, &format!("{name}/model"));
        let squares = own.iter().map(|x| f64::from(*x).powi(2));
        let length = squares.sum::<f64>().sqrt();
        assert!((number("norm") - length).abs() < 1e-6, "{name}");
        assert!(
            number("gradient_norm") > 0.0 && number("update_ratio") > 0.0,
            "{name}"
        );
        assert!(number("distance_to_start") > 0.0, "{name}");
        assert_eq!(
            told["nearest"].as_array().expect("a list").len(),
            5,
            "{name}"
        );
        let attention = of(&last["attention"]);
        let stacks: Vec<&str> = attention
            .iter()
            .filter_map(|a| a["stack"].as_str())
            .collect();
        assert_eq!(stacks, ["decoder", "cross"], "{name}");
        assert!(
            attention.iter().all(|a| a["token"] == "(learned-start)"),
            "{name}"
        );
    }
}
