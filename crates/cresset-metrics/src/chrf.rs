//! Corpus chrF and chrF++, equal to sacrebleu's.
//!
//! Popović (2015), "chrF: character n-gram F-score for automatic MT evaluation", and (2017), "chrF++: words helping
//! character n-grams": precision and recall of character n-grams (n = 1 to 6) and, for chrF++, word n-grams (n = 1 and
//! 2), averaged over the orders, then the F score with recall weighted beta^2. White space is left out of the character
//! n-grams. Needs no tokenizer, hence comparable across languages.

use std::fmt;
use std::ops::AddAssign;

use serde::Serialize;

use crate::error::{MetricError, check_pairs};
use crate::ngram::{self, Case, VERSION};

/// How chrF is computed; the default is sacrebleu's (chrF2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChrfOptions {
    /// The longest character n-gram that counts.
    pub char_order: usize,
    /// The longest word n-gram that counts: 0 for chrF, 2 for chrF++.
    pub word_order: usize,
    /// Recall counts `beta` times as much as precision.
    pub beta: u32,
    /// Whether case matters.
    pub case: Case,
}

impl Default for ChrfOptions {
    fn default() -> Self {
        Self {
            char_order: 6,
            word_order: 0,
            beta: 2,
            case: Case::Mixed,
        }
    }
}

impl ChrfOptions {
    /// chrF++: with word unigrams and bigrams.
    pub fn plus_plus() -> Self {
        Self {
            word_order: 2,
            ..Self::default()
        }
    }

    fn signature(&self, references: &str) -> String {
        let (case, nc, nw) = (self.case.signature(), self.char_order, self.word_order);
        format!("nrefs:{references}|case:{case}|eff:yes|nc:{nc}|nw:{nw}|space:no|{VERSION}")
    }
}

/// N-grams of one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct OrderCounts {
    hypothesis: u64,
    reference: u64,
    matches: u64,
}

/// The counts that a chrF score is made of. Those of a corpus are the sum of those of its segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChrfStatistics {
    /// Character orders first, then word orders.
    orders: Vec<OrderCounts>,
}

impl AddAssign<&Self> for ChrfStatistics {
    fn add_assign(&mut self, other: &Self) {
        let orders = self.orders.len().max(other.orders.len());
        self.orders.resize(orders, OrderCounts::default());
        for (sum, more) in self.orders.iter_mut().zip(&other.orders) {
            sum.hypothesis += more.hypothesis;
            sum.reference += more.reference;
            sum.matches += more.matches;
        }
    }
}

impl ChrfStatistics {
    /// The score, 0 to 100.
    pub fn score(&self, options: &ChrfOptions) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for order in &self.orders {
            if order.hypothesis > 0 && order.reference > 0 {
                precision += order.matches as f64 / order.hypothesis as f64;
                recall += order.matches as f64 / order.reference as f64;
                orders += 1.0;
            }
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precision / orders, recall / orders);
        let factor = f64::from(options.beta).powi(2);
        100.0 * (1.0 + factor) * precision * recall / (factor * precision + recall)
    }
}

/// A chrF score with its signature. `Display` prints sacrebleu's line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChrfScore {
    /// The score, 0 to 100.
    pub score: f64,
    /// `chrF2`, `chrF2++`, ...: beta, and a plus per word order.
    pub name: String,
    /// Says how the score was computed: scores with different signatures are not comparable.
    pub signature: String,
}

impl fmt::Display for ChrfScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{} = {:.2}", self.name, self.signature, self.score)
    }
}

/// chrF of a corpus with one reference per segment.
///
/// # Errors
/// Lists of different lengths; empty lists.
pub fn corpus_chrf<H: AsRef<str>, R: AsRef<str>>(
    hypotheses: &[H],
    references: &[R],
    options: &ChrfOptions,
) -> Result<ChrfScore, MetricError> {
    let references: Vec<[&str; 1]> = references.iter().map(|r| [r.as_ref()]).collect();
    corpus_chrf_multi(hypotheses, &references, options)
}

/// chrF of a corpus with any number of references per segment: `references[i]` are those of `hypotheses[i]`, and the
/// one that the hypothesis scores best against counts.
///
/// # Errors
/// Lists of different lengths; empty lists; a segment without a reference.
pub fn corpus_chrf_multi<H, L, R>(
    hypotheses: &[H],
    references: &[L],
    options: &ChrfOptions,
) -> Result<ChrfScore, MetricError>
where
    H: AsRef<str>,
    L: AsRef<[R]>,
    R: AsRef<str>,
{
    check_pairs(hypotheses.len(), references.len())?;
    let mut sum = ChrfStatistics::default();
    for (row, (hypothesis, references)) in hypotheses.iter().zip(references).enumerate() {
        let references = references.as_ref();
        if references.is_empty() {
            return Err(MetricError::NoReference { row });
        }
        sum += &chrf_statistics(hypothesis.as_ref(), references, options);
    }
    let n_references = ngram::reference_count(references.iter().map(|list| list.as_ref().len()));
    Ok(ChrfScore {
        score: sum.score(options),
        name: format!("chrF{}{}", options.beta, "+".repeat(options.word_order)),
        signature: options.signature(&n_references),
    })
}

/// The counts of one segment; add them up for a corpus or a resample of one.
pub fn chrf_statistics<R: AsRef<str>>(
    hypothesis: &str,
    references: &[R],
    options: &ChrfOptions,
) -> ChrfStatistics {
    let hypothesis = Segment::new(hypothesis, options);
    let mut best = ChrfStatistics::default();
    let mut best_score = -1.0;
    for reference in references {
        let statistics = hypothesis.against(&Segment::new(reference.as_ref(), options), options);
        let score = statistics.score(options);
        if score > best_score {
            (best, best_score) = (statistics, score);
        }
    }
    best
}

/// A segment as its characters (without white space) and its words.
struct Segment {
    chars: Vec<char>,
    words: Vec<String>,
}

impl Segment {
    fn new(text: &str, options: &ChrfOptions) -> Self {
        let text = options.case.apply(text);
        Self {
            chars: text.chars().filter(|c| !ngram::is_space(*c)).collect(),
            words: ngram::words(&text).flat_map(split_punctuation).collect(),
        }
    }

    fn against(&self, reference: &Self, options: &ChrfOptions) -> ChrfStatistics {
        let chars = (1..=options.char_order).map(|n| matches(&self.chars, &reference.chars, n));
        let words = (1..=options.word_order).map(|n| matches(&self.words, &reference.words, n));
        ChrfStatistics {
            orders: chars.chain(words).collect(),
        }
    }
}

fn matches<T: std::hash::Hash + Eq>(hypothesis: &[T], reference: &[T], n: usize) -> OrderCounts {
    let in_reference = ngram::count(reference, n);
    let mut counts = OrderCounts {
        reference: in_reference.values().sum(),
        ..OrderCounts::default()
    };
    // An order that the reference is too short for says nothing about the hypothesis.
    if in_reference.is_empty() {
        return counts;
    }
    for (ngram, count) in ngram::count(hypothesis, n) {
        counts.hypothesis += count;
        counts.matches += count.min(in_reference.get(ngram).copied().unwrap_or(0));
    }
    counts
}

/// Splits one punctuation mark off the end of a word or, if there is none, off its start.
fn split_punctuation(word: &str) -> Vec<String> {
    let mut chars = word.chars();
    let (Some(first), Some(last)) = (chars.next(), chars.next_back()) else {
        return vec![word.to_owned()];
    };
    let middle = chars.as_str();
    if last.is_ascii_punctuation() {
        vec![format!("{first}{middle}"), last.to_string()]
    } else if first.is_ascii_punctuation() {
        vec![first.to_string(), format!("{middle}{last}")]
    } else {
        vec![word.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_punctuation_mark_is_split_off_each_word() {
        assert_eq!(split_punctuation("(hi)"), ["(hi", ")"]);
        assert_eq!(split_punctuation("\"hi"), ["\"", "hi"]);
        assert_eq!(split_punctuation("a"), ["a"]);
        assert_eq!(split_punctuation("!?"), ["!", "?"]);
        assert_eq!(split_punctuation("„hi“"), ["„hi“"]);
    }
}
