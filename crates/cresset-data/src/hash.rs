//! Fingerprints of data.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::DataError;

/// The SHA-256 of the files' lengths and contents, in hexadecimal; it depends on their order and not on their names.
///
/// # Errors
/// A file that cannot be read.
pub fn content_hash<P: AsRef<Path>>(files: &[P]) -> Result<String, DataError> {
    let mut hash = Sha256::new();
    for path in files.iter().map(AsRef::as_ref) {
        let fail = |source| DataError::Read {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(fail)?;
        let mut buffer = vec![0; 1 << 16];
        let mut length = 0_u64;
        loop {
            let n = file.read(&mut buffer).map_err(fail)?;
            if n == 0 {
                break;
            }
            length += n as u64;
            hash.update(&buffer[..n]);
        }
        hash.update(length.to_le_bytes());
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
