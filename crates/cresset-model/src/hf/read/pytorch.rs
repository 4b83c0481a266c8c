//! `pytorch_model.bin`: a state dict as PyTorch pickled it.

use std::path::Path;
use std::sync::Arc;

use ::safetensors::Dtype;
use pytorch_reader::{DType, PickleValue, PytorchError, PytorchReader};

use super::tensor::{FileTensor, broken};
use crate::error::ModelError;

/// The tensors of a file. The pickle is parsed as data: nothing in it is run.
///
/// # Errors
/// A file that cannot be read, is damaged, ends too early or holds something else than a state dict.
pub(super) fn open(path: &Path) -> Result<Vec<FileTensor>, ModelError> {
    check_state_dict(path)?;
    let reader = PytorchReader::new(path).map_err(|error| failed(path, error))?;
    let path: Arc<Path> = path.into();
    let tensor = |tensor: pytorch_reader::Tensor| {
        let (name, dtype, shape, bytes) = tensor.into_parts();
        FileTensor {
            name,
            path: Arc::clone(&path),
            shape,
            dtype: number_type(dtype),
            bytes: Box::new(bytes),
        }
    };
    Ok(reader.into_tensors().into_values().map(tensor).collect())
}

/// Refuses a pickle whose outermost dictionary holds no tensors: it would be read as a model of which everything is missing.
fn check_state_dict(path: &Path) -> Result<(), ModelError> {
    let root = PytorchReader::read_pickle_data(path, None).map_err(|error| failed(path, error))?;
    let found = match &root {
        // What the reader cannot show as plain data: here, a tensor.
        PickleValue::Dict(entries)
            if entries
                .values()
                .any(|value| matches!(value, PickleValue::Unsupported(_))) =>
        {
            return Ok(());
        }
        PickleValue::Dict(entries) if entries.is_empty() => "an empty dictionary".to_owned(),
        PickleValue::Dict(entries) => {
            let mut keys: Vec<&str> = entries.keys().map(String::as_str).collect();
            keys.sort_unstable();
            format!("a dictionary of {}", keys.join(", "))
        }
        PickleValue::List(_) => "a list".to_owned(),
        PickleValue::Unsupported(kind) => kind.clone(),
        _ => "a single value".to_owned(),
    };
    Err(ModelError::NoStateDict {
        path: path.to_owned(),
        found,
    })
}

fn failed(path: &Path, error: PytorchError) -> ModelError {
    match error {
        PytorchError::Io(source) if source.raw_os_error().is_some() => {
            ModelError::read(path)(source)
        }
        other => broken(path, other.to_string()),
    }
}

fn number_type(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}
