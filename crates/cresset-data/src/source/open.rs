//! The bytes of a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use crate::DataError;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The bytes of a file without a byte-order mark.
pub(super) struct Bytes {
    pub(super) path: Arc<Path>,
    reader: Box<dyn BufRead + Send>,
}

impl Bytes {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let path: Arc<Path> = Arc::from(path);
        let failed = |source| DataError::Read {
            path: path.to_path_buf(),
            source,
        };
        let file = File::open(&path).map_err(failed)?;
        let (head, rest) = peek(BufReader::new(file), BYTE_ORDER_MARK.len()).map_err(failed)?;
        let head = match &head[..] {
            BYTE_ORDER_MARK => Vec::new(),
            _ => head,
        };
        let reader = Box::new(Cursor::new(head).chain(rest));
        Ok(Bytes { path, reader })
    }

    /// Adds the next line with its break, but no more than `limit` bytes; adds nothing at the end.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>, limit: usize) -> Result<(), DataError> {
        let mut limited = (&mut self.reader).take(limit as u64);
        match limited.read_until(b'\n', line) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// The rest.
    pub(super) fn read_all(mut self) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        match self.reader.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, source: io::Error) -> DataError {
        DataError::Read {
            path: self.path.to_path_buf(),
            source,
        }
    }
}

/// The first `n` bytes, or all if there are fewer, and the reader of what follows them.
fn peek<R: BufRead>(mut reader: R, n: usize) -> io::Result<(Vec<u8>, R)> {
    let mut head = Vec::with_capacity(n);
    (&mut reader).take(n as u64).read_to_end(&mut head)?;
    Ok((head, reader))
}
