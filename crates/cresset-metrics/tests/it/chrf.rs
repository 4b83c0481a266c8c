//! chrF and chrF++ against sacrebleu.

use cresset_metrics::{Case, ChrfOptions, corpus_chrf, corpus_chrf_multi};
use serde::Deserialize;

use crate::{Corpus, assert_close, cases};

#[derive(Deserialize)]
struct Score {
    char_order: usize,
    word_order: usize,
    beta: u32,
    lowercase: bool,
    score: f64,
    name: String,
    signature: String,
}

#[test]
fn bug_class_16_corpus_chrf_and_its_signature_equal_sacrebleu() {
    for corpus in cases::<Corpus<Score>>("chrf") {
        for score in &corpus.scores {
            let options = ChrfOptions {
                char_order: score.char_order,
                word_order: score.word_order,
                beta: score.beta,
                case: if score.lowercase {
                    Case::Lower
                } else {
                    Case::Mixed
                },
            };
            let ours = corpus_chrf_multi(&corpus.hypotheses, &corpus.references, &options)
                .expect("valid input");
            assert_close(ours.score, score.score, &corpus.name);
            assert_eq!(ours.name, score.name);
            let (settings, _) = score.signature.split_once("version:").expect("has one");
            assert!(ours.signature.starts_with(settings), "{}", ours.signature);
        }
    }
}

#[test]
fn plus_plus_adds_words() {
    let hypotheses = ["the house is small"];
    let references = ["the house was small"];
    let plain = corpus_chrf(&hypotheses, &references, &ChrfOptions::default()).expect("valid");
    let words = corpus_chrf(&hypotheses, &references, &ChrfOptions::plus_plus()).expect("valid");
    assert_eq!(
        (plain.name.as_str(), words.name.as_str()),
        ("chrF2", "chrF2++")
    );
    assert_ne!(plain.score, words.score);
}
