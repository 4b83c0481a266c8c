//! The confusion matrix: how often each class was taken for which.

use std::fmt;

use serde::Serialize;

use crate::error::{MetricError, check_pairs};

/// Counts of (reference, prediction) pairs over classes `0..n_classes`; at least one pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfusionMatrix {
    n_classes: usize,
    /// Row-major: a row per reference class, a column per predicted class.
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// Counts the pairs. Equal to scikit-learn's `confusion_matrix` with `labels=range(n_classes)`.
    ///
    /// # Errors
    /// Lists of different lengths; empty lists; a class index of `n_classes` or more.
    pub fn new(
        predictions: &[usize],
        references: &[usize],
        n_classes: usize,
    ) -> Result<Self, MetricError> {
        check_pairs(predictions.len(), references.len())?;
        let mut counts = vec![0; n_classes * n_classes];
        for (row, (&prediction, &reference)) in predictions.iter().zip(references).enumerate() {
            let class = prediction.max(reference);
            if class >= n_classes {
                return Err(MetricError::ClassOutOfRange {
                    row,
                    class,
                    n_classes,
                });
            }
            counts[reference * n_classes + prediction] += 1;
        }
        Ok(Self { n_classes, counts })
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// How often `reference` was predicted to be `prediction`.
    ///
    /// # Panics
    /// If a class is not below [`Self::n_classes`].
    pub fn count(&self, reference: usize, prediction: usize) -> u64 {
        assert!(
            reference.max(prediction) < self.n_classes,
            "class out of range"
        );
        self.counts[reference * self.n_classes + prediction]
    }

    /// How often the class occurs in the references (its support).
    pub fn support(&self, class: usize) -> u64 {
        (0..self.n_classes)
            .map(|other| self.count(class, other))
            .sum()
    }

    /// How often the class was predicted.
    pub fn predicted(&self, class: usize) -> u64 {
        (0..self.n_classes)
            .map(|other| self.count(other, class))
            .sum()
    }

    /// Number of right predictions.
    pub fn correct(&self) -> u64 {
        (0..self.n_classes)
            .map(|class| self.count(class, class))
            .sum()
    }

    /// Number of pairs; never 0.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl fmt::Display for ConfusionMatrix {
    /// A row per reference class, a column per predicted class, right-aligned.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .counts
            .iter()
            .map(|count| count.to_string().len())
            .max()
            .unwrap_or(1);
        for row in self.counts.chunks(self.n_classes.max(1)) {
            let cells: Vec<String> = row.iter().map(|count| format!("{count:>width$}")).collect();
            writeln!(f, "{}", cells.join(" "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_references_and_columns_predictions() {
        let matrix = ConfusionMatrix::new(&[1, 1, 0], &[0, 1, 0], 2).expect("valid input");
        assert_eq!((matrix.count(0, 1), matrix.count(1, 0)), (1, 0));
        assert_eq!((matrix.support(0), matrix.predicted(0)), (2, 1));
        assert_eq!((matrix.correct(), matrix.total()), (2, 3));
        assert_eq!(matrix.to_string(), "1 1\n0 1\n");
    }
}
