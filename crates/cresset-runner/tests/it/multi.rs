//! `multi`: several objectives on one model, from the config to the folder.

use std::fs;

use serde_json::Value;

use crate::workplace::{Workplace, assert_same_run, config, events};

/// The losses of a part's steps.
fn losses_of(place: &Workplace, term: &str) -> Vec<f64> {
    let of_step = |event: &Value| event["terms"][term].as_f64();
    events(&place.path("run"))
        .iter()
        .filter_map(of_step)
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn learns(losses: &[f64]) -> bool {
    let n = losses.len();
    n > 20 && mean(&losses[n - 10..]) < 0.97 * mean(&losses[..10])
}

fn trained(name: &str) -> Workplace {
    let place = Workplace::with_sample_data();
    let config = config(&format!("tiny/{name}.toml"));
    place.succeeds(&["train", &config, "--quiet", "--set", "train.out=run"]);
    place
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn an_encoder_learns_hidden_tokens_and_classes_at_once() {
    let place = trained("multi");
    let (masked, classes) = (
        losses_of(&place, "masked-lm.mlm"),
        losses_of(&place, "classify.classification"),
    );
    // A third of the batches, but for the last round, which is not whole.
    assert_eq!(masked.len() + classes.len(), 360);
    assert!((110..130).contains(&masked.len()), "{}", masked.len());
    assert!(
        learns(&masked) && learns(&classes),
        "{masked:?} {classes:?}"
    );
    let evaluated = events(&place.path("run"));
    let last = evaluated.iter().rfind(|e| e["event"] == "evaluated");
    let values = &last.expect("an evaluation")["values"];
    for metric in ["masked-lm.perplexity", "classify.micro_f1", "classify.loss"] {
        assert!(values[metric].is_number(), "{values}");
    }

    // The folder is a classifier, with the head on hidden tokens beside it.
    let raw = json(&fs::read_to_string(place.path("run/model/config.json")).expect("config.json"));
    assert_eq!(raw["architectures"][0], "BertForSequenceClassification");
    assert_eq!(raw["id2label"].as_object().expect("labels").len(), 4);
    let data = "sample-data/reviews/dev.jsonl";
    let metrics = json(&place.succeeds(&["evaluate", "run/best", "--data", data, "--json"]));
    assert!(metrics["micro_f1"].as_f64() > Some(0.6), "{metrics}");
    let shown = place.succeeds(&["doctor", "run/model"]);
    assert!(!shown.contains("NOT SO"), "{shown}");
    assert!(shown.contains("not used: cls.predictions"), "{shown}");
}

#[test]
fn an_encoder_decoder_learns_to_translate_and_to_restore_from_files_of_each_part() {
    let place = trained("multi-t5");
    for term in ["translate.nll", "restore.nll"] {
        let losses = losses_of(&place, term);
        assert!(learns(&losses), "{term}: {losses:?}");
    }
    let pair = [
        "sample-data/translation/dev.en",
        "sample-data/translation/dev.lum",
    ];
    let flags = [
        "evaluate",
        "run/model",
        "--data",
        pair[0],
        pair[1],
        "--json",
    ];
    let metrics = json(&place.succeeds(&flags));
    assert!(metrics["bleu"].is_number(), "{metrics}");
}

#[test]
fn bug_class_06_a_resumed_mix_gives_the_same_bytes() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/multi.toml");
    let train = |out: &str| {
        let out = format!("train.out={out}");
        let sets = [
            &out,
            "train.steps=20",
            "train.checkpoint_every=10",
            "train.keep_last=5",
        ];
        let mut args = vec!["train", &config, "--quiet"];
        args.extend(sets.iter().flat_map(|set| ["--set", set]));
        place.succeeds(&args);
    };
    train("whole");
    train("resumed");
    fs::remove_dir_all(place.path("resumed/checkpoints/step-20")).expect("the last checkpoint");
    fs::remove_dir_all(place.path("resumed/model")).expect("the model");
    train("resumed");
    assert_same_run(&place.path("whole"), &place.path("resumed"));
}

#[test]
fn preview_names_the_part_of_a_batch() {
    let place = Workplace::with_sample_data();
    let part = |batch: &str| {
        let shown = place.succeeds(&[
            "preview",
            &config("tiny/multi.toml"),
            "--batch",
            batch,
            "--json",
        ]);
        json(&shown)["examples"][0][0]["text"]
            .as_str()
            .expect("text")
            .to_owned()
    };
    let parts: Vec<String> = (0..12).map(|batch| part(&batch.to_string())).collect();
    assert!(
        parts.contains(&"masked-lm".to_owned()) && parts.contains(&"classify".to_owned()),
        "{parts:?}"
    );
}

#[test]
fn a_part_keeps_its_pooling_in_the_folder() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/multi.toml");
    let part = |name: &str, pooling: &str| {
        format!(
            "{{ name = \"{name}\", objective = {{ classify = {{ task = \"multi-label\", pooling = {pooling} }} }} }}"
        )
    };
    let parts = [
        part("mean", "[\"mean\", \"attentive\"]"),
        part("cls", "\"cls\""),
        "{ objective = { masked-lm = { rate = 0.15 } } }".to_owned(),
    ];
    let data = "sample-data/reviews/dev.jsonl";
    for (save, stored) in [
        ("mean", serde_json::json!(["mean", "attentive"])),
        ("cls", Value::Null),
        ("masked-lm", serde_json::json!(["mean", "attentive"])),
    ] {
        let multi = format!(
            "objective={{ multi = {{ save = \"{save}\", parts = [{}] }} }}",
            parts.join(", ")
        );
        let out = format!("train.out={save}");
        let mut args = vec!["train", &config, "--quiet"];
        for setting in [
            &multi[..],
            &out,
            "train.steps=12",
            "train.keep_best=mean.loss",
        ] {
            args.extend(["--set", setting]);
        }
        place.succeeds(&args);
        let model = format!("{save}/model");
        let raw = fs::read_to_string(place.path(&format!("{model}/config.json")));
        let raw = json(&raw.expect("config.json"));
        assert_eq!(raw["classifier_pooling"], stored, "{save}");
        if save == "masked-lm" {
            continue;
        }
        let evaluated = events(&place.path(save));
        let last = evaluated.iter().rfind(|e| e["event"] == "evaluated");
        let then = &last.expect("an evaluation")["values"][format!("{save}.loss")];
        let now = json(&place.succeeds(&["evaluate", &model, "--data", data, "--json"]));
        let (then, now) = (then.as_f64(), now["loss"].as_f64());
        let apart = then.expect("a loss") - now.expect("a loss");
        assert!(apart.abs() < 1e-5, "{save}: {then:?} and {now:?}");
    }
}
