//! Pairs of texts as plain numbers.

use cresset_data::{Collate, DataError, PadSide, PaddedIds, pad};
use rand_chacha::ChaCha8Rng;

/// Two framed texts, and those that are no match for them.
#[derive(Clone, Debug)]
pub struct ContrastiveItem {
    pub(super) texts: [FramedText; 2],
    pub(super) negatives: Vec<FramedText>,
    pub(super) score: Option<f64>,
}

/// A framed text.
#[derive(Clone, Debug)]
pub(super) struct FramedText {
    pub(super) ids: Vec<u32>,
    pub(super) segments: Vec<u32>,
}

/// Pairs of texts as plain numbers.
#[derive(Clone, Debug)]
pub struct ContrastiveBatch {
    /// Framed texts: the first ones of all pairs, then the second ones in the same order, then the hard negatives. As rows of
    /// one forward pass they have dropout of their own, equal texts too.
    pub input: PaddedIds,
    /// Segment of each position; zeros at padding.
    pub segments: Vec<u32>,
    /// How alike the texts of each pair are, where the data says; such pairs are not part of loss and retrieval.
    pub scores: Vec<Option<f64>>,
    /// The pair that each hard negative belongs to.
    pub owners: Vec<u32>,
}

impl ContrastiveBatch {
    pub(super) fn n_pairs(&self) -> usize {
        self.scores.len()
    }

    /// The pairs that belong together.
    pub(super) fn positives(&self) -> Vec<u32> {
        let pairs = 0..self.n_pairs();
        pairs
            .filter(|&pair| self.scores[pair].is_none())
            .map(|pair| pair as u32)
            .collect()
    }

    /// The hard negatives of pairs that belong together, and for each the place of its pair among those.
    pub(super) fn negatives_of(&self, positives: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let place = |owner: &u32| positives.iter().position(|pair| pair == owner);
        let owners = self.owners.iter().enumerate();
        owners
            .filter_map(|(negative, owner)| Some((negative as u32, place(owner)? as u32)))
            .unzip()
    }
}

/// Makes batches of pairs.
#[derive(Clone, Debug)]
pub struct ContrastiveCollate {
    pub(super) pad_id: u32,
    pub(super) pad_side: PadSide,
}

impl Collate for ContrastiveCollate {
    type Item = ContrastiveItem;
    type Batch = ContrastiveBatch;

    fn collate(
        &self,
        items: Vec<ContrastiveItem>,
        _rng: &mut ChaCha8Rng,
    ) -> Result<ContrastiveBatch, DataError> {
        let texts = || {
            [0, 1]
                .into_iter()
                .flat_map(|side| items.iter().map(move |i| &i.texts[side]))
                .chain(items.iter().flat_map(|i| &i.negatives))
        };
        let owners = items
            .iter()
            .enumerate()
            .flat_map(|(pair, item)| std::iter::repeat_n(pair as u32, item.negatives.len()));
        let ids: Vec<&[u32]> = texts().map(|t| t.ids.as_slice()).collect();
        let segments: Vec<&[u32]> = texts().map(|t| t.segments.as_slice()).collect();
        Ok(ContrastiveBatch {
            input: pad(&ids, self.pad_id, self.pad_side),
            segments: pad(&segments, 0, self.pad_side).ids,
            scores: items.iter().map(|i| i.score).collect(),
            owners: owners.collect(),
        })
    }
}
