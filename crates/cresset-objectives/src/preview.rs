//! A batch as a person reads it.

mod positions;
mod reader;

use std::collections::BTreeMap;
use std::ops::Range;

use cresset_data::PaddedIds;
use serde::Serialize;

pub use self::positions::PositionIds;
pub use self::reader::Reader;
pub(crate) use self::reader::spelled;

/// A batch, shown: what `cresset preview` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// The batch's number.
    pub batch: u64,
    /// The frame of the convention in words.
    pub frame: String,
    /// Rows in the batch.
    pub n_rows: usize,
    /// One entry per row, the first ones.
    pub examples: Vec<Vec<Shown>>,
}

/// A part of an example: something the model reads, something it is to write, or a plain value.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// What it is in the example: `encoder input`, `decoder input`, `labels`, ...
    pub name: &'static str,
    /// As text, special tokens in place, padding left out.
    pub text: String,
    /// The tokens; of what the model reads with the padding.
    pub tokens: Vec<String>,
    /// Their ids.
    pub ids: Vec<u32>,
    /// What else the model is told of each token, if this is something it reads.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub places: Option<Places>,
}

/// What a model is told of a row that it reads; every list has an entry for each place, padding included.
#[derive(Clone, Debug, Serialize)]
pub struct Places {
    /// What each token is there for.
    pub roles: Vec<Role>,
    /// 1 where there is a token to attend to, 0 at padding.
    pub attention_mask: Vec<u8>,
    /// Places that are not padding.
    pub kept: usize,
    /// The id of each position; none for a model that goes by distances, as T5 and XLNet.
    pub positions: Option<Vec<u32>>,
    /// Segments (token types), where the model has them.
    pub segments: Option<Vec<u32>>,
    /// What is to be predicted at each place.
    pub labels: Option<Vec<Option<String>>>,
    /// Its id: of a token, or of a tag.
    pub label_ids: Option<Vec<Option<u32>>>,
    /// 1 where the loss counts.
    pub loss_mask: Option<Vec<u8>>,
    /// Whatever else an objective says place by place, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aligned: BTreeMap<&'static str, Vec<String>>,
}

/// What a token is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Part of a text.
    Text,
    /// Part of the frame.
    Special,
    /// Hides a token or a span.
    Mask,
    /// A random token in the place of another.
    Replaced,
    /// To be predicted, or part of the answer, and left as it is.
    Target,
    /// Stands for a span.
    Sentinel,
    /// Stands for what the vocabulary cannot spell.
    Unknown,
    /// Fills a short row.
    Pad,
}

impl Shown {
    /// With the segment of each place.
    ///
    /// # Panics
    /// If this is not something that the model reads.
    #[must_use]
    pub fn with_segments(mut self, segments: &[u32]) -> Self {
        self.places_mut().segments = Some(segments.to_vec());
        self
    }

    /// With positions that the batch holds itself, instead of those that the model would count.
    ///
    /// # Panics
    /// If this is not something that the model reads.
    #[must_use]
    pub fn with_positions(mut self, positions: &[u32]) -> Self {
        self.places_mut().positions = Some(positions.to_vec());
        self
    }

    /// With what is to be predicted: place, id and spelling. No loss counts anywhere else.
    ///
    /// # Panics
    /// If this is not something that the model reads, or has no such place.
    #[must_use]
    pub fn with_labels(mut self, labels: impl IntoIterator<Item = (usize, u32, String)>) -> Self {
        let width = self.ids.len();
        let (mut names, mut ids, mut mask) = (vec![None; width], vec![None; width], vec![0; width]);
        for (place, id, name) in labels {
            (names[place], ids[place], mask[place]) = (Some(name), Some(id), 1);
        }
        let places = self.places_mut();
        places.labels = Some(names);
        places.label_ids = Some(ids);
        places.loss_mask = Some(mask);
        self
    }

    /// With the tokens that stood at some places before the text was corrupted.
    ///
    /// # Panics
    /// If this is not something that the model reads, or has no such place.
    #[must_use]
    pub fn with_originals(mut self, originals: &[(usize, u32)]) -> Self {
        for &(place, original) in originals {
            let is_kept = self.ids[place] == original;
            let role = &mut self.places_mut().roles[place];
            *role = match *role {
                _ if is_kept => Role::Target,
                Role::Mask => Role::Mask,
                _ => Role::Replaced,
            };
        }
        self
    }

    /// With another role for some places.
    ///
    /// # Panics
    /// If this is not something that the model reads, or has no such places.
    #[must_use]
    pub fn with_role(mut self, places: Range<usize>, role: Role) -> Self {
        self.places_mut().roles[places].fill(role);
        self
    }

    /// With something else that an objective has to say of each place.
    ///
    /// # Panics
    /// If this is not something that the model reads, or has another number of places.
    #[must_use]
    pub fn with_aligned(mut self, name: &'static str, values: Vec<String>) -> Self {
        assert_eq!(values.len(), self.ids.len(), "one value per place");
        self.places_mut().aligned.insert(name, values);
        self
    }

    /// The labels of the places that are not padding in one line, `-` where there is none.
    pub fn labels_in_line(&self) -> String {
        let Some(places) = &self.places else {
            return String::new();
        };
        let labels = places.labels.iter().flatten();
        let kept = labels
            .zip(&places.attention_mask)
            .filter(|(_, kept)| **kept == 1);
        let names: Vec<&str> = kept
            .map(|(label, _)| label.as_deref().unwrap_or("-"))
            .collect();
        names.join(" ")
    }

    fn places_mut(&mut self) -> &mut Places {
        self.places
            .as_mut()
            .expect("only what the model reads has places")
    }
}

/// The targets of a batch, as objectives keep them.
#[derive(Clone, Copy, Debug)]
pub struct Targets<'a> {
    /// What the model reads.
    pub input: &'a PaddedIds,
    /// Indices into the `rows x width` places.
    pub positions: &'a [u32],
    /// The target at each of them.
    pub ids: &'a [u32],
    /// The loss weight of each, 1 by default; a placeholder has 0.
    pub weights: Option<&'a [f32]>,
}

impl Targets<'_> {
    /// The targets of a row that count: place in the row and id.
    pub fn of_row(&self, row: usize) -> Vec<(usize, u32)> {
        let places = self.input.places(row);
        let counts = |at: usize| self.weights.is_none_or(|weights| weights[at] > 0.0);
        let targets = self.positions.iter().zip(self.ids).enumerate();
        targets
            .filter(|(at, (position, _))| counts(*at) && places.contains(&(**position as usize)))
            .map(|(_, (&position, &id))| (position as usize - places.start, id))
            .collect()
    }

    /// A row of a model that writes, which predicts the next token at every place: what it reads, under a name, and what
    /// it is to write.
    pub fn read_and_written(
        &self,
        name: &'static str,
        row: usize,
        reader: &Reader<'_>,
    ) -> [Shown; 2] {
        let targets = self.of_row(row);
        let written: Vec<u32> = targets.iter().map(|(_, id)| *id).collect();
        [
            reader
                .input(name, self.input, row)
                .with_labels(reader.spelled(targets)),
            reader.show("labels", &written),
        ]
    }
}
