//! `cresset doctor`: a trained model passes every check, and each thing that goes wrong silently fails the check that is about it.

use std::fs;

use serde_json::{Value, json};

use crate::workplace::{Workplace, config};

/// A workplace with a model of a tiny config in `run/model`, after a few steps of training.
fn trained(name: &str) -> Workplace {
    let place = Workplace::with_sample_data();
    let config = config(&format!("tiny/{name}.toml"));
    let sets = ["train.out=run", "train.steps=12"];
    place.succeeds(&[
        "train", &config, "--quiet", "--set", sets[0], "--set", sets[1],
    ]);
    place
}

fn diagnosis(place: &Workplace) -> Value {
    let text = place.succeeds(&["doctor", "run/model", "--json"]);
    serde_json::from_str(&text).expect("JSON")
}

/// The names of the checks that concerned the model.
fn passed(diagnosis: &Value) -> Vec<&str> {
    let checks = diagnosis["checks"].as_array().expect("checks");
    checks
        .iter()
        .filter(|check| check["outcome"]["passed"].is_string())
        .map(|check| check["name"].as_str().expect("a name"))
        .collect()
}

fn change(place: &Workplace, file: &str, change: impl FnOnce(&mut Value)) {
    let path = place.path("run/model").join(file);
    let mut value = serde_json::from_slice(&fs::read(&path).expect("the file")).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("written");
}

const ALWAYS: [&str; 6] = [
    "the folder holds every tensor",
    "special tokens have rows in the embedding",
    "no special token stands twice",
    "outputs are finite",
    "padding changes nothing",
    "a batch of mixed lengths equals its rows one by one",
];
const FRAME: &str = "the tokenizer's own frame is the convention's";
const WRITES: [&str; 3] = [
    "training and generation start alike",
    "a later token changes no earlier output",
    "cached steps equal teacher forcing",
];
const SOURCE: &str = "the source changes the output";

#[test]
fn a_trained_model_of_every_shape_passes() {
    for (name, more) in [
        ("classify", vec![FRAME]),
        ("regress-roberta", vec![FRAME]),
        ("regress-albert", vec![FRAME]),
        ("regress-xlnet", vec![FRAME]),
        ("masked-lm", vec![FRAME]),
        ("causal-lm", WRITES.to_vec()),
        ("seq2seq", [&[FRAME, SOURCE], &WRITES[..]].concat()),
        ("seq2seq-t5", [&[FRAME, SOURCE], &WRITES[..]].concat()),
        ("seq2seq-bart", [&[FRAME, SOURCE], &WRITES[..]].concat()),
        (
            "seq2seq-bert2bert",
            [&[FRAME, SOURCE], &WRITES[..]].concat(),
        ),
    ] {
        let diagnosis = diagnosis(&trained(name));
        let mut expected: Vec<&str> = ALWAYS.into_iter().chain(more).collect();
        let mut seen = passed(&diagnosis);
        expected.sort_unstable();
        seen.sort_unstable();
        assert_eq!(seen, expected, "{name}: {diagnosis:#}");
        assert_eq!(diagnosis["new"], json!([]), "{name}");
        assert_eq!(diagnosis["unused"], json!([]), "{name}");
    }
}

#[test]
fn a_config_is_examined_as_its_model_begins() {
    let place = Workplace::with_sample_data();
    let shown = place.succeeds(&["doctor", &config("tiny/seq2seq.toml")]);
    assert!(shown.contains("MarianMTModel, convention mt"), "{shown}");
    assert!(
        shown.contains("decoder input            <bos> It is tired."),
        "{shown}"
    );
    assert!(
        shown.contains("labels                   It is tired. <eos>"),
        "{shown}"
    );
    assert!(!shown.contains("NOT SO"), "{shown}");
}

#[test]
fn bug_class_01_a_start_that_differs_from_the_files_is_found() {
    let place = trained("seq2seq");
    change(&place, "config.json", |config| {
        config["decoder_start_token_id"] = json!(2);
    });
    let message = place.is_refused(&["doctor", "run/model", "--quiet"]);
    assert!(
        message.contains("training and generation start alike"),
        "{message}"
    );
    assert!(message.contains("\"<eos>\""), "{message}");
}

#[test]
fn bug_class_09_a_tokenizer_without_a_frame_is_found() {
    let place = trained("classify");
    change(&place, "tokenizer.json", |tokenizer| {
        tokenizer["post_processor"] = Value::Null;
    });
    let message = place.is_refused(&["doctor", "run/model"]);
    assert!(message.contains("the tokenizer's own frame"), "{message}");
    assert!(message.contains("holds no frame"), "{message}");
}

#[test]
fn bug_class_10_a_tokenizer_that_adds_a_special_token_itself_is_found() {
    let place = trained("classify");
    change(&place, "tokenizer.json", |tokenizer| {
        let own = tokenizer["normalizer"].clone();
        let adding =
            json!({ "type": "Replace", "pattern": { "Regex": "^The" }, "content": "[CLS] The" });
        tokenizer["normalizer"] = json!({ "type": "Sequence", "normalizers": [adding, own] });
        tokenizer["added_tokens"]
            .as_array_mut()
            .expect("added tokens")
            .iter_mut()
            .for_each(|token| token["normalized"] = json!(true));
    });
    let message = place.is_refused(&["doctor", "run/model"]);
    assert!(message.contains("[CLS]"), "{message}");
}

#[test]
fn bug_class_18_cross_attention_that_lets_nothing_through_is_found() {
    let place = trained("seq2seq");
    let path = place.path("run/model/model.safetensors");
    let bytes = fs::read(&path).expect("the weights");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let silenced: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let mut data = view.data().to_vec();
            if name.contains("encoder_attn.out_proj") {
                data.fill(0);
            }
            (name, view.shape().to_vec(), data)
        })
        .collect();
    let views = silenced.iter().map(|(name, shape, data)| {
        let view = safetensors::tensor::TensorView::new(
            safetensors::Dtype::F32,
            shape.clone(),
            data.as_slice(),
        );
        (name.as_str(), view.expect("the bytes fill the shape"))
    });
    fs::write(
        &path,
        safetensors::serialize(views, None).expect("safetensors"),
    )
    .expect("written");
    let message = place.is_refused(&["doctor", "run/model"]);
    assert!(
        message.contains("the source changes the output"),
        "{message}"
    );
    assert!(message.contains("never trained"), "{message}");
}

#[test]
fn a_missing_tensor_is_named() {
    let place = trained("classify");
    change(&place, "config.json", |config| {
        config["num_hidden_layers"] = json!(2);
    });
    let message = place.is_refused(&["doctor", "run/model"]);
    assert!(
        message.contains("the folder holds every tensor"),
        "{message}"
    );
    assert!(message.contains("bert.encoder.layer.1."), "{message}");
}
