//! Words, letter case and n-gram counts, as Python's string functions see them: the ground of BLEU and chrF.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;

/// Whether upper and lower case letters are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// `A` and `a` differ.
    #[default]
    Mixed,
    /// Everything is turned into lower case first.
    Lower,
}

impl Case {
    /// The word that sacrebleu's signatures use.
    pub(crate) fn signature(self) -> &'static str {
        match self {
            Case::Mixed => "mixed",
            Case::Lower => "lc",
        }
    }

    pub(crate) fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Case::Mixed => Cow::Borrowed(text),
            Case::Lower => Cow::Owned(text.to_lowercase()),
        }
    }
}

/// White space as Python's `str.split()` sees it: Unicode's and the four separators U+001C to U+001F.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The pieces between white space, none of them empty.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// How often each run of `n` items occurs.
pub(crate) fn count<T: Hash + Eq>(items: &[T], n: usize) -> HashMap<&[T], u64> {
    let mut counts = HashMap::with_capacity(items.len());
    for ngram in items.windows(n) {
        *counts.entry(ngram).or_insert(0) += 1;
    }
    counts
}

/// "1", "2", or "var" where the segments differ: the number of references in a signature.
pub(crate) fn reference_count(counts: impl Iterator<Item = usize>) -> String {
    let mut counts = counts;
    let first = counts.next().unwrap_or(0);
    if counts.all(|count| count == first) {
        first.to_string()
    } else {
        "var".to_owned()
    }
}

/// The end of every signature: who computed the score.
pub(crate) const VERSION: &str = concat!("version:cresset-metrics-", env!("CARGO_PKG_VERSION"));
