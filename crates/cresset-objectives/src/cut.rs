//! Texts cut into rows of a bounded length, so that nothing is lost.

use std::ops::Range;

use cresset_data::{Convention, DataError, Dataset, TokenizedTexts};

/// How texts are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cutting {
    /// Tokens that a text has beyond its own.
    pub(crate) extra: isize,
    /// Tokens of a row at most; at least 1.
    pub(crate) room: usize,
}

/// The rows of texts by number; only which texts are not exactly one row lies in memory.
#[derive(Clone, Debug)]
pub(crate) struct CutTexts {
    pub(crate) texts: TokenizedTexts,
    cutting: Cutting,
    /// First row and number of each text that is none or several.
    uneven: Vec<(u32, u32)>,
    n_rows: usize,
}

/// A row as a part of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CutRow {
    pub(crate) text: usize,
    /// From which of the text's tokens to which, the extra ones counted.
    pub(crate) part: Range<usize>,
}

impl Cutting {
    fn length(self, n_tokens: usize) -> usize {
        n_tokens.saturating_add_signed(self.extra)
    }

    fn n_rows(self, n_tokens: usize) -> usize {
        self.length(n_tokens).div_ceil(self.room)
    }

    fn part(self, n_tokens: usize, row: usize) -> Range<usize> {
        let start = row * self.room;
        start..(start + self.room).min(self.length(n_tokens))
    }
}

impl CutTexts {
    pub(crate) fn new(texts: TokenizedTexts, cutting: Cutting) -> CutTexts {
        let mut uneven = Vec::new();
        let mut n_rows = 0;
        for text in 0..texts.len() {
            let own = cutting.n_rows(texts.places(text).len());
            if own != 1 {
                uneven.push((n_rows as u32, text as u32));
            }
            n_rows += own;
        }
        CutTexts {
            texts,
            cutting,
            uneven,
            n_rows,
        }
    }

    /// Tokens of each row, in order.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> + use<> {
        let (texts, cutting) = (self.texts.clone(), self.cutting);
        (0..texts.len()).flat_map(move |text| {
            let n = texts.places(text).len();
            (0..cutting.n_rows(n)).map(move |row| cutting.part(n, row).len())
        })
    }

    /// A row.
    pub(crate) fn row(&self, row: usize) -> CutRow {
        let (text, of_text) = self.find(row);
        CutRow {
            text,
            part: self.cutting.part(self.texts.places(text).len(), of_text),
        }
    }

    /// The places of a row's tokens, where texts have no extra ones.
    pub(crate) fn places(&self, row: usize) -> Range<usize> {
        let CutRow { text, part } = self.row(row);
        let start = self.texts.places(text).start;
        start + part.start..start + part.end
    }

    /// The text of a row and its number among the rows of that text.
    fn find(&self, row: usize) -> (usize, usize) {
        let before = self
            .uneven
            .partition_point(|&(first, _)| first as usize <= row);
        let Some(&(first, text)) = self.uneven[..before].last() else {
            return (row, 0);
        };
        let (text, row) = (text as usize, row - first as usize);
        let own = self.cutting.n_rows(self.texts.places(text).len());
        if row < own {
            (text, row)
        } else {
            (text + 1 + row - own, 0)
        }
    }

    /// Frames what begins or ends with a special token, to say before training that it cannot be framed.
    ///
    /// # Errors
    /// The first error of `frame`.
    pub(crate) fn check(
        &self,
        convention: &Convention,
        frame: impl Fn(&[u32]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let special = convention.special_ids();
        for row in 0..self.n_rows {
            let places = self.places(row);
            if places.is_empty() {
                continue;
            }
            let ends = [places.start, places.end - 1].map(|at| self.texts.ids(at..at + 1)[0]);
            if ends.iter().any(|id| special.contains(id)) {
                frame(&ends)?;
            }
        }
        Ok(())
    }
}

/// The ids of the rows.
impl Dataset for CutTexts {
    type Item = Vec<u32>;

    fn len(&self) -> usize {
        self.n_rows
    }

    fn get(&self, row: usize) -> Result<Vec<u32>, DataError> {
        Ok(self.texts.ids(self.places(row)))
    }
}

/// Items made of other items.
pub(crate) struct Mapped<D, F> {
    pub(crate) items: D,
    pub(crate) make: F,
}

impl<D: Dataset, T, F: Fn(D::Item) -> T + Send + Sync> Dataset for Mapped<D, F> {
    type Item = T;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn get(&self, index: usize) -> Result<T, DataError> {
        Ok((self.make)(self.items.get(index)?))
    }
}

#[cfg(test)]
mod tests {
    use cresset_data::{TextForm, Tokenizer, TokenizerKind, TokenizerTrainConfig};

    use super::*;

    fn texts(texts: &[&str]) -> TokenizedTexts {
        let config = TokenizerTrainConfig {
            min_frequency: 1,
            ..TokenizerTrainConfig::new(TokenizerKind::Characters)
        };
        let tokenizer = Tokenizer::train(&config, ["abcdefghij"], "gpt").expect("trains");
        TokenizedTexts::encode(texts, &tokenizer, TextForm::default())
    }

    #[test]
    fn rows_are_the_chunks_of_the_texts() {
        let all = [
            "abc",
            "",
            "abcdefg",
            "a",
            "ab",
            "",
            "",
            "abcdefghi",
            "abc",
            "j",
        ];
        for room in 1..6 {
            let cut = CutTexts::new(texts(&all), Cutting { extra: 0, room });
            let rows: Vec<Vec<u32>> = (0..cut.len())
                .map(|row| cut.get(row).expect("a row"))
                .collect();
            let whole = texts(&all);
            let expected: Vec<Vec<u32>> = (0..all.len())
                .flat_map(|text| {
                    let ids = whole.ids(whole.places(text));
                    ids.chunks(room).map(<[u32]>::to_vec).collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(rows, expected);
            assert!(cut.lengths().eq(expected.iter().map(Vec::len)));
        }
    }

    #[test]
    fn extra_tokens_are_counted() {
        let cut = CutTexts::new(texts(&["abc", "", "abcd"]), Cutting { extra: 1, room: 2 });
        let rows: Vec<CutRow> = (0..cut.len()).map(|row| cut.row(row)).collect();
        let row = |text, part| CutRow { text, part };
        let expected = [
            row(0, 0..2),
            row(0, 2..4),
            row(1, 0..1),
            row(2, 0..2),
            row(2, 2..4),
            row(2, 4..5),
        ];
        assert_eq!(rows, expected);
    }
}
