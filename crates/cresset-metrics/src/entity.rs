//! Entities in tagged sequences: where they are, and how many a tagger found.
//!
//! Equal to Python's `seqeval` 1.2: an entity counts as right only if its type, its first and its last word are
//! (Tjong Kim Sang and De Meulder 2003, CoNLL-2003, section 3.3). A tag is `O` or a prefix, `-` and the type:
//! `B` begins an entity, `I` goes on with it, `E` ends it, `S` is an entity of one word.

use std::collections::BTreeMap;

use crate::error::{MetricError, check_pairs};
use crate::f1::{Scores, scores};

/// What makes an entity where a sequence breaks the rules of its scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntityMode {
    /// Any run of tags of one type is an entity, whichever prefix it begins and ends with; `seqeval`'s default and the rule
    /// of the program `conlleval`, which the literature reports.
    #[default]
    Lenient,
    /// Only `B I I ..` of one type: `mode="strict", scheme=IOB2`.
    StrictIob2,
    /// Only `S`, or `B I .. E` of one type: `mode="strict", scheme=IOBES`.
    StrictIobes,
}

/// A run of words with a type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entity {
    /// Its type, `_` where the tags name none.
    pub kind: String,
    /// Its first word.
    pub start: usize,
    /// The word behind its last.
    pub end: usize,
}

/// The entities of a sequence, in order.
///
/// # Errors
/// A tag that does not begin with one of the mode's prefixes.
pub fn entities<S: AsRef<str>>(tags: &[S], mode: EntityMode) -> Result<Vec<Entity>, MetricError> {
    let parts = tags
        .iter()
        .enumerate()
        .map(|(word, tag)| parse(word, tag.as_ref(), mode))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match mode {
        EntityMode::Lenient => lenient(&parts),
        EntityMode::StrictIob2 => strict(&parts, |_| true),
        EntityMode::StrictIobes => strict(&parts, |last| matches!(last, 'E' | 'S')),
    })
}

/// How many entities there were, were predicted and were right, by type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityCounts {
    by_kind: BTreeMap<String, Counts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    correct: u64,
    predicted: u64,
    reference: u64,
}

impl EntityCounts {
    /// Counts over tagged sequences.
    ///
    /// # Errors
    /// Lists or sequences of different lengths, no sequence, or a tag as in [`entities`].
    pub fn new<S: AsRef<str>>(
        predictions: &[Vec<S>],
        references: &[Vec<S>],
        mode: EntityMode,
    ) -> Result<Self, MetricError> {
        check_pairs(predictions.len(), references.len())?;
        let mut counts = EntityCounts::default();
        for (ours, right) in predictions.iter().zip(references) {
            if ours.len() != right.len() {
                return Err(MetricError::LengthMismatch {
                    predictions: ours.len(),
                    references: right.len(),
                });
            }
            counts.add(&entities(ours, mode)?, &entities(right, mode)?);
        }
        Ok(counts)
    }

    fn add(&mut self, ours: &[Entity], right: &[Entity]) {
        for entity in ours {
            let counts = self.by_kind.entry(entity.kind.clone()).or_default();
            counts.predicted += 1;
            counts.correct += u64::from(right.contains(entity));
        }
        for entity in right {
            let counts = self.by_kind.entry(entity.kind.clone()).or_default();
            counts.reference += 1;
        }
    }

    /// Scores of each type that occurs in the references or the predictions.
    pub fn kind_scores(&self) -> BTreeMap<&str, Scores> {
        let of = |c: &Counts| scores(c.correct, c.predicted, c.reference);
        self.by_kind
            .iter()
            .map(|(kind, counts)| (kind.as_str(), of(counts)))
            .collect()
    }

    /// Scores over the entities of all types together; zeros if there are none.
    pub fn micro_scores(&self) -> Scores {
        let sum = |of: fn(&Counts) -> u64| self.by_kind.values().map(of).sum();
        scores(
            sum(|c| c.correct),
            sum(|c| c.predicted),
            sum(|c| c.reference),
        )
    }

    /// Unweighted mean of the types' scores; zeros if there is none.
    pub fn macro_scores(&self) -> Scores {
        let n = self.by_kind.len().max(1) as f64;
        let mut mean = Scores::default();
        for kind in self.kind_scores().values() {
            mean.precision += kind.precision / n;
            mean.recall += kind.recall / n;
            mean.f1 += kind.f1 / n;
        }
        mean
    }
}

/// A tag's prefix and type.
type Parts<'a> = (char, &'a str);

/// What stands behind every sequence.
const OUTSIDE: Parts<'static> = ('O', "_");

fn parse(word: usize, tag: &str, mode: EntityMode) -> Result<Parts<'_>, MetricError> {
    let known = match mode {
        EntityMode::StrictIob2 => "OBI",
        EntityMode::Lenient | EntityMode::StrictIobes => "OBIES",
    };
    let prefix = tag
        .chars()
        .next()
        .filter(|prefix| known.contains(*prefix))
        .ok_or_else(|| MetricError::UnknownTag {
            word,
            tag: tag.to_owned(),
            known,
        })?;
    let rest = &tag[prefix.len_utf8()..];
    let kind = match mode {
        EntityMode::Lenient => rest.split_once('-').map_or(rest, |(_, kind)| kind),
        EntityMode::StrictIob2 | EntityMode::StrictIobes => rest.trim_matches('-'),
    };
    Ok((prefix, if kind.is_empty() { "_" } else { kind }))
}

fn lenient(tags: &[Parts<'_>]) -> Vec<Entity> {
    let mut found = Vec::new();
    let mut previous = OUTSIDE;
    let mut start = 0;
    for (word, tag) in tags.iter().copied().chain([OUTSIDE]).enumerate() {
        if ends(previous, tag) {
            found.push(entity(previous.1, start, word));
        }
        if starts(previous, tag) {
            start = word;
        }
        previous = tag;
    }
    found
}

/// Whether an entity ends between two words.
fn ends((before, before_kind): Parts<'_>, (tag, kind): Parts<'_>) -> bool {
    match before {
        'E' | 'S' => true,
        'B' | 'I' => matches!(tag, 'B' | 'S' | 'O') || before_kind != kind,
        _ => false,
    }
}

/// Whether an entity starts between two words.
fn starts((before, before_kind): Parts<'_>, (tag, kind): Parts<'_>) -> bool {
    match tag {
        'B' | 'S' => true,
        'I' | 'E' => matches!(before, 'E' | 'S' | 'O') || before_kind != kind,
        _ => false,
    }
}

/// Runs that start as they should; whether they end so is told by their last prefix.
fn strict(tags: &[Parts<'_>], may_end: impl Fn(char) -> bool) -> Vec<Entity> {
    let mut found = Vec::new();
    let mut word = 0;
    while let Some(&(prefix, kind)) = tags.get(word) {
        let start = word;
        word += 1;
        if !matches!(prefix, 'B' | 'S') {
            continue;
        }
        while tags.get(word).is_some_and(|tag| {
            matches!(tags[word - 1].0, 'B' | 'I') && matches!(tag.0, 'I' | 'E') && tag.1 == kind
        }) {
            word += 1;
        }
        if may_end(tags[word - 1].0) {
            found.push(entity(kind, start, word));
        }
    }
    found
}

fn entity(kind: &str, start: usize, end: usize) -> Entity {
    Entity {
        kind: kind.to_owned(),
        start,
        end,
    }
}
