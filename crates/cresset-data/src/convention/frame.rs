//! Frames: where texts and special tokens stand.

use super::SpecialToken;
use crate::DataError;

/// The stop id of a convention without a stop token: no vocabulary has it.
pub const NO_STOP: u32 = u32::MAX;

/// Stands in a decoder's input for a start vector that is no token's: the largest id that a device holds, which no vocabulary has.
pub const LEARNED_START: u32 = i32::MAX as u32;

/// How [`LEARNED_START`] is shown: as a tokenizer spells nothing.
pub const LEARNED_START_SHOWN: &str = "(learned-start)";

/// What stands at a place of an encoder frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A special token.
    Special(SpecialToken),
    /// The text.
    Text,
    /// The second text.
    Pair,
}

/// A place of an encoder frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What stands there.
    pub piece: Piece,
    /// Its segment (token type).
    pub segment: u32,
}

/// The frame of encoder inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderFrame {
    /// Of one text.
    pub single: Vec<Slot>,
    /// Of two texts.
    pub pair: Vec<Slot>,
}

/// A framed encoder input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framed {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Segment (token type) of each token.
    pub segments: Vec<u32>,
    /// Whether each token is one of the frame's special tokens.
    pub special: Vec<bool>,
    /// Tokens of the texts that did not fit.
    pub truncated: usize,
}

/// The frame of decoder inputs and labels: both are the sequence `start prefix text stop`, without its last and
/// without its first token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderFrame {
    /// The decoder-start token; none inside a plain character stream.
    pub start: Option<SpecialToken>,
    /// Whether a vector of its own, which is no token's, stands where the start token would.
    pub start_is_learned: bool,
    /// Whether the start is an ordinary token of the vocabulary: a text may then begin with it.
    pub start_is_ordinary: bool,
    /// What always follows the start token and is also a label, such as BART's `<s>`.
    pub prefix: Vec<SpecialToken>,
    /// The stop token.
    pub stop: Option<SpecialToken>,
}

/// How generation starts and stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationFrame {
    /// The first decoder input: the start token and the forced prefix.
    pub start: Vec<u32>,
    /// The token that ends a text, [`NO_STOP`] if there is none.
    pub stop: u32,
    /// Fills short rows.
    pub pad: u32,
}

impl EncoderFrame {
    pub(super) fn frame(
        &self,
        convention: &str,
        text: &[u32],
        pair: Option<&[u32]>,
        max: usize,
    ) -> Result<Framed, DataError> {
        let slots = if pair.is_some() {
            &self.pair
        } else {
            &self.single
        };
        refuse_doubles(convention, slots, text, pair)?;
        let n_special = slots
            .iter()
            .filter(|slot| matches!(slot.piece, Piece::Special(_)))
            .count();
        if max < n_special {
            return Err(DataError::NoRoom {
                max,
                special: n_special,
                frame: describe(slots),
            });
        }
        let second = pair.unwrap_or(&[]);
        let (first_len, second_len) = longest_first(text.len(), second.len(), max - n_special);
        let mut framed = Framed {
            ids: Vec::with_capacity(n_special + first_len + second_len),
            segments: Vec::new(),
            special: Vec::new(),
            truncated: text.len() + second.len() - first_len - second_len,
        };
        for slot in slots {
            match &slot.piece {
                Piece::Special(token) => framed.push(&[token.id], slot.segment, &[true]),
                Piece::Text => {
                    framed.push(&text[..first_len], slot.segment, &vec![false; first_len])
                }
                Piece::Pair => framed.push(
                    &second[..second_len],
                    slot.segment,
                    &vec![false; second_len],
                ),
            }
        }
        Ok(framed)
    }

    pub(super) fn describe(&self) -> String {
        format!("{} | {}", describe(&self.single), describe(&self.pair))
    }
}

impl Framed {
    fn push(&mut self, ids: &[u32], segment: u32, special: &[bool]) {
        self.ids.extend_from_slice(ids);
        self.segments
            .extend(std::iter::repeat_n(segment, ids.len()));
        self.special.extend_from_slice(special);
    }
}

impl DecoderFrame {
    /// The id that starts decoding.
    pub fn start_id(&self) -> Option<u32> {
        let own = |token: &SpecialToken| match self.start_is_learned {
            true => LEARNED_START,
            false => token.id,
        };
        self.start.as_ref().map(own)
    }

    /// What starts decoding, as a person reads it.
    pub fn start_shown(&self) -> Option<&str> {
        match self.start_is_learned {
            true => Some(LEARNED_START_SHOWN),
            false => self.start.as_ref().map(|token| token.token.as_str()),
        }
    }

    /// The ids in front of a text: start and prefix.
    pub(super) fn head(&self) -> impl Iterator<Item = u32> {
        let prefix = self.prefix.iter().map(|token| token.id);
        self.start_id().into_iter().chain(prefix)
    }

    pub(super) fn pair(
        &self,
        convention: &str,
        target: &[u32],
        max: usize,
    ) -> Result<(Vec<u32>, Vec<u32>), DataError> {
        let head: Vec<&SpecialToken> = self.start.iter().chain(&self.prefix).collect();
        let mut guards = head.iter().skip(usize::from(self.start_is_ordinary));
        if let Some(token) = guards.find(|token| target.first() == Some(&token.id)) {
            return Err(double(convention, token, "starts"));
        }
        if let Some(stop) = self
            .stop
            .as_ref()
            .filter(|stop| target.last() == Some(&stop.id))
        {
            return Err(double(convention, stop, "ends"));
        }
        let n_special = head.len() + usize::from(self.stop.is_some());
        // Input and labels are one token shorter than the whole sequence.
        if max + 1 < n_special {
            return Err(DataError::NoRoom {
                max,
                special: n_special,
                frame: self.describe_input("B"),
            });
        }
        let kept = target.len().min(max + 1 - n_special);
        let mut sequence: Vec<u32> = self.head().collect();
        sequence.extend_from_slice(&target[..kept]);
        sequence.extend(self.stop.iter().map(|token| token.id));
        let labels = sequence.get(1..).unwrap_or_default().to_vec();
        sequence.pop();
        Ok((sequence, labels))
    }

    pub(super) fn describe_input(&self, text: &str) -> String {
        let start = self.start_shown();
        let prefix = self.prefix.iter().map(|token| token.token.as_str());
        let words = start.into_iter().chain(prefix).chain([text]);
        words.collect::<Vec<_>>().join(" ")
    }

    pub(super) fn describe_labels(&self, text: &str) -> String {
        if self.start.is_none() {
            return format!("{text}, shifted by one");
        }
        let words = self
            .prefix
            .iter()
            .map(|token| token.token.as_str())
            .chain([text]);
        words
            .chain(self.stop.iter().map(|token| token.token.as_str()))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn describe(slots: &[Slot]) -> String {
    let mut words = String::new();
    let mut before = None;
    for slot in slots {
        let (word, token) = match &slot.piece {
            Piece::Special(token) => (token.token.as_str(), Some(token)),
            Piece::Text => ("A", None),
            Piece::Pair => ("B", None),
        };
        // A doubled separator, `</s></s>`, is written together, as RoBERTa's frame is written everywhere.
        if !words.is_empty() && (token.is_none() || token != before) {
            words.push(' ');
        }
        words.push_str(word);
        before = token;
    }
    words
}

/// How much of two texts is kept so that both together have at most `room` tokens: the longer one is cut to the shorter
/// one's length first. The same rule as in Hugging Face's tokenizers.
fn longest_first(first: usize, second: usize, room: usize) -> (usize, usize) {
    if first + second <= room {
        return (first, second);
    }
    let (short, long) = (first.min(second), first.max(second));
    let (short, long) = if 2 * short <= room {
        (short, long.min(room - short))
    } else {
        (room / 2, room - room / 2)
    };
    if first <= second {
        (short, long)
    } else {
        (long, short)
    }
}

/// A text that starts with the special token in front of it, or ends with the one behind it, was framed before.
fn refuse_doubles(
    convention: &str,
    slots: &[Slot],
    text: &[u32],
    pair: Option<&[u32]>,
) -> Result<(), DataError> {
    for (place, slot) in slots.iter().enumerate() {
        let content = match slot.piece {
            Piece::Special(_) => continue,
            Piece::Text => text,
            Piece::Pair => pair.unwrap_or(&[]),
        };
        let special_at =
            |place: Option<usize>| match place.and_then(|p| slots.get(p)).map(|slot| &slot.piece) {
                Some(Piece::Special(token)) => Some(token),
                _ => None,
            };
        if let Some(token) =
            special_at(place.checked_sub(1)).filter(|token| content.first() == Some(&token.id))
        {
            return Err(double(convention, token, "starts"));
        }
        if let Some(token) =
            special_at(Some(place + 1)).filter(|token| content.last() == Some(&token.id))
        {
            return Err(double(convention, token, "ends"));
        }
    }
    Ok(())
}

fn double(convention: &str, token: &SpecialToken, place: &'static str) -> DataError {
    DataError::DoubleSpecial {
        convention: convention.to_owned(),
        token: token.token.clone(),
        place,
    }
}
