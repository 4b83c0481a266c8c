//! Whole numbers of one width and bits, one behind the other, little endian.

use std::ops::Range;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};

/// Bytes in memory or in a mapped file.
pub(crate) enum Bytes {
    Memory(Vec<u8>),
    File(Mmap),
}

impl Bytes {
    fn all(&self) -> &[u8] {
        match self {
            Bytes::Memory(bytes) => bytes,
            Bytes::File(map) => map,
        }
    }
}

/// Bytes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Width {
    #[serde(rename = "u16")]
    Two,
    #[serde(rename = "u32")]
    Four,
    #[serde(rename = "u64")]
    Eight,
}

impl Width {
    /// The narrowest that holds every id of a vocabulary.
    pub(crate) fn of_ids(vocab_size: usize) -> Width {
        if vocab_size <= 1 << 16 {
            Width::Two
        } else {
            Width::Four
        }
    }

    pub(crate) fn bytes(self) -> usize {
        match self {
            Width::Two => 2,
            Width::Four => 4,
            Width::Eight => 8,
        }
    }

    /// Appends a number.
    pub(crate) fn push(self, number: u64, to: &mut Vec<u8>) {
        to.extend_from_slice(&number.to_le_bytes()[..self.bytes()]);
    }

    fn read(self, bytes: &[u8]) -> u64 {
        let mut whole = [0; 8];
        whole[..self.bytes()].copy_from_slice(bytes);
        u64::from_le_bytes(whole)
    }
}

/// Numbers by index.
pub(crate) struct Column {
    bytes: Bytes,
    width: Width,
}

impl Column {
    pub(crate) fn new(bytes: Bytes, width: Width) -> Column {
        Column { bytes, width }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.all().len() / self.width.bytes()
    }

    pub(crate) fn at(&self, index: usize) -> u64 {
        let size = self.width.bytes();
        self.width
            .read(&self.bytes.all()[index * size..(index + 1) * size])
    }

    pub(crate) fn range(&self, range: Range<usize>) -> Vec<u32> {
        let size = self.width.bytes();
        let bytes = &self.bytes.all()[range.start * size..range.end * size];
        let numbers = bytes.chunks_exact(size);
        match self.width {
            Width::Two => numbers
                .map(|n| u32::from(u16::from_le_bytes([n[0], n[1]])))
                .collect(),
            _ => numbers.map(|n| self.width.read(n) as u32).collect(),
        }
    }
}

/// Truths by index, eight a byte, the lowest bit first.
pub(crate) struct Bits(Bytes);

impl Bits {
    pub(crate) fn new(bytes: Bytes) -> Bits {
        Bits(bytes)
    }

    pub(crate) fn at(&self, index: usize) -> bool {
        self.0.all()[index / 8] >> (index % 8) & 1 == 1
    }
}
