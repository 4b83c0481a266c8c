//! Malformed input is an error that says what is wrong, never a panic.

use cresset_metrics::{
    BleuOptions, ChrfOptions, ConfusionMatrix, MetricError, accuracy, binary_scores, corpus_bleu,
    corpus_bleu_multi, corpus_chrf, corpus_chrf_multi, pearson, spearman,
};

const MISMATCH: MetricError = MetricError::LengthMismatch {
    predictions: 2,
    references: 1,
};

#[test]
fn lists_of_different_lengths_are_refused_with_both_lengths() {
    assert_eq!(accuracy(&[0, 1], &[0]), Err(MISMATCH));
    assert_eq!(ConfusionMatrix::new(&[0, 1], &[0], 2), Err(MISMATCH));
    assert_eq!(pearson(&[0.0, 1.0], &[0.0]), Err(MISMATCH));
    assert_eq!(spearman(&[0.0, 1.0], &[0.0]), Err(MISMATCH));
    assert_eq!(
        corpus_bleu(&["a", "b"], &["a"], &BleuOptions::default()),
        Err(MISMATCH)
    );
    assert_eq!(
        corpus_chrf(&["a", "b"], &["a"], &ChrfOptions::default()),
        Err(MISMATCH)
    );
    assert_eq!(
        MISMATCH.to_string(),
        "2 predictions but 1 references; a metric needs one reference for each prediction, in the same order"
    );
}

#[test]
fn empty_lists_are_refused() {
    let none: [&str; 0] = [];
    assert_eq!(accuracy(&none, &none), Err(MetricError::Empty));
    assert_eq!(ConfusionMatrix::new(&[], &[], 2), Err(MetricError::Empty));
    assert_eq!(
        corpus_bleu(&none, &none, &BleuOptions::default()),
        Err(MetricError::Empty)
    );
    assert_eq!(
        corpus_chrf(&none, &none, &ChrfOptions::default()),
        Err(MetricError::Empty)
    );
    assert_eq!(
        pearson(&[1.0], &[1.0]),
        Err(MetricError::TooFewPairs { pairs: 1 })
    );
}

#[test]
fn a_class_out_of_range_is_named_with_its_row() {
    let error = ConfusionMatrix::new(&[0, 5], &[0, 1], 3).expect_err("class 5 of 3");
    assert_eq!(
        error.to_string(),
        "row 1 has class 5 but there are only 3 classes (numbered from 0)"
    );
    let matrix = ConfusionMatrix::new(&[0], &[0], 1).expect("valid input");
    assert!(binary_scores(&matrix, 1).is_err());
}

#[test]
fn a_segment_without_a_reference_is_named() {
    let references: [Vec<&str>; 2] = [vec!["a"], vec![]];
    let missing = MetricError::NoReference { row: 1 };
    assert_eq!(
        corpus_bleu_multi(&["a", "b"], &references, &BleuOptions::default()),
        Err(missing.clone())
    );
    assert_eq!(
        corpus_chrf_multi(&["a", "b"], &references, &ChrfOptions::default()),
        Err(missing)
    );
}
