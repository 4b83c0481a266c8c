//! A small language of our own, Lumo, with sentences in English.
//!
//! Lumo puts the verb last, adjectives behind their noun and time words first; articles and adjectives agree with the
//! noun in gender and number, the verb with its subject in number; pronouns as subjects are left out.
//!
//! ```text
//! the small dog sees the red birds .      ka dogun mita ke sivelin rosein vidar .
//! ```

use std::collections::HashSet;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::pick;

const N_TRAIN: usize = 5000;
const N_DEV: usize = 300;

/// Gender of a Lumo noun.
#[derive(Clone, Copy, Debug)]
enum Gender {
    Sun,
    Moon,
    Star,
}

use Gender::{Moon, Star, Sun};

/// English singular and plural, Lumo stem and gender.
type Noun = (&'static str, &'static str, &'static str, Gender);

const BEINGS: &[Noun] = &[
    ("dog", "dogs", "dogun", Sun),
    ("cat", "cats", "mirel", Moon),
    ("child", "children", "tavil", Star),
    ("woman", "women", "selan", Moon),
    ("man", "men", "harod", Sun),
    ("bird", "birds", "sivel", Star),
    ("horse", "horses", "kobar", Sun),
    ("teacher", "teachers", "lorem", Moon),
    ("farmer", "farmers", "gadun", Sun),
    ("girl", "girls", "minal", Moon),
];

const THINGS: &[Noun] = &[
    ("house", "houses", "kasor", Moon),
    ("tree", "trees", "arvel", Sun),
    ("book", "books", "litan", Star),
    ("apple", "apples", "pomel", Star),
    ("boat", "boats", "navir", Moon),
    ("letter", "letters", "karet", Sun),
    ("lamp", "lamps", "lumen", Star),
    ("table", "tables", "tabor", Sun),
    ("flower", "flowers", "floral", Moon),
    ("stone", "stones", "petrun", Star),
];

const PLACES: &[Noun] = &[
    ("garden", "gardens", "jarin", Moon),
    ("street", "streets", "viren", Sun),
    ("forest", "forests", "selvor", Star),
    ("kitchen", "kitchens", "kokal", Moon),
    ("school", "schools", "skolin", Star),
    ("market", "markets", "markon", Sun),
];

const ADJECTIVES: &[(&str, &str)] = &[
    ("small", "mit"),
    ("big", "gran"),
    ("red", "ros"),
    ("blue", "zul"),
    ("old", "vet"),
    ("young", "jun"),
    ("quiet", "silm"),
    ("happy", "gai"),
    ("green", "verd"),
    ("strong", "fort"),
];

/// English for one, for many, in the past; Lumo stem.
const VERBS: &[(&str, &str, &str, &str)] = &[
    ("sees", "see", "saw", "vid"),
    ("finds", "find", "found", "trov"),
    ("carries", "carry", "carried", "port"),
    ("likes", "like", "liked", "amil"),
    ("draws", "draw", "drew", "desk"),
    ("wants", "want", "wanted", "vol"),
    ("watches", "watch", "watched", "gard"),
    ("loses", "lose", "lost", "perd"),
];

const TIMES_NOW: &[(&str, &str)] = &[("today", "odie"), ("now", "nunka"), ("every day", "sempar")];
const TIMES_PAST: &[(&str, &str)] = &[
    ("yesterday", "iere"),
    ("last night", "noktare"),
    ("long ago", "vekia"),
];
const PREPOSITIONS: &[(&str, &str)] = &[("in", "en"), ("near", "prok"), ("behind", "ret")];

/// Whether a noun stands for one or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    One,
    Many,
}

/// The same words in both languages.
struct Phrase {
    english: String,
    lumo: String,
}

/// Both sides of both splits, line by line; no English sentence occurs twice.
pub(super) fn files(rng: &mut ChaCha8Rng) -> Vec<(&'static str, String)> {
    let mut seen = HashSet::new();
    let train = lines(N_TRAIN, &mut seen, rng);
    let dev = lines(N_DEV, &mut seen, rng);
    vec![
        ("translation/train.en", train.english),
        ("translation/train.lum", train.lumo),
        ("translation/dev.en", dev.english),
        ("translation/dev.lum", dev.lumo),
    ]
}

fn lines(n: usize, seen: &mut HashSet<String>, rng: &mut ChaCha8Rng) -> Phrase {
    let mut text = Phrase {
        english: String::new(),
        lumo: String::new(),
    };
    let mut written = 0;
    while written < n {
        let sentence = sentence(rng);
        if seen.insert(sentence.english.clone()) {
            text.english.push_str(&format!("{}\n", sentence.english));
            text.lumo.push_str(&format!("{}\n", sentence.lumo));
            written += 1;
        }
    }
    text
}

/// An English sentence, for other sets.
pub(super) fn english(rng: &mut ChaCha8Rng) -> String {
    sentence(rng).english
}

/// A sentence in English and in Lumo, for other sets.
pub(super) fn both(rng: &mut ChaCha8Rng) -> (String, String) {
    let sentence = sentence(rng);
    (sentence.english, sentence.lumo)
}

fn sentence(rng: &mut ChaCha8Rng) -> Phrase {
    let past = rng.random_bool(0.4);
    let (subject, number) = subject(rng);
    let verb = verb(number, past, rng);
    let object = noun_phrase(if rng.random_bool(0.6) { THINGS } else { BEINGS }, rng).0;
    let place = rng.random_bool(0.35).then(|| place(rng));
    let time = rng
        .random_bool(0.4)
        .then(|| *pick(if past { TIMES_PAST } else { TIMES_NOW }, rng));

    let mut english = vec![subject.english, verb.english, object.english];
    let mut lumo = vec![subject.lumo];
    if let Some(place) = place {
        english.push(place.english);
        lumo.push(place.lumo);
    }
    if let Some((said, told)) = time {
        english.push(said.to_owned());
        lumo.insert(0, told.to_owned());
    }
    lumo.extend([object.lumo, verb.lumo]);
    Phrase {
        english: joined(english),
        lumo: joined(lumo),
    }
}

fn joined(mut words: Vec<String>) -> String {
    words.retain(|word| !word.is_empty());
    words.push(".".to_owned());
    words.join(" ")
}

fn subject(rng: &mut ChaCha8Rng) -> (Phrase, Number) {
    if rng.random_bool(0.2) {
        let (english, number) = *pick(
            &[
                ("he", Number::One),
                ("she", Number::One),
                ("they", Number::Many),
            ],
            rng,
        );
        return (
            Phrase {
                english: english.to_owned(),
                lumo: String::new(),
            },
            number,
        );
    }
    noun_phrase(BEINGS, rng)
}

fn noun_phrase(nouns: &[Noun], rng: &mut ChaCha8Rng) -> (Phrase, Number) {
    let &(one, many, stem, gender) = pick(nouns, rng);
    let number = if rng.random_bool(0.4) {
        Number::Many
    } else {
        Number::One
    };
    let (noun, plural) = match number {
        Number::One => (one, ""),
        Number::Many => (many, "in"),
    };
    let (article, told_article) = article(gender, number, rng);
    let mut english = vec![article];
    let mut lumo = vec![told_article, format!("{stem}{plural}")];
    if rng.random_bool(0.5) {
        let (adjective, told) = pick(ADJECTIVES, rng);
        english.push((*adjective).to_owned());
        lumo.push(format!("{told}{}", agreement(gender, number)));
    }
    english.push(noun.to_owned());
    (
        Phrase {
            english: english.join(" "),
            lumo: lumo.join(" "),
        },
        number,
    )
}

fn article(gender: Gender, number: Number, rng: &mut ChaCha8Rng) -> (String, String) {
    let vowel = match gender {
        Sun => "a",
        Moon => "o",
        Star => "e",
    };
    let told = |consonant: &str| format!("{consonant}{vowel}");
    match (rng.random_range(0..10), number) {
        (0..5, _) => ("the".to_owned(), told("k")),
        (5..7, _) => ("my".to_owned(), told("m")),
        (_, Number::One) => ("one".to_owned(), told("un")),
        (7..9, Number::Many) => ("two".to_owned(), told("du")),
        (_, Number::Many) => ("three".to_owned(), told("tr")),
    }
}

fn agreement(gender: Gender, number: Number) -> &'static str {
    match (gender, number) {
        (Sun, Number::One) => "a",
        (Sun, Number::Many) => "ain",
        (Moon, Number::One) => "o",
        (Moon, Number::Many) => "oin",
        (Star, Number::One) => "e",
        (Star, Number::Many) => "ein",
    }
}

fn verb(number: Number, past: bool, rng: &mut ChaCha8Rng) -> Phrase {
    let (one, many, before, stem) = *pick(VERBS, rng);
    let ending = match (past, number) {
        (false, Number::One) => "ar",
        (false, Number::Many) => "aren",
        (true, Number::One) => "is",
        (true, Number::Many) => "isen",
    };
    if rng.random_bool(0.2) {
        let did = match (past, number) {
            (true, _) => "did",
            (false, Number::One) => "does",
            (false, Number::Many) => "do",
        };
        return Phrase {
            english: format!("{did} not {many}"),
            lumo: format!("{stem}{ending} ne"),
        };
    }
    let english = match (past, number) {
        (true, _) => before,
        (false, Number::One) => one,
        (false, Number::Many) => many,
    };
    Phrase {
        english: english.to_owned(),
        lumo: format!("{stem}{ending}"),
    }
}

fn place(rng: &mut ChaCha8Rng) -> Phrase {
    let (preposition, postposition) = pick(PREPOSITIONS, rng);
    let (ground, _) = noun_phrase(PLACES, rng);
    Phrase {
        english: format!("{preposition} {}", ground.english),
        lumo: format!("{} {postposition}", ground.lumo),
    }
}
