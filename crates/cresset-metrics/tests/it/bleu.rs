//! BLEU against sacrebleu.

use cresset_metrics::{
    BleuOptions, BleuTokenizer, Case, Smoothing, bleu_statistics, corpus_bleu, corpus_bleu_multi,
};
use serde::Deserialize;

use crate::{Corpus, assert_close, cases};

#[derive(Deserialize)]
struct Score {
    signature: String,
    score: f64,
}

/// What sacrebleu says besides the score, with its default settings.
#[derive(Deserialize)]
pub(crate) struct Detail {
    precisions: [f64; 4],
    brevity_penalty: f64,
    hypothesis_length: u64,
    reference_length: u64,
    line: String,
}

/// The settings that a signature names.
fn options(signature: &str) -> BleuOptions {
    let field = |name: &str| {
        signature
            .split('|')
            .find_map(|part| part.strip_prefix(name)?.strip_prefix(':'))
            .expect("the signature names every setting")
    };
    BleuOptions {
        tokenizer: BleuTokenizer::from_name(field("tok")).expect("a tokenizer that we have"),
        smoothing: match field("smooth") {
            "exp" => Smoothing::Exp,
            "none" => Smoothing::None,
            "floor[0.10]" => Smoothing::Floor(0.1),
            "add-k[1.00]" => Smoothing::AddK(1.0),
            other => panic!("unknown smoothing {other}"),
        },
        case: match field("case") {
            "lc" => Case::Lower,
            _ => Case::Mixed,
        },
        effective_order: field("eff") == "yes",
    }
}

/// Ours ends in our own version, sacrebleu's in sacrebleu's; everything before is the same.
fn without_version(signature: &str) -> &str {
    let end = signature.rfind("version:").expect("a version is named");
    &signature[..end]
}

#[test]
fn bug_class_16_corpus_bleu_and_its_signature_equal_sacrebleu() {
    for corpus in cases::<Corpus<Score>>("bleu") {
        for score in &corpus.scores {
            let options = options(&score.signature);
            let ours = corpus_bleu_multi(&corpus.hypotheses, &corpus.references, &options)
                .expect("valid input");
            let what = format!("{} {}", corpus.name, score.signature);
            assert_close(ours.score, score.score, &what);
            assert_eq!(
                without_version(&ours.signature),
                without_version(&score.signature)
            );
            assert!(ours.signature.contains("version:cresset-metrics-"));
        }
    }
}

#[test]
fn precisions_lengths_and_printed_line_equal_sacrebleu() {
    for corpus in cases::<Corpus<Score>>("bleu") {
        let detail = corpus.default.expect("bleu goldens have details");
        let options = BleuOptions::default();
        let ours = corpus_bleu_multi(&corpus.hypotheses, &corpus.references, &options)
            .expect("valid input");
        for (ours, theirs) in ours.precisions.iter().zip(detail.precisions) {
            assert_close(*ours, theirs, &corpus.name);
        }
        assert_close(ours.brevity_penalty, detail.brevity_penalty, &corpus.name);
        assert_eq!(ours.hypothesis_length, detail.hypothesis_length);
        assert_eq!(ours.reference_length, detail.reference_length);
        let scores = |line: &str| line[line.find(" = ").expect("a score is printed")..].to_owned();
        assert_eq!(scores(&ours.to_string()), scores(&detail.line));
    }
}

#[test]
fn one_reference_needs_no_lists_of_lists() {
    let hypotheses = ["a b c d e"];
    let options = BleuOptions::default();
    let one = corpus_bleu(&hypotheses, &["a b c d f"], &options).expect("valid input");
    let many = corpus_bleu_multi(&hypotheses, &[["a b c d f"]], &options).expect("valid input");
    assert_eq!(one, many);
}

#[test]
fn statistics_of_segments_add_up_to_the_corpus() {
    let options = BleuOptions::default();
    for corpus in cases::<Corpus<Score>>("bleu") {
        let whole = corpus_bleu_multi(&corpus.hypotheses, &corpus.references, &options)
            .expect("valid input");
        let mut sum = bleu_statistics(&corpus.hypotheses[0], &corpus.references[0], &options);
        for (hypothesis, references) in corpus.hypotheses.iter().zip(&corpus.references).skip(1) {
            sum += bleu_statistics(hypothesis, references, &options);
        }
        assert_eq!(sum.score(&options), whole.score);
    }
}
