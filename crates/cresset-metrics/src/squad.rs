//! Answers found in a text, compared with the answers people gave: exact match and F1.
//!
//! | [`AnswerUnit`] | as | before comparing | F1 over |
//! | --- | --- | --- | --- |
//! | `Word` | SQuAD v1.1 (Rajpurkar et al. 2016, section 6.1) | lower case, without ASCII punctuation and English articles | shared words, in any order |
//! | `Character` | CMRC 2018 (Cui et al. 2019, section 4) | lower case, without the script's list of marks | the longest common run of segments |
//!
//! Of several references the one that fits best counts. The published scripts report percentages, these are from 0 to 1.
//!
//! Where `Character` deviates: a Chinese character is a segment, and what stands between them is cut into words and single
//! marks (a point or comma between digits belongs to the number), for which the script takes NLTK's tokenizer.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::{MetricError, check_pairs};

/// What answers are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerUnit {
    /// Words between spaces, as SQuAD.
    #[default]
    Word,
    /// Chinese characters, as CMRC 2018.
    Character,
}

/// Means over all questions, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AnswerScores {
    /// Share of the questions whose answer is one of the references.
    pub exact_match: f64,
    /// Mean overlap with the reference that fits best.
    pub f1: f64,
}

/// Scores of one answer per question against the answers people gave.
///
/// # Errors
/// Lists of different lengths; empty lists; a question without a reference.
pub fn answer_scores<P: AsRef<str>, R: AsRef<str>>(
    predictions: &[P],
    references: &[Vec<R>],
    unit: AnswerUnit,
) -> Result<AnswerScores, MetricError> {
    check_pairs(predictions.len(), references.len())?;
    if let Some(row) = references.iter().position(Vec::is_empty) {
        return Err(MetricError::NoReference { row });
    }
    let mut total = AnswerScores {
        exact_match: 0.0,
        f1: 0.0,
    };
    for (prediction, references) in predictions.iter().zip(references) {
        let score = answer_score(prediction.as_ref(), references, unit);
        total.exact_match += score.exact_match;
        total.f1 += score.f1;
    }
    let n = predictions.len() as f64;
    Ok(AnswerScores {
        exact_match: total.exact_match / n,
        f1: total.f1 / n,
    })
}

/// The scores of one answer: the best over the references, 0 without any.
pub fn answer_score<R: AsRef<str>>(
    prediction: &str,
    references: &[R],
    unit: AnswerUnit,
) -> AnswerScores {
    let mut best = AnswerScores {
        exact_match: 0.0,
        f1: 0.0,
    };
    for reference in references.iter().map(AsRef::as_ref) {
        let (exact, f1) = match unit {
            AnswerUnit::Word => by_words(prediction, reference),
            AnswerUnit::Character => by_characters(prediction, reference),
        };
        best.exact_match = best.exact_match.max(f64::from(u8::from(exact)));
        best.f1 = best.f1.max(f1);
    }
    best
}

/// An answer as SQuAD compares it: lower case, no ASCII punctuation, no articles, single spaces.
///
/// ```
/// use cresset_metrics::normalize_answer;
///
/// assert_eq!(normalize_answer("The  Eiffel-Tower, (a) tower!"), "eiffeltower tower");
/// ```
pub fn normalize_answer(text: &str) -> String {
    let kept: String = text
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_ascii_punctuation())
        .collect();
    let mut words = String::with_capacity(kept.len());
    // Articles are whole runs of letters and digits: beside a mark that is no ASCII punctuation they are articles too.
    for run in runs(&kept) {
        match run {
            "a" | "an" | "the" => words.push(' '),
            other => words.push_str(other),
        }
    }
    words
        .split(is_space)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A text cut where letters and digits meet other characters.
fn runs(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, c) in text.char_indices() {
        let is_word = c.is_alphanumeric();
        if before.is_some_and(|b| b != is_word) {
            runs.push(&text[start..at]);
            start = at;
        }
        before = Some(is_word);
    }
    runs.push(&text[start..]);
    runs
}

/// Python's idea of a space, which has four control characters more.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn by_words(prediction: &str, reference: &str) -> (bool, f64) {
    let (prediction, reference) = (normalize_answer(prediction), normalize_answer(reference));
    let ours: Vec<&str> = prediction.split_whitespace().collect();
    let theirs: Vec<&str> = reference.split_whitespace().collect();
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in &theirs {
        *left.entry(word).or_default() += 1;
    }
    let mut shared = 0;
    for word in &ours {
        if let Some(count) = left.get_mut(word).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    (
        prediction == reference,
        overlap(shared, ours.len(), theirs.len()),
    )
}

/// Marks that CMRC's script leaves out.
const MARKS: &str = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』";

fn by_characters(prediction: &str, reference: &str) -> (bool, f64) {
    let (prediction, reference) = (without_marks(prediction), without_marks(reference));
    let (ours, theirs) = (segments(&prediction), segments(&reference));
    let shared = longest_common_run(&ours, &theirs);
    (
        prediction == reference,
        overlap(shared, ours.len(), theirs.len()),
    )
}

fn without_marks(text: &str) -> String {
    let lower = text.to_lowercase();
    let trimmed = lower.trim_matches(is_space);
    trimmed.chars().filter(|c| !MARKS.contains(*c)).collect()
}

/// Chinese characters one by one, words and marks between them.
fn segments(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| chars.get(at))
            .is_some_and(char::is_ascii_digit)
    };
    let mut segments = Vec::new();
    let mut word = String::new();
    for (at, &c) in chars.iter().enumerate() {
        let in_number =
            matches!(c, '.' | ',') && is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
        let is_chinese = ('\u{4e00}'..='\u{9fa5}').contains(&c);
        if in_number || (c.is_alphanumeric() && !is_chinese) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            segments.push(std::mem::take(&mut word));
        }
        if !is_space(c) {
            segments.push(c.to_string());
        }
    }
    if !word.is_empty() {
        segments.push(word);
    }
    segments
}

/// The length of the longest stretch that both hold without a gap.
fn longest_common_run(a: &[String], b: &[String]) -> usize {
    let mut longest = 0;
    let mut before = vec![0; b.len() + 1];
    for x in a {
        let mut here = vec![0; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            if x == y {
                here[j + 1] = before[j] + 1;
                longest = longest.max(here[j + 1]);
            }
        }
        before = here;
    }
    longest
}

/// F1 of a count of shared parts; 0 where nothing is shared, also of two empty answers, as in the scripts.
fn overlap(shared: usize, predicted: usize, right: usize) -> f64 {
    match shared {
        0 => 0.0,
        shared => 2.0 * shared as f64 / (predicted + right) as f64,
    }
}
