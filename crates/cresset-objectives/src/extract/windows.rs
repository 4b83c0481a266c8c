//! A question with its context, cut into windows that the model can take.

use std::ops::Range;

use cresset_data::{
    AnswerSpan, Convention, DataError, EncoderFrame, Example, Framed, PadSide, PaddedIds, Piece,
    PlacedToken, Tokenizer, pad,
};

use super::ExtractConfig;
use crate::RunError;

/// The question and a stretch of the context, framed as a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The row.
    pub framed: Framed,
    /// The position of `[CLS]` in the row, which stands for "not here".
    pub cls: usize,
    /// The position of the stretch's first token in the row.
    pub first: usize,
    /// Which token of the context that is.
    pub from: usize,
    /// The characters of the context that each token of the stretch stands for.
    pub places: Vec<Range<usize>>,
}

impl Window {
    /// The first and last position of an answer, given its first and last token in the context; `[CLS]` twice if it is
    /// not wholly in this window, or nowhere.
    pub(super) fn target(&self, tokens: Option<(usize, usize)>) -> (usize, usize) {
        match tokens {
            Some((start, end)) if start >= self.from && end < self.from + self.places.len() => {
                let position = |token: usize| token - self.from + self.first;
                (position(start), position(end))
            }
            _ => (self.cls, self.cls),
        }
    }
}

/// The windows of an example.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// At least one, together the whole context.
    pub(crate) windows: Vec<Window>,
    /// Whether the question lost its end.
    pub(crate) is_shortened: bool,
    /// The context.
    tokens: Vec<PlacedToken>,
}

impl Asked {
    /// The first and the last token that hold something of an answer, be it in their middle.
    pub(crate) fn tokens_of(&self, answer: &AnswerSpan) -> Option<(usize, usize)> {
        let end = answer.start + answer.text.chars().count();
        let holds = |token: &PlacedToken| token.chars.start < end && token.chars.end > answer.start;
        let first = self.tokens.iter().position(holds)?;
        let last = self.tokens.iter().rposition(holds)?;
        Some((first, last))
    }
}

/// Makes windows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framer<'a> {
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) convention: &'a Convention,
    /// Longest row in tokens.
    pub(crate) max_length: usize,
    pub(crate) config: &'a ExtractConfig,
}

impl Framer<'_> {
    /// The windows of a question (text) and its context (pair): one starts every `doc_stride` tokens until the end of
    /// the context is in one.
    ///
    /// # Errors
    /// An example without context; a convention without a frame of pairs or without `[CLS]`; a longest row that leaves no
    /// room for the context.
    pub(crate) fn frame(&self, example: &Example) -> Result<Asked, RunError> {
        let context = example.pair.as_deref().ok_or_else(|| {
            RunError::Data(format!(
                "{} has no context; set data.fields.pair to the field that holds the text in which the answer stands",
                example.place()
            ))
        })?;
        let mut question = self.tokenizer.encode(&example.text);
        let is_shortened = question.len() > self.config.max_question_length;
        question.truncate(self.config.max_question_length);
        let tokens = self.tokenizer.encode_with_places(context);
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let room = self.room(question.len())?;
        let mut windows = Vec::new();
        let mut from = 0;
        loop {
            let to = tokens.len().min(from + room);
            let framed =
                self.convention
                    .encoder_input(&question, Some(&ids[from..to]), self.max_length)?;
            let (cls, first) = self.positions(question.len(), to - from)?;
            windows.push(Window {
                framed,
                cls,
                first,
                from,
                places: tokens[from..to].iter().map(|t| t.chars.clone()).collect(),
            });
            if to == tokens.len() {
                break;
            }
            // A stride beyond the window would leave tokens out.
            from += self.config.doc_stride.min(room);
        }
        Ok(Asked {
            windows,
            is_shortened,
            tokens,
        })
    }

    /// Tokens of the context beside a question.
    fn room(&self, n_question: usize) -> Result<usize, RunError> {
        let is_special = |piece: &Piece| matches!(piece, Piece::Special(_));
        let slots = &self.encoder()?.pair;
        let n_special = slots.iter().filter(|slot| is_special(&slot.piece)).count();
        match self.max_length.saturating_sub(n_special + n_question) {
            0 => Err(RunError::Config(format!(
                "data.max_length {} leaves no room for the context beside {n_special} special tokens and a question of {n_question}; raise it or lower objective.extract.max_question_length",
                self.max_length
            ))),
            room => Ok(room),
        }
    }

    /// The positions of `[CLS]` and of the context's first token.
    fn positions(&self, n_question: usize, n_context: usize) -> Result<(usize, usize), RunError> {
        let cls_id = self.convention.roles().cls.as_ref().map(|token| token.id);
        let (mut cls, mut first, mut at) = (None, 0, 0);
        for slot in &self.encoder()?.pair {
            match &slot.piece {
                Piece::Special(token) => {
                    if cls.is_none() && Some(token.id) == cls_id {
                        cls = Some(at);
                    }
                    at += 1;
                }
                Piece::Text => at += n_question,
                Piece::Pair => {
                    first = at;
                    at += n_context;
                }
            }
        }
        let missing = || DataError::MissingRole {
            convention: self.convention.name().to_owned(),
            role: "cls",
            needed_by: "objective extract",
        };
        Ok((cls.ok_or_else(missing)?, first))
    }

    fn encoder(&self) -> Result<&EncoderFrame, RunError> {
        let missing = || DataError::NoFrame {
            convention: self.convention.name().to_owned(),
            side: "encoder input",
            examples: "bert or roberta",
        };
        Ok(self.convention.encoder_frame().ok_or_else(missing)?)
    }
}

/// Windows as one rectangle, ids and segments.
pub(crate) fn padded(windows: &[&Window], pad_id: u32, side: PadSide) -> (PaddedIds, Vec<u32>) {
    let ids: Vec<&[u32]> = windows.iter().map(|w| w.framed.ids.as_slice()).collect();
    let segments: Vec<&[u32]> = windows.iter().map(|w| &w.framed.segments[..]).collect();
    (pad(&ids, pad_id, side), pad(&segments, 0, side).ids)
}
