//! `lab ablate`: a grid of settings under several seeds.

use std::fs;

use serde_json::Value;

use crate::workplace::{Workplace, config};

/// Two arms and two seeds of a few steps.
fn study(place: &Workplace, more: &str) {
    let text = format!(
        "question = \"Does the beginning of [CLS] matter?\"\nseeds = [0, 1]\nout = \"runs/sweep\"\nmetric = \"accuracy\"\n{more}\n\
         [[stage]]\nname = \"tune\"\nconfig = {:?}\nset = [\"train.steps=6\", \"train.eval_every=3\"]\nkeep = \"metrics\"\n\
         evaluate.dev = {{ data = [\"sample-data/sentiment/dev.jsonl\"] }}\n\
         [axis.init]\nrandom = []\nzeros = [\"special.policy.cls.init=zeros\"]\n",
        config("tiny/classify.toml")
    );
    place.write("study.toml", text);
}

fn results(place: &Workplace) -> Value {
    let text = fs::read_to_string(place.path("runs/sweep/results.json")).expect("results");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_sweep_trains_every_arm_under_every_seed_and_compares_by_seed() {
    let place = Workplace::with_sample_data();
    study(&place, "also = [\"early_loss\", \"dev.loss\"]");
    let printed = place.succeeds(&["lab", "ablate", "study.toml", "--jobs", "2"]);
    let results = results(&place);
    assert_eq!(results["baseline"], "random");
    let arms = results["arms"].as_array().expect("arms");
    assert_eq!(arms.len(), 2);
    let value = |arm: usize, seed: usize| {
        let value = &arms[arm]["runs"][seed]["values"]["early_loss"];
        value.as_f64().expect("a number")
    };
    let mean = (value(1, 0) - value(0, 0) + value(1, 1) - value(0, 1)) / 2.0;
    let found = &arms[1]["against_baseline"]["early_loss"];
    assert!((found["mean"].as_f64().expect("a number") - mean).abs() < 1e-9);
    assert!(mean != 0.0, "the arms are trained with different settings");
    assert_ne!(value(0, 0), value(0, 1), "the runs have different seeds");
    // The model is measured after the last step, as training did.
    let run = &arms[0]["runs"][0]["values"];
    let apart =
        run["dev.loss"].as_f64().expect("a number") - run["loss"].as_f64().expect("a number");
    assert!(apart.abs() < 1e-5, "{run}");
    assert_eq!(
        arms[0]["curves"]["accuracy"]
            .as_array()
            .expect("points")
            .len(),
        2
    );
    assert!(
        printed.contains("| random | 2 |") && printed.contains("zeros"),
        "{printed}"
    );
    let run = place.path("runs/sweep/tune/zeros/seed-1");
    assert!(run.join("metrics.jsonl").exists() && !run.join("model").exists());
}

#[test]
fn a_sweep_that_was_stopped_trains_only_what_is_missing() {
    let place = Workplace::with_sample_data();
    study(&place, "");
    place.succeeds(&["lab", "ablate", "study.toml"]);
    let before = results(&place);
    let written = |folder: &str| {
        let log = place.path(&format!("runs/sweep/tune/{folder}/metrics.jsonl"));
        fs::metadata(log)
            .and_then(|found| found.modified())
            .expect("a log")
    };
    let kept = written("random/seed-0");
    let dropped = written("zeros/seed-1");
    fs::remove_dir_all(place.path("runs/sweep/tune/zeros/seed-1")).expect("removes");
    let so_far = place.succeeds(&["lab", "ablate", "study.toml", "--so-far"]);
    assert!(so_far.contains("| zeros | 1 |"), "{so_far}");
    assert!(so_far.contains("Without a result, and left out of every mean: zeros under seed 1."));
    assert!(
        !place.path("runs/sweep/tune/zeros/seed-1").exists(),
        "trained"
    );
    place.succeeds(&["lab", "ablate", "study.toml"]);
    assert_eq!(written("random/seed-0"), kept, "trained again");
    assert!(written("zeros/seed-1") > dropped, "not trained again");
    let loss = |results: &Value| results["arms"][1]["summary"]["early_loss"].clone();
    assert_eq!(loss(&results(&place)), loss(&before));
}

#[test]
fn a_run_of_other_settings_in_the_same_place_is_refused() {
    let place = Workplace::with_sample_data();
    study(&place, "");
    place.succeeds(&["lab", "ablate", "study.toml"]);
    let text = fs::read_to_string(place.path("study.toml")).expect("the study");
    place.write("study.toml", text.replace("steps=6", "steps=7"));
    let error = place.is_refused(&["lab", "ablate", "study.toml"]);
    assert!(error.contains("holds a run of other settings"), "{error}");
    // Nor is it one of these settings if the config says something else by now.
    let config = fs::read_to_string(config("tiny/classify.toml")).expect("a config");
    place.write("own.toml", &config);
    let own = format!("config = {:?}", place.path("own.toml"));
    let (head, rest) = text.split_once("config = ").expect("the config's line");
    let (_, rest) = rest.split_once('\n').expect("more lines");
    place.write(
        "study.toml",
        format!("{head}{own}\n{rest}").replace("runs/sweep", "runs/own"),
    );
    place.succeeds(&["lab", "ablate", "study.toml"]);
    place.write(
        "own.toml",
        config.replace("hidden_size = 64", "hidden_size = 32"),
    );
    let error = place.is_refused(&["lab", "ablate", "study.toml"]);
    assert!(error.contains("holds a run of other settings"), "{error}");
}

#[test]
fn a_study_that_makes_no_sense_is_refused_before_anything_is_trained() {
    let place = Workplace::with_sample_data();
    for (more, text, way_out) in [
        (
            "baseline = { init = \"zeroes\" }",
            "",
            "did you mean `zeros`?",
        ),
        ("baseline = { start = \"zeros\" }", "", "the axes are init"),
        ("within = [\"task\"]", "", "the axes are init"),
        ("also = [\"speed\"]\nconfidence = 95", "", "between 0 and 1"),
        ("margn = 1.0", "", "margn"),
        ("", "special.policy.cls.init=zero", "tune/zeros/seed-0: "),
    ] {
        study(&place, more);
        if !text.is_empty() {
            let study = fs::read_to_string(place.path("study.toml")).expect("the study");
            place.write(
                "study.toml",
                study.replace("special.policy.cls.init=zeros", text),
            );
        }
        let error = place.is_refused(&["lab", "ablate", "study.toml"]);
        assert!(error.contains(way_out), "{error}");
    }
    study(&place, "");
    let error = place.is_refused(&["lab", "ablate", "study.toml", "--so-far"]);
    assert!(error.contains("no finished run yet"), "{error}");
    assert!(!place.path("runs").exists(), "something was trained");
}

#[test]
fn a_dry_run_prints_the_commands_and_trains_nothing() {
    let place = Workplace::with_sample_data();
    study(&place, "");
    let printed = place.succeeds(&["lab", "ablate", "study.toml", "--dry-run"]);
    assert_eq!(printed.lines().count(), 4);
    assert!(
        printed
            .lines()
            .all(|line| line.starts_with("cresset train ")),
        "{printed}"
    );
    assert!(!place.path("runs").exists(), "something was trained");
}

#[test]
fn a_stage_that_fails_takes_only_its_own_arm_with_it() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/classify.toml");
    place.write(
        "study.toml",
        format!(
            "seeds = [0]\nout = \"runs/sweep\"\nmetric = \"accuracy\"\n\
             [[stage]]\nname = \"first\"\nconfig = {config:?}\nset = [\"train.steps=4\"]\n\
             [[stage]]\nname = \"second\"\nconfig = {config:?}\n\
             set = ['model={{ path = \"{{first}}/model\" }}', \"tokenizer={{}}\", \"train.steps=4\"]\n\
             [axis.rate]\nusual = {{}}\nwild = {{ first = [\"optim.adamw.lr=1e38\"] }}\n"
        ),
    );
    let output = place.run(&["lab", "ablate", "study.toml"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let results = results(&place);
    let run = |arm: usize| &results["arms"][arm]["runs"][0];
    assert!(run(0)["values"]["accuracy"].is_number(), "{results}");
    assert_eq!(run(1)["failed"], "first/wild/seed-0 failed");
    assert!(
        !place.path("runs/sweep/second/wild").exists(),
        "begun all the same"
    );
}
