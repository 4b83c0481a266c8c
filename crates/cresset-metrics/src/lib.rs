//! Metrics as pure functions: predictions and references in, numbers out, equal to their Python references.
//!
//! | module | what | equal to |
//! | --- | --- | --- |
//! | [`accuracy()`] | share of equal predictions | scikit-learn |
//! | [`ConfusionMatrix`] | counts by reference and prediction, the base of the next two | scikit-learn |
//! | [`class_scores`], [`macro_scores`], ... | precision, recall and F1: per class, macro, micro, weighted, binary | scikit-learn |
//! | [`matthews`] | Matthews correlation, two or more classes | scikit-learn |
//! | [`LabelCounts`] | F1 and exact match where a row has any number of labels | scikit-learn |
//! | [`EntityCounts`], [`entities`] | entities in tagged words: precision, recall and F1, micro and by type | seqeval, default and strict |
//! | [`mse()`] | mean squared error | scikit-learn |
//! | [`pearson`], [`spearman`] | correlation of two lists of numbers | scipy |
//! | [`perplexity()`], [`bits_per_character`] | from a summed negative log-likelihood in nats | their definition |
//! | [`answer_scores`] | exact match and F1 of answers found in a text, by words or by Chinese characters | SQuAD v1.1's and CMRC 2018's scripts |
//! | [`corpus_bleu`], [`corpus_chrf`] | translation quality of a whole corpus | sacrebleu, to the digit |
//! | [`paired_bootstrap`] | is system A better than system B, or was it the choice of test sentences? | Koehn (2004) |
//! | [`Summary`], [`PairedDifference`], [`holm`] | mean over seeds with its interval; does one system differ from another under the same seeds? | scipy, statsmodels |
//!
//! Everywhere the predictions (or hypotheses) come first, the references second. Classes are numbers `0..n_classes`.
//! Lists of different lengths, empty lists and classes out of range are errors, never a panic.
//!
//! [`METRICS`] names every metric that a report may hold and says which direction is better, so that "keep the best
//! checkpoint by `bleu`" needs no second opinion.
//!
//! ```
//! use cresset_metrics::{BleuOptions, corpus_bleu};
//!
//! let bleu = corpus_bleu(&["The cat sat on the mat."], &["The cat sat on a mat."], &BleuOptions::default())?;
//! assert_eq!(format!("{:.2}", bleu.score), "48.89");
//! assert!(bleu.signature.starts_with("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:"));
//! # Ok::<(), cresset_metrics::MetricError>(())
//! ```
//!
//! This crate does not know tensors, models or files.

mod accuracy;
mod bleu;
mod bootstrap;
mod chrf;
mod confusion;
mod correlation;
mod entity;
mod error;
mod f1;
mod matthews;
mod mse;
mod multi_label;
mod ngram;
mod paired;
mod perplexity;
mod registry;
mod squad;

pub use accuracy::accuracy;
pub use bleu::{
    BleuOptions, BleuScore, BleuStatistics, BleuTokenizer, Smoothing, bleu_statistics, corpus_bleu,
    corpus_bleu_multi,
};
pub use bootstrap::{Bootstrap, Interval, PairedComparison, bootstrap_interval, paired_bootstrap};
pub use chrf::{
    ChrfOptions, ChrfScore, ChrfStatistics, chrf_statistics, corpus_chrf, corpus_chrf_multi,
};
pub use confusion::ConfusionMatrix;
pub use correlation::{pearson, spearman};
pub use entity::{Entity, EntityCounts, EntityMode, entities};
pub use error::MetricError;
pub use f1::{
    Scores, binary_scores, class_scores, macro_f1, macro_scores, micro_scores, weighted_scores,
};
pub use matthews::matthews;
pub use mse::mse;
pub use multi_label::LabelCounts;
pub use ngram::Case;
pub use paired::{PairedDifference, Summary, holm};
pub use perplexity::{bits_per_character, perplexity};
pub use registry::{Better, METRICS, Metric, metric};
pub use squad::{AnswerScores, AnswerUnit, answer_score, answer_scores, normalize_answer};
