//! Writing `model.safetensors`.

use std::collections::HashMap;
use std::path::Path;

use burn::module::{ModuleVisitor, Param};
use burn::tensor::Tensor;
use safetensors::tensor::{Dtype, TensorView};

use super::{HfModel, Layout};
use crate::error::ModelError;

/// Writes every parameter as 32-bit floats into `model.safetensors`, by a temporary file beside it. Tied weights are written once.
///
/// # Errors
/// A folder that cannot be written.
pub fn save_weights<M: HfModel>(model: &M, folder: &Path) -> Result<(), ModelError> {
    let mut collector = Collector {
        model,
        path: Vec::new(),
        tensors: Vec::new(),
    };
    model.visit(&mut collector);
    let mut tensors = collector.tensors;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let views = tensors.iter().map(|tensor| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), &tensor.bytes)
            .expect("the bytes fill the shape");
        (tensor.name.as_str(), view)
    });
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = safetensors::serialize(views, Some(metadata))
        .expect("names and shapes make a valid header");
    write_atomically(folder, "model.safetensors", &bytes)
}

/// Writes a file so that it is either the old one or the whole new one.
///
/// # Errors
/// A folder that cannot be written.
pub(super) fn write_atomically(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ModelError> {
    let path = folder.join(name);
    let write = || {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".writing-")
            .permissions(readable())
            .tempfile_in(folder)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(ModelError::write(&path))
}

/// Temporary files are private by default; a model is not.
#[cfg(unix)]
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

struct Saved {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

struct Collector<'a, M> {
    model: &'a M,
    path: Vec<String>,
    tensors: Vec<Saved>,
}

impl<M: HfModel> ModuleVisitor for Collector<'_, M> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(tensor) = self.model.hf_name(&self.path.join(".")) else {
            return;
        };
        let mut shape = param.dims().to_vec();
        let mut values: Vec<f32> = param.val().into_data().iter::<f32>().collect();
        if tensor.layout == Layout::Transposed && D == 2 {
            values = transposed(&values, shape[0], shape[1]);
            shape.reverse();
        }
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.tensors.push(Saved {
            name: tensor.name,
            shape,
            bytes,
        });
    }
}

/// The transpose of a row-major matrix.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(values.len());
    for column in 0..columns {
        turned.extend((0..rows).map(|row| values[row * columns + column]));
    }
    turned
}
