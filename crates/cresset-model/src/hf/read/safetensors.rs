//! Safetensors files, read tensor by tensor.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use ::safetensors::SafeTensors;

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
    let mut head = vec![0; LENGTH.min(size) as usize];
    file.read_exact(&mut head).map_err(ModelError::read(path))?;
    if let Ok(length) = <[u8; 8]>::try_from(head.as_slice()) {
        // A length beyond the end of the file is left for the parser to refuse.
        let length = u64::from_le_bytes(length).min(size - LENGTH) as usize;
        head.resize(head.len() + length, 0);
        file.read_exact(&mut head[LENGTH as usize..])
            .map_err(ModelError::read(path))?;
    }
    let (length, header) =
        SafeTensors::read_metadata(&head).map_err(|error| broken(path, error.to_string()))?;
    let start = LENGTH + length as u64;
    let tensors = header.tensors();
    let end = tensors.values().map(|info| info.data_offsets.1).max();
    let expected = start + end.unwrap_or(0) as u64;
    if size != expected {
        return Err(broken(
            path,
            format!("it has {size} bytes, but its header speaks of {expected}"),
        ));
    }
    let (file, path): (Arc<File>, Arc<Path>) = (Arc::new(file), path.into());
    let tensor = |(name, info): (String, &::safetensors::tensor::TensorInfo)| {
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
    Ok(tensors.into_iter().map(tensor).collect())
}

fn bytes_at(mut file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
