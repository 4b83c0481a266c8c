//! `contrastive` with hard negatives from the data.

use std::fs;

use serde_json::Value;

use crate::end_to_end::{begins_and_ends, measured};
use crate::workplace::{Workplace, config, losses};

/// The sample pairs, each with the second text of another pair as its hard negative.
fn with_negatives(place: &Workplace, name: &str) {
    let text = fs::read_to_string(place.path("sample-data/pairs").join(name)).expect("the data");
    let mut pairs: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let n = pairs.len();
    for at in 0..n {
        let other = pairs[(at + 1) % n]["pair"].clone();
        pairs[at]["hard"] = other;
    }
    let lines: String = pairs.iter().map(|pair| format!("{pair}\n")).collect();
    place.write(name, lines);
}

#[test]
fn contrast_learns_from_hard_negatives_and_from_triplets() {
    let place = Workplace::with_sample_data();
    with_negatives(&place, "train.jsonl");
    with_negatives(&place, "dev.jsonl");
    let config = config("tiny/contrastive.toml");
    let data = [
        "data.train=[\"train.jsonl\"]",
        "data.eval=[\"dev.jsonl\"]",
        "data.fields.negative=hard",
    ];
    for (out, more) in [
        ("hard", "seed=0"),
        ("triplet", "objective.contrastive.triplet.margin=1.0"),
    ] {
        let out_is = format!("train.out={out}");
        let mut args = vec!["train", &config, "--quiet"];
        let sets = data.iter().copied().chain([out_is.as_str(), more]);
        args.extend(sets.flat_map(|set| ["--set", set]));
        place.succeeds(&args);
        let (first, last) = begins_and_ends(&losses(&place.path(out)));
        assert!(last < 0.97 * first, "{out}: {first} to {last}");
        let metrics = measured(&place, &format!("{out}/best"), "dev.jsonl");
        // A guess finds one in 64 candidates, or one of two.
        let trivial = if out == "hard" { 0.1 } else { 0.6 };
        let accuracy = metrics["accuracy"].as_f64().expect("accuracy");
        assert!(accuracy > trivial, "{out}: {metrics}");
    }
    let message = place.is_refused(&[
        "preview",
        &config,
        "--set",
        "objective.contrastive.triplet.margin=1.0",
    ]);
    assert!(message.contains("no negative"), "{message}");
}
