//! Answers in a text against the rules of the published scripts.

use cresset_metrics::{
    AnswerUnit, MetricError, answer_score, answer_scores, metric, normalize_answer,
};
use serde::Deserialize;

use crate::{assert_close, cases};

#[derive(Deserialize)]
struct Case {
    name: String,
    prediction: String,
    references: Vec<String>,
    normalized: String,
    word: Scores,
    character: Scores,
}

#[derive(Deserialize)]
struct Scores {
    exact_match: f64,
    f1: f64,
}

#[test]
fn answers_score_as_by_the_published_rules() {
    for case in cases::<Case>("squad") {
        let name = &case.name;
        assert_eq!(
            normalize_answer(&case.prediction),
            case.normalized,
            "{name}"
        );
        for (unit, theirs) in [
            (AnswerUnit::Word, &case.word),
            (AnswerUnit::Character, &case.character),
        ] {
            let ours = answer_score(&case.prediction, &case.references, unit);
            assert_close(ours.exact_match, theirs.exact_match, name);
            assert_close(ours.f1, theirs.f1, name);
        }
    }
}

#[test]
fn scores_of_several_questions_are_their_mean() {
    let references = [vec!["the cat"], vec!["a dog", "dogs here"]];
    let scores = answer_scores(&["Cat!", "dogs"], &references, AnswerUnit::Word).expect("scores");
    assert_close(scores.exact_match, 0.5, "exact match");
    assert_close(scores.f1, (1.0 + 2.0 / 3.0) / 2.0, "f1");
    assert!(metric("exact_match").is_some() && metric("f1").is_some());
}

#[test]
fn a_question_without_reference_is_refused() {
    let none: [Vec<&str>; 1] = [vec![]];
    let error = answer_scores(&["a"], &none, AnswerUnit::Word);
    assert_eq!(error, Err(MetricError::NoReference { row: 0 }));
}
