//! Remarks that speak of several things at once: which they are (any number of labels, none included) and how good all in
//! all (a score from -2.5 to 2.5). The score is the mean over the clauses, so degrees count and no word decides alone.

use std::collections::{BTreeSet, HashSet};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::pick;

const N_TRAIN: usize = 1200;
const N_DEV: usize = 300;

/// What is spoken of, under its label.
#[rustfmt::skip]
const THINGS: &[(&str, &[&str])] = &[
    ("food", &["soup", "bread", "cake", "dinner", "breakfast", "coffee"]),
    ("house", &["room", "garden", "view", "bed", "hall"]),
    ("show", &["film", "story", "music", "concert", "song"]),
    ("staff", &["waiter", "cook", "guide", "service"]),
];
/// Judgements and how good they are.
const WORDS: &[(&str, f64)] = &[
    ("superb", 2.0),
    ("wonderful", 2.0),
    ("lovely", 1.5),
    ("good", 1.0),
    ("pleasant", 1.0),
    ("fine", 0.5),
    ("plain", -0.5),
    ("dull", -1.0),
    ("poor", -1.0),
    ("bad", -1.5),
    ("awful", -2.0),
    ("terrible", -2.0),
];
/// Degrees and what they do to a judgement.
const DEGREES: &[(&str, f64)] = &[
    ("", 1.0),
    ("", 1.0),
    ("quite ", 0.75),
    ("really ", 1.25),
    ("very ", 1.25),
];
/// Chance of a remark that speaks of nothing.
const NOTHING: f64 = 0.1;
const DAYS: &[&str] = &["monday", "tuesday", "friday", "sunday"];
const VISITS: &[&str] = &["came", "went there", "were there", "stayed"];
const PARTS: &[&str] = &["morning", "evening", "afternoon", "night"];

/// Both splits; no remark occurs twice.
pub(super) fn files(rng: &mut ChaCha8Rng) -> Vec<(&'static str, String)> {
    let mut seen = HashSet::new();
    let train = lines(N_TRAIN, &mut seen, rng);
    let dev = lines(N_DEV, &mut seen, rng);
    vec![("reviews/train.jsonl", train), ("reviews/dev.jsonl", dev)]
}

fn lines(n: usize, seen: &mut HashSet<String>, rng: &mut ChaCha8Rng) -> String {
    let mut lines = Vec::with_capacity(n);
    while lines.len() < n {
        let (text, labels, score) = if rng.random_bool(NOTHING) {
            (neutral(rng), BTreeSet::new(), 0.0)
        } else {
            review(rng)
        };
        if seen.insert(text.clone()) {
            let line = serde_json::json!({ "text": text, "label": labels, "score": score });
            lines.push(format!("{line}\n"));
        }
    }
    lines.concat()
}

/// One to three clauses: text, labels and score.
fn review(rng: &mut ChaCha8Rng) -> (String, BTreeSet<&'static str>, f64) {
    let mut clauses = Vec::new();
    let mut labels = BTreeSet::new();
    let mut total = 0.0;
    for _ in 0..rng.random_range(1..=3) {
        let (label, things) = *pick(THINGS, rng);
        let (degree, factor) = *pick(DEGREES, rng);
        let (word, strength) = *pick(WORDS, rng);
        clauses.push(format!("the {} was {degree}{word}", pick(things, rng)));
        labels.insert(label);
        total += factor * strength;
    }
    let score = total / clauses.len() as f64;
    let text = format!("{} .", clauses.join(" and "));
    (text, labels, (score * 100.0).round() / 100.0)
}

/// A remark that judges nothing.
fn neutral(rng: &mut ChaCha8Rng) -> String {
    let (visit, day, part) = (pick(VISITS, rng), pick(DAYS, rng), pick(PARTS, rng));
    let second = pick(PARTS, rng);
    format!("we {visit} on {day} {part} and left in the {second} .")
}
