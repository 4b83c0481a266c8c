//! Sentences with the names of people and places in them, in IOB2. Some names are of both kinds, so that only the words
//! around them tell which.

use std::collections::HashSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::pick;

const N_TRAIN: usize = 1500;
const N_DEV: usize = 300;

/// In a sentence `P` stands for a person and `L` for a place.
const SENTENCES: &[&str] = &[
    "P lives in L .",
    "P and P met in L on monday .",
    "the train from L to L was late .",
    "yesterday P wrote a letter to P .",
    "P said that the weather in L was fine .",
    "we saw P near the station of L .",
    "many people in L know P .",
    "the mayor of L thanked P and P .",
    "P came from L and went to L .",
    "nobody in the house had heard of it .",
    "my friend P bought a house in L .",
    "the river in L is wide .",
    "P sang and P danced .",
    "they will travel to L with P in spring .",
];
const FIRST: &[&str] = &[
    "Mary", "John", "Anna", "Peter", "Lucy", "Martin", "Sophie", "Paul",
];
const LAST: &[&str] = &[
    "Miller", "Smith", "Baker", "Fischer", "Novak", "Silva", "Carter", "Young",
];
/// Names of people and of places.
const BOTH: &[&str] = &["Florence", "Jordan", "Sydney", "Lincoln"];
const PLACES: &[&str] = &[
    "Paris", "Oslo", "Lisbon", "Vienna", "Cairo", "Quito", "Turin", "Bergen",
];
/// First words of places with two.
const QUALITIES: &[&str] = &["New", "Old", "Upper", "North"];

/// Both splits; no sentence occurs twice.
pub(super) fn files(rng: &mut ChaCha8Rng) -> Vec<(&'static str, String)> {
    let mut seen = HashSet::new();
    let train = sentences(N_TRAIN, &mut seen, rng);
    let dev = sentences(N_DEV, &mut seen, rng);
    vec![("tagging/train.conll", train), ("tagging/dev.conll", dev)]
}

fn sentences(n: usize, seen: &mut HashSet<String>, rng: &mut ChaCha8Rng) -> String {
    let mut sentences = Vec::with_capacity(n);
    while sentences.len() < n {
        let sentence = sentence(rng);
        // Those without names are few, so they may come again.
        if seen.insert(sentence.clone()) || !sentence.contains("B-") {
            sentences.push(sentence);
        }
    }
    sentences.concat()
}

fn sentence(rng: &mut ChaCha8Rng) -> String {
    let mut lines = String::new();
    for word in pick(SENTENCES, rng).split(' ') {
        let (name, kind) = match word {
            "P" => (person(rng), "PER"),
            "L" => (place(rng), "LOC"),
            _ => {
                lines.push_str(&format!("{word}\tO\n"));
                continue;
            }
        };
        for (i, part) in name.iter().enumerate() {
            let prefix = if i == 0 { "B" } else { "I" };
            lines.push_str(&format!("{part}\t{prefix}-{kind}\n"));
        }
    }
    lines + "\n"
}

fn person(rng: &mut ChaCha8Rng) -> Vec<&'static str> {
    let first = pick(if rng.random_bool(0.3) { BOTH } else { FIRST }, rng);
    if rng.random_bool(0.6) {
        vec![*first, *pick(LAST, rng)]
    } else {
        vec![*first]
    }
}

fn place(rng: &mut ChaCha8Rng) -> Vec<&'static str> {
    let name = pick(if rng.random_bool(0.3) { BOTH } else { PLACES }, rng);
    if rng.random_bool(0.3) {
        vec![*pick(QUALITIES, rng), *name]
    } else {
        vec![*name]
    }
}
