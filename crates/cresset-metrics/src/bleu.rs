//! Corpus BLEU, equal to sacrebleu's.
//!
//! Papineni et al. (2002), "BLEU: a method for automatic evaluation of machine translation": the geometric mean of the
//! n-gram precisions (n = 1 to 4, counted over the whole corpus) times a penalty for too short an output. The score
//! depends on tokenizer, case and smoothing, so it comes with a signature that names them (Post, 2018, "A call for
//! clarity in reporting BLEU scores").

use std::collections::HashMap;
use std::fmt;
use std::ops::AddAssign;

use serde::Serialize;

use crate::error::{MetricError, check_pairs};
use crate::ngram::{self, Case, VERSION};

mod tokenize;

pub use tokenize::BleuTokenizer;

/// The longest n-gram that counts.
const MAX_ORDER: usize = 4;

/// What to do with an n-gram order that has no match (Chen and Cherry, 2014, "A systematic comparison of smoothing
/// techniques for sentence-level BLEU").
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Smoothing {
    /// Each further order without a match counts as half a match of the one before (method 3, NIST; the default).
    #[default]
    Exp,
    /// That much of a match instead of none (method 1; sacrebleu's default value is 0.1).
    Floor(f64),
    /// So much is added to matches and totals of the orders above 1 (method 2; sacrebleu's default value is 1).
    AddK(f64),
    /// The score is 0.
    None,
}

/// How BLEU is computed; the default is sacrebleu's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BleuOptions {
    /// How segments are cut into words.
    pub tokenizer: BleuTokenizer,
    /// What orders without a match count.
    pub smoothing: Smoothing,
    /// Whether case matters.
    pub case: Case,
    /// Orders for which the output is too short are left out; meant for scores of single sentences.
    pub effective_order: bool,
}

impl BleuOptions {
    /// The signature in sacrebleu's form; `references` is the number of references per segment ("1", "var").
    fn signature(&self, references: &str) -> String {
        let effective = if self.effective_order { "yes" } else { "no" };
        let smooth = match self.smoothing {
            Smoothing::Exp => "exp".to_owned(),
            Smoothing::Floor(value) => format!("floor[{value:.2}]"),
            Smoothing::AddK(value) => format!("add-k[{value:.2}]"),
            Smoothing::None => "none".to_owned(),
        };
        let (case, tok) = (self.case.signature(), self.tokenizer.name());
        format!(
            "nrefs:{references}|case:{case}|eff:{effective}|tok:{tok}|smooth:{smooth}|{VERSION}"
        )
    }

    fn words(&self, text: &str) -> Vec<String> {
        let text = self.case.apply(text);
        self.tokenizer
            .tokenize(text.trim_end_matches(ngram::is_space))
    }
}

/// The counts that a BLEU score is made of. Those of a corpus are the sum of those of its segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BleuStatistics {
    /// Words in the output.
    pub hypothesis_length: u64,
    /// Words in the references (per segment the reference closest in length).
    pub reference_length: u64,
    /// N-grams of the output that a reference has too, for n = 1 to 4.
    pub correct: [u64; MAX_ORDER],
    /// N-grams of the output, for n = 1 to 4.
    pub total: [u64; MAX_ORDER],
}

impl AddAssign for BleuStatistics {
    fn add_assign(&mut self, other: Self) {
        self.hypothesis_length += other.hypothesis_length;
        self.reference_length += other.reference_length;
        for n in 0..MAX_ORDER {
            self.correct[n] += other.correct[n];
            self.total[n] += other.total[n];
        }
    }
}

impl BleuStatistics {
    /// The score, 0 to 100.
    pub fn score(&self, options: &BleuOptions) -> f64 {
        let (precisions, order) = self.precisions(options);
        if order == 0 {
            return 0.0;
        }
        let mean_log = precisions[..order].iter().map(|p| p.ln()).sum::<f64>() / order as f64;
        self.brevity_penalty() * mean_log.exp()
    }

    fn brevity_penalty(&self) -> f64 {
        if self.hypothesis_length >= self.reference_length {
            1.0
        } else if self.hypothesis_length == 0 {
            0.0
        } else {
            (1.0 - self.reference_length as f64 / self.hypothesis_length as f64).exp()
        }
    }

    /// The n-gram precisions in percent and the number of orders that the mean takes; 0 if there is no match at all.
    fn precisions(&self, options: &BleuOptions) -> ([f64; MAX_ORDER], usize) {
        let mut precisions = [0.0; MAX_ORDER];
        if self.correct == [0; MAX_ORDER] {
            return (precisions, 0);
        }
        let mut order = MAX_ORDER;
        let mut half = 1.0;
        for (n, precision) in precisions.iter_mut().enumerate() {
            let (mut correct, mut total) = (self.correct[n] as f64, self.total[n] as f64);
            if let (Smoothing::AddK(k), true) = (options.smoothing, n > 0) {
                correct += k;
                total += k;
            }
            if total == 0.0 {
                break;
            }
            if options.effective_order {
                order = n + 1;
            }
            *precision = if correct > 0.0 {
                100.0 * correct / total
            } else {
                match options.smoothing {
                    Smoothing::Exp => {
                        half *= 2.0;
                        100.0 / (half * total)
                    }
                    Smoothing::Floor(value) => 100.0 * value / total,
                    Smoothing::AddK(_) | Smoothing::None => 0.0,
                }
            };
        }
        (precisions, order)
    }
}

/// A BLEU score with what it is made of. `Display` prints sacrebleu's line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BleuScore {
    /// The score, 0 to 100.
    pub score: f64,
    /// The n-gram precisions for n = 1 to 4, smoothed, in percent.
    pub precisions: [f64; MAX_ORDER],
    /// 1 if the output is at least as long as the references, else below.
    pub brevity_penalty: f64,
    /// Words in the output.
    pub hypothesis_length: u64,
    /// Words in the references.
    pub reference_length: u64,
    /// Says how the score was computed: scores with different signatures are not comparable.
    pub signature: String,
}

impl fmt::Display for BleuScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precisions: Vec<String> = self.precisions.iter().map(|p| format!("{p:.1}")).collect();
        let (hypothesis, reference) = (self.hypothesis_length, self.reference_length);
        let ratio = if reference == 0 {
            0.0
        } else {
            hypothesis as f64 / reference as f64
        };
        write!(
            f,
            "BLEU|{} = {:.2} {} (BP = {:.3} ratio = {ratio:.3} hyp_len = {hypothesis} ref_len = {reference})",
            self.signature,
            self.score,
            precisions.join("/"),
            self.brevity_penalty,
        )
    }
}

/// BLEU of a corpus with one reference per segment.
///
/// # Errors
/// Lists of different lengths; empty lists.
pub fn corpus_bleu<H: AsRef<str>, R: AsRef<str>>(
    hypotheses: &[H],
    references: &[R],
    options: &BleuOptions,
) -> Result<BleuScore, MetricError> {
    let references: Vec<[&str; 1]> = references.iter().map(|r| [r.as_ref()]).collect();
    corpus_bleu_multi(hypotheses, &references, options)
}

/// BLEU of a corpus with any number of references per segment: `references[i]` are those of `hypotheses[i]`.
///
/// # Errors
/// Lists of different lengths; empty lists; a segment without a reference.
pub fn corpus_bleu_multi<H, L, R>(
    hypotheses: &[H],
    references: &[L],
    options: &BleuOptions,
) -> Result<BleuScore, MetricError>
where
    H: AsRef<str>,
    L: AsRef<[R]>,
    R: AsRef<str>,
{
    check_pairs(hypotheses.len(), references.len())?;
    let mut sum = BleuStatistics::default();
    for (row, (hypothesis, references)) in hypotheses.iter().zip(references).enumerate() {
        let references = references.as_ref();
        if references.is_empty() {
            return Err(MetricError::NoReference { row });
        }
        sum += bleu_statistics(hypothesis.as_ref(), references, options);
    }
    let n_references = ngram::reference_count(references.iter().map(|list| list.as_ref().len()));
    Ok(BleuScore {
        score: sum.score(options),
        precisions: sum.precisions(options).0,
        brevity_penalty: sum.brevity_penalty(),
        hypothesis_length: sum.hypothesis_length,
        reference_length: sum.reference_length,
        signature: options.signature(&n_references),
    })
}

/// The counts of one segment; add them up for a corpus or a resample of one.
pub fn bleu_statistics<R: AsRef<str>>(
    hypothesis: &str,
    references: &[R],
    options: &BleuOptions,
) -> BleuStatistics {
    let hypothesis = options.words(hypothesis);
    let references: Vec<Vec<String>> = references
        .iter()
        .map(|r| options.words(r.as_ref()))
        .collect();
    // Of two references equally close in length the shorter one counts.
    let reference_length = references
        .iter()
        .map(Vec::len)
        .min_by_key(|&length| (length.abs_diff(hypothesis.len()), length))
        .unwrap_or(0);
    let mut statistics = BleuStatistics {
        hypothesis_length: hypothesis.len() as u64,
        reference_length: reference_length as u64,
        ..BleuStatistics::default()
    };
    for n in 1..=MAX_ORDER {
        let mut most: HashMap<&[String], u64> = HashMap::new();
        for reference in &references {
            for (ngram, count) in ngram::count(reference, n) {
                let entry = most.entry(ngram).or_insert(0);
                *entry = count.max(*entry);
            }
        }
        for (ngram, count) in ngram::count(&hypothesis, n) {
            statistics.total[n - 1] += count;
            statistics.correct[n - 1] += count.min(most.get(ngram).copied().unwrap_or(0));
        }
    }
    statistics
}
