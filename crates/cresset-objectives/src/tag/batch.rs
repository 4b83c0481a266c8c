//! Sentences with a tag for each word, as plain numbers.

use std::sync::Arc;

use cresset_data::{Collate, Convention, DataError, PadSide, PaddedIds, pad};
use rand_chacha::ChaCha8Rng;

use super::align::Row;

/// A tokenized sentence, or a part of one.
#[derive(Clone, Debug)]
pub struct TagItem {
    ids: Vec<u32>,
    segments: Vec<u32>,
    places: Vec<u32>,
    tags: Vec<u32>,
}

impl TagItem {
    /// A row with the tags of its words among those of the sentence.
    pub(super) fn new(row: Row, tags: &[u32]) -> Self {
        TagItem {
            tags: row.words.iter().map(|&word| tags[word]).collect(),
            places: row.places,
            ids: row.framed.ids,
            segments: row.framed.segments,
        }
    }

    /// Tokens of the row.
    pub fn n_tokens(&self) -> usize {
        self.ids.len()
    }
}

/// Sentences with their tags, as plain numbers.
#[derive(Clone, Debug)]
pub struct TagBatch {
    /// Framed sentences.
    pub input: PaddedIds,
    /// Segment of each position; zeros at padding.
    pub segments: Vec<u32>,
    /// First tokens of words: indices into the `rows x width` positions. Never empty.
    pub positions: Vec<u32>,
    /// The tag of each of these words.
    pub targets: Vec<u32>,
    /// 1 for a word, 0 for the placeholder of a batch without words.
    pub weights: Vec<f32>,
    /// Words of each row.
    pub n_words: Vec<usize>,
    /// What the tags are called.
    pub names: Arc<[String]>,
}

/// Makes batches of framed sentences.
#[derive(Clone, Debug)]
pub struct TagCollate {
    pad_id: u32,
    pad_side: PadSide,
    names: Arc<[String]>,
}

impl TagCollate {
    /// With a convention's padding and the names of the tags.
    pub fn new(convention: &Convention, names: Arc<[String]>) -> Self {
        TagCollate {
            names,
            pad_id: convention.pad_id(),
            pad_side: convention.pad_side(),
        }
    }
}

impl Collate for TagCollate {
    type Item = TagItem;
    type Batch = TagBatch;

    fn collate(&self, items: Vec<TagItem>, _rng: &mut ChaCha8Rng) -> Result<TagBatch, DataError> {
        let ids: Vec<&[u32]> = items.iter().map(|i| i.ids.as_slice()).collect();
        let segments: Vec<&[u32]> = items.iter().map(|i| i.segments.as_slice()).collect();
        let input = pad(&ids, self.pad_id, self.pad_side);
        let place = |(row, item): (usize, &TagItem)| {
            let start = input.start_of(row) as u32;
            item.places.iter().map(|p| start + p).collect::<Vec<_>>()
        };
        let mut positions: Vec<u32> = items.iter().enumerate().flat_map(place).collect();
        let mut targets: Vec<u32> = items.iter().flat_map(|i| i.tags.clone()).collect();
        let mut weights = vec![1.0; targets.len()];
        if targets.is_empty() {
            (positions, targets, weights) = (vec![0], vec![0], vec![0.0]);
        }
        Ok(TagBatch {
            segments: pad(&segments, 0, self.pad_side).ids,
            n_words: items.iter().map(|i| i.tags.len()).collect(),
            input,
            positions,
            targets,
            weights,
            names: Arc::clone(&self.names),
        })
    }
}

impl TagBatch {
    /// What a tag is called.
    pub(super) fn name(&self, tag: u32) -> &str {
        &self.names[tag as usize]
    }

    /// A list with an entry for each word, row by row.
    pub(super) fn by_row<'a, T>(&'a self, words: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        self.n_words.iter().scan(0, move |start, n| {
            *start += n;
            Some(&words[*start - n..*start])
        })
    }
}
