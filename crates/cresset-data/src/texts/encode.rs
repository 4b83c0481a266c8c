//! From texts to columns in one pass, a batch of texts in memory at a time.

use std::io::{self, Write};

use rayon::prelude::*;

use super::{Bits, Bytes, Column, Columns, TextForm, Unit, Width, Words};
use crate::{DataError, EncodedWords, Tokenizer};

/// Text that is tokenized at a time, in bytes: enough to keep all threads busy.
const BATCH_BYTES: usize = 1 << 20;

/// A tokenized text.
#[derive(Debug)]
pub(crate) struct EncodedText {
    pieces: Vec<EncodedPiece>,
}

#[derive(Debug)]
struct EncodedPiece {
    ids: Vec<u32>,
    /// Whether a word begins at each token; empty if that is dropped.
    begins: Vec<bool>,
}

impl EncodedPiece {
    fn of(encoded: EncodedWords) -> Self {
        let words = &encoded.words;
        let begins = |at: usize| at == 0 || words[at] != words[at - 1];
        EncodedPiece {
            begins: (0..words.len()).map(begins).collect(),
            ids: encoded.ids,
        }
    }
}

/// Hands the texts to `sink`, tokenized, in their order.
pub(crate) fn write_texts<S: AsRef<str> + Sync>(
    texts: impl Iterator<Item = Result<S, DataError>>,
    tokenizer: &Tokenizer,
    form: TextForm,
    mut sink: impl FnMut(EncodedText) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut texts = texts.peekable();
    while texts.peek().is_some() {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while bytes < BATCH_BYTES {
            let Some(text) = texts.next().transpose()? else {
                break;
            };
            bytes += text.as_ref().len();
            batch.push(text);
        }
        let encoded: Vec<EncodedText> = batch
            .par_iter()
            .map(|text| encode(text.as_ref(), tokenizer, form))
            .collect();
        encoded.into_iter().try_for_each(&mut sink)?;
    }
    Ok(())
}

fn encode(text: &str, tokenizer: &Tokenizer, form: TextForm) -> EncodedText {
    let piece = |text: &str| match form.words {
        Words::Dropped => EncodedPiece {
            ids: tokenizer.encode(text),
            begins: Vec::new(),
        },
        Words::Kept => EncodedPiece::of(tokenizer.encode_words(text)),
        Words::Given => {
            let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            EncodedPiece::of(tokenizer.encode_joined(&words))
        }
    };
    let pieces = match form.unit {
        Unit::Text => vec![piece(text)],
        Unit::Line => {
            let lines: Vec<&str> = text.lines().collect();
            lines.into_par_iter().map(piece).collect()
        }
    };
    EncodedText { pieces }
}

/// Where the columns are written.
pub(crate) struct Sinks<W> {
    pub(crate) ids: W,
    pub(crate) pieces: W,
    pub(crate) texts: W,
    pub(crate) words: W,
}

impl Sinks<Vec<u8>> {
    pub(crate) fn memory() -> Self {
        Sinks {
            ids: Vec::new(),
            pieces: Vec::new(),
            texts: Vec::new(),
            words: Vec::new(),
        }
    }
}

impl<W> Sinks<W> {
    /// The columns that were written, opened by `open`.
    pub(crate) fn into_columns(
        self,
        form: TextForm,
        ids: Width,
        open: impl Fn(W) -> Bytes,
    ) -> Columns {
        Columns {
            ids: Column::new(open(self.ids), ids),
            pieces: Column::new(open(self.pieces), Width::Eight),
            texts: (form.unit == Unit::Line).then(|| Column::new(open(self.texts), Width::Eight)),
            words: (form.words != Words::Dropped).then(|| Bits::new(open(self.words))),
        }
    }
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) texts: u64,
    pub(crate) pieces: u64,
    pub(crate) tokens: u64,
}

/// Writes texts into columns.
pub(crate) struct Writer<W> {
    sinks: Sinks<W>,
    form: TextForm,
    width: Width,
    counts: Counts,
    /// The bits of a byte that is not full yet, its lowest ones first.
    bits: u8,
    buffer: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(sinks: Sinks<W>, form: TextForm, vocab_size: usize) -> Self {
        Writer {
            sinks,
            form,
            width: Width::of_ids(vocab_size),
            counts: Counts::default(),
            bits: 0,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, text: &EncodedText) -> io::Result<()> {
        if self.form.unit == Unit::Line {
            number(self.counts.pieces, &mut self.sinks.texts)?;
        }
        self.counts.texts += 1;
        for piece in &text.pieces {
            number(self.counts.tokens, &mut self.sinks.pieces)?;
            self.counts.pieces += 1;
            self.buffer.clear();
            for &id in &piece.ids {
                self.width.push(u64::from(id), &mut self.buffer);
            }
            self.sinks.ids.write_all(&self.buffer)?;
            self.push_bits(&piece.begins)?;
            self.counts.tokens += piece.ids.len() as u64;
        }
        Ok(())
    }

    fn push_bits(&mut self, begins: &[bool]) -> io::Result<()> {
        self.buffer.clear();
        for (token, &begins) in (self.counts.tokens..).zip(begins) {
            let bit = token % 8;
            self.bits |= u8::from(begins) << bit;
            if bit == 7 {
                self.buffer.push(self.bits);
                self.bits = 0;
            }
        }
        self.sinks.words.write_all(&self.buffer)
    }

    /// Writes the ends of the last text and piece.
    pub(crate) fn finish(mut self) -> io::Result<(Sinks<W>, Counts)> {
        number(self.counts.tokens, &mut self.sinks.pieces)?;
        if self.form.unit == Unit::Line {
            number(self.counts.pieces, &mut self.sinks.texts)?;
        }
        if self.form.words != Words::Dropped && !self.counts.tokens.is_multiple_of(8) {
            self.sinks.words.write_all(&[self.bits])?;
        }
        Ok((self.sinks, self.counts))
    }
}

fn number(number: u64, to: &mut impl Write) -> io::Result<()> {
    to.write_all(&number.to_le_bytes())
}
