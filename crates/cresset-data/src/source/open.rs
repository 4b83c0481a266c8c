//! The bytes of a file, decompressed where it is compressed.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::zstd::Frames;
use crate::DataError;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Bytes at a time, of the file and out of an archive.
const BUFFER: usize = 1 << 16;

/// How a file is compressed; recognised by its first bytes, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

/// The first bytes of files that cannot be text, and what they are.
const NOT_TEXT: [(&[u8], &str); 5] = [
    (b"PAR1", "a Parquet file; set data.format to parquet"),
    (
        b"PK\x03\x04",
        "a zip archive; unpack it, or compress with gzip or zstd",
    ),
    (
        b"\xfd7zXZ\0",
        "an xz archive; unpack it, or compress with gzip or zstd",
    ),
    (
        b"BZh",
        "a bzip2 archive; unpack it, or compress with gzip or zstd",
    ),
    (
        b"\x04\x22\x4d\x18",
        "an lz4 archive; unpack it, or compress with gzip or zstd",
    ),
];

/// The bytes of a file without a byte-order mark.
pub(super) struct Bytes {
    pub(super) path: Arc<Path>,
    packing: Packing,
    reader: Box<dyn BufRead + Send>,
}

impl Bytes {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let path: Arc<Path> = Arc::from(path);
        let as_it_is = |error| failure(&path, Packing::None, error);
        let file = File::open(&path).map_err(as_it_is)?;
        let file = BufReader::with_capacity(BUFFER, file);
        let (head, file) = peek(file, 6).map_err(as_it_is)?;
        if let Some((_, what)) = NOT_TEXT.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(DataError::Files(format!("{} is {what}", path.display())));
        }
        let packing = Packing::of(&head);
        let unpacked: Box<dyn BufRead + Send> = match packing {
            Packing::None => Box::new(file),
            Packing::Gzip => buffered(MultiGzDecoder::new(file)),
            Packing::Zstd => buffered(Frames::new(file)),
        };
        let (head, mut reader) = peek(unpacked, BYTE_ORDER_MARK.len())
            .map_err(|error| failure(&path, packing, error))?;
        if head == BYTE_ORDER_MARK {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        Ok(Bytes {
            path,
            packing,
            reader: Box::new(reader),
        })
    }

    /// Adds the next line with its break, but no more than `limit` bytes; adds nothing at the end.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>, limit: usize) -> Result<(), DataError> {
        let mut limited = (&mut self.reader).take(limit as u64);
        match limited.read_until(b'\n', line) {
            Ok(_) => Ok(()),
            Err(error) => Err(failure(&self.path, self.packing, error)),
        }
    }

    /// The rest.
    pub(super) fn read_all(mut self) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        match self.reader.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(failure(&self.path, self.packing, error)),
        }
    }
}

impl Packing {
    fn of(head: &[u8]) -> Packing {
        match head {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            // A frame, or one to be skipped in front of it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
            _ => Packing::None,
        }
    }
}

fn buffered(reader: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER, reader))
}

/// A reader of which the first bytes were looked at.
type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// The first `n` bytes, or all if there are fewer, and the reader that begins with them.
fn peek<R: BufRead>(mut reader: R, n: usize) -> io::Result<(Vec<u8>, Peeked<R>)> {
    let mut head = Vec::with_capacity(n);
    (&mut reader).take(n as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

fn failure(path: &Path, packing: Packing, source: io::Error) -> DataError {
    let archive = |packing| DataError::Archive {
        path: path.to_owned(),
        packing,
        ending: if ends_early(&source) {
            "ends too early"
        } else {
            "is damaged"
        },
    };
    match packing {
        Packing::None => DataError::Read {
            path: path.to_owned(),
            source,
        },
        Packing::Gzip => archive("gzip"),
        Packing::Zstd => archive("zstd"),
    }
}

/// Whether the decoder wanted more bytes than there are; it may say so at any depth.
fn ends_early(error: &io::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io_error = error.downcast_ref::<io::Error>();
        if io_error.is_some_and(|e| e.kind() == io::ErrorKind::UnexpectedEof) {
            return true;
        }
        // An I/O error names as its source that of the error inside of it, not the error itself.
        cause = match io_error.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
