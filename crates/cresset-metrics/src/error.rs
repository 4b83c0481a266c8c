//! What can be wrong with the input of a metric.

/// Malformed input of a metric.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The two lists do not belong together.
    #[error(
        "{predictions} predictions but {references} references; a metric needs one reference for each prediction, in the same order"
    )]
    LengthMismatch {
        /// Number of predictions or hypotheses.
        predictions: usize,
        /// Number of references.
        references: usize,
    },
    /// There is nothing to measure.
    #[error(
        "there is nothing to score: the lists are empty; check that the evaluation data has rows"
    )]
    Empty,
    /// A correlation needs at least two pairs.
    #[error("a correlation needs at least 2 pairs but there is {pairs}; evaluate on more rows")]
    TooFewPairs {
        /// Number of pairs given.
        pairs: usize,
    },
    /// A class index is not below the number of classes.
    #[error("row {row} has class {class} but there are only {n_classes} classes (numbered from 0)")]
    ClassOutOfRange {
        /// Position in the list, from 0.
        row: usize,
        /// The class index found.
        class: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// A table of labels has a row that is cut short.
    #[error(
        "{values} values do not fill whole rows of {n_labels} labels; give one value per row and label"
    )]
    NotRectangular {
        /// Number of values given.
        values: usize,
        /// Number of labels.
        n_labels: usize,
    },
    /// A tag that a scheme of entities does not have.
    #[error(
        "word {word} has the tag {tag:?}, which begins with none of {known}; write O or a prefix with a type, as in B-PER"
    )]
    UnknownTag {
        /// Position in the sequence, from 0.
        word: usize,
        /// The tag found.
        tag: String,
        /// The prefixes that there are.
        known: &'static str,
    },
    /// A segment has no reference.
    #[error("segment {row} has no reference; give each hypothesis at least one")]
    NoReference {
        /// Position in the list, from 0.
        row: usize,
    },
    /// A mean over nothing was asked for.
    #[error("the number of {unit} must be more than 0 to divide a summed loss by it")]
    NothingCounted {
        /// What is counted.
        unit: &'static str,
    },
    /// A setting is outside of its range.
    #[error("{name} is {value}; it must be {range}")]
    OutOfRange {
        /// Name of the setting.
        name: &'static str,
        /// The value found.
        value: f64,
        /// What would be accepted, in words.
        range: &'static str,
    },
}

/// Both lists have the same length, which is not 0.
pub(crate) fn check_pairs(predictions: usize, references: usize) -> Result<(), MetricError> {
    if predictions != references {
        return Err(MetricError::LengthMismatch {
            predictions,
            references,
        });
    }
    if predictions == 0 {
        return Err(MetricError::Empty);
    }
    Ok(())
}
