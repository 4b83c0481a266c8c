//! F1 and exact match where every row has any number of labels.
//!
//! Equal to scikit-learn's `f1_score(.., zero_division=0)` and `accuracy_score` on indicator matrices.

use crate::error::{MetricError, check_pairs};
use crate::f1::{Scores, scores};

/// Counts of labels that were predicted, that hold, and both; at least one row and one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelCounts {
    correct: Vec<u64>,
    predicted: Vec<u64>,
    support: Vec<u64>,
    n_rows: usize,
    n_exact: usize,
}

impl LabelCounts {
    /// Counts two tables of `n_labels` columns, row-major: true where the label is predicted, or holds.
    ///
    /// # Errors
    /// Tables of different sizes; empty tables; values that do not fill whole rows.
    pub fn new(
        predictions: &[bool],
        references: &[bool],
        n_labels: usize,
    ) -> Result<Self, MetricError> {
        check_pairs(predictions.len(), references.len())?;
        if n_labels == 0 || !predictions.len().is_multiple_of(n_labels) {
            return Err(MetricError::NotRectangular {
                values: predictions.len(),
                n_labels,
            });
        }
        let mut counts = LabelCounts {
            correct: vec![0; n_labels],
            predicted: vec![0; n_labels],
            support: vec![0; n_labels],
            n_rows: predictions.len() / n_labels,
            n_exact: 0,
        };
        let rows = predictions
            .chunks(n_labels)
            .zip(references.chunks(n_labels));
        for (prediction, reference) in rows {
            counts.n_exact += usize::from(prediction == reference);
            for label in 0..n_labels {
                counts.predicted[label] += u64::from(prediction[label]);
                counts.support[label] += u64::from(reference[label]);
                counts.correct[label] += u64::from(prediction[label] && reference[label]);
            }
        }
        Ok(counts)
    }

    /// The scores of every label.
    pub fn label_scores(&self) -> Vec<Scores> {
        (0..self.correct.len())
            .map(|i| scores(self.correct[i], self.predicted[i], self.support[i]))
            .collect()
    }

    /// Scores of the counts summed over all labels.
    pub fn micro_scores(&self) -> Scores {
        scores(
            self.correct.iter().sum(),
            self.predicted.iter().sum(),
            self.support.iter().sum(),
        )
    }

    /// Unweighted mean over all labels. One that occurs nowhere counts 0, as in scikit-learn, which is told the labels
    /// by the table here; compare [`crate::macro_scores`].
    pub fn macro_scores(&self) -> Scores {
        let of_labels = self.label_scores();
        let mean = |score: fn(&Scores) -> f64| {
            of_labels.iter().map(score).sum::<f64>() / of_labels.len() as f64
        };
        Scores {
            precision: mean(|s| s.precision),
            recall: mean(|s| s.recall),
            f1: mean(|s| s.f1),
        }
    }

    /// Share of rows whose labels are all right and complete, also called subset accuracy; 0 to 1.
    pub fn exact_match(&self) -> f64 {
        self.n_exact as f64 / self.n_rows as f64
    }
}
