//! What a step does to single rows of parameters.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Int, Tensor};

use crate::gradients::{Gradients, Path};

/// A row that is watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchedRow {
    /// Path of its parameter, as scopes have it.
    pub parameter: String,
    /// Its number.
    pub row: usize,
}

/// What a step did to a row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowStep {
    /// Which.
    pub row: WatchedRow,
    /// Length of its gradient as far as it is followed, before clipping; `None` where the parameter has none.
    pub gradient_norm: Option<f64>,
    /// Its length before the step.
    pub norm: f64,
    /// Length of the difference that the step made.
    pub update_norm: f64,
}

/// Watched rows before an update.
pub(crate) struct Before<'a> {
    rows: &'a [WatchedRow],
    values: Found,
    gradients: Found,
}

type Found = BTreeMap<WatchedRow, Vec<f32>>;

impl<'a> Before<'a> {
    pub(crate) fn of<M: Module>(model: &M, gradients: &Gradients, rows: &'a [WatchedRow]) -> Self {
        Before {
            rows,
            values: read(model, rows, From::Values),
            gradients: read(model, rows, From::Gradients(gradients)),
        }
    }

    /// What became of them in the model after the update.
    pub(crate) fn after<M: Module>(self, model: &M) -> Vec<RowStep> {
        let after = read(model, self.rows, From::Values);
        let done = |row: &WatchedRow| {
            let (old, new) = (self.values.get(row)?, after.get(row)?);
            Some(RowStep {
                row: row.clone(),
                gradient_norm: self
                    .gradients
                    .get(row)
                    .map(|g| norm(g.iter().map(|x| f64::from(*x)))),
                norm: norm(old.iter().map(|x| f64::from(*x))),
                update_norm: norm(
                    old.iter()
                        .zip(new)
                        .map(|(a, b)| f64::from(*b) - f64::from(*a)),
                ),
            })
        };
        self.rows.iter().filter_map(done).collect()
    }
}

fn norm(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.map(|x| x * x).sum::<f64>().sqrt()
}

#[derive(Clone, Copy)]
enum From<'a> {
    Values,
    Gradients(&'a Gradients),
}

fn read<M: Module>(model: &M, rows: &[WatchedRow], from: From<'_>) -> Found {
    let mut read = Read {
        rows,
        from,
        path: Path::default(),
        found: Found::new(),
    };
    if !rows.is_empty() {
        model.visit(&mut read);
    }
    read.found
}

struct Read<'a> {
    rows: &'a [WatchedRow],
    from: From<'a>,
    path: Path,
    found: Found,
}

impl ModuleVisitor for Read<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.joined();
        let n_rows = param.lazy_shape().to_vec()[0];
        let here: Vec<&WatchedRow> = self
            .rows
            .iter()
            .filter(|row| row.parameter == path && row.row < n_rows)
            .collect();
        if here.is_empty() {
            return;
        }
        let whole = match self.from {
            From::Values => Some(param.val().inner()),
            From::Gradients(gradients) => gradients.get::<D>(param.id),
        };
        let Some(whole) = whole else { return };
        let numbers: Vec<i64> = here.iter().map(|row| row.row as i64).collect();
        let numbers = Tensor::<1, Int>::from_data(numbers.as_slice(), &whole.device());
        let values: Vec<f32> = whole.select(0, numbers).into_data().iter().collect();
        let size = values.len() / here.len();
        for (row, values) in here.into_iter().zip(values.chunks(size)) {
            self.found.insert(row.clone(), values.to_vec());
        }
    }
}
