//! Stories of facts about people, and questions whose answers stand in them. In most stories the kind of fact tells the
//! answer apart, in some two people differ in it and the name decides. Many stories are long, so that they are read in
//! several windows.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{pick, translation};

const N_TRAIN: usize = 1200;
const N_DEV: usize = 200;

const NAMES: &[&str] = &[
    "anna", "boris", "clara", "david", "emil", "frieda", "georg", "hanna",
];
/// A kind of fact: the words between the name and the answer, the words around the name in the question, the answers.
struct Kind {
    says: &'static str,
    asks: (&'static str, &'static str),
    answers: &'static [&'static str],
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { says: "lives in", asks: ("where does", "live"),
           answers: &["rome", "new york", "paris", "oslo", "rio de janeiro", "cairo", "lima"] },
    Kind { says: "works as a", asks: ("what is the work of", ""),
           answers: &["baker", "police officer", "painter", "teacher", "truck driver", "nurse"] },
    Kind { says: "likes to eat", asks: ("what does", "eat"),
           answers: &["bread", "fish", "plum cake", "rice", "potato soup", "cheese"] },
    Kind { says: "was born in", asks: ("when was", "born"),
           answers: &["1950", "1961", "1972", "1983", "1994", "2005"] },
];
/// Chance that a second person is told the kind of fact that is asked for.
const AMBIGUOUS: f64 = 0.15;
/// Chance of a long story.
const LONG: f64 = 0.25;

/// Both splits.
pub(super) fn files(rng: &mut ChaCha8Rng) -> Vec<(&'static str, String)> {
    let train = lines(N_TRAIN, rng);
    let dev = lines(N_DEV, rng);
    vec![
        ("questions/train.jsonl", train),
        ("questions/dev.jsonl", dev),
    ]
}

fn lines(n: usize, rng: &mut ChaCha8Rng) -> String {
    (0..n).map(|_| format!("{}\n", question(rng))).collect()
}

/// A sentence, with the place of its answer if it is the one that is asked for.
struct Sentence {
    text: String,
    answer: Option<(usize, &'static str)>,
}

impl Sentence {
    fn fact(name: &str, kind: &Kind, answer: &'static str) -> Self {
        let front = format!("{name} {} ", kind.says);
        Sentence {
            answer: Some((front.len(), answer)),
            text: format!("{front}{answer} ."),
        }
    }

    fn aside(text: String) -> Self {
        Sentence { text, answer: None }
    }
}

fn question(rng: &mut ChaCha8Rng) -> serde_json::Value {
    let name = pick(NAMES, rng);
    let other = loop {
        let other = pick(NAMES, rng);
        if other != name {
            break other;
        }
    };
    let asked = rng.random_range(0..KINDS.len());
    let mut sentences = Vec::new();
    for (i, kind) in KINDS.iter().enumerate() {
        if i == asked {
            sentences.push(Sentence::fact(name, kind, pick::<&str>(kind.answers, rng)));
        } else {
            let who = if rng.random_bool(0.5) { name } else { other };
            let fact = Sentence::fact(who, kind, pick::<&str>(kind.answers, rng));
            sentences.push(Sentence::aside(fact.text));
        }
    }
    if rng.random_bool(AMBIGUOUS) {
        let fact = Sentence::fact(
            other,
            &KINDS[asked],
            pick::<&str>(KINDS[asked].answers, rng),
        );
        sentences.push(Sentence::aside(fact.text));
    }
    let n_asides = match rng.random_bool(LONG) {
        true => rng.random_range(8..14),
        false => rng.random_range(0..2),
    };
    sentences.extend((0..n_asides).map(|_| Sentence::aside(translation::english(rng))));
    shuffle(&mut sentences, rng);

    let mut context = String::new();
    let mut answers = Vec::new();
    for sentence in sentences {
        if !context.is_empty() {
            context.push(' ');
        }
        // All words are ASCII, so bytes are characters.
        if let Some((at, text)) = sentence.answer {
            answers.push(serde_json::json!({ "text": text, "answer_start": context.len() + at }));
        }
        context.push_str(&sentence.text);
    }
    let (before, behind) = KINDS[asked].asks;
    let question = format!("{before} {name} {behind}");
    serde_json::json!({
        "context": context,
        "question": format!("{} ?", question.trim_end()),
        "answers": answers,
    })
}

/// Fisher and Yates' shuffle.
fn shuffle(sentences: &mut [Sentence], rng: &mut ChaCha8Rng) {
    for last in (1..sentences.len()).rev() {
        sentences.swap(last, rng.random_range(0..=last));
    }
}
