//! Reading a folder's weights, whole or in shards, as safetensors or as PyTorch pickled them.

mod files;
mod pytorch;
mod safetensors;
mod tensor;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

use self::tensor::FileTensor;
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

/// Fills a model from `model.safetensors` or, where there is none, from `pytorch_model.bin`; each may also lie in shards that an
/// `.index.json` lists. Numbers of half and double precision become 32-bit floats; names with or without the base model's prefix,
/// `gamma` / `beta` for norms and either name of a tied weight are read. One tensor's bytes are held at a time.
///
/// # Errors
/// No weights, a truncated file, a missing shard, a pickle that is no state dict, a tensor of the wrong shape or type, tied tensors with
/// different values.
pub fn load_weights<M: HfModel>(model: M, folder: &Path) -> Result<(M, LoadReport), ModelError> {
    let tensors: BTreeMap<String, FileTensor> = files::open(folder)?
        .into_iter()
        .map(|tensor| (modern_spelling(&tensor.name), tensor))
        .collect();
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
    let means_something = |name: &str| !is_buffer(name) && !names.ignores(name);
    let unused = tensors.iter().filter(|(spelling, found)| {
        !loader.used.contains(*spelling) && means_something(&found.name)
    });
    report.unused = unused.map(|(_, found)| found.name.clone()).collect();
    Ok((model, report))
}

/// The numbers of some tensors, by the names they have in the files; `None` if one is missing or cannot be read.
pub(super) fn floats_of<const N: usize>(folder: &Path, names: [&str; N]) -> Option<[Vec<f32>; N]> {
    let tensors = files::open(folder).ok()?;
    let floats = |name: &str| tensors.iter().find(|t| t.name == name)?.floats().ok();
    let found: Vec<Vec<f32>> = names.iter().filter_map(|name| floats(name)).collect();
    found.try_into().ok()
}

/// A tensor out of a file.
pub(super) struct Floats {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// The tensor of a folder that is chosen by its name; the lowest rank counts.
pub(super) fn chosen(
    folder: &Path,
    rank: impl Fn(&str) -> Option<u8>,
) -> Result<Option<Floats>, ModelError> {
    let tensors = files::open(folder)?;
    let ranked = tensors.iter().filter_map(|t| Some((rank(&t.name)?, t)));
    let best = ranked.min_by_key(|(rank, _)| *rank);
    let read = |(_, tensor): (u8, &FileTensor)| {
        Ok(Floats {
            shape: tensor.shape.clone(),
            values: tensor.floats()?,
        })
    };
    best.map(read).transpose()
}

/// The numbers of every tensor of a safetensors file.
pub(super) fn all_of(path: &Path) -> Result<Vec<Vec<f32>>, ModelError> {
    let tensors = safetensors::open(path)?;
    tensors.iter().map(FileTensor::floats).collect()
}

/// Older versions of transformers saved constants of the embedding layer too.
fn is_buffer(name: &str) -> bool {
    ["position_ids", "token_type_ids"].contains(&name.rsplit('.').next().unwrap_or(name))
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
    tensors: &'a BTreeMap<String, FileTensor>,
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
        let turns = layout == Layout::Transposed && shape.len() == 2;
        let expected: Vec<usize> = if turns {
            shape.iter().rev().copied().collect()
        } else {
            shape.to_vec()
        };
        if first.shape != expected {
            return Err(ModelError::WrongShape {
                tensor: first.name.clone(),
                path: first.path.to_path_buf(),
                found: first.shape.clone(),
                expected,
            });
        }
        let values = first.floats()?;
        for (spelling, other) in found {
            self.used.insert(spelling.clone());
            if other.shape != first.shape || !are_same(&other.floats()?, &values) {
                return Err(ModelError::Untied {
                    path: other.path.to_path_buf(),
                    first: first.name.clone(),
                    second: other.name.clone(),
                });
            }
        }
        Ok(Some(if turns {
            transposed(&values, expected[0], expected[1])
        } else {
            values
        }))
    }
}

/// Whether two tensors hold the same numbers, bit by bit: what is not a number is not equal to itself.
fn are_same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
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
