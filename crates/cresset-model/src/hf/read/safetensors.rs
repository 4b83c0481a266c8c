//! Safetensors files, read tensor by tensor.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use ::safetensors::tensor::{Metadata, TensorInfo};

use super::tensor::{FileTensor, broken};
use crate::error::ModelError;

/// Bytes in front of the header: its length.
const LENGTH: u64 = 8;

/// The tensors of a file, by its header.
///
/// # Errors
/// A file that cannot be read, is damaged or ends too early.
pub(super) fn open(path: &Path) -> Result<Vec<FileTensor>, ModelError> {
    let mut file = File::open(path).map_err(ModelError::read(path))?;
    let size = file.metadata().map_err(ModelError::read(path))?.len();
    let (start, header) = header(&mut file, size)
        .map_err(ModelError::read(path))?
        .map_err(|reason| broken(path, reason))?;
    let expected = start + header.data_len() as u64;
    if size != expected {
        return Err(broken(
            path,
            format!("it has {size} bytes, but its header speaks of {expected}"),
        ));
    }
    let (file, path): (Arc<File>, Arc<Path>) = (Arc::new(file), path.into());
    let tensor = |(name, info): (String, &TensorInfo)| {
        let (from, to) = info.data_offsets;
        let file = Arc::clone(&file);
        FileTensor {
            name,
            path: Arc::clone(&path),
            shape: info.shape.clone(),
            dtype: info.dtype,
            bytes: Box::new(move || bytes_at(&file, start + from as u64, to - from)),
        }
    };
    Ok(header.tensors().into_iter().map(tensor).collect())
}

/// Where the numbers start and what they are, or what is wrong with the header.
fn header(file: &mut File, size: u64) -> io::Result<Result<(u64, Metadata), String>> {
    if size < LENGTH {
        return Ok(Err(format!("it has only {size} bytes")));
    }
    let mut length = [0; LENGTH as usize];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > size - LENGTH {
        return Ok(Err("its header is cut off".to_owned()));
    }
    let mut text = vec![0; length as usize];
    file.read_exact(&mut text)?;
    let parsed = serde_json::from_slice(&text).map_err(|error| error.to_string());
    Ok(parsed.map(|metadata| (LENGTH + length, metadata)))
}

fn bytes_at(mut file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
