//! AdamW over a module's parameters.

use std::any::Any;
use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use cresset_ops::{AdamWStep, StepScale, adamw};
use serde::{Deserialize, Serialize};

use crate::gradients::{Gradients, Path};
use crate::{Scope, TrainError};

/// `[optim]`: how weights are updated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimConfig {
    /// The optimizer.
    pub adamw: AdamWConfig,
    /// Largest global norm of the gradients; no clipping when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
}

/// AdamW (Loshchilov & Hutter 2019, Decoupled Weight Decay Regularization), in PyTorch's form and with its defaults
/// except the learning rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Peak learning rate.
    pub lr: f64,
    /// Decay rates of the running mean and the running square of the gradients.
    pub betas: [f64; 2],
    /// Added to the root of the running square.
    pub eps: f64,
    /// Decay per unit of learning rate.
    pub weight_decay: f64,
    /// Which parameters decay.
    pub decay: Decay,
    /// Whether the learning rate is multiplied by each parameter's root mean square (at least 1e-3), as in Adafactor
    /// (Shazeer & Stern 2018). T5, whose embeddings start a thousand times wider than its projections, wants it, with a rate
    /// of about 1e-2.
    pub scale_parameter: bool,
}

/// The smallest root mean square of a parameter under `scale_parameter`: Adafactor's second epsilon.
const SMALLEST_SIZE: f64 = 1e-3;

impl Default for AdamWConfig {
    fn default() -> Self {
        AdamWConfig {
            lr: 3e-4,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 0.01,
            decay: Decay::default(),
            scale_parameter: false,
        }
    }
}

/// Which parameters decay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Those of rank 2 and more, unless their path says bias: norm weights and every bias are left out, tables of biases by
    /// relative position among them, as in transformers' trainer.
    #[default]
    Matrices,
    /// All.
    All,
}

impl Decay {
    fn acts_on(self, path: &str, rank: usize) -> bool {
        self == Decay::All || (rank > 1 && !path.contains("bias"))
    }
}

impl OptimConfig {
    /// Checks the values.
    ///
    /// # Errors
    /// A learning rate, epsilon or clip that is not positive; a beta outside 0 to 1; a negative decay.
    pub fn validate(&self) -> Result<(), TrainError> {
        let AdamWConfig {
            lr,
            betas,
            eps,
            weight_decay,
            ..
        } = self.adamw;
        positive("optim.adamw.lr", lr, "3e-4")?;
        positive("optim.adamw.eps", eps, "1e-8")?;
        if let Some(clip) = self.clip {
            positive("optim.clip", clip, "1.0; leave it out for no clipping")?;
        }
        if let Some(beta) = betas.into_iter().find(|beta| !(0.0..1.0).contains(beta)) {
            return Err(TrainError::Config {
                key: "optim.adamw.betas",
                value: beta.to_string(),
                must: "each must be from 0 to below 1, as in [0.9, 0.999]".to_owned(),
            });
        }
        if !(weight_decay >= 0.0 && weight_decay.is_finite()) {
            return Err(TrainError::Config {
                key: "optim.adamw.weight_decay",
                value: weight_decay.to_string(),
                must: "it must be 0 or more, as in 0.01".to_owned(),
            });
        }
        Ok(())
    }
}

fn positive(key: &'static str, value: f64, example: &str) -> Result<(), TrainError> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(TrainError::Config {
        key,
        value: value.to_string(),
        must: format!("it must be above 0, as in {example}"),
    })
}

/// What AdamW remembers of one parameter.
#[derive(Clone, Debug)]
pub(crate) struct Moments<const D: usize> {
    pub(crate) mean: Tensor<D>,
    pub(crate) square: Tensor<D>,
    /// Updates so far; the bias correction counts them per parameter, as in PyTorch.
    pub(crate) updates: u64,
}

/// AdamW with its state, keyed by parameter path.
pub(crate) struct AdamW {
    config: AdamWConfig,
    scope: Scope,
    /// [`Moments`] of each parameter's rank.
    state: HashMap<String, Box<dyn Any + Send>>,
}

impl AdamW {
    pub(crate) fn new(config: AdamWConfig, scope: Scope) -> Self {
        AdamW {
            config,
            scope,
            state: HashMap::new(),
        }
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Updates every parameter that has a gradient; the others and their state stay as they are.
    pub(crate) fn update<M: Module>(
        &mut self,
        module: M,
        gradients: Gradients,
        lr: f64,
        grad_scale: f64,
    ) -> M {
        module.map(&mut Update {
            optimizer: self,
            gradients,
            lr,
            grad_scale,
            path: Path::default(),
        })
    }

    pub(crate) fn moments<const D: usize>(&self, path: &str) -> Option<&Moments<D>> {
        self.state.get(path)?.downcast_ref()
    }

    pub(crate) fn set_moments<const D: usize>(&mut self, path: String, moments: Moments<D>) {
        self.state.insert(path, Box::new(moments));
    }

    /// Moments of the parameter, out of the state, or fresh ones.
    fn take_moments<const D: usize>(&mut self, path: &str, like: &Tensor<D>) -> Moments<D> {
        match self
            .state
            .remove(path)
            .map(|boxed| boxed.downcast::<Moments<D>>())
        {
            Some(Ok(moments)) => *moments,
            _ => Moments {
                mean: like.zeros_like(),
                square: like.zeros_like(),
                updates: 0,
            },
        }
    }
}

struct Update<'a> {
    optimizer: &'a mut AdamW,
    gradients: Gradients,
    lr: f64,
    grad_scale: f64,
    path: Path,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.take::<D>(param.id) else {
            return param;
        };
        let path = self.path.joined();
        let moments = self.optimizer.take_moments(&path, &gradient);
        let updates = moments.updates + 1;
        let config = &self.optimizer.config;
        let at = AdamWStep {
            lr: self.lr,
            beta1: config.betas[0],
            beta2: config.betas[1],
            epsilon: config.eps,
            weight_decay: if config.decay.acts_on(&path, D) {
                config.weight_decay
            } else {
                0.0
            },
            step: updates,
            grad_scale: self.grad_scale,
            scale: if config.scale_parameter {
                StepScale::Relative {
                    floor: SMALLEST_SIZE,
                }
            } else {
                StepScale::Absolute
            },
        };
        // The parameter lets go of its tensor, so that the update owns the only handle and can work in place.
        let (id, value, mapper) = param.consume();
        let checkpointing = value.gradient_checkpointing_strategy();
        let value = value.inner();
        let scope = &self.optimizer.scope;
        let apart = scope.apart(&path, &value, &gradient, &moments);
        let state = if scope.trains(&path) {
            adamw(value, gradient, moments.mean, moments.square, at).into()
        } else {
            [value, moments.mean, moments.square]
        };
        let [value, mean, square] = apart
            .into_iter()
            .fold(state, |state, rows| rows.put_into(state, at));
        self.optimizer.set_moments(
            path,
            Moments {
                mean,
                square,
                updates,
            },
        );
        let mut value = Tensor::from_inner(value);
        if let Some(strategy) = checkpointing {
            value = value.with_gradient_checkpointing_strategy(strategy);
        }
        Param::from_mapped_value(id, value.require_grad(), mapper)
    }
}
