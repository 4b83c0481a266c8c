//! Multi-label metrics against scikit-learn.

use cresset_metrics::{LabelCounts, MetricError};
use serde::Deserialize;

use crate::classes::{Theirs, assert_scores};
use crate::{assert_close, cases};

#[derive(Deserialize)]
struct Case {
    name: String,
    predictions: Vec<Vec<u8>>,
    references: Vec<Vec<u8>>,
    exact_match: f64,
    f1: Vec<f64>,
    r#macro: Theirs,
    micro: Theirs,
}

fn flat(table: &[Vec<u8>]) -> Vec<bool> {
    table.iter().flatten().map(|&value| value == 1).collect()
}

#[test]
fn multi_label_metrics_equal_scikit_learn() {
    for case in cases::<Case>("multi_label") {
        let name = &case.name;
        let counts = LabelCounts::new(
            &flat(&case.predictions),
            &flat(&case.references),
            case.f1.len(),
        )
        .expect("valid input");
        for (ours, theirs) in counts.label_scores().iter().zip(&case.f1) {
            assert_close(ours.f1, *theirs, name);
        }
        assert_close(counts.exact_match(), case.exact_match, name);
        assert_scores(counts.macro_scores(), &case.r#macro, name);
        assert_scores(counts.micro_scores(), &case.micro, name);
    }
}

#[test]
fn a_table_with_a_row_cut_short_is_refused() {
    let error = LabelCounts::new(&[true; 5], &[true; 5], 2);
    assert_eq!(
        error,
        Err(MetricError::NotRectangular {
            values: 5,
            n_labels: 2
        })
    );
}
