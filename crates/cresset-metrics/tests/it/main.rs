//! The metrics against the Python references; `scripts/golden_metrics.py` writes `tests/golden/*.json`.

mod bleu;
mod bootstrap;
mod chrf;
mod classes;
mod correlation;
mod entities;
mod malformed;
mod multi_label;
mod squad;

use serde::de::DeserializeOwned;

/// A golden file: the version of the reference, then the cases.
#[derive(serde::Deserialize)]
struct Golden<C> {
    cases: Vec<C>,
}

/// A corpus with the scores that sacrebleu gives it.
#[derive(serde::Deserialize)]
struct Corpus<S> {
    name: String,
    hypotheses: Vec<String>,
    /// Per segment.
    references: Vec<Vec<String>>,
    default: Option<bleu::Detail>,
    scores: Vec<S>,
}

fn cases<C: DeserializeOwned>(file: &str) -> Vec<C> {
    let path = format!("{}/tests/golden/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the golden file is in the repository");
    let golden: Golden<C> = serde_json::from_str(&text).expect("the golden file is well-formed");
    assert!(!golden.cases.is_empty());
    golden.cases
}

/// Both sides compute in f64 but add and take logarithms in different orders.
const TOLERANCE: f64 = 1e-9;

#[track_caller]
fn assert_close(ours: f64, theirs: f64, what: &str) {
    assert!(
        (ours - theirs).abs() <= TOLERANCE,
        "{what}: ours {ours}, the reference {theirs}"
    );
}
