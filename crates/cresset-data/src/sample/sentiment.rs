//! Sentences about a stay, a meal or a film, good or bad. Words alone do not tell: many clauses with a good word say
//! something bad ("was not good"), and of two clauses only the main one counts ("although the soup was awful , the
//! room was wonderful").

use std::collections::HashSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::pick;

const N_TRAIN: usize = 3000;
const N_DEV: usize = 500;

#[rustfmt::skip]
const THINGS: &[&str] = &[
    "soup", "room", "film", "story", "music", "service", "coffee", "view", "garden", "dinner",
    "waiter", "breakfast", "bread", "concert", "hotel", "cake", "book", "song",
];
const GOOD: &[&str] = &[
    "good",
    "great",
    "wonderful",
    "lovely",
    "excellent",
    "pleasant",
    "superb",
    "delightful",
];
const BAD: &[&str] = &[
    "bad",
    "awful",
    "terrible",
    "horrible",
    "poor",
    "dreadful",
    "boring",
    "miserable",
];
const DEGREES: &[&str] = &["", "", "", "very", "really", "quite"];
const NEGATIONS: &[&str] = &["not", "not", "never"];
const OPENINGS: &[&str] = &["", "", "", "honestly ,", "this time", "to be fair ,"];

/// Chance of a negation in a clause that stands alone, and in the main clause beside another. The second is small: a
/// word would otherwise be a sign of its own tone as often as of the other, and learning would take long to begin.
const NEGATED_ALONE: f64 = 0.3;
const NEGATED_BESIDE: f64 = 0.1;

/// What a clause says about its thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Good,
    Bad,
}

impl Tone {
    fn other(self) -> Tone {
        match self {
            Tone::Good => Tone::Bad,
            Tone::Bad => Tone::Good,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Tone::Good => "positive",
            Tone::Bad => "negative",
        }
    }
}

/// Both splits; no sentence occurs twice.
pub(super) fn files(rng: &mut ChaCha8Rng) -> Vec<(&'static str, String)> {
    let mut seen = HashSet::new();
    let train = lines(N_TRAIN, &mut seen, rng);
    let dev = lines(N_DEV, &mut seen, rng);
    vec![
        ("sentiment/train.jsonl", train),
        ("sentiment/dev.jsonl", dev),
    ]
}

fn lines(n: usize, seen: &mut HashSet<String>, rng: &mut ChaCha8Rng) -> String {
    let mut lines = String::new();
    for i in 0..n {
        let tone = if i % 2 == 0 { Tone::Good } else { Tone::Bad };
        let text = loop {
            let text = sentence(tone, rng);
            if seen.insert(text.clone()) {
                break text;
            }
        };
        let line = serde_json::json!({ "text": text, "label": tone.label() });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    lines
}

/// A sentence of either tone, for other sets.
pub(super) fn remark(rng: &mut ChaCha8Rng) -> String {
    let tone = if rng.random_bool(0.5) {
        Tone::Good
    } else {
        Tone::Bad
    };
    sentence(tone, rng)
}

/// A sentence of this tone.
fn sentence(tone: Tone, rng: &mut ChaCha8Rng) -> String {
    let first = pick(THINGS, rng);
    let second = loop {
        let other = pick(THINGS, rng);
        if other != first {
            break other;
        }
    };
    let body = match rng.random_range(0..10) {
        0..6 => statement(first, tone, NEGATED_ALONE, rng),
        form => {
            let main = statement(first, tone, NEGATED_BESIDE, rng);
            let aside = statement(second, tone.other(), 0.0, rng);
            if form < 8 {
                format!("although {aside} , {main}")
            } else {
                format!("{main} , although {aside}")
            }
        }
    };
    let words = format!("{} {body} .", pick(OPENINGS, rng));
    words.trim_start().to_owned()
}

/// A clause of this tone, said by the opposite of the other tone with the given chance.
fn statement(thing: &str, tone: Tone, negated: f64, rng: &mut ChaCha8Rng) -> String {
    let negated = rng.random_bool(negated);
    let said = if negated { tone.other() } else { tone };
    let negation = if negated { *pick(NEGATIONS, rng) } else { "" };
    let word = match said {
        Tone::Good => pick(GOOD, rng),
        Tone::Bad => pick(BAD, rng),
    };
    let degree = *pick(DEGREES, rng);
    let words = ["the", thing, "was", negation, degree, word];
    words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
