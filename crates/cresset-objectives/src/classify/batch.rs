//! Texts with what is to be said of them, as plain numbers.

use cresset_data::{Collate, DataError, PadSide, PaddedIds, pad};
use rand_chacha::ChaCha8Rng;

/// A tokenized example.
#[derive(Clone, Debug)]
pub struct ClassifyItem {
    pub(super) ids: Vec<u32>,
    pub(super) segments: Vec<u32>,
    pub(super) target: Target,
}

/// What is to be said of one text.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Its class.
    Class(u32),
    /// Its score.
    Score(f32),
    /// Of every label whether it holds.
    Labels(Vec<bool>),
}

/// Texts with their targets, as plain numbers.
#[derive(Clone, Debug)]
pub struct ClassifyBatch {
    /// Framed texts.
    pub input: PaddedIds,
    /// Segment of each position; zeros at padding.
    pub segments: Vec<u32>,
    /// What is to be said of each row.
    pub targets: Targets,
}

/// What is to be said of each row of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// One class each.
    Classes {
        /// Class of each row.
        classes: Vec<u32>,
        /// Loss weight of each row: that of its class.
        weights: Vec<f32>,
    },
    /// One number each.
    Scores(Vec<f32>),
    /// Any number of labels each.
    Labels {
        /// Row by row, label by label: whether it holds.
        hold: Vec<bool>,
        /// Loss weight of each label where it holds.
        positive_weights: Vec<f32>,
    },
}

impl Targets {
    fn push(&mut self, target: &Target, class_weights: &[f32]) {
        match (self, target) {
            (Targets::Classes { classes, weights }, Target::Class(class)) => {
                classes.push(*class);
                weights.push(class_weights[*class as usize]);
            }
            (Targets::Scores(scores), Target::Score(score)) => scores.push(*score),
            (Targets::Labels { hold, .. }, Target::Labels(row)) => hold.extend(row),
            _ => unreachable!("all targets of a run are of one kind"),
        }
    }
}

/// Makes batches of framed texts.
#[derive(Clone, Debug)]
pub struct ClassifyCollate {
    pub(super) pad_id: u32,
    pub(super) pad_side: PadSide,
    /// One per output of the model.
    pub(super) class_weights: Vec<f32>,
    /// Targets of the run's kind, for no row yet.
    pub(super) no_targets: Targets,
}

impl Collate for ClassifyCollate {
    type Item = ClassifyItem;
    type Batch = ClassifyBatch;

    fn collate(
        &self,
        items: Vec<ClassifyItem>,
        _rng: &mut ChaCha8Rng,
    ) -> Result<ClassifyBatch, DataError> {
        let ids: Vec<&[u32]> = items.iter().map(|i| i.ids.as_slice()).collect();
        let segments: Vec<&[u32]> = items.iter().map(|i| i.segments.as_slice()).collect();
        let mut targets = self.no_targets.clone();
        for item in &items {
            targets.push(&item.target, &self.class_weights);
        }
        Ok(ClassifyBatch {
            input: pad(&ids, self.pad_id, self.pad_side),
            segments: pad(&segments, 0, self.pad_side).ids,
            targets,
        })
    }
}
