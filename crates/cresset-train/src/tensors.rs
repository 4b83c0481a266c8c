//! Weights and optimizer state between a model and the tensors of a file, by parameter path.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, View};

use crate::gradients::Path;
use crate::optim::{AdamW, Moments};

/// The tensors of a checkpoint on their way to its files.
pub(crate) struct Collected {
    pub(crate) weights: Vec<(String, Lazy)>,
    pub(crate) moments: Vec<(String, Lazy)>,
    /// Updates of each parameter that had a gradient at least once.
    pub(crate) updates: BTreeMap<String, u64>,
}

/// The tensors of a checkpoint on their way back.
pub(crate) struct Saved<'a> {
    pub(crate) weights: SafeTensors<'a>,
    pub(crate) moments: SafeTensors<'a>,
    pub(crate) updates: &'a BTreeMap<String, u64>,
}

/// Every weight of the module and what the optimizer remembers of it.
pub(crate) fn collect<M: Module>(module: &M, optimizer: &AdamW) -> Collected {
    let tensors = Collected {
        weights: Vec::new(),
        moments: Vec::new(),
        updates: BTreeMap::new(),
    };
    let mut collect = Collect {
        optimizer,
        path: Path::default(),
        tensors,
    };
    module.visit(&mut collect);
    collect.tensors
}

/// The module with the saved weights, and an optimizer with the saved state.
///
/// # Errors
/// A sentence on the first tensor that is missing, of another shape, or not the module's.
pub(crate) fn restore<M: Module>(
    module: M,
    optimizer: AdamW,
    saved: &Saved<'_>,
) -> Result<(M, AdamW), String> {
    let left = saved
        .weights
        .names()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let mut restore = Restore {
        saved,
        path: Path::default(),
        left,
        optimizer,
        problem: None,
    };
    let module = module.map(&mut restore);
    match (restore.problem, restore.left.first()) {
        (Some(problem), _) => Err(problem),
        (None, Some(name)) => Err(format!(
            "it holds `{name}`, which the model does not have; check [model] and [objective]"
        )),
        (None, None) => Ok((module, restore.optimizer)),
    }
}

/// A tensor that is read from its device only when its turn comes to be written.
pub(crate) struct Lazy {
    shape: Vec<usize>,
    read: Box<dyn Fn() -> Vec<u8>>,
}

impl Lazy {
    fn new<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        Lazy {
            shape,
            read: Box::new(move || {
                tensor
                    .to_data()
                    .iter::<f32>()
                    .flat_map(f32::to_le_bytes)
                    .collect()
            }),
        }
    }
}

impl View for Lazy {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned((self.read)())
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * size_of::<f32>()
    }
}

struct Collect<'a> {
    optimizer: &'a AdamW,
    path: Path,
    tensors: Collected,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.joined();
        if let Some(moments) = self.optimizer.moments::<D>(&path) {
            self.tensors
                .moments
                .push((mean_name(&path), Lazy::new(moments.mean.clone())));
            self.tensors
                .moments
                .push((square_name(&path), Lazy::new(moments.square.clone())));
            self.tensors.updates.insert(path.clone(), moments.updates);
        }
        self.tensors
            .weights
            .push((path, Lazy::new(param.base().inner())));
    }
}

fn mean_name(path: &str) -> String {
    format!("{path}#mean")
}

fn square_name(path: &str) -> String {
    format!("{path}#square")
}

struct Restore<'a> {
    saved: &'a Saved<'a>,
    path: Path,
    /// Names in the file that no parameter has asked for yet.
    left: BTreeSet<String>,
    optimizer: AdamW,
    problem: Option<String>,
}

impl ModuleMapper for Restore<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.joined();
        self.left.remove(&path);
        match self.restored(&path, &param) {
            Ok(value) => param.map(|old| {
                let trained = old.is_require_grad();
                let value = Tensor::from_data(value, &old.device());
                if trained { value.require_grad() } else { value }
            }),
            Err(problem) => {
                self.problem.get_or_insert(problem);
                param
            }
        }
    }
}

impl Restore<'_> {
    fn restored<const D: usize>(
        &mut self,
        path: &str,
        param: &Param<Tensor<D>>,
    ) -> Result<TensorData, String> {
        let shape = param.lazy_shape().to_vec();
        let value = tensor(&self.saved.weights, path, &shape)?;
        if let Some(&updates) = self.saved.updates.get(path) {
            let device = param.lazy_device().inner();
            let mean = tensor(&self.saved.moments, &mean_name(path), &shape)?;
            let square = tensor(&self.saved.moments, &square_name(path), &shape)?;
            let moments = Moments::<D> {
                mean: Tensor::from_data(mean, &device),
                square: Tensor::from_data(square, &device),
                updates,
            };
            self.optimizer.set_moments(path.to_owned(), moments);
        }
        Ok(value)
    }
}

fn tensor(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<TensorData, String> {
    let view = file
        .tensor(name)
        .map_err(|_| format!("it has no `{name}`; check [model] and [objective]"))?;
    if view.shape() != shape || view.dtype() != Dtype::F32 {
        return Err(format!(
            "`{name}` is {} {:?} there and F32 {shape:?} in the model; check [model] and [objective]",
            view.dtype(),
            view.shape()
        ));
    }
    let values: Vec<f32> = view
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    Ok(TensorData::new(values, shape.to_vec()))
}
