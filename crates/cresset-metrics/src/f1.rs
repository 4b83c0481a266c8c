//! Precision, recall and F1 from a confusion matrix: per class and averaged.
//!
//! Equal to scikit-learn's `precision_recall_fscore_support` with `zero_division=0`. Precision is the share of a
//! class's predictions that are right, recall the share of its references that were found, F1 their harmonic mean
//! (van Rijsbergen, "Information Retrieval", 2nd ed. 1979, chapter 7, with beta 1).

use serde::Serialize;

use crate::confusion::ConfusionMatrix;
use crate::error::MetricError;

/// Precision, recall and F1, each from 0 to 1; a division by 0 gives 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Share of the predictions that are right.
    pub precision: f64,
    /// Share of the references that were found.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

/// The scores of every class `0..n_classes`. A class that occurs nowhere has zeros.
pub fn class_scores(matrix: &ConfusionMatrix) -> Vec<Scores> {
    (0..matrix.n_classes())
        .map(|class| {
            scores(
                matrix.count(class, class),
                matrix.predicted(class),
                matrix.support(class),
            )
        })
        .collect()
}

/// Unweighted mean over the classes that occur in the references or the predictions.
///
/// A class that occurs in neither is left out, as scikit-learn does when it is not told the labels: a small evaluation
/// set does not pull the mean down for classes that it does not have.
pub fn macro_scores(matrix: &ConfusionMatrix) -> Scores {
    weighted_mean(matrix, |class| {
        let present = matrix.support(class) + matrix.predicted(class) > 0;
        f64::from(u8::from(present))
    })
}

/// Mean weighted by how often each class occurs in the references.
pub fn weighted_scores(matrix: &ConfusionMatrix) -> Scores {
    weighted_mean(matrix, |class| matrix.support(class) as f64)
}

/// Scores of the counts summed over all classes. With one class per row all three equal the accuracy.
pub fn micro_scores(matrix: &ConfusionMatrix) -> Scores {
    scores(matrix.correct(), matrix.total(), matrix.total())
}

/// Scores of one class, the positive one, against the rest.
///
/// # Errors
/// A positive class that the matrix does not have.
pub fn binary_scores(matrix: &ConfusionMatrix, positive: usize) -> Result<Scores, MetricError> {
    class_scores(matrix)
        .get(positive)
        .copied()
        .ok_or(MetricError::OutOfRange {
            name: "the positive class",
            value: positive as f64,
            range: "below the number of classes",
        })
}

/// The F1 of [`macro_scores`] straight from the lists.
///
/// # Errors
/// As [`ConfusionMatrix::new`].
pub fn macro_f1(
    predictions: &[usize],
    references: &[usize],
    n_classes: usize,
) -> Result<f64, MetricError> {
    let matrix = ConfusionMatrix::new(predictions, references, n_classes)?;
    Ok(macro_scores(&matrix).f1)
}

fn weighted_mean(matrix: &ConfusionMatrix, weight: impl Fn(usize) -> f64) -> Scores {
    let mut mean = Scores::default();
    let mut total = 0.0;
    for (class, scores) in class_scores(matrix).into_iter().enumerate() {
        let weight = weight(class);
        mean.precision += weight * scores.precision;
        mean.recall += weight * scores.recall;
        mean.f1 += weight * scores.f1;
        total += weight;
    }
    // A matrix holds at least one pair, so some class has a weight.
    mean.precision /= total;
    mean.recall /= total;
    mean.f1 /= total;
    mean
}

pub(crate) fn scores(correct: u64, predicted: u64, support: u64) -> Scores {
    Scores {
        precision: share(correct, predicted),
        recall: share(correct, support),
        f1: share(2 * correct, predicted + support),
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
