//! The learning rate over time: pure functions of the step, equal to `transformers.get_*_schedule`.

use serde::{Deserialize, Serialize};

use crate::TrainError;

/// `[schedule]`: the shape of the learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleConfig {
    /// Up over the warm-up, then straight down to zero at the last step.
    Linear(WarmupConfig),
    /// Up over the warm-up, then half a cosine down to `floor` at the last step (Loshchilov & Hutter 2017, SGDR).
    Cosine(CosineConfig),
    /// Up over the warm-up, then with the inverse square root of the step (Vaswani et al. 2017, section 5.3).
    InverseSqrt(WarmupConfig),
    /// Up over the warm-up, then level.
    Constant(ConstantConfig),
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        ScheduleConfig::Linear(WarmupConfig::default())
    }
}

/// Options of the falling schedules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WarmupConfig {
    /// Length of the rise; a tenth of the steps by default.
    pub warmup: Warmup,
}

/// Options of the cosine schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CosineConfig {
    /// Length of the rise; a tenth of the steps by default.
    pub warmup: Warmup,
    /// Share of the peak at which the curve ends; 0 by default.
    pub floor: f64,
}

/// Options of the constant schedule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConstantConfig {
    /// Length of the rise; none by default.
    pub warmup: Warmup,
}

impl Default for ConstantConfig {
    fn default() -> Self {
        ConstantConfig {
            warmup: Warmup::Steps(0),
        }
    }
}

/// Length of the warm-up; in a config a whole number is steps, a number below 1 with a decimal point a share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Warmup {
    /// Optimizer steps.
    Steps(u64),
    /// Share of all steps, rounded up.
    Share(f64),
}

impl Default for Warmup {
    fn default() -> Self {
        Warmup::Share(0.1)
    }
}

impl Warmup {
    /// The number of steps in a run of `steps`.
    pub fn steps(self, steps: u64) -> u64 {
        match self {
            Warmup::Steps(warmup) => warmup,
            Warmup::Share(share) => (share * steps as f64).ceil() as u64,
        }
    }
}

impl ScheduleConfig {
    /// The share of the peak learning rate at `step` (from 1) of a run of `steps`.
    ///
    /// As in transformers, the first step is at position 0: with a warm-up its learning rate is 0.
    pub fn factor(&self, step: u64, steps: u64) -> f64 {
        let at = step.saturating_sub(1);
        let warmup = self.warmup().steps(steps);
        if at < warmup {
            return at as f64 / warmup.max(1) as f64;
        }
        let fall = steps.saturating_sub(warmup).max(1) as f64;
        match self {
            ScheduleConfig::Linear(_) => (steps as f64 - at as f64).max(0.0) / fall,
            ScheduleConfig::Cosine(config) => {
                let done = (at - warmup) as f64 / fall;
                let wave = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
                (wave * (1.0 - config.floor) + config.floor).max(0.0)
            }
            ScheduleConfig::InverseSqrt(_) => {
                let timescale = if warmup == 0 {
                    INVERSE_SQRT_TIMESCALE
                } else {
                    warmup
                };
                let shift = timescale - warmup;
                ((at + shift) as f64 / timescale as f64).sqrt().recip()
            }
            ScheduleConfig::Constant(_) => 1.0,
        }
    }

    /// Checks the values for a run of `steps`.
    ///
    /// # Errors
    /// A share outside 0 to 1, a warm-up longer than the run, a floor outside 0 to 1.
    pub fn validate(&self, steps: u64) -> Result<(), TrainError> {
        let warmup = self.warmup();
        if let Warmup::Share(share) = warmup
            && !(0.0..1.0).contains(&share)
        {
            return Err(TrainError::Config {
                key: "schedule warmup",
                value: share.to_string(),
                must: "it must be a share from 0 to below 1, as in 0.1, or a whole number of steps, as in 100".to_owned(),
            });
        }
        if warmup.steps(steps) > steps {
            return Err(TrainError::Config {
                key: "schedule warmup",
                value: format!("{} steps", warmup.steps(steps)),
                must: format!(
                    "the run has only {steps} steps; shorten the warm-up or train longer"
                ),
            });
        }
        match self {
            ScheduleConfig::Cosine(CosineConfig { floor, .. }) if !(0.0..=1.0).contains(floor) => {
                Err(TrainError::Config {
                    key: "schedule.cosine.floor",
                    value: floor.to_string(),
                    must: "it must be a share of the peak from 0 to 1, as in 0.1".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The warm-up.
    pub fn warmup(&self) -> Warmup {
        match self {
            ScheduleConfig::Linear(config) | ScheduleConfig::InverseSqrt(config) => config.warmup,
            ScheduleConfig::Cosine(config) => config.warmup,
            ScheduleConfig::Constant(config) => config.warmup,
        }
    }
}

/// transformers' timescale of the inverse square root without a warm-up.
const INVERSE_SQRT_TIMESCALE: u64 = 10_000;
