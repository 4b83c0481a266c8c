//! Weighted sources, patterns and drawn splits, from a config to the batches of a run.

use std::fs;

use serde_json::Value;

use crate::workplace::{Workplace, assert_same_run, config};

/// The `--set` of the settings, in a run of the tiny classifier.
fn args<'a>(command: &'a str, config: &'a str, settings: &'a [&str]) -> Vec<&'a str> {
    let mut args = vec![command, config];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    args
}

/// Two sources, of 8 and 4 examples, whose texts say which is theirs.
fn two_sources() -> Workplace {
    let place = Workplace::empty();
    for (name, n) in [("plain", 8), ("heavy", 4)] {
        let line = |i: usize| format!("{{\"text\": \"{name} {i}\", \"label\": \"{}\"}}\n", i % 2);
        place.write(
            &format!("{name}-0.jsonl"),
            (0..n).map(line).collect::<String>(),
        );
    }
    place
}

const SETTINGS: [&str; 4] = [
    "data.train=[\"plain-*.jsonl\", { files = [\"heavy-*.jsonl\"], weight = 3.0 }]",
    "data.eval=[\"plain-0.jsonl\"]",
    "data.batch_size=20",
    "tokenizer.train={ kind = \"characters\" }",
];

#[test]
fn an_epoch_holds_every_row_as_often_as_its_weight_says() {
    let place = two_sources();
    let config = config("tiny/classify.toml");
    let mut preview = args("preview", &config, &SETTINGS);
    preview.extend(["--json", "--batch", "3", "--rows", "100"]);
    let preview: Value = serde_json::from_str(&place.succeeds(&preview)).expect("JSON");
    let text = preview.to_string();
    // 8 rows once and 4 rows three times are 20, a whole batch.
    assert_eq!(preview["n_rows"], 20);
    for i in 0..4 {
        assert!(text.contains(&format!("plain {i}")), "{text}");
        assert!(text.matches(&format!("heavy {i}")).count() >= 3, "{text}");
    }
}

#[test]
fn a_resumed_run_draws_what_it_would_have_drawn() {
    let place = two_sources();
    let config = config("tiny/classify.toml");
    let train = |out: &str| {
        let out = format!("train.out={out}");
        let mut settings = SETTINGS.to_vec();
        settings[0] =
            "data.train=[\"plain-*.jsonl\", { files = [\"heavy-*.jsonl\"], weight = 0.75 }]";
        settings[2] = "data.batch_size=4";
        settings.extend([
            "train.steps=10",
            "train.checkpoint_every=5",
            "train.keep_last=5",
        ]);
        settings.push(&out);
        let mut args = args("train", &config, &settings);
        args.push("--quiet");
        place.succeeds(&args);
    };
    train("whole");
    train("resumed");
    fs::remove_dir_all(place.path("resumed/checkpoints/step-10")).expect("the last checkpoint");
    fs::remove_dir_all(place.path("resumed/model")).expect("the model");
    train("resumed");
    assert_same_run(&place.path("whole"), &place.path("resumed"));
}

#[test]
fn a_drawn_split_and_the_weights_are_kept_with_the_run() {
    let place = two_sources();
    let config = config("tiny/classify.toml");
    let mut settings = SETTINGS.to_vec();
    settings[1] = "data.eval=[]";
    settings.extend([
        "data.split={ ratio = 0.4, seed = 5 }",
        "train.steps=1",
        "train.out=run",
    ]);
    let mut args = args("train", &config, &settings);
    args.push("--quiet");
    place.succeeds(&args);
    let saved = fs::read_to_string(place.path("run/config.toml")).expect("config.toml");
    let saved: toml::Table = saved.parse().expect("TOML");
    assert_eq!(saved["data"]["split"]["seed"].as_integer(), Some(5));
    assert_eq!(saved["data"]["train"][1]["weight"].as_float(), Some(3.0));
    place.succeeds(&args);
}
