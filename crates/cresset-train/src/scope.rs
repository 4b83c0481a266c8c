//! What of a model is trained: all parameters or some, and single rows of tables by a rule of their own.
//!
//! A row with a rule is treated as a parameter of its own that happens to lie in a table with others: what one row of a tied
//! embedding learns can be stopped or sped up while the rest of the table goes on.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Int, Tensor};
use cresset_ops::{AdamWStep, adamw};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::gradients::Path;
use crate::optim::Moments;

/// What is trained. By default everything, by the optimizer's own rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Which parameters are trained as a whole.
    pub parameters: Parameters,
    /// Rows with a rule of their own, whether or not the rest of their table is trained.
    pub rows: Vec<TableRows>,
}

/// Which parameters are trained as a whole. The gradients of the others count in no norm, and neither they nor their moments change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameters {
    /// All.
    #[default]
    All,
    /// Those with these paths.
    Only(BTreeSet<String>),
}

/// Rows of a parameter and their rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRows {
    /// Path of the parameter.
    pub parameter: String,
    /// Row numbers.
    pub rows: Vec<usize>,
    /// How they are trained.
    pub rule: RowRule,
}

/// How rows are trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowRule {
    /// Not at all: not even weight decay moves them, and their gradients count in no norm.
    Frozen,
    /// As a parameter of their own, by the same optimizer. With `scale_parameter` the step follows the size of these rows.
    Own {
        /// The learning rate is multiplied by this.
        lr_factor: f64,
        /// Decay per unit of learning rate; as the table's by default.
        weight_decay: Option<f64>,
    },
}

/// Where a parameter stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterAt {
    /// Its path, as scopes and checkpoints have it.
    pub path: String,
    /// Which it is.
    pub id: ParamId,
    /// Its first extent.
    pub n_rows: usize,
}

/// Every parameter of a module.
pub fn parameters<M: Module>(module: &M) -> Vec<ParameterAt> {
    let mut listed = Listed::default();
    module.visit(&mut listed);
    listed.found
}

impl Scope {
    /// Whether everything is trained alike.
    pub fn is_everything(&self) -> bool {
        *self == Scope::default()
    }

    /// Whether the parameter is trained as a whole.
    pub fn trains(&self, path: &str) -> bool {
        match &self.parameters {
            Parameters::All => true,
            Parameters::Only(paths) => paths.contains(path),
        }
    }

    /// Checks it against a module.
    ///
    /// # Errors
    /// A path that the module does not have, a row beyond its table or with two rules, a rate or decay that makes no sense.
    pub fn check<M: Module>(&self, module: &M) -> Result<(), TrainError> {
        let heights: BTreeMap<String, usize> = parameters(module)
            .into_iter()
            .map(|parameter| (parameter.path, parameter.n_rows))
            .collect();
        let height = |path: &String| {
            let unknown = || TrainError::Scope(format!("the model has no parameter `{path}`"));
            heights.get(path).copied().ok_or_else(unknown)
        };
        if let Parameters::Only(paths) = &self.parameters {
            paths.iter().try_for_each(|path| height(path).map(drop))?;
        }
        let mut ruled = BTreeSet::new();
        for TableRows {
            parameter,
            rows,
            rule,
        } in &self.rows
        {
            let n_rows = height(parameter)?;
            rule.check(parameter)?;
            for &row in rows {
                if row >= n_rows {
                    return Err(TrainError::Scope(format!(
                        "`{parameter}` has {n_rows} rows, so there is no row {row}"
                    )));
                }
                if !ruled.insert((parameter, row)) {
                    return Err(TrainError::Scope(format!(
                        "row {row} of `{parameter}` has two rules; keep one of them"
                    )));
                }
            }
        }
        Ok(())
    }

    /// The rows of a parameter that have rules.
    fn rows_of<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a TableRows> {
        self.rows
            .iter()
            .filter(move |rows| rows.parameter == path && !rows.rows.is_empty())
    }

    /// The part of a gradient that is followed, zero elsewhere; `None` if nothing of the parameter is trained.
    pub(crate) fn restrict<const D: usize>(
        &self,
        path: &str,
        gradient: Tensor<D>,
    ) -> Option<Tensor<D>> {
        let rows_where = |frozen: bool| -> Vec<usize> {
            self.rows_of(path)
                .filter(|rows| (rows.rule == RowRule::Frozen) == frozen)
                .flat_map(|rows| rows.rows.iter().copied())
                .collect()
        };
        if self.trains(path) {
            let frozen = rows_where(true);
            if frozen.is_empty() {
                return Some(gradient);
            }
            let nothing = select(&gradient, &frozen).zeros_like();
            return Some(put(gradient, &frozen, nothing));
        }
        let own = rows_where(false);
        if own.is_empty() {
            return None;
        }
        let kept = select(&gradient, &own);
        Some(put(gradient.zeros_like(), &own, kept))
    }

    /// The rows of a parameter that have rules, as they are before an update of the whole.
    pub(crate) fn apart<'a, const D: usize>(
        &'a self,
        path: &'a str,
        value: &Tensor<D>,
        gradient: &Tensor<D>,
        moments: &Moments<D>,
    ) -> Vec<Apart<'a, D>> {
        // Copies, not views: the update of the whole works in place where it holds the only handle.
        let apart = |rows: &'a TableRows| Apart {
            rule: rows.rule,
            rows: &rows.rows,
            gradient: select(gradient, &rows.rows),
            state: [value, &moments.mean, &moments.square].map(|whole| select(whole, &rows.rows)),
        };
        self.rows_of(path).map(apart).collect()
    }
}

impl RowRule {
    fn check(self, parameter: &str) -> Result<(), TrainError> {
        let RowRule::Own {
            lr_factor,
            weight_decay,
        } = self
        else {
            return Ok(());
        };
        if !(lr_factor > 0.0 && lr_factor.is_finite()) {
            return Err(TrainError::Scope(format!(
                "the learning rate of rows of `{parameter}` is multiplied by {lr_factor}, which must be above 0; freeze them instead"
            )));
        }
        match weight_decay {
            Some(decay) if !(decay >= 0.0 && decay.is_finite()) => Err(TrainError::Scope(format!(
                "the weight decay of rows of `{parameter}` is {decay}, which must be 0 or more"
            ))),
            _ => Ok(()),
        }
    }
}

/// Rows taken out of a parameter.
pub(crate) struct Apart<'a, const D: usize> {
    rule: RowRule,
    rows: &'a [usize],
    gradient: Tensor<D>,
    /// Value, mean and square.
    state: [Tensor<D>; 3],
}

impl<const D: usize> Apart<'_, D> {
    /// Updates the rows by their rule and puts them into value, mean and square of the whole. `at` is the update of the whole.
    pub(crate) fn put_into(self, whole: [Tensor<D>; 3], at: AdamWStep) -> [Tensor<D>; 3] {
        let after = match self.rule {
            RowRule::Frozen => self.state,
            RowRule::Own {
                lr_factor,
                weight_decay,
            } => {
                let own = AdamWStep {
                    lr: at.lr * lr_factor,
                    weight_decay: weight_decay.unwrap_or(at.weight_decay),
                    ..at
                };
                let [value, mean, square] = self.state;
                adamw(value, self.gradient, mean, square, own).into()
            }
        };
        let mut after = after.into_iter();
        whole.map(|whole| match after.next() {
            Some(part) => put(whole, self.rows, part),
            None => whole,
        })
    }
}

/// A copy of some rows.
fn select<const D: usize>(whole: &Tensor<D>, rows: &[usize]) -> Tensor<D> {
    let numbers: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let numbers = Tensor::<1, Int>::from_data(numbers.as_slice(), &whole.device());
    whole.clone().select(0, numbers)
}

/// Writes rows to their places; in place where `whole` is the only handle.
fn put<const D: usize>(whole: Tensor<D>, rows: &[usize], part: Tensor<D>) -> Tensor<D> {
    rows.iter().enumerate().fold(whole, |whole, (at, &row)| {
        whole.slice_assign(row..row + 1, part.clone().narrow(0, at, 1))
    })
}

#[derive(Default)]
struct Listed {
    path: Path,
    found: Vec<ParameterAt>,
}

impl ModuleVisitor for Listed {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push(ParameterAt {
            path: self.path.joined(),
            id: param.id,
            n_rows: param.lazy_shape().to_vec()[0],
        });
    }
}
