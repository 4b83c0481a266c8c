//! What an evaluation adds up.

use std::collections::BTreeMap;

/// Sums with denominators, and predictions beside references for metrics that need all of them at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    sums: BTreeMap<String, (f64, f64)>,
    classes: BTreeMap<String, Pairs<u32>>,
    numbers: BTreeMap<String, Pairs<f64>>,
    texts: BTreeMap<String, Pairs<String>>,
}

/// References and predictions, in the same order.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs<T> {
    /// What was right.
    pub references: Vec<T>,
    /// What the model said.
    pub predictions: Vec<T>,
}

impl Report {
    /// An empty one.
    pub fn new() -> Self {
        Report::default()
    }

    /// Adds to a mean: `sum` over `denominator` targets.
    pub fn add(&mut self, name: &str, sum: f64, denominator: f64) {
        let entry = self.sums.entry(name.to_owned()).or_default();
        entry.0 += sum;
        entry.1 += denominator;
    }

    /// Adds to a share: `correct` of `total`.
    pub fn count(&mut self, name: &str, correct: usize, total: usize) {
        self.add(name, correct as f64, total as f64);
    }

    /// Adds classes or ids.
    pub fn push_pairs(&mut self, name: &str, references: &[u32], predictions: &[u32]) {
        push(&mut self.classes, name, references, predictions);
    }

    /// Adds numbers.
    pub fn push_numbers(&mut self, name: &str, references: &[f64], predictions: &[f64]) {
        push(&mut self.numbers, name, references, predictions);
    }

    /// Adds texts.
    pub fn push_texts(&mut self, name: &str, references: &[String], predictions: &[String]) {
        push(&mut self.texts, name, references, predictions);
    }

    /// The classes or ids pushed under a name.
    pub fn pairs(&self, name: &str) -> Option<&Pairs<u32>> {
        self.classes.get(name)
    }

    /// The numbers pushed under a name.
    pub fn numbers(&self, name: &str) -> Option<&Pairs<f64>> {
        self.numbers.get(name)
    }

    /// The texts pushed under a name.
    pub fn texts(&self, name: &str) -> Option<&Pairs<String>> {
        self.texts.get(name)
    }

    /// The sum and the denominator of a mean.
    pub fn sum(&self, name: &str) -> Option<(f64, f64)> {
        self.sums.get(name).copied()
    }

    /// The mean of a name; `None` without any target.
    pub fn mean(&self, name: &str) -> Option<f64> {
        let (sum, denominator) = self.sum(name)?;
        (denominator > 0.0).then(|| sum / denominator)
    }

    /// Takes up another report, each of its names behind a prefix.
    pub fn absorb(&mut self, prefix: &str, other: Report) {
        let named = |name: String| format!("{prefix}{name}");
        for (name, (sum, denominator)) in other.sums {
            self.add(&named(name), sum, denominator);
        }
        for (name, pairs) in other.classes {
            self.push_pairs(&named(name), &pairs.references, &pairs.predictions);
        }
        for (name, pairs) in other.numbers {
            self.push_numbers(&named(name), &pairs.references, &pairs.predictions);
        }
        for (name, pairs) in other.texts {
            self.push_texts(&named(name), &pairs.references, &pairs.predictions);
        }
    }

    /// What stands behind a prefix, under the names without it.
    pub fn under(&self, prefix: &str) -> Report {
        fn of<V: Clone>(map: &BTreeMap<String, V>, prefix: &str) -> BTreeMap<String, V> {
            let bare = |(name, value): (&String, &V)| {
                Some((name.strip_prefix(prefix)?.to_owned(), value.clone()))
            };
            map.iter().filter_map(bare).collect()
        }
        Report {
            sums: of(&self.sums, prefix),
            classes: of(&self.classes, prefix),
            numbers: of(&self.numbers, prefix),
            texts: of(&self.texts, prefix),
        }
    }

    /// All means by name; names without any target are left out.
    pub fn values(&self) -> BTreeMap<String, f64> {
        self.sums
            .keys()
            .filter_map(|name| Some((name.clone(), self.mean(name)?)))
            .collect()
    }
}

fn push<T: Clone>(
    map: &mut BTreeMap<String, Pairs<T>>,
    name: &str,
    references: &[T],
    predictions: &[T],
) {
    assert_eq!(
        references.len(),
        predictions.len(),
        "one prediction per reference in `{name}`"
    );
    let pairs = map.entry(name.to_owned()).or_insert_with(|| Pairs {
        references: Vec::new(),
        predictions: Vec::new(),
    });
    pairs.references.extend_from_slice(references);
    pairs.predictions.extend_from_slice(predictions);
}
