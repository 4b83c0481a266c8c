//! All texts one after the other, and the windows that are cut from them: what the objectives with `rows = "stream"` share.

use std::sync::Arc;

use cresset_data::{Example, Length};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

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
    ids: Arc<Vec<u32>>,
    cut: Cut,
}

impl Stream {
    /// The stream of these texts; without any it is empty.
    ///
    /// # Errors
    /// Texts that are too short for one window.
    pub(crate) fn new(setup: &Setup, examples: &[Example], cut: Cut) -> Result<Stream, RunError> {
        let texts: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
        let encoded = setup.tokenizer.encode_batch(&texts);
        let single = encoded.len() == 1;
        let mut ids = Vec::new();
        for text in encoded {
            ids.extend(text);
            if !single {
                ids.push(cut.separator);
            }
        }
        if !examples.is_empty() && ids.len() < cut.span {
            return Err(RunError::Data(format!(
                "the text has {} tokens, too few for one row of data.max_length {}; lower data.max_length or give more text",
                ids.len(),
                setup.data.max_length
            )));
        }
        Ok(Stream {
            ids: Arc::new(ids),
            cut,
        })
    }

    /// As many windows as lie side by side, each where it lies.
    pub(crate) fn side_by_side(&self) -> Vec<Window> {
        (0..self.ids.len().saturating_sub(self.cut.overlap))
            .step_by(self.cut.span - self.cut.overlap)
            .map(Window::At)
            .collect()
    }

    /// As many windows as lie side by side, each of them anywhere.
    pub(crate) fn anywhere(&self) -> Vec<Window> {
        vec![Window::Anywhere; self.side_by_side().len()]
    }

    /// The lengths of the rows of `n` windows, for bucketing.
    pub(crate) fn lengths(&self, n: usize) -> Vec<Length> {
        vec![Length::from(self.cut.span - self.cut.overlap); n]
    }

    /// The tokens of a window; the last one of a stream may be shorter.
    pub(crate) fn window(&self, window: Window, rng: &mut ChaCha8Rng) -> &[u32] {
        let start = match window {
            Window::At(start) => start,
            Window::Anywhere => rng.random_range(0..self.ids.len() + 1 - self.cut.span),
        };
        &self.ids[start..(start + self.cut.span).min(self.ids.len())]
    }
}
