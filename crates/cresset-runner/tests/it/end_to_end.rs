//! From sample data to a trained model and its answers, on every tiny config.

use std::fs;

use serde_json::Value;

use crate::workplace::{Workplace, config, losses};

/// Mean of the first and of the last losses.
fn begins_and_ends(losses: &[f64]) -> (f64, f64) {
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    (mean(&losses[..5]), mean(&losses[losses.len() - 5..]))
}

fn learns(name: &str) -> (Workplace, String) {
    let place = Workplace::with_sample_data();
    let config = config(&format!("tiny/{name}.toml"));
    place.succeeds(&["train", &config, "--quiet", "--set", "train.out=run"]);
    let (first, last) = begins_and_ends(&losses(&place.path("run")));
    assert!(
        last < 0.97 * first,
        "{name}: the loss went from {first} to {last}"
    );
    (place, config)
}

#[test]
fn a_classifier_learns_evaluates_and_predicts() {
    let (place, _) = learns("classify");
    let metrics = place.succeeds(&[
        "evaluate",
        "run/model",
        "--data",
        "sample-data/sentiment/dev.jsonl",
        "--json",
    ]);
    let metrics: Value = serde_json::from_str(&metrics).expect("JSON");
    assert!(
        metrics["accuracy"].as_f64().expect("accuracy") > 0.5,
        "{metrics}"
    );
    let output = place.run_on(
        "{\"id\": \"a\", \"text\": \"the soup was good .\"}\n",
        &["predict", "run/model", "--input", "-"],
    );
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["id"], "a");
    let scores = answer["scores"].as_object().expect("scores");
    let total: f64 = scores.values().map(|s| s.as_f64().expect("a number")).sum();
    assert!((total - 1.0).abs() < 1e-4, "{answer}");
    for file in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "cresset.json",
    ] {
        assert!(place.path("run/model").join(file).exists(), "{file}");
    }
}

#[test]
fn a_masked_language_model_learns_and_fills() {
    let (place, _) = learns("masked-lm");
    let output = place.run_on(
        "{\"text\": \"the [MASK] was good .\"}\n",
        &["predict", "run/model", "--input", "-", "--top", "3"],
    );
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["masks"][0].as_array().expect("one mask").len(), 3);
}

#[test]
fn a_causal_language_model_learns_and_writes() {
    let (place, _) = learns("causal-lm");
    let output = place.run_on(
        "the c",
        &[
            "generate",
            "run/model",
            "--input",
            "-",
            "--text",
            "--max-new-tokens",
            "10",
        ],
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(!text.trim().is_empty());
}

#[test]
fn a_transformer_learns_and_translates() {
    let (place, _) = learns("seq2seq");
    let data = [
        "sample-data/translation/dev.en",
        "sample-data/translation/dev.lum",
    ];
    let metrics = place.succeeds(&[
        "evaluate",
        "run/model",
        "--data",
        data[0],
        data[1],
        "--json",
    ]);
    let metrics: Value = serde_json::from_str(&metrics).expect("JSON");
    assert!(
        metrics["bleu"].as_f64().expect("bleu").is_finite(),
        "{metrics}"
    );
    let output = place.run_on(
        "{\"text\": \"the old dog sees a cat .\"}\n",
        &["generate", "run/model", "--input", "-"],
    );
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(answer["text"].is_string());
}

#[test]
fn t5_learns_under_its_own_convention() {
    let (place, _) = learns("seq2seq-t5");
    let config: Value = serde_json::from_slice(
        &fs::read(place.path("run/model/config.json")).expect("config.json"),
    )
    .expect("JSON");
    assert_eq!(config["decoder_start_token_id"], config["pad_token_id"]);
    assert_eq!(config["architectures"][0], "T5ForConditionalGeneration");
}

#[test]
fn bart_learns_under_its_own_convention_and_writes() {
    let (place, _) = learns("seq2seq-bart");
    let config: Value = serde_json::from_slice(
        &fs::read(place.path("run/model/config.json")).expect("config.json"),
    )
    .expect("JSON");
    assert_eq!(config["architectures"][0], "BartForConditionalGeneration");
    // The decoder starts `</s> <s>`, in training as in anybody's generation.
    assert_eq!(config["decoder_start_token_id"], config["eos_token_id"]);
    assert_eq!(config["forced_bos_token_id"], config["bos_token_id"]);
    assert_ne!(config["bos_token_id"], config["eos_token_id"]);
    let output = place.run_on(
        "{\"text\": \"the old dog sees a cat .\"}\n",
        &["generate", "run/model", "--input", "-"],
    );
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(answer["text"].is_string());
}

#[test]
fn the_same_seed_gives_the_same_losses_and_another_seed_others() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/classify.toml");
    for (out, seed) in [("a", "1"), ("b", "1"), ("c", "2")] {
        let out = format!("train.out={out}");
        place.succeeds(&[
            "train",
            &config,
            "--quiet",
            "--seed",
            seed,
            "--set",
            &out,
            "--set",
            "train.steps=5",
        ]);
    }
    let of = |run: &str| losses(&place.path(run));
    assert_eq!(of("a"), of("b"));
    assert_ne!(of("a"), of("c"));
}

#[test]
fn forward_writes_the_fields_of_the_hugging_face_output() {
    let (place, _) = learns("seq2seq");
    place.write(
        "ids.json",
        r#"{"input_ids": [[5, 6, 2]], "decoder_input_ids": [[1, 7]]}"#,
    );
    place.succeeds(&[
        "forward",
        "run/model",
        "--input",
        "ids.json",
        "--output",
        "out.safetensors",
    ]);
    let bytes = fs::read(place.path("out.safetensors")).expect("written");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let mut names = tensors.names();
    names.sort();
    assert_eq!(
        names,
        ["encoder_last_hidden_state", "last_hidden_state", "logits"]
    );
    assert_eq!(
        tensors
            .tensor("encoder_last_hidden_state")
            .expect("there")
            .shape(),
        [1, 3, 32]
    );
}
