//! The gradients of one optimizer step, summed over its micro-batches.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Gradients as Tape, Tensor, TensorData};

use crate::Scope;

/// Gradients by parameter; a parameter that took no part in the loss has none.
#[derive(Default)]
pub struct Gradients {
    by_parameter: GradientsParams,
}

impl Gradients {
    /// Adds what one backward pass left for the module's parameters; in place where the backend can.
    pub(crate) fn accumulate<M: Module>(&mut self, module: &M, tape: &mut Tape) {
        module.visit(&mut Accumulate {
            into: &mut self.by_parameter,
            tape,
        });
    }

    /// The gradient of a parameter, out of the set, so that its owner can overwrite it.
    pub(crate) fn take<const D: usize>(&mut self, id: ParamId) -> Option<Tensor<D>> {
        self.by_parameter.remove(id)
    }

    /// The gradient of a parameter.
    pub(crate) fn get<const D: usize>(&self, id: ParamId) -> Option<Tensor<D>> {
        self.by_parameter.get(id)
    }

    /// Leaves only what the scope follows.
    pub(crate) fn restrict<M: Module>(&mut self, module: &M, scope: &Scope) {
        if !scope.is_everything() {
            module.visit(&mut Restrict {
                gradients: &mut self.by_parameter,
                path: Path::default(),
                scope,
            });
        }
    }

    /// Every gradient by parameter path, read from the device.
    pub fn to_data<M: Module>(&self, module: &M) -> BTreeMap<String, TensorData> {
        let mut read = Read {
            from: &self.by_parameter,
            path: Path::default(),
            out: BTreeMap::new(),
        };
        module.visit(&mut read);
        read.out
    }

    /// Path and sum of squares of every gradient, in the module's order; nothing is read from the device. In f32: a norm
    /// above 1.8e19 counts as infinite.
    ///
    /// # Shapes
    /// out: one element each
    pub fn squares<M: Module>(&self, module: &M) -> (Vec<String>, Vec<Tensor<1>>) {
        let mut squares = Squares {
            from: &self.by_parameter,
            path: Path::default(),
            paths: Vec::new(),
            sums: Vec::new(),
        };
        module.visit(&mut squares);
        (squares.paths, squares.sums)
    }

    /// Whether no parameter has a gradient.
    pub fn is_empty(&self) -> bool {
        self.by_parameter.is_empty()
    }
}

impl std::fmt::Debug for Gradients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gradients")
            .field("tensors", &self.by_parameter.len())
            .finish()
    }
}

/// The path of the parameter that a visitor or mapper stands at.
#[derive(Debug, Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    pub(crate) fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    pub(crate) fn exit(&mut self) {
        self.0.pop();
    }

    pub(crate) fn joined(&self) -> String {
        self.0.join(".")
    }
}

struct Accumulate<'a> {
    into: &'a mut GradientsParams,
    tape: &'a mut Tape,
}

impl ModuleVisitor for Accumulate<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(new) = param.base().grad_remove(self.tape) else {
            return;
        };
        let sum = match self.into.remove::<D>(param.id) {
            Some(old) => old.add(new),
            None => new,
        };
        self.into.register(param.id, sum);
    }
}

struct Restrict<'a> {
    gradients: &'a mut GradientsParams,
    path: Path,
    scope: &'a Scope,
}

impl ModuleVisitor for Restrict<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return;
        };
        if let Some(followed) = self.scope.restrict(&self.path.joined(), gradient) {
            self.gradients.register(param.id, followed);
        }
    }
}

struct Read<'a> {
    from: &'a GradientsParams,
    path: Path,
    out: BTreeMap<String, TensorData>,
}

impl ModuleVisitor for Read<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.get::<D>(param.id) {
            self.out.insert(self.path.joined(), gradient.into_data());
        }
    }
}

struct Squares<'a> {
    from: &'a GradientsParams,
    path: Path,
    paths: Vec<String>,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.get::<D>(param.id) {
            self.paths.push(self.path.joined());
            self.sums.push(gradient.square().sum());
        }
    }
}
