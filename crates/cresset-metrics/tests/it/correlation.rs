//! Correlations against scipy, squared errors against scikit-learn.

use cresset_metrics::{MetricError, mse, pearson, spearman};
use serde::Deserialize;

use crate::{assert_close, cases};

#[derive(Deserialize)]
struct Case {
    name: String,
    predictions: Vec<f64>,
    references: Vec<f64>,
    /// None where scipy says "not a number".
    pearson: Option<f64>,
    spearman: Option<f64>,
    mse: f64,
}

#[track_caller]
fn assert_equal(ours: Result<f64, MetricError>, theirs: Option<f64>, what: &str) {
    let ours = ours.expect("valid input");
    match theirs {
        Some(theirs) => assert_close(ours, theirs, what),
        None => assert!(ours.is_nan(), "{what}: ours {ours}, scipy says NaN"),
    }
}

#[test]
fn correlations_and_squared_errors_equal_the_references_with_ties_and_constants() {
    for case in cases::<Case>("correlation") {
        let (predictions, references) = (&case.predictions, &case.references);
        assert_equal(pearson(predictions, references), case.pearson, &case.name);
        assert_equal(spearman(predictions, references), case.spearman, &case.name);
        let ours = mse(predictions, references).expect("valid input");
        // Relative, since some cases hold numbers of a million.
        assert_close(ours / case.mse, 1.0, &case.name);
    }
}

#[test]
fn a_value_that_is_not_a_number_makes_the_correlation_so() {
    let r = spearman(&[1.0, f64::NAN, 3.0], &[1.0, 2.0, 3.0]).expect("valid input");
    assert!(r.is_nan());
    let r = pearson(&[1.0, f64::NAN, 3.0], &[1.0, 2.0, 3.0]).expect("valid input");
    assert!(r.is_nan());
}
