//! The vectors of tokens: where they lie in a model, and single ones out of files.

use std::fs;
use std::path::Path;

use burn::module::{ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use super::{HfModel, START_VECTOR, read};
use crate::error::ModelError;

/// How the tables of token vectors are called in files, after whatever stands in front.
const TABLES: [&str; 5] = [
    "word_embeddings.weight",
    "word_embedding.weight",
    "shared.weight",
    "wte.weight",
    "embed_tokens.weight",
];

/// A parameter of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedParameter {
    /// Which it is.
    pub id: ParamId,
    /// Its name in files; `None` for one that is not saved.
    pub name: Option<String>,
    /// Its extents.
    pub shape: Vec<usize>,
}

/// Every parameter of a model.
pub fn named_parameters<M: HfModel>(model: &M) -> Vec<NamedParameter> {
    let mut names = Names {
        model,
        path: Vec::new(),
        found: Vec::new(),
    };
    model.visit(&mut names);
    names.found
}

/// The tables of token vectors among a model's parameters, one row per id: one, or one for each half of an encoder-decoder
/// of two encoders. An output layer that is not tied to a table is none.
pub fn token_tables<M: HfModel>(model: &M) -> Vec<NamedParameter> {
    let mut parameters = named_parameters(model);
    parameters.retain(|parameter| parameter.name.as_deref().is_some_and(is_table));
    parameters
}

/// The vector of its own that a model's decoder starts with, if it has one: a table of one row.
pub fn start_vector<M: HfModel>(model: &M) -> Option<NamedParameter> {
    let is_it = |p: &NamedParameter| p.name.as_deref().is_some_and(is_start_vector);
    named_parameters(model).into_iter().find(is_it)
}

/// Whether this is the name, in files, of a decoder's own start vector.
pub fn is_start_vector(name: &str) -> bool {
    name.rsplit('.').next() == Some(START_VECTOR)
}

/// The table of token vectors of a model folder, row after row, and the length of a row. Where there are two, that of the
/// encoder.
///
/// # Errors
/// A folder without weights or without such a table, a damaged file.
pub fn read_token_table(folder: &Path) -> Result<(Vec<f32>, usize), ModelError> {
    let rank = |name: &str| is_table(name).then(|| u8::from(name.starts_with("decoder.")));
    match read::chosen(folder, rank)? {
        Some(table) if table.shape.len() == 2 => Ok((table.values, table.shape[1])),
        _ => Err(ModelError::NoTokenTable {
            folder: folder.to_owned(),
        }),
    }
}

/// One vector: a JSON list of numbers, or the only tensor of a safetensors file.
///
/// # Errors
/// A file that cannot be read, holds something else, or more than one tensor.
pub fn read_vector(path: &Path) -> Result<Vec<f32>, ModelError> {
    let wrong = |reason: &str| ModelError::NoVector {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    if path.extension().is_some_and(|ext| ext == "json") {
        let text = fs::read_to_string(path).map_err(ModelError::read(path))?;
        return serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()));
    }
    let mut tensors = read::all_of(path)?;
    match (tensors.pop(), tensors.len()) {
        (Some(only), 0) => Ok(only),
        (_, others) => Err(wrong(&format!("it has {} tensors", others + 1))),
    }
}

fn is_table(name: &str) -> bool {
    TABLES.iter().any(|table| {
        let front = name.strip_suffix(table);
        front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
    })
}

struct Names<'a, M> {
    model: &'a M,
    path: Vec<String>,
    found: Vec<NamedParameter>,
}

impl<M: HfModel> ModuleVisitor for Names<'_, M> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = self.model.hf_name(&self.path.join("."));
        self.found.push(NamedParameter {
            id: param.id,
            name: tensor.map(|tensor| tensor.name),
            shape: param.dims().to_vec(),
        });
    }
}
