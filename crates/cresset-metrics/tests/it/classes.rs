//! Classification metrics against scikit-learn.

use cresset_metrics::{
    ConfusionMatrix, Scores, accuracy, binary_scores, class_scores, macro_f1, macro_scores,
    matthews, micro_scores, weighted_scores,
};
use serde::Deserialize;

use crate::{assert_close, cases};

#[derive(Deserialize)]
struct Case {
    name: String,
    predictions: Vec<usize>,
    references: Vec<usize>,
    n_classes: usize,
    accuracy: f64,
    confusion: Vec<Vec<u64>>,
    per_class: PerClass,
    binary: Theirs,
    r#macro: Theirs,
    micro: Theirs,
    weighted: Theirs,
    matthews: f64,
}

#[derive(Deserialize)]
struct PerClass {
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
}

#[derive(Deserialize)]
pub(crate) struct Theirs {
    precision: f64,
    recall: f64,
    f1: f64,
}

#[track_caller]
pub(crate) fn assert_scores(ours: Scores, theirs: &Theirs, what: &str) {
    assert_close(
        ours.precision,
        theirs.precision,
        &format!("{what}, precision"),
    );
    assert_close(ours.recall, theirs.recall, &format!("{what}, recall"));
    assert_close(ours.f1, theirs.f1, &format!("{what}, F1"));
}

#[test]
fn classification_metrics_equal_scikit_learn() {
    for case in cases::<Case>("classes") {
        let name = &case.name;
        let matrix = ConfusionMatrix::new(&case.predictions, &case.references, case.n_classes)
            .expect("valid input");
        for (reference, row) in case.confusion.iter().enumerate() {
            for (prediction, count) in row.iter().enumerate() {
                assert_eq!(matrix.count(reference, prediction), *count, "{name}");
            }
        }
        let share = accuracy(&case.predictions, &case.references).expect("valid input");
        assert_close(share, case.accuracy, name);
        assert_close(matthews(&matrix), case.matthews, name);

        let per_class = class_scores(&matrix);
        assert_eq!(per_class.len(), case.n_classes);
        for (class, ours) in per_class.into_iter().enumerate() {
            let theirs = Theirs {
                precision: case.per_class.precision[class],
                recall: case.per_class.recall[class],
                f1: case.per_class.f1[class],
            };
            assert_scores(ours, &theirs, &format!("{name}, class {class}"));
        }
        let positive = binary_scores(&matrix, 1).expect("every case has a class 1");
        assert_scores(positive, &case.binary, &format!("{name}, binary"));
        assert_scores(
            macro_scores(&matrix),
            &case.r#macro,
            &format!("{name}, macro"),
        );
        assert_scores(
            micro_scores(&matrix),
            &case.micro,
            &format!("{name}, micro"),
        );
        assert_scores(
            weighted_scores(&matrix),
            &case.weighted,
            &format!("{name}, weighted"),
        );
    }
}

#[test]
fn macro_f1_is_the_short_way_to_the_macro_scores() {
    let (predictions, references) = ([0, 1, 1], [0, 1, 0]);
    let matrix = ConfusionMatrix::new(&predictions, &references, 2).expect("valid input");
    assert_eq!(
        macro_f1(&predictions, &references, 2),
        Ok(macro_scores(&matrix).f1)
    );
}
