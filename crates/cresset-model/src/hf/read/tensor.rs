//! A tensor of a file, whatever the file's form.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use ::safetensors::Dtype;
use burn::tensor::{bf16, f16};

use crate::error::ModelError;

/// Name, shape and type of a tensor; its numbers are still in the file.
pub(super) struct FileTensor {
    /// Its name as the file spells it.
    pub(super) name: String,
    /// The file.
    pub(super) path: Arc<Path>,
    /// Its extents.
    pub(super) shape: Vec<usize>,
    /// The type of its numbers.
    pub(super) dtype: Dtype,
    /// Reads its bytes, row-major and little-endian.
    pub(super) bytes: Box<dyn Fn() -> io::Result<Vec<u8>>>,
}

impl FileTensor {
    /// Its numbers in single precision.
    ///
    /// # Errors
    /// A file that cannot be read or ends too early; numbers that are not floats.
    pub(super) fn floats(&self) -> Result<Vec<f32>, ModelError> {
        let convert = match self.dtype {
            Dtype::F32 => |bytes: &[u8]| numbers(bytes, f32::from_le_bytes),
            Dtype::F64 => |bytes: &[u8]| numbers(bytes, |word| f64::from_le_bytes(word) as f32),
            Dtype::F16 => |bytes: &[u8]| numbers(bytes, |word| f16::from_le_bytes(word).to_f32()),
            Dtype::BF16 => |bytes: &[u8]| numbers(bytes, |word| bf16::from_le_bytes(word).to_f32()),
            other => {
                return Err(ModelError::WrongType {
                    tensor: self.name.clone(),
                    path: self.path.to_path_buf(),
                    found: format!("{other:?}"),
                });
            }
        };
        let bytes = (self.bytes)().map_err(|error| match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                broken(&self.path, error.to_string())
            }
            _ => ModelError::read(&*self.path)(error),
        })?;
        Ok(convert(&bytes))
    }
}

/// A file that contradicts itself.
pub(super) fn broken(path: &Path, reason: impl Into<String>) -> ModelError {
    ModelError::BrokenWeights {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|&word| number(word))
        .collect()
}
