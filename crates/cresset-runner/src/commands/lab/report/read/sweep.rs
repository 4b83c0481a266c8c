//! `results.json` of a sweep.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::json;

/// The file of a sweep's results.
pub const FILE: &str = "results.json";

/// A sweep: arms, each a policy, over the same seeds.
#[derive(Clone, Debug, Deserialize)]
pub struct Sweep {
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// The folder, as it was named.
    #[serde(skip)]
    pub folder: String,
    /// The metric that it is about.
    #[serde(default)]
    pub metric: String,
    /// Which direction of it is better.
    pub better: Option<String>,
    /// How sure the intervals are.
    pub confidence: Option<f64>,
    /// The seeds.
    #[serde(default)]
    pub seeds: Vec<u64>,
    /// The arm that the others are compared with.
    #[serde(default)]
    pub baseline: String,
    /// The arms.
    #[serde(default)]
    pub arms: Vec<Arm>,
    /// What can be said.
    #[serde(default)]
    pub verdicts: Vec<String>,
}

/// An arm.
#[derive(Clone, Debug, Deserialize)]
pub struct Arm {
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// Its runs.
    #[serde(default)]
    pub runs: Vec<ArmRun>,
    /// Each metric over the seeds.
    #[serde(default)]
    pub summary: BTreeMap<String, Interval>,
    /// Each metric's difference from the baseline, seed by seed.
    #[serde(default)]
    pub against_baseline: BTreeMap<String, Interval>,
    /// Curves over the seeds, by name.
    #[serde(default)]
    pub curves: BTreeMap<String, Vec<CurvePoint>>,
}

/// A run of an arm.
#[derive(Clone, Debug, Deserialize)]
pub struct ArmRun {
    /// Its seed.
    pub seed: Option<u64>,
    /// Its metrics.
    #[serde(default)]
    pub values: BTreeMap<String, Option<f64>>,
}

/// A mean with its interval.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Interval {
    /// Runs.
    pub n: Option<usize>,
    /// The mean.
    pub mean: Option<f64>,
    /// Standard deviation.
    pub sd: Option<f64>,
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Of a difference: how probable one so large is where there is none.
    pub p: Option<f64>,
    /// The same for as many comparisons as were made.
    pub p_adjusted: Option<f64>,
}

/// A point of a curve over the seeds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct CurvePoint {
    /// After this step.
    pub step: u64,
    /// The mean.
    pub mean: Option<f64>,
    /// Lower end.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// Reads a sweep's folder.
///
/// # Errors
/// A file that does not parse.
pub fn read(folder: &Path) -> anyhow::Result<Sweep> {
    let mut sweep: Sweep = json(
        &folder.join(FILE),
        "the results.json that `cresset lab ablate` wrote",
    )?;
    sweep.folder = folder.display().to_string();
    Ok(sweep)
}
