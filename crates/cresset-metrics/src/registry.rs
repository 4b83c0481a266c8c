//! The one list of metric names, with the direction in which each gets better.

/// Which direction of a metric is an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// A larger value is better.
    Higher,
    /// A smaller value is better.
    Lower,
}

impl Better {
    /// Whether `candidate` improves on `best`. A value that is not a number never improves on anything.
    pub fn improves(self, candidate: f64, best: f64) -> bool {
        match self {
            Better::Higher => candidate > best,
            Better::Lower => candidate < best,
        }
    }
}

/// One entry of [`METRICS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name in reports, configs and `metrics.jsonl`.
    pub name: &'static str,
    /// What it measures, with its unit or range.
    pub what: &'static str,
    /// Which direction is better.
    pub better: Better,
}

/// Every metric by name.
pub const METRICS: &[Metric] = &[
    lower(
        "loss",
        "mean loss per target, in nats; of a regression the mean squared error",
    ),
    higher("accuracy", "share of predictions that are right, 0 to 1"),
    lower(
        "pair_loss",
        "mean loss per pair of texts in pre-training, in nats",
    ),
    higher(
        "pair_accuracy",
        "share of pairs of texts in pre-training that are judged right, 0 to 1",
    ),
    higher(
        "precision",
        "share of the predictions of a class that are right, 0 to 1",
    ),
    higher("recall", "share of a class that was found, 0 to 1"),
    higher(
        "f1",
        "harmonic mean of precision and recall: of the positive class, or of an answer's words or characters, 0 to 1",
    ),
    higher(
        "macro_f1",
        "unweighted mean of the classes' F1, 0 to 1; classes that occur nowhere are left out",
    ),
    higher(
        "micro_f1",
        "F1 over the summed counts of all classes, 0 to 1",
    ),
    higher(
        "weighted_f1",
        "mean of the classes' F1 weighted by their size, 0 to 1",
    ),
    higher(
        "matthews",
        "Matthews correlation of predicted and true classes, -1 to 1",
    ),
    higher(
        "exact_match",
        "share of rows whose whole answer is right: all labels of a text, or the answer found in it, 0 to 1",
    ),
    higher(
        "entity_precision",
        "share of the predicted entities that are right in type and extent, 0 to 1",
    ),
    higher(
        "entity_recall",
        "share of the entities that were found in type and extent, 0 to 1",
    ),
    higher(
        "entity_f1",
        "harmonic mean of entity precision and recall over all types, 0 to 1",
    ),
    lower(
        "mse",
        "mean squared error, in the square of the score's unit",
    ),
    higher("pearson", "linear correlation, -1 to 1"),
    higher("spearman", "correlation of the ranks, -1 to 1"),
    lower("perplexity", "exp of the mean loss per token, from 1"),
    lower(
        "bits_per_character",
        "bits the model needs per character of text, from 0",
    ),
    higher("bleu", "corpus BLEU, 0 to 100"),
    higher("chrf", "chrF2, character n-gram F score, 0 to 100"),
    higher(
        "chrf++",
        "chrF2++, character and word n-gram F score, 0 to 100",
    ),
];

/// Looks a metric up by its name.
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

const fn higher(name: &'static str, what: &'static str) -> Metric {
    Metric {
        name,
        what,
        better: Better::Higher,
    }
}

const fn lower(name: &'static str, what: &'static str) -> Metric {
    Metric {
        name,
        what,
        better: Better::Lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (index, entry) in METRICS.iter().enumerate() {
            assert!(
                METRICS[..index]
                    .iter()
                    .all(|other| other.name != entry.name)
            );
            assert_eq!(metric(entry.name), Some(entry));
        }
    }

    #[test]
    fn a_value_that_is_not_a_number_never_improves() {
        for better in [Better::Higher, Better::Lower] {
            assert!(!better.improves(f64::NAN, 0.0));
            assert!(!better.improves(0.0, 0.0));
        }
        assert!(Better::Higher.improves(1.0, 0.0));
        assert!(Better::Lower.improves(0.0, 1.0));
    }
}
