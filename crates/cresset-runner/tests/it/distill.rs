//! A small model learns from the folder of another one.

use crate::workplace::{Workplace, config, events};

fn trained(place: &Workplace, name: &str, sets: &[&str]) {
    let config = config(&format!("tiny/{name}.toml"));
    let mut args = vec!["train", &config, "--quiet", "--set", "train.steps=12"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    place.succeeds(&args);
}

#[test]
fn every_objective_with_a_teacher_learns_from_its_folder_and_does_without_it_afterwards() {
    for (name, data) in [
        ("classify", "sample-data/sentiment/dev.jsonl"),
        ("masked-lm", "sample-data/corpus.txt"),
        ("causal-lm", "sample-data/corpus.txt"),
    ] {
        let place = Workplace::with_sample_data();
        trained(&place, name, &["train.out=teacher"]);
        let teacher = format!("objective.{name}.distill.teacher=teacher/model");
        trained(&place, name, &["train.out=student", "seed=1", &teacher]);
        let steps = events(&place.path("student"));
        let first = steps.iter().find(|e| e["event"] == "step").expect("a step");
        let term = first["terms"]["distillation"].as_f64();
        assert!(term.is_some_and(|t| t > 0.0), "{name}: {first}");
        std::fs::remove_dir_all(place.path("teacher")).expect("the teacher");
        place.succeeds(&["evaluate", "student/model", "--data", data]);
    }
}

#[test]
fn a_teacher_of_another_vocabulary_is_refused() {
    let place = Workplace::with_sample_data();
    trained(
        &place,
        "classify",
        &["train.out=teacher", "tokenizer.train.vocab_size=200"],
    );
    let config = config("tiny/classify.toml");
    let message = place.is_refused(&[
        "train",
        &config,
        "--quiet",
        "--set",
        "train.out=student",
        "--set",
        "objective.classify.distill.teacher=teacher/model",
    ]);
    assert!(message.contains("another vocabulary"), "{message}");
}
