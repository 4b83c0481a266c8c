//! What may be added to the loss of classes or tokens: z-loss, R-Drop, distillation. One option each, the same in every
//! objective that has it.
//!
//! | option | added | weight in the total |
//! | --- | --- | --- |
//! | `z_loss = c` | [`z_loss`]: squares of the logits' normaliser | `c` |
//! | `r_drop = { alpha }` | a second pass with other dropout: its own loss, and [`r_drop`] between both | 1 and `alpha` |
//! | `distill = { teacher, temperature, alpha }` | [`distillation`] from a trained model | `alpha`; the loss itself has `1 - alpha` |
//!
//! Every term is logged by its name, without its weight.

use std::path::PathBuf;

use burn::tensor::Tensor;
use cresset_losses::{distillation, r_drop, token_nll, vocabulary_nll, z_loss};
use cresset_model::HfModel;
use cresset_ops::Scores;
use cresset_train::LossTerm;
use serde::{Deserialize, Serialize};

use crate::load::load;
use crate::{ModelFolder, NewHead, RunError, Setup, upload};

/// `r_drop = { .. }`: two passes shall say the same (Liang et al. 2021).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RDropConfig {
    /// Weight of the difference; the paper takes 1 to 5.
    pub alpha: f64,
}

impl Default for RDropConfig {
    fn default() -> Self {
        RDropConfig { alpha: 1.0 }
    }
}

/// `distill = { .. }`: a trained model's distribution beside the true answer (Hinton et al. 2015).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistillConfig {
    /// The folder of the teacher: a model of the same class, vocabulary and labels, of any size.
    pub teacher: PathBuf,
    /// By which logits are divided before they are compared.
    #[serde(default = "two")]
    pub temperature: f64,
    /// Weight of the teacher; the true answer has the rest.
    #[serde(default = "half")]
    pub alpha: f64,
}

fn two() -> f64 {
    2.0
}

fn half() -> f64 {
    0.5
}

impl RDropConfig {
    /// Checks the weight.
    ///
    /// # Errors
    /// A weight that is not above 0.
    pub(crate) fn validate(&self, objective: &str) -> Result<(), RunError> {
        above_zero(&format!("{objective}.r_drop.alpha"), self.alpha, "1.0")
    }
}

impl DistillConfig {
    /// Checks the numbers.
    ///
    /// # Errors
    /// A temperature that is not above 0, a weight that is no share.
    pub(crate) fn validate(&self, objective: &str) -> Result<(), RunError> {
        above_zero(
            &format!("{objective}.distill.temperature"),
            self.temperature,
            "2.0",
        )?;
        if self.alpha > 0.0 && self.alpha <= 1.0 {
            return Ok(());
        }
        Err(RunError::Config(format!(
            "objective.{objective}.distill.alpha is {} but must be above 0 and at most 1; the usual value is 0.5",
            self.alpha
        )))
    }
}

fn above_zero(key: &str, value: f64, usual: &str) -> Result<(), RunError> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(RunError::Config(format!(
        "objective.{key} is {value} but must be above 0; the usual value is {usual}"
    )))
}

/// Checks the coefficient of a z-loss; 0 leaves it out.
///
/// # Errors
/// A negative coefficient.
pub(crate) fn check_z_loss(objective: &str, value: f64) -> Result<(), RunError> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(RunError::Config(format!(
        "objective.{objective}.z_loss is {value} but must be 0 or more; the usual value is 1e-4"
    )))
}

/// The term of a z-loss, if there is one.
///
/// # Shapes
/// keep: `[n]`
pub(crate) fn z_term(pass: &Pass, keep: Option<&Tensor<1>>, coefficient: f64) -> Option<LossTerm> {
    (coefficient > 0.0).then(|| LossTerm {
        name: Z_LOSS,
        sum: z_loss(pass.read_logits(), keep.cloned(), 1.0),
        weight: coefficient,
    })
}

/// One forward pass: the sum of its own loss, and its logits, `[n, classes]`, where another loss asked for them.
pub(crate) struct Pass {
    pub(crate) logits: Option<Tensor<2>>,
    pub(crate) sum: Tensor<1>,
}

/// Whether a loss reads the logits themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logits {
    /// One does: they are made, once.
    Read,
    /// None does: they are never made as a whole.
    Unread,
}

impl Logits {
    /// Read if this holds.
    pub(crate) fn read_if(is_read: bool) -> Self {
        if is_read {
            Logits::Read
        } else {
            Logits::Unread
        }
    }
}

impl Pass {
    /// The negative log likelihood of tokens.
    ///
    /// # Shapes
    /// scores: `[n, vocabulary]`, keep: `[n]`
    pub(crate) fn of_tokens(
        scores: Scores,
        targets: &[u32],
        (keep, label_smoothing): (Option<Tensor<1>>, f64),
        logits: Logits,
    ) -> Pass {
        let targets = upload::indices(targets, &scores.rows.device());
        match logits {
            Logits::Unread => Pass {
                sum: vocabulary_nll(scores, targets, keep, label_smoothing),
                logits: None,
            },
            Logits::Read => {
                let logits = scores.logits();
                Pass {
                    sum: token_nll(logits.clone(), targets, keep, label_smoothing),
                    logits: Some(logits),
                }
            }
        }
    }

    /// The logits.
    ///
    /// # Panics
    /// If the pass was told that nothing reads them.
    pub(crate) fn read_logits(&self) -> Tensor<2> {
        self.logits
            .clone()
            .expect("a loss that reads the logits says so beforehand")
    }
}

/// The terms of two passes with different dropout: the paper's total is the loss of both plus `alpha` times their
/// difference, so that the mean of both, which is logged, counts twice.
pub(crate) fn r_drop_terms(
    name: &'static str,
    [first, second]: [Pass; 2],
    alpha: f64,
) -> Vec<LossTerm> {
    let difference = r_drop(first.read_logits(), second.read_logits(), None);
    vec![
        LossTerm {
            name,
            sum: (first.sum + second.sum) * 0.5,
            weight: 2.0,
        },
        LossTerm {
            name: R_DROP,
            sum: difference,
            weight: alpha,
        },
    ]
}

/// Names of the terms.
pub(crate) const Z_LOSS: &str = "z_loss";
/// See [`Z_LOSS`].
pub(crate) const R_DROP: &str = "r_drop";
/// See [`Z_LOSS`].
pub(crate) const DISTILLATION: &str = "distillation";

/// A trained model whose distribution is learnt. It is not trained: its parameters lie on a device without autodiff, and are
/// no part of the objective's.
#[derive(Clone, Debug)]
pub struct Teacher<M> {
    /// The model.
    pub model: M,
    /// By which logits are divided before they are compared.
    pub temperature: f64,
    /// Weight of the teacher; the true answer has the rest.
    pub alpha: f64,
}

impl<M: HfModel> Teacher<M> {
    /// Opens the teacher's folder; `make` makes the model that is filled from it.
    ///
    /// # Errors
    /// A folder that cannot be opened, with another vocabulary or other frames.
    pub(crate) fn open(
        config: &DistillConfig,
        setup: &Setup,
        make: impl FnOnce(&ModelFolder) -> Result<M, RunError>,
    ) -> Result<Self, RunError> {
        let folder = ModelFolder::open(&config.teacher)?;
        let refuse = |what: &str, way_out: &str| {
            Err(RunError::Config(format!(
                "the teacher {} has {what} than the model; {way_out}",
                config.teacher.display()
            )))
        };
        if !folder.tokenizer.has_the_vocabulary_of(&setup.tokenizer) {
            return refuse(
                "another vocabulary",
                "give the model the teacher's tokenizer with tokenizer.path",
            );
        }
        if folder.convention()?.describe() != setup.convention.describe() {
            return refuse(
                "other frames of special tokens",
                "set special.convention to the teacher's",
            );
        }
        let (model, _) = load(make(&folder)?, &folder.files.path, NewHead::Refused)?;
        Ok(Teacher {
            model,
            temperature: config.temperature,
            alpha: config.alpha,
        })
    }
}

impl<M> Teacher<M> {
    /// The term of what the teacher says, and what is left for the true answer.
    ///
    /// # Shapes
    /// student, teacher: `[n, classes]`, keep: `[n]`
    pub(crate) fn term(
        &self,
        student: Tensor<2>,
        teacher: Tensor<2>,
        keep: Option<Tensor<1>>,
    ) -> LossTerm {
        LossTerm {
            name: DISTILLATION,
            sum: distillation(student, Tensor::from_inner(teacher), self.temperature, keep),
            weight: self.alpha,
        }
    }

    /// The weight of the true answer.
    pub(crate) fn rest(&self) -> f64 {
        1.0 - self.alpha
    }
}

/// The weight of the true answer beside a teacher, if there is one.
pub(crate) fn own_weight<M>(teacher: Option<&Teacher<M>>) -> f64 {
    teacher.map_or(1.0, Teacher::rest)
}
