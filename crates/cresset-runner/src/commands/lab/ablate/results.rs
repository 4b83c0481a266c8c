//! What a sweep found: the file `results.json` in its folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cresset_metrics::{PairedDifference, Summary};
use serde::{Deserialize, Serialize};

/// A sweep's runs in numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// The sweep's name: the last part of its folder.
    pub name: String,
    /// What was asked, in words.
    #[serde(default)]
    pub question: String,
    /// The metric that verdicts are about.
    pub metric: String,
    /// `higher` or `lower`.
    pub better: String,
    /// Share of the intervals, such as 0.95.
    pub confidence: f64,
    /// The seeds of every arm.
    pub seeds: Vec<u64>,
    /// The arm that the others are compared with.
    pub baseline: String,
    /// The arms, in the order of the study.
    pub arms: Vec<Arm>,
    /// A level of an axis against the baseline's, the other axes averaged; empty where there is one axis.
    #[serde(default)]
    pub effects: Vec<Effect>,
    /// A sentence for each comparison, and what holds for all of them.
    pub verdicts: Vec<Verdict>,
}

/// What can be said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// The metric that it is about; `None` of what holds for all.
    pub metric: Option<String>,
    /// In words.
    pub sentence: String,
}

/// One choice of a level per axis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arm {
    /// Its levels, joined by `+`.
    pub name: String,
    /// Level by axis.
    pub levels: BTreeMap<String, String>,
    /// The arm that it is compared with: the baseline, or among tasks the baseline of its own task.
    #[serde(default)]
    pub compared_with: String,
    /// What was trained, a run for each seed.
    pub runs: Vec<Run>,
    /// Over the seeds, by metric.
    pub summary: BTreeMap<String, Summary>,
    /// The difference from the baseline under the same seeds, by metric; empty for the baseline.
    #[serde(default)]
    pub against_baseline: BTreeMap<String, Comparison>,
    /// Over the steps, by metric: held-out metrics at each evaluation, and `train_loss`, smoothed.
    #[serde(default)]
    pub curves: BTreeMap<String, Vec<CurvePoint>>,
}

/// One trained model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// Its folder, relative to the sweep's.
    pub folder: PathBuf,
    /// What was measured, by metric; empty if it failed.
    #[serde(default)]
    pub values: BTreeMap<String, f64>,
    /// Why there is nothing to measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// A paired difference among several.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// Mean difference, interval and p.
    #[serde(flatten)]
    pub paired: PairedDifference,
    /// p after Holm's correction for all comparisons of this metric and kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_adjusted: Option<f64>,
}

/// What a level does on average over the levels of the other axes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Effect {
    /// The axis.
    pub axis: String,
    /// The level.
    pub level: String,
    /// The baseline's level of this axis.
    pub against: String,
    /// The difference, by metric.
    pub comparisons: BTreeMap<String, Comparison>,
}

/// The mean of the seeds at a step.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Optimizer steps done.
    pub step: u64,
    /// Over the seeds.
    #[serde(flatten)]
    pub summary: Summary,
}
