//! The ids of positions, as a model counts them when it is not given any.

use cresset_data::PaddedIds;
use cresset_model::ModelConfig;

/// How a model counts positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PositionIds {
    /// All places from the left, padding too.
    Places,
    /// Places that are not padding, from this id on; padding has the id before it. RoBERTa's way.
    Kept {
        /// The id of the first.
        first: u32,
    },
    /// Not at all: it goes by distances, or there is no model.
    #[default]
    Unnumbered,
}

impl PositionIds {
    /// How a model of this configuration counts.
    pub fn of(config: &ModelConfig) -> Self {
        match config {
            ModelConfig::T5(_) | ModelConfig::Xlnet(_) => PositionIds::Unnumbered,
            ModelConfig::Roberta(config) => PositionIds::Kept {
                first: config.first_position() as u32,
            },
            _ => PositionIds::Places,
        }
    }

    /// The ids of a row, padding included; `None` if the model has none.
    pub fn of_row(self, input: &PaddedIds, row: usize) -> Option<Vec<u32>> {
        let kept = input.kept(row);
        let in_text = places_in_texts(input, row);
        let place = |place: usize| match self {
            PositionIds::Kept { first } if kept.contains(&place) => {
                first + in_text.get(place - kept.start).map_or(0, |&at| at)
            }
            PositionIds::Kept { first } => first - 1,
            PositionIds::Places | PositionIds::Unnumbered if input.texts.is_some() => {
                in_text.get(place).map_or(0, |&at| at)
            }
            PositionIds::Places | PositionIds::Unnumbered => place as u32,
        };
        (self != PositionIds::Unnumbered).then(|| (0..input.width).map(place).collect())
    }
}

/// Where each token of a row stands in its text: they start anew with every text that shares the row.
fn places_in_texts(input: &PaddedIds, row: usize) -> Vec<u32> {
    let whole = [input.lengths[row]];
    let texts = match &input.texts {
        Some(texts) => &texts[row][..],
        None => &whole,
    };
    texts.iter().flat_map(|&length| 0..length as u32).collect()
}
