//! All texts one after the other, and the windows that are cut from them: what the objectives with `rows = "stream"` share.

use std::ops::Range;

use cresset_data::{DataError, Dataset, TokenizedTexts};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::rows::Side;
use crate::{RunError, Setup};

/// How texts become rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// Each text a document by itself, in the convention's frame; a text longer than `data.max_length` is cut into several
    /// rows.
    #[default]
    Documents,
    /// All texts one after the other; rows are windows of it, drawn at random in training (nanoGPT's protocol), side by side
    /// in evaluation.
    Stream,
}

/// A window of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The one that starts here.
    At(usize),
    /// One that starts anywhere.
    Anywhere,
}

/// What windows look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Tokens of a window.
    pub(crate) span: usize,
    /// Tokens that a window shares with the next: those which are a label only in the one and an input in the other.
    pub(crate) overlap: usize,
    /// Stands behind every text, unless there is only one.
    pub(crate) separator: u32,
}

/// The tokens of all texts.
#[derive(Clone, Debug)]
pub struct Stream {
    texts: TokenizedTexts,
    /// Stands behind every text.
    separator: Option<u32>,
    cut: Cut,
}

impl Stream {
    /// The stream of these texts; without any it is empty.
    ///
    /// # Errors
    /// Texts that are too short for one window.
    pub(crate) fn new(setup: &Setup, texts: TokenizedTexts, cut: Cut) -> Result<Stream, RunError> {
        let stream = Stream::of(texts, cut);
        let n_tokens = stream.n_tokens();
        if !stream.texts.is_empty() && n_tokens < cut.span {
            return Err(RunError::Data(format!(
                "the text has {n_tokens} tokens, too few for one row of data.max_length {}; lower data.max_length or give more text",
                setup.data.max_length
            )));
        }
        Ok(stream)
    }

    fn of(texts: TokenizedTexts, cut: Cut) -> Stream {
        Stream {
            separator: (texts.len() != 1).then_some(cut.separator),
            texts,
            cut,
        }
    }

    /// As many windows as lie side by side: each anywhere to train on, where they lie to evaluate.
    pub(crate) fn windows(&self, side: Side) -> Windows {
        let step = self.cut.span - self.cut.overlap;
        let n_tokens = self.n_tokens().saturating_sub(self.cut.overlap);
        Windows {
            n: n_tokens.div_ceil(step),
            step,
            side,
        }
    }

    /// The tokens of a window; the last one of a stream may be shorter.
    pub(crate) fn window(&self, window: Window, rng: &mut ChaCha8Rng) -> Vec<u32> {
        let n_tokens = self.n_tokens();
        let start = match window {
            Window::At(start) => start,
            Window::Anywhere => rng.random_range(0..n_tokens + 1 - self.cut.span),
        };
        self.ids(start..(start + self.cut.span).min(n_tokens))
    }

    fn n_tokens(&self) -> usize {
        self.end(self.texts.len())
    }

    fn ids(&self, range: Range<usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(range.len());
        let mut text = self.text_at(range.start);
        while ids.len() < range.len() {
            let places = self.texts.places(text);
            let from = range.start + ids.len() - self.end(text);
            let wanted = range.len() - ids.len();
            let start = places.start + from.min(places.len());
            ids.extend(self.texts.ids(start..places.end.min(start + wanted)));
            if ids.len() < range.len() {
                ids.extend(self.separator);
            }
            text += 1;
        }
        ids
    }

    /// Where the texts before this one end in the stream.
    fn end(&self, text: usize) -> usize {
        let tokens = if text == self.texts.len() {
            self.texts.n_tokens()
        } else {
            self.texts.tokens_before(text)
        };
        tokens + self.separator.map_or(0, |_| text)
    }

    /// The text that holds this token or is followed by it.
    fn text_at(&self, at: usize) -> usize {
        let (mut low, mut high) = (0, self.texts.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.end(middle + 1) <= at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The windows of a stream by number.
pub(crate) struct Windows {
    n: usize,
    step: usize,
    side: Side,
}

impl Windows {
    /// The lengths of their rows, for bucketing.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> + use<> {
        std::iter::repeat_n(self.step, self.n)
    }
}

impl Dataset for Windows {
    type Item = Window;

    fn len(&self) -> usize {
        self.n
    }

    fn get(&self, index: usize) -> Result<Window, DataError> {
        Ok(match self.side {
            Side::Train => Window::Anywhere,
            Side::Eval => Window::At(index * self.step),
        })
    }
}

#[cfg(test)]
mod tests {
    use cresset_data::{TextForm, Tokenizer, TokenizerKind, TokenizerTrainConfig};

    use super::*;

    #[test]
    fn a_stream_is_the_texts_with_separators_between_and_behind_them() {
        let config = TokenizerTrainConfig {
            min_frequency: 1,
            ..TokenizerTrainConfig::new(TokenizerKind::Characters)
        };
        let tokenizer = Tokenizer::train(&config, ["abcdefghij"], "gpt").expect("trains");
        for all in [vec!["abc", "", "d", "", "", "efg"], vec!["abc"], vec![]] {
            let texts = TokenizedTexts::encode(&all, &tokenizer, TextForm::default());
            let cut = Cut {
                span: 2,
                overlap: 1,
                separator: 99,
            };
            let stream = Stream::of(texts, cut);
            let mut expected = Vec::new();
            for text in &all {
                expected.extend(tokenizer.encode(text));
                expected.extend((all.len() != 1).then_some(99));
            }
            assert_eq!(stream.n_tokens(), expected.len());
            for start in 0..expected.len() {
                for end in start..=expected.len() {
                    assert_eq!(stream.ids(start..end), expected[start..end]);
                }
            }
        }
    }
}
