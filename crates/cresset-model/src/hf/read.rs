//! Reading `model.safetensors`, whole or in shards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData, bf16, f16};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;

use super::write::transposed;
use super::{HfModel, Layout};
use crate::error::ModelError;

/// What became of every tensor, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Read from the folder.
    pub loaded: Vec<String>,
    /// Not in the folder: the model keeps its initial values.
    pub new: Vec<String>,
    /// In the folder, but not in the model.
    pub unused: Vec<String>,
}

/// Fills a model from `model.safetensors`, or from the shards that `model.safetensors.index.json` lists. Half-precision numbers become
/// 32-bit floats; names with or without the base model's prefix, `gamma` / `beta` for norms and either name of a tied weight are read.
///
/// # Errors
/// No weights, a truncated file, a tensor of the wrong shape or type, tied tensors with different values.
pub fn load_weights<M: HfModel>(model: M, folder: &Path) -> Result<(M, LoadReport), ModelError> {
    let files = read_files(folder)?;
    let mut tensors = BTreeMap::new();
    for (path, bytes) in &files {
        let parsed =
            SafeTensors::deserialize(bytes).map_err(|error| ModelError::BrokenWeights {
                path: path.clone(),
                reason: error.to_string(),
            })?;
        for (name, view) in parsed.tensors() {
            tensors.insert(
                modern_spelling(&name),
                Found {
                    name,
                    view,
                    path: path.clone(),
                },
            );
        }
    }
    let names = model.clone();
    let mut loader = Loader {
        model: &names,
        path: Vec::new(),
        tensors: &tensors,
        used: BTreeSet::new(),
        report: LoadReport::default(),
        error: None,
    };
    let model = model.map(&mut loader);
    if let Some(error) = loader.error {
        return Err(error);
    }
    let mut report = loader.report;
    let is_unused = |(spelling, found): (&String, &Found)| {
        (!loader.used.contains(spelling) && !names.ignores(&found.name)).then(|| found.name.clone())
    };
    report.unused = tensors.iter().filter_map(is_unused).collect();
    Ok((model, report))
}

/// A tensor of a file.
struct Found<'a> {
    name: String,
    view: TensorView<'a>,
    path: PathBuf,
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

fn read_files(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, ModelError> {
    let whole = folder.join("model.safetensors");
    let index = folder.join("model.safetensors.index.json");
    let paths = if whole.exists() {
        vec![whole]
    } else if index.exists() {
        let text = std::fs::read_to_string(&index).map_err(ModelError::read(&index))?;
        let parsed: ShardIndex = serde_json::from_str(&text).map_err(|error| ModelError::Json {
            path: index.clone(),
            reason: error.to_string(),
        })?;
        parsed
            .weight_map
            .values()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|name| folder.join(name))
            .collect()
    } else {
        return Err(ModelError::NoWeights {
            folder: folder.to_owned(),
        });
    };
    paths
        .into_iter()
        .map(|path| {
            Ok((
                path.clone(),
                std::fs::read(&path).map_err(ModelError::read(&path))?,
            ))
        })
        .collect()
}

/// Files converted from TensorFlow call a norm's scale `gamma` and its shift `beta`.
fn modern_spelling(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((front, "gamma")) => format!("{front}.weight"),
        Some((front, "beta")) => format!("{front}.bias"),
        _ => name.to_owned(),
    }
}

struct Loader<'a, M> {
    model: &'a M,
    path: Vec<String>,
    tensors: &'a BTreeMap<String, Found<'a>>,
    used: BTreeSet<String>,
    report: LoadReport,
    error: Option<ModelError>,
}

impl<M: HfModel> Loader<'_, M> {
    /// Every name under which the tensor may stand in a file, the usual one first.
    fn spellings(&self, name: &str) -> Vec<String> {
        let prefix = self.model.base_prefix();
        let mut all = vec![name.to_owned()];
        all.extend(self.model.spellings(name));
        let bare: Vec<String> = all
            .iter()
            .filter_map(|name| name.strip_prefix(prefix))
            .map(str::to_owned)
            .collect();
        let prefixed: Vec<String> = all.iter().map(|name| format!("{prefix}{name}")).collect();
        all.extend(bare);
        all.extend(prefixed);
        all
    }

    /// The values for a parameter of this shape, or `None` if the folder has none.
    fn values(
        &mut self,
        name: &str,
        layout: Layout,
        shape: &[usize],
    ) -> Result<Option<Vec<f32>>, ModelError> {
        let spellings = self.spellings(name);
        let mut found = spellings
            .iter()
            .filter_map(|spelling| self.tensors.get_key_value(spelling));
        let Some((spelling, first)) = found.next() else {
            return Ok(None);
        };
        self.used.insert(spelling.clone());
        for (spelling, other) in found {
            self.used.insert(spelling.clone());
            if other.view.data() != first.view.data() {
                let (path, first, second) =
                    (other.path.clone(), first.name.clone(), other.name.clone());
                return Err(ModelError::Untied {
                    path,
                    first,
                    second,
                });
            }
        }
        let turns = layout == Layout::Transposed && shape.len() == 2;
        let expected: Vec<usize> = if turns {
            shape.iter().rev().copied().collect()
        } else {
            shape.to_vec()
        };
        if first.view.shape() != expected {
            let (tensor, path, found) = (
                first.name.clone(),
                first.path.clone(),
                first.view.shape().to_vec(),
            );
            return Err(ModelError::WrongShape {
                tensor,
                path,
                found,
                expected,
            });
        }
        let values = floats(first)?;
        Ok(Some(if turns {
            transposed(&values, expected[0], expected[1])
        } else {
            values
        }))
    }
}

impl<M: HfModel> ModuleMapper for Loader<'_, M> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(tensor) = self.model.hf_name(&self.path.join(".")) else {
            return param;
        };
        if self.error.is_some() {
            return param;
        }
        match self.values(&tensor.name, tensor.layout, &param.dims()) {
            Err(error) => {
                self.error = Some(error);
                param
            }
            Ok(None) => {
                if !self.model.is_optional(&tensor.name) {
                    self.report.new.push(tensor.name);
                }
                param
            }
            Ok(Some(values)) => {
                self.report.loaded.push(tensor.name);
                let needs_grad = param.is_require_grad();
                let (id, old, mapper) = param.consume();
                let new = Tensor::from_data(TensorData::new(values, old.dims()), &old.device());
                Param::from_mapped_value(
                    id,
                    if needs_grad { new.require_grad() } else { new },
                    mapper,
                )
            }
        }
    }
}

fn floats(found: &Found<'_>) -> Result<Vec<f32>, ModelError> {
    let data = found.view.data();
    let values = match found.view.dtype() {
        Dtype::F32 => data
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes))
            .collect(),
        Dtype::F64 => data
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f64::from_le_bytes(bytes) as f32)
            .collect(),
        Dtype::F16 => data
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f16::from_le_bytes(bytes).to_f32())
            .collect(),
        Dtype::BF16 => data
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| bf16::from_le_bytes(bytes).to_f32())
            .collect(),
        other => {
            let (tensor, path) = (found.name.clone(), found.path.clone());
            return Err(ModelError::WrongType {
                tensor,
                path,
                found: format!("{other:?}"),
            });
        }
    };
    Ok(values)
}
