//! The texts that a telemetry looks at: a few, the same ones throughout a run.

use std::collections::HashSet;
use std::ops::Range;

use cresset_data::{Batches, DataError, PaddedIds};

/// What a model reads of one text, without padding; empty where it has no such half.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReadText {
    /// What the encoder reads.
    pub encoder: Vec<u32>,
    /// Segment of each of these tokens, where the batch has them.
    pub segments: Vec<u32>,
    /// What the decoder reads.
    pub decoder: Vec<u32>,
}

/// A batch of texts that a model reads.
pub trait Reads {
    /// The texts, each by itself: those of a row that holds several too, since none sees another.
    fn texts(&self) -> Vec<ReadText>;
}

impl ReadText {
    /// The texts of an encoder, with the segment of each position.
    pub fn of_encoder(input: &PaddedIds, segments: &[u32]) -> Vec<ReadText> {
        let text = |places: Range<usize>| ReadText {
            encoder: input.ids[places.clone()].to_vec(),
            segments: segments.get(places).unwrap_or_default().to_vec(),
            decoder: Vec::new(),
        };
        places(input).into_iter().map(text).collect()
    }

    /// The texts of a decoder that is alone.
    pub fn of_decoder(input: &PaddedIds) -> Vec<ReadText> {
        let text = |places: Range<usize>| ReadText {
            decoder: input.ids[places].to_vec(),
            ..ReadText::default()
        };
        places(input).into_iter().map(text).collect()
    }

    /// The texts of an encoder with what a decoder reads beside them.
    pub fn of_both(source: &PaddedIds, decoder_input: &PaddedIds) -> Vec<ReadText> {
        let pair = |(encoder, decoder): (&[u32], &[u32])| ReadText {
            encoder: encoder.to_vec(),
            segments: Vec::new(),
            decoder: decoder.to_vec(),
        };
        source.rows().zip(decoder_input.rows()).map(pair).collect()
    }

    /// Tokens of the longer half.
    fn length(&self) -> usize {
        self.encoder.len().max(self.decoder.len())
    }
}

/// The places of each text among the `rows x width` places.
fn places(input: &PaddedIds) -> Vec<Range<usize>> {
    let of_row = |row: usize| {
        let start = input.start_of(row);
        let lengths = match &input.texts {
            Some(texts) => texts[row].clone(),
            None => vec![input.lengths[row]],
        };
        lengths.into_iter().scan(start, |at, length| {
            *at += length;
            Some(*at - length..*at)
        })
    };
    (0..input.n_rows()).flat_map(of_row).collect()
}

/// Batches that texts are taken from.
const BATCHES: u64 = 8;
/// Longer texts are left out while there are others: their attention alone would be many times what a step keeps. A decoder's are
/// cut, since what is behind changes nothing before it.
const LONGEST: usize = 512;

/// At most `n` different texts, from batches all over an epoch, since these may be sorted by length; short ones first, so that those
/// that are read together need little padding.
///
/// # Errors
/// A batch that cannot be made.
pub(super) fn choose<B: Reads + Send + 'static>(
    batches: &dyn Batches<Batch = B>,
    n: usize,
) -> Result<Vec<ReadText>, DataError> {
    let n_batches = batches.batches_per_epoch();
    let taken = n_batches.min(BATCHES);
    let mut seen = HashSet::new();
    let mut chosen = Vec::new();
    for turn in 0..taken {
        let texts = batches
            .batch(turn * (n_batches - 1) / (taken - 1).max(1))?
            .texts();
        let room = (n - chosen.len()).div_ceil((taken - turn) as usize);
        let cut = |mut text: ReadText| {
            text.decoder.truncate(LONGEST);
            text
        };
        let new: Vec<ReadText> = texts
            .into_iter()
            .map(cut)
            .filter(|text| text.length() > 0 && seen.insert(text.clone()))
            .collect();
        let every = (new.len() / room.max(1)).max(1);
        chosen.extend(new.into_iter().step_by(every).take(room));
    }
    if chosen.iter().any(|text| text.length() <= LONGEST) {
        chosen.retain(|text| text.length() <= LONGEST);
    }
    chosen.sort_by_key(|text| (text.length(), text.encoder.len()));
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use cresset_data::{PadSide, pad};

    use super::*;

    /// Batches of these texts.
    struct Made<F>(u64, F);

    struct One(Vec<ReadText>);

    impl Reads for One {
        fn texts(&self) -> Vec<ReadText> {
            self.0.clone()
        }
    }

    fn text(of: u32) -> ReadText {
        ReadText {
            encoder: vec![of],
            ..ReadText::default()
        }
    }

    impl<F: Fn(u32) -> Vec<ReadText> + Send + Sync> Batches for Made<F> {
        type Batch = One;

        fn batches_per_epoch(&self) -> u64 {
            self.0
        }

        fn batch(&self, index: u64) -> Result<One, DataError> {
            Ok(One((self.1)(index as u32)))
        }
    }

    fn numbered(n_batches: u64) -> impl Batches<Batch = One> {
        Made(n_batches, |index| {
            (0..10).map(|row| text(index * 100 + row / 2)).collect()
        })
    }

    #[test]
    fn texts_come_from_all_over_an_epoch_and_none_comes_twice() {
        let chosen = choose(&numbered(50), 32).expect("batches");
        assert_eq!(chosen.len(), 32);
        let batches: HashSet<u32> = chosen.iter().map(|t| t.encoder[0] / 100).collect();
        assert!(batches.len() == 8 && batches.contains(&0) && batches.contains(&49));
        let distinct: HashSet<&ReadText> = chosen.iter().collect();
        assert_eq!(distinct.len(), chosen.len());
    }

    #[test]
    fn long_texts_of_a_decoder_are_cut_and_those_of_an_encoder_left_out() {
        let long: Vec<u32> = (0..1000).collect();
        let of_encoder = ReadText {
            encoder: long.clone(),
            ..text(0)
        };
        let of_decoder = ReadText {
            decoder: long,
            ..text(1)
        };
        let batches = Made(1, |_| vec![of_encoder.clone(), of_decoder.clone()]);
        let chosen = choose(&batches, 32).expect("a batch");
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].decoder.len(), LONGEST);
    }

    #[test]
    fn short_texts_come_first() {
        let of = |length: u32| ReadText {
            encoder: (0..length).collect(),
            ..text(0)
        };
        let batches = Made(3, |index| [9, 2, 5].map(|n| of(n + index)).to_vec());
        let chosen = choose(&batches, 9).expect("batches");
        let lengths: Vec<usize> = chosen.iter().map(ReadText::length).collect();
        assert_eq!(lengths, [2, 3, 4, 5, 6, 7, 9, 10, 11]);
    }

    #[test]
    fn a_single_batch_gives_what_it_has() {
        assert_eq!(choose(&numbered(1), 32).expect("a batch").len(), 5);
        assert_eq!(choose(&numbered(1), 2).expect("a batch").len(), 2);
    }

    #[test]
    fn texts_that_share_a_row_come_apart_without_padding() {
        let rows: [&[u32]; 2] = [&[1, 2, 3, 4, 5], &[6]];
        let mut input = pad(&rows, 0, PadSide::Right);
        input.texts = Some(vec![vec![2, 3], vec![1]]);
        let texts = ReadText::of_encoder(&input, &[0, 0, 1, 1, 1, 2, 0, 0, 0, 0]);
        let parts: Vec<(&[u32], &[u32])> = texts
            .iter()
            .map(|t| (&t.encoder[..], &t.segments[..]))
            .collect();
        let expected: [(&[u32], &[u32]); 3] =
            [(&[1, 2], &[0, 0]), (&[3, 4, 5], &[1, 1, 1]), (&[6], &[2])];
        assert_eq!(parts, expected);
        let left = pad(&rows, 0, PadSide::Left);
        assert_eq!(ReadText::of_decoder(&left)[1].decoder, [6]);
    }
}
