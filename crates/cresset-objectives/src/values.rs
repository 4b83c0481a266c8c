//! The numbers of single parameters, read and written on the host.

use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};

/// The numbers of some parameters, row-major.
pub(crate) fn values_of<M: Module>(
    module: &M,
    ids: &HashSet<ParamId>,
) -> HashMap<ParamId, Vec<f32>> {
    let mut read = Read {
        ids,
        values: HashMap::new(),
    };
    module.visit(&mut read);
    read.values
}

/// The module with other numbers in some parameters.
///
/// # Panics
/// If they are more or fewer than the parameter has.
pub(crate) fn write_values<M: Module>(module: M, values: HashMap<ParamId, Vec<f32>>) -> M {
    module.map(&mut Write(values))
}

struct Read<'a> {
    ids: &'a HashSet<ParamId>,
    values: HashMap<ParamId, Vec<f32>>,
}

impl ModuleVisitor for Read<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.ids.contains(&param.id) {
            let values = param.val().into_data().iter::<f32>().collect();
            self.values.insert(param.id, values);
        }
    }
}

struct Write(HashMap<ParamId, Vec<f32>>);

impl ModuleMapper for Write {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.0.remove(&param.id) else {
            return param;
        };
        let needs_grad = param.is_require_grad();
        let (id, old, mapper) = param.consume();
        let data = TensorData::new(values, old.dims());
        let new = Tensor::from_data(data, &old.device());
        let new = if needs_grad { new.require_grad() } else { new };
        Param::from_mapped_value(id, new, mapper)
    }
}

/// A number that is added up in double precision.
pub(crate) trait Wide: Copy + Sync {
    /// It in double precision.
    fn wide(self) -> f64;
}

impl Wide for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Wide for f64 {
    fn wide(self) -> f64 {
        self
    }
}
