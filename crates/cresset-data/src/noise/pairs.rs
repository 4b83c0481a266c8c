//! Pairs of segments for next-sentence prediction (Devlin et al. 2019, BERT, section 3.1) and sentence-order prediction
//! (Lan et al. 2020, ALBERT, section 3.1).
//!
//! As in BERT's code sentences are gathered until a target length is met (the maximum, or with `short_rate` a random
//! length) and cut into two segments between two of them. Half of the pairs keep the second segment; for the others it
//! is a segment of a random other document (the sentences not used start the next pair), or the two are swapped.
//! Difference: where only one sentence is left, BERT always adds a random segment, which makes followers rarer the
//! shorter documents are; here the sentence itself is cut in two, so that half of the pairs follow whatever the
//! documents.

use std::ops::Range;

use rand::{Rng, RngExt};

use crate::TokenizedTexts;
use crate::seed::{Purpose, rng};

/// What is asked of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairTask {
    /// Does the second segment follow the first? Label 0: yes, 1: it is from another document. With no other document all
    /// follow.
    NextSentence,
    /// Which of two consecutive segments is the first? Label 0: in order, 1: swapped.
    SentenceOrder,
}

/// How pairs are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairOptions {
    /// What is asked.
    pub task: PairTask,
    /// Tokens of both segments together at most, special tokens not counted; at least 2.
    pub max_length: usize,
    /// Share of the pairs that are made shorter on purpose.
    pub short_rate: f64,
}

impl PairOptions {
    /// The papers' tenth of short pairs.
    pub fn new(task: PairTask, max_length: usize) -> Self {
        PairOptions {
            task,
            max_length,
            short_rate: 0.1,
        }
    }
}

/// Two segments, neither of them empty, and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentencePair {
    /// The first segment.
    pub first: Vec<u32>,
    /// The second segment.
    pub second: Vec<u32>,
    /// The answer; see [`PairTask`].
    pub label: u32,
}

/// A pair by the places of its tokens; see [`Documents`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairPlaces {
    /// The first segment.
    pub first: Range<usize>,
    /// The second segment.
    pub second: Range<usize>,
    /// The answer; see [`PairTask`].
    pub label: u32,
}

/// Documents as pairs see them: where their sentences are. What the tokens are plays no part.
pub trait Documents {
    /// How many there are.
    fn n_documents(&self) -> usize;

    /// The places of the tokens of each sentence of a document; a sentence begins where the one before it ends.
    fn sentences(&self, document: usize) -> Vec<Range<usize>>;
}

impl Documents for TokenizedTexts {
    fn n_documents(&self) -> usize {
        self.len()
    }

    fn sentences(&self, document: usize) -> Vec<Range<usize>> {
        self.pieces(document)
    }
}

/// A document: the token ids of its sentences.
pub type Sentences = Vec<Vec<u32>>;

/// The pairs of all documents, in order. Those of a document depend on the seed, its index and the documents alone.
///
/// # Panics
/// If the maximal length is below 2.
pub fn sentence_pairs(
    documents: &[Sentences],
    options: &PairOptions,
    seed: u64,
) -> Vec<SentencePair> {
    let flat = Flat::new(documents);
    let pairs = pair_places(&flat, options, seed);
    pairs.map(|pair| flat.pair(&pair)).collect()
}

/// The pairs of one document. A document of fewer than two tokens has none.
///
/// # Panics
/// If there is no such document, or the maximal length is below 2.
pub fn document_pairs(
    documents: &[Sentences],
    own: usize,
    options: &PairOptions,
    rng: &mut impl Rng,
) -> Vec<SentencePair> {
    let flat = Flat::new(documents);
    let pairs = pairs_of(&flat, own, options, rng);
    pairs.iter().map(|pair| flat.pair(pair)).collect()
}

/// As [`sentence_pairs`], by places.
///
/// # Panics
/// If the maximal length is below 2.
pub fn pair_places<D: Documents>(
    documents: &D,
    options: &PairOptions,
    seed: u64,
) -> impl Iterator<Item = PairPlaces> {
    (0..documents.n_documents()).flat_map(move |own| {
        let mut rng = rng(seed, Purpose::Pairs, own as u64);
        pairs_of(documents, own, options, &mut rng)
    })
}

/// Documents in memory, their tokens one behind the other.
struct Flat {
    ids: Vec<u32>,
    sentences: Vec<Vec<Range<usize>>>,
}

impl Flat {
    fn new(documents: &[Sentences]) -> Flat {
        let mut ids = Vec::new();
        let mut add = |sentence: &Vec<u32>| {
            let start = ids.len();
            ids.extend_from_slice(sentence);
            start..ids.len()
        };
        let sentences = documents
            .iter()
            .map(|document| document.iter().map(&mut add).collect())
            .collect();
        Flat { sentences, ids }
    }

    fn pair(&self, places: &PairPlaces) -> SentencePair {
        SentencePair {
            first: self.ids[places.first.clone()].to_vec(),
            second: self.ids[places.second.clone()].to_vec(),
            label: places.label,
        }
    }
}

impl Documents for Flat {
    fn n_documents(&self) -> usize {
        self.sentences.len()
    }

    fn sentences(&self, document: usize) -> Vec<Range<usize>> {
        self.sentences[document].clone()
    }
}

fn pairs_of(
    documents: &impl Documents,
    own: usize,
    options: &PairOptions,
    rng: &mut impl Rng,
) -> Vec<PairPlaces> {
    assert!(options.max_length >= 2, "two segments of a token each");
    let document = documents.sentences(own);
    let mut pairs = Vec::new();
    let mut start = 0;
    while start < document.len() {
        let target = if rng.random::<f64>() < options.short_rate {
            rng.random_range(2..=options.max_length)
        } else {
            options.max_length
        };
        let chunk = gather(&document, start, target);
        start = chunk.end;
        let sentences: Vec<&Range<usize>> = document[chunk]
            .iter()
            .filter(|sentence| !sentence.is_empty())
            .collect();
        let (first, second, n_unused) = match sentences[..] {
            [] => continue,
            [only] if only.len() == 1 => continue,
            [only] => {
                let cut = only.start + rng.random_range(1..only.len());
                (only.start..cut, cut..only.end, 0)
            }
            _ => {
                let cut = rng.random_range(1..sentences.len());
                let (first, second) = sentences.split_at(cut);
                (whole(first), whole(second), second.len())
            }
        };
        let changed = rng.random::<f64>() < 0.5;
        let (first, second, label) = match options.task {
            PairTask::SentenceOrder if changed => (second, first, 1),
            PairTask::NextSentence if changed => {
                let wanted = target.saturating_sub(first.len());
                match segment_of_another(documents, own, wanted, rng) {
                    Some(other) => {
                        start = give_back(&document, start, n_unused);
                        (first, other, 1)
                    }
                    None => (first, second, 0),
                }
            }
            _ => (first, second, 0),
        };
        let [first, second] = truncated([first, second], options.max_length, rng);
        pairs.push(PairPlaces {
            first,
            second,
            label,
        });
    }
    pairs
}

/// The places of sentences that follow each other.
fn whole(sentences: &[&Range<usize>]) -> Range<usize> {
    let (first, last) = (sentences[0], sentences[sentences.len() - 1]);
    first.start..last.end
}

/// Sentences from `start` on with at least `target` tokens, if the document has them; two that are not empty at least.
fn gather(document: &[Range<usize>], start: usize, target: usize) -> Range<usize> {
    let mut length = 0;
    let mut n_sentences = 0;
    let mut end = start;
    while end < document.len() && (length < target || n_sentences < 2) {
        length += document[end].len();
        n_sentences += usize::from(!document[end].is_empty());
        end += 1;
    }
    start..end
}

/// Where to go on so that the last `n` sentences that are not empty come again.
fn give_back(document: &[Range<usize>], end: usize, n: usize) -> usize {
    let filled = (0..end).rev().filter(|&at| !document[at].is_empty());
    filled.take(n).last().unwrap_or(end)
}

/// Sentences of a random other document, from a random one on, until there are `wanted` tokens; `None` if all others are
/// empty.
fn segment_of_another(
    documents: &impl Documents,
    own: usize,
    wanted: usize,
    rng: &mut impl Rng,
) -> Option<Range<usize>> {
    let n_others = documents.n_documents() - 1;
    if n_others == 0 {
        return None;
    }
    let drawn = rng.random_range(0..n_others);
    // From the drawn one on, the first that is not empty.
    let filled = (0..n_others)
        .map(|step| (own + 1 + (drawn + step) % n_others) % documents.n_documents())
        .map(|other| {
            let mut sentences = documents.sentences(other);
            sentences.retain(|sentence| !sentence.is_empty());
            sentences
        })
        .find(|sentences| !sentences.is_empty())?;
    let first = rng.random_range(0..filled.len());
    let start = filled[first].start;
    let enough = |sentence: &&Range<usize>| sentence.end - start >= wanted;
    let last = filled[first..].iter().find(enough).or(filled.last())?;
    Some(start..last.end)
}

/// Takes tokens off the longer segment, at its start or its end at random, until both fit.
fn truncated(
    mut segments: [Range<usize>; 2],
    max_length: usize,
    rng: &mut impl Rng,
) -> [Range<usize>; 2] {
    while segments[0].len() + segments[1].len() > max_length {
        let longer = usize::from(segments[0].len() <= segments[1].len());
        if rng.random::<f64>() < 0.5 {
            segments[longer].start += 1;
        } else {
            segments[longer].end -= 1;
        }
    }
    segments
}
