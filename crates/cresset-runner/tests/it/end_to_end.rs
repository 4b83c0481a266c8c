//! From sample data to a trained model and its answers, on every tiny config.

use std::fs;

use serde_json::{Value, json};

use crate::workplace::{Workplace, config, losses};

/// Mean of the first and of the last losses.
pub fn begins_and_ends(losses: &[f64]) -> (f64, f64) {
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

pub fn measured(place: &Workplace, model: &str, data: &str) -> Value {
    let metrics = place.succeeds(&["evaluate", model, "--data", data, "--json"]);
    serde_json::from_str(&metrics).expect("JSON")
}

fn config_of(place: &Workplace, model: &str) -> Value {
    let bytes = fs::read(place.path(model).join("config.json")).expect("config.json");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn a_regression_learns_more_than_the_mean_and_predicts_a_score() {
    let (place, _) = learns("regress");
    let dev = fs::read_to_string(place.path("sample-data/reviews/dev.jsonl")).expect("the data");
    let score = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("JSON");
        row["score"].as_f64().expect("a score")
    };
    let scores: Vec<f64> = dev.lines().map(score).collect();
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let variance = scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / scores.len() as f64;

    let metrics = measured(&place, "run/best", "sample-data/reviews/dev.jsonl");
    let of = |name: &str| metrics[name].as_f64().unwrap_or(f64::NAN);
    assert!(of("mse") < 0.5 * variance, "{metrics} and {variance}");
    assert!((of("loss") - of("mse")).abs() < 1e-4, "{metrics}");
    assert!(of("spearman") > 0.7 && of("pearson") > 0.7, "{metrics}");

    let config = config_of(&place, "run/model");
    assert_eq!(config["problem_type"], "regression");
    assert_eq!(config["id2label"], json!({"0": "LABEL_0"}));

    let texts = "{\"text\": \"the soup was superb .\"}\n{\"text\": \"the soup was awful .\"}\n";
    let output = place.run_on(texts, &["predict", "run/best", "--input", "-"]);
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    let scores: Vec<f64> = answers.lines().map(score).collect();
    assert!(scores.len() == 2 && scores[0] > scores[1], "{answers}");
}

#[test]
fn a_multi_label_classifier_learns_and_predicts_a_list() {
    let (place, _) = learns("multi-label");
    let metrics = measured(&place, "run/best", "sample-data/reviews/dev.jsonl");
    let of = |name: &str| metrics[name].as_f64().unwrap_or(f64::NAN);
    assert!(of("micro_f1") > 0.8 && of("macro_f1") > 0.7, "{metrics}");
    assert!(of("exact_match") > 0.5, "{metrics}");

    let config = config_of(&place, "run/model");
    assert_eq!(config["problem_type"], "multi_label_classification");
    assert_eq!(config["id2label"]["0"], "food");

    let text = "{\"text\": \"the soup was good and the waiter was dull .\"}\n";
    let output = place.run_on(text, &["predict", "run/best", "--input", "-"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let scores = answer["scores"].as_object().expect("scores");
    assert_eq!(scores.len(), 4);
    for (label, score) in scores {
        let listed = answer["labels"]
            .as_array()
            .expect("a list")
            .contains(&json!(label));
        assert_eq!(listed, score.as_f64().expect("a number") > 0.5, "{answer}");
    }
}

/// A guess finds one in 32.
#[test]
fn contrast_learns_to_find_translations_and_the_model_embeds_them_nearest() {
    let (place, _) = learns("contrastive");
    let metrics = measured(&place, "run/best", "sample-data/pairs/dev.jsonl");
    assert!(
        metrics["accuracy"].as_f64().expect("a number") > 0.5,
        "{metrics}"
    );
    assert_eq!(
        config_of(&place, "run/best")["architectures"],
        json!(["BertModel"])
    );

    let dev = fs::read_to_string(place.path("sample-data/pairs/dev.jsonl")).expect("the data");
    let pairs: Vec<Value> = dev
        .lines()
        .take(10)
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let texts = |side: &str| -> String {
        let lines = pairs.iter().map(|pair| json!({ "text": pair[side] }));
        lines.map(|line| format!("{line}\n")).collect()
    };
    let embed = |side: &str| -> Vec<Vec<f64>> {
        let flags = ["embed", "run/best", "--input", "-", "--normalize"];
        let output = place.run_on(&texts(side), &flags);
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        // The pooling is stored with the model, so that nothing is guessed.
        assert!(
            output.status.success() && !said.contains("pooling"),
            "{said}"
        );
        let lines = String::from_utf8(output.stdout).expect("UTF-8");
        let vector = |line: &str| {
            let line: Value = serde_json::from_str(line).expect("JSON");
            serde_json::from_value(line["embedding"].clone()).expect("numbers")
        };
        lines.lines().map(vector).collect()
    };
    let (english, lumo) = (embed("text"), embed("pair"));
    let cosine = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let nearest = |text: &Vec<f64>| {
        (0..lumo.len()).max_by(|&i, &j| cosine(text, &lumo[i]).total_cmp(&cosine(text, &lumo[j])))
    };
    let found = english
        .iter()
        .enumerate()
        .filter(|(i, text)| nearest(text) == Some(*i));
    assert!(found.count() > 5);
}

#[test]
fn preview_shows_scores_and_label_lists() {
    let place = Workplace::with_sample_data();
    let shown = |name: &str| place.succeeds(&["preview", &config(&format!("tiny/{name}.toml"))]);
    let scores = shown("regress");
    assert!(scores.contains("\n  score          "), "{scores}");
    let labels = shown("multi-label");
    assert!(labels.contains("\n  labels         "), "{labels}");
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
fn every_family_of_encoders_learns() {
    for (name, class) in [
        ("regress-roberta", "RobertaForSequenceClassification"),
        ("regress-albert", "AlbertForSequenceClassification"),
        ("regress-xlnet", "XLNetForSequenceClassification"),
    ] {
        let (place, _) = learns(name);
        assert_eq!(config_of(&place, "run/model")["architectures"][0], class);
        let metrics = measured(&place, "run/best", "sample-data/reviews/dev.jsonl");
        let spearman = metrics["spearman"].as_f64().expect("spearman");
        assert!(spearman > 0.4, "{name}: {metrics}");
    }
}

#[test]
fn every_pre_training_objective_learns_and_leaves_a_folder_of_its_class() {
    for (name, class) in [
        ("bert-pretraining", "BertForPreTraining"),
        ("albert-pretraining", "AlbertForPreTraining"),
        ("permuted-lm", "XLNetLMHeadModel"),
        ("masked-lm-words", "BertForMaskedLM"),
        ("masked-lm-spans", "BertForMaskedLM"),
        ("span-corruption", "T5ForConditionalGeneration"),
        ("prefix-lm", "T5ForConditionalGeneration"),
        ("denoise", "BartForConditionalGeneration"),
    ] {
        let (place, _) = learns(name);
        assert_eq!(
            config_of(&place, "run/model")["architectures"][0],
            class,
            "{name}"
        );
        let metrics = measured(&place, "run/model", "sample-data/corpus.txt");
        assert!(metrics["loss"].as_f64().is_some(), "{name}: {metrics}");
        let shown = place.succeeds(&["doctor", "run/model"]);
        assert!(!shown.contains("NOT SO"), "{name}: {shown}");
    }
}

#[test]
fn two_berts_learn_to_translate() {
    let (place, _) = learns("seq2seq-bert2bert");
    let config = config_of(&place, "run/model");
    assert_eq!(config["architectures"][0], "EncoderDecoderModel");
    assert_eq!(config["decoder"]["add_cross_attention"], true);
    let output = place.run_on(
        "{\"text\": \"the old dog sees a cat .\"}\n",
        &["generate", "run/model", "--input", "-"],
    );
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(answer["text"].is_string());
}

#[test]
fn bug_class_18_what_a_warm_start_leaves_new_is_listed() {
    let place = Workplace::with_sample_data();
    let steps = "train.steps=12";
    place.succeeds(&[
        "train",
        &config("tiny/masked-lm.toml"),
        "--quiet",
        "--set",
        "train.out=bert",
        "--set",
        steps,
    ]);
    let text = fs::read_to_string(config("tiny/seq2seq-bert2bert.toml")).expect("a config");
    let (front, rest) = text.split_once("[tokenizer.train]").expect("its tokenizer");
    let (_, back) = rest.split_once("[objective]").expect("its objective");
    let model = "[model]\nwarm_start = { encoder = \"bert/model\", decoder = \"bert/model\" }";
    place.write("warm.toml", format!("{front}{model}\n\n[objective]{back}"));
    let sets = [
        steps,
        "data.max_length=32",
        "data.max_tokens=256",
        "train.keep_best=loss",
    ];
    let mut args = vec!["train", "warm.toml"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    let output = place.run(&args);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("decoder.bert.encoder.layer.0.crossattention.self.query.weight"),
        "{said}"
    );
    let shown = place.succeeds(&["doctor", "runs/tiny-bert2bert/model"]);
    assert!(!shown.contains("NOT SO"), "{shown}");
}

/// A tiny config for regression with another model and tokenizer.
fn regression_on(place: &Workplace, name: &str, tokenizer: &str, model: &str) {
    let text = fs::read_to_string(config("tiny/regress.toml")).expect("a config");
    let (front, rest) = text.split_once("[tokenizer.train]").expect("its tokenizer");
    let (_, back) = rest.split_once("[objective]").expect("its objective");
    let sizes =
        "n_layers = 1\nhidden_size = 32\nn_heads = 2\nintermediate_size = 64\ndropout = 0.0";
    place.write(
        name,
        format!(
            "{front}[tokenizer.train]\n{tokenizer}\n\n[model.{model}]\n{sizes}\n\n[objective]{back}"
        ),
    );
}

#[test]
fn encoder_decoders_learn_scores_of_texts_and_predict_them() {
    let bpe = "kind = \"bpe\"\nvocab_size = 400";
    let unigram = "kind = \"unigram\"\nvocab_size = 300";
    for (model, tokenizer, class) in [
        ("bart", bpe, "BartForSequenceClassification"),
        ("t5", unigram, "T5ForSequenceClassification"),
    ] {
        let place = Workplace::with_sample_data();
        regression_on(&place, "run.toml", tokenizer, model);
        place.succeeds(&["train", "run.toml", "--quiet", "--set", "train.out=run"]);
        assert_eq!(config_of(&place, "run/model")["architectures"][0], class);
        let metrics = measured(&place, "run/best", "sample-data/reviews/dev.jsonl");
        let spearman = metrics["spearman"].as_f64().expect("spearman");
        assert!(spearman > 0.4, "{model}: {metrics}");
        let text = "{\"text\": \"the soup was superb .\"}\n";
        let output = place.run_on(text, &["predict", "run/best", "--input", "-"]);
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(answer["score"].is_number(), "{answer}");
    }
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
fn checkpointed_layers_train_like_others() {
    let place = Workplace::with_sample_data();
    let losses_of = |out: &str, settings: &[&str]| {
        let config = config("tiny/seq2seq-t5.toml");
        let out_setting = format!("train.out={out}");
        let mut args = vec!["train", &config, "--set", &out_setting];
        for setting in ["train.steps=12"].iter().chain(settings) {
            args.extend(["--set", setting]);
        }
        place.succeeds(&args);
        losses(&place.path(out))
    };
    let plain = losses_of("plain", &[]);
    let checkpointed = losses_of("checkpointed", &["train.checkpoint_layers=true"]);
    assert_eq!(plain.len(), 12);
    for (a, b) in plain.iter().zip(&checkpointed) {
        assert!((a - b).abs() < 1e-3 * a, "{plain:?} and {checkpointed:?}");
    }
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
