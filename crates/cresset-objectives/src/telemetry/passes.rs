//! The model reads a few texts, and what its heads and its last layer do is added up.

use std::borrow::Cow;
use std::ops::Range;

use burn::tensor::{Device, Int, Tensor};
use cresset_data::{Convention, PadSide, PaddedIds, pad};
use cresset_ops::Watched;
use cresset_train::{CloudShape, TokenAttention};

use super::attention::{Attentions, Placed, Sides, Sight};
use super::texts::ReadText;
use super::tokens::{Place, tokens};
use crate::lab::{CloudRows, cloud};
use crate::watched::{Trace, Watchable, WatchedInput};
use crate::{Setup, upload};

/// Texts times squared length of a pass: what its attention takes is bounded.
const PLACES: usize = 8 * 128 * 128;

/// Texts of a pass: a few, so that they are of about one length and hardly padded.
const AT_ONCE: usize = 8;

/// What passes showed.
pub(super) struct Passes {
    encoder: Attentions,
    decoder: Attentions,
    cross_to: Attentions,
    cross_from: Attentions,
    /// The token that stands for a text.
    cls: Option<u32>,
    /// Its vectors, as the encoder's last layer leaves them.
    cloud: CloudRows,
}

impl Passes {
    pub(super) fn new(setup: &Setup) -> Self {
        let looked_at = |stack, sight, place| Attentions::new(stack, sight, tokens(setup, place));
        let cls = setup.convention.roles().cls.as_ref();
        Passes {
            encoder: looked_at("encoder", Sight::Whole, Place::Encoder),
            decoder: looked_at("decoder", Sight::Causal, Place::Decoder),
            cross_to: looked_at("cross", Sight::AcrossTo, Place::Encoder),
            cross_from: looked_at("cross", Sight::AcrossFrom, Place::Decoder),
            cls: cls.map(|token| token.id),
            cloud: CloudRows::default(),
        }
    }

    /// Lets a model read texts.
    pub(super) fn read<M: Watchable>(
        &mut self,
        model: &M,
        texts: &[ReadText],
        convention: &Convention,
    ) {
        let device = upload::device_of(model);
        let mut left = texts;
        while !left.is_empty() {
            let (now, later) = left.split_at(at_once(left));
            left = later;
            let decoder_input = |text: &'_ ReadText| -> Vec<u32> {
                let ids: Cow<'_, [u32]> = model.decoder_input(&text.encoder, &text.decoder);
                ids.into_owned()
            };
            let decoder: Vec<Vec<u32>> = now.iter().map(decoder_input).collect();
            let input = Input::of(now, &decoder, convention);
            let trace = model.watch(input.upload(convention, &device), Watched::Attention);
            self.add(&trace, &input);
        }
    }

    fn add(&mut self, trace: &Trace, input: &Input<'_>) {
        let rows = || 0..input.encoder_ids.len();
        if let Some(seen) = &trace.encoder {
            let own = |row| Sides::own(input.encoder_at(row));
            self.encoder
                .add(&seen.attentions, &rows().map(own).collect::<Vec<_>>());
            if let Some(last) = seen.hidden_states.last() {
                self.add_to_cloud(last, input);
            }
        }
        if let Some(seen) = &trace.decoder {
            let own = |row| Sides::own(input.decoder_at(row));
            self.decoder
                .add(&seen.attentions, &rows().map(own).collect::<Vec<_>>());
        }
        let across = |row| Sides {
            queries: input.decoder_at(row),
            keys: input.encoder_at(row),
        };
        let across: Vec<Sides<'_>> = rows().map(across).collect();
        self.cross_to.add(&trace.cross, &across);
        self.cross_from.add(&trace.cross, &across);
    }

    /// # Shapes
    /// hidden: `[texts, seq, hidden]`
    fn add_to_cloud(&mut self, hidden: &Tensor<3>, input: &Input<'_>) {
        let [n_rows, width, size] = hidden.dims();
        let place = |row: usize| {
            let at = input.encoder_at(row);
            let within = at.ids.iter().position(|id| Some(*id) == self.cls)?;
            Some((row * width + at.places.start + within) as u32)
        };
        let places: Vec<u32> = (0..n_rows).filter_map(place).collect();
        if places.is_empty() {
            return;
        }
        let at: Tensor<1, Int> = upload::indices(&places, &hidden.device());
        let vectors = hidden.clone().reshape([n_rows * width, size]).select(0, at);
        let numbers = upload::read_floats(vectors).into_iter().map(f64::from);
        self.cloud.values.extend(numbers);
        self.cloud.width = size;
    }

    /// The attention of every token that was found, and the cloud of the vectors that stand for texts.
    pub(super) fn told(self) -> (Vec<TokenAttention>, Option<CloudShape>) {
        let all = [self.encoder, self.decoder, self.cross_to, self.cross_from];
        let attention = all.into_iter().flat_map(Attentions::told).collect();
        (attention, shape(&self.cloud))
    }
}

/// One vector has no shape.
fn shape(rows: &CloudRows) -> Option<CloudShape> {
    let seen = (rows.len() > 1).then(|| cloud(rows, None))?;
    Some(CloudShape {
        pooling: "cls".to_owned(),
        n: seen.n,
        mean_cosine: seen.mean_cosine,
        effective_rank: seen.effective_rank,
        first_direction: seen.first_direction,
        width: seen.width,
    })
}

/// How many of the next texts go through the model together.
fn at_once(texts: &[ReadText]) -> usize {
    let mut longest = 0;
    let fits = |(before, text): (usize, &ReadText)| {
        longest = longest.max(text.encoder.len()).max(text.decoder.len());
        (before + 1) * longest * longest <= PLACES
    };
    let fitting = texts.iter().enumerate().map(fits).take_while(|fits| *fits);
    fitting.take(AT_ONCE).count().max(1)
}

/// Texts as the rows of a pass.
struct Input<'a> {
    encoder: PaddedIds,
    segments: Option<PaddedIds>,
    decoder: PaddedIds,
    encoder_ids: Vec<&'a [u32]>,
    decoder_ids: Vec<&'a [u32]>,
}

impl<'a> Input<'a> {
    fn of(texts: &'a [ReadText], decoder: &'a [Vec<u32>], convention: &Convention) -> Self {
        let (fill, side) = (convention.pad_id(), convention.pad_side());
        let encoder_ids: Vec<&[u32]> = texts.iter().map(|text| &text.encoder[..]).collect();
        let decoder_ids: Vec<&[u32]> = decoder.iter().map(|ids| &ids[..]).collect();
        let segments: Vec<&[u32]> = texts.iter().map(|text| &text.segments[..]).collect();
        let has_segments = segments.iter().all(|row| !row.is_empty());
        Input {
            encoder: pad(&encoder_ids, fill, side),
            segments: has_segments.then(|| pad(&segments, 0, side)),
            decoder: pad(&decoder_ids, fill, PadSide::Right),
            encoder_ids,
            decoder_ids,
        }
    }

    fn upload(&self, convention: &Convention, device: &Device) -> WatchedInput {
        let alone = convention.encoder_frame().is_none();
        let segments = self.segments.as_ref().map(|segments| &segments.ids[..]);
        let encoder = || upload::encoder_input(&self.encoder, segments, device);
        let decoder = || {
            let keep = alone.then(|| upload::keep(&self.decoder, device));
            (upload::ids(&self.decoder, device), keep)
        };
        WatchedInput {
            encoder: (self.encoder.width > 0).then(encoder),
            decoder: (self.decoder.width > 0).then(decoder),
        }
    }

    fn encoder_at(&self, row: usize) -> Placed<'_> {
        placed(self.encoder_ids[row], self.encoder.kept(row))
    }

    fn decoder_at(&self, row: usize) -> Placed<'_> {
        placed(self.decoder_ids[row], self.decoder.kept(row))
    }
}

fn placed(ids: &[u32], places: Range<usize>) -> Placed<'_> {
    Placed { ids, places }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_texts_are_read_at_once_and_fewer_if_they_are_long() {
        let texts = |n: usize, length: usize| {
            let text = ReadText {
                encoder: vec![0; length],
                ..ReadText::default()
            };
            vec![text; n]
        };
        assert_eq!(at_once(&texts(20, 9)), 8);
        assert_eq!(at_once(&texts(3, 9)), 3);
        assert_eq!(at_once(&texts(20, 256)), 2);
        assert_eq!(at_once(&texts(20, 1000)), 1);
    }
}
