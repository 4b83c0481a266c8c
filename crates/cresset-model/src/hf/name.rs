//! From parameter paths to the names of tensors in files.

use burn::module::{ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::HfModel;

/// The name of a decoder's own start vector, behind the base model's prefix.
pub(crate) const START_VECTOR: &str = "decoder_start_vector";

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HfTensor {
    /// Its name.
    pub name: String,
    /// How its matrix lies there.
    pub layout: Layout,
}

/// How a matrix lies in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As in the model.
    AsIs,
    /// As `[out, in]`, PyTorch's `Linear`.
    Transposed,
}

/// The names under which a model's parameters are saved, in the model's order.
pub fn parameter_names<M: HfModel>(model: &M) -> Vec<String> {
    let mut paths = Paths::default();
    model.visit(&mut paths);
    paths
        .found
        .iter()
        .filter_map(|path| model.hf_name(path))
        .map(|tensor| tensor.name)
        .collect()
}

#[derive(Default)]
struct Paths {
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for Paths {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _param: &Param<Tensor<D>>) {
        self.found.push(self.path.join("."));
    }
}

/// The path inside an enum's variant: without the variant's name, which burn puts in front.
pub(crate) fn inner_path(path: &str) -> &str {
    path.split_once('.').map_or(path, |(_, inner)| inner)
}

/// Replaces runs of segments by the table, from left to right; the first entry that matches wins, other segments stay.
pub(crate) fn rename(path: &str, table: &[(&str, &str)]) -> String {
    let segments: Vec<&str> = path.split('.').collect();
    let mut named = Vec::new();
    let mut at = 0;
    while at < segments.len() {
        let hit = table.iter().find_map(|(ours, theirs)| {
            let ours: Vec<&str> = ours.split('.').collect();
            segments[at..]
                .starts_with(&ours)
                .then_some((ours.len(), *theirs))
        });
        let (length, name) = hit.unwrap_or((1, segments[at]));
        named.push(name);
        at += length;
    }
    named.join(".")
}

/// A tensor of an encoder: embeddings lie in files as they are here, other matrices transposed.
pub(crate) fn encoder_tensor(path: &str, names: &[(&str, &str)]) -> HfTensor {
    let layout = if path.starts_with("embeddings") {
        Layout::AsIs
    } else {
        Layout::Transposed
    };
    HfTensor {
        name: rename(path, names),
        layout,
    }
}
