//! Texts as the rows of a decoder, each a document in the convention's frame.

use std::sync::Arc;

use cresset_data::{Convention, DataError, Dataset, NO_STOP, TokenizedTexts};

use crate::causal_lm::CausalLmItem;
use crate::cut::{CutRow, CutTexts, Cutting};
use crate::{RunError, Setup};

/// Documents in the convention's frame, `start text stop`, cut into rows of bounded length with the token after each as its label.
pub(crate) struct Documents {
    pub(crate) cut: CutTexts,
    head: Vec<u32>,
    stop: Option<u32>,
}

impl Documents {
    /// The documents of these texts.
    ///
    /// # Errors
    /// A convention without decoder; a text that is framed already.
    pub(crate) fn new(setup: &Setup, texts: TokenizedTexts) -> Result<Documents, RunError> {
        let convention: &Arc<Convention> = &setup.convention;
        let frame = convention.generation()?;
        let stop = (frame.stop != NO_STOP).then_some(frame.stop);
        let whole = Cutting {
            extra: 0,
            room: usize::MAX,
        };
        CutTexts::new(texts.clone(), whole).check(convention, |ends| {
            convention.decoder_pair(ends, usize::MAX - 1).map(drop)
        })?;
        let n_special = frame.start.len() + usize::from(stop.is_some());
        // The last token is a label only.
        let cutting = Cutting {
            extra: n_special as isize - 1,
            room: setup.data.max_length,
        };
        Ok(Documents {
            cut: CutTexts::new(texts, cutting),
            head: frame.start,
            stop,
        })
    }

    /// A part of a document in its frame.
    fn framed(&self, CutRow { text, part }: CutRow) -> Vec<u32> {
        let places = self.cut.texts.places(text);
        let (start, end) = (self.head.len(), self.head.len() + places.len());
        let inside = |at: usize| places.start + at.clamp(start, end) - start;
        let mut ids = self.head[part.start.min(start)..part.end.min(start)].to_vec();
        ids.extend(self.cut.texts.ids(inside(part.start)..inside(part.end)));
        if part.end > end {
            ids.extend(self.stop);
        }
        ids
    }
}

impl Dataset for Documents {
    type Item = CausalLmItem;

    fn len(&self) -> usize {
        self.cut.len()
    }

    fn get(&self, row: usize) -> Result<CausalLmItem, DataError> {
        let CutRow { text, part } = self.cut.row(row);
        let ids = self.framed(CutRow {
            text,
            part: part.start..part.end + 1,
        });
        Ok(CausalLmItem::Document {
            input: ids[..ids.len() - 1].to_vec(),
            labels: ids[1..].to_vec(),
        })
    }
}
