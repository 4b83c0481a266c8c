//! `results.json` of a sweep.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::json;
use crate::commands::lab::ablate::results::Verdict;

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
    /// What was asked, in words.
    #[serde(default)]
    pub question: String,
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
    /// What a level does on average over the levels of the other axes.
    #[serde(default)]
    pub effects: Vec<Effect>,
    /// What can be said.
    #[serde(default)]
    pub verdicts: Vec<Verdict>,
}

/// An arm.
#[derive(Clone, Debug, Deserialize)]
pub struct Arm {
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// The arm that it is compared with, where there are several baselines.
    #[serde(default)]
    pub compared_with: String,
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
    /// Why it has none.
    pub failed: Option<String>,
}

/// What a level does.
#[derive(Clone, Debug, Deserialize)]
pub struct Effect {
    /// The axis.
    #[serde(default)]
    pub axis: String,
    /// The level.
    #[serde(default)]
    pub level: String,
    /// The level that it is compared with.
    #[serde(default)]
    pub against: String,
    /// The difference, by metric.
    #[serde(default)]
    pub comparisons: BTreeMap<String, Interval>,
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

impl Interval {
    /// The ends; one value has none, it says nothing about others.
    pub fn ends(&self) -> Option<(f64, f64)> {
        self.low.zip(self.high).filter(|_| self.n != Some(1))
    }
}

impl Sweep {
    /// The arm that an arm is compared with; itself for a baseline.
    pub fn baseline_of<'a>(&'a self, arm: &'a Arm) -> &'a str {
        match arm.compared_with.is_empty() {
            true => &self.baseline,
            false => &arm.compared_with,
        }
    }

    /// Whether other arms are compared with it.
    pub fn is_baseline(&self, arm: &Arm) -> bool {
        self.baseline_of(arm) == arm.name
    }

    /// The metrics, that of the question first.
    pub fn metrics(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let all = || self.arms.iter().flat_map(|arm| arm.summary.keys());
        let own = all().filter(|name| **name == self.metric);
        for name in own.chain(all()) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }
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

#[cfg(test)]
mod tests {
    use cresset_metrics::{PairedDifference, Summary};

    use super::*;
    use crate::commands::lab::ablate::results::{self, Comparison};

    #[test]
    fn one_value_has_no_interval_and_an_arm_is_compared_with_the_baseline_that_it_names() {
        let sweep: Sweep = serde_json::from_str(
            r#"{"metric": "bleu", "baseline": "a", "arms": [
                {"name": "a", "summary": {"accuracy": {"n": 1}, "bleu": {"n": 1}}},
                {"name": "b", "against_baseline": {"bleu": {"n": 1, "mean": 1.0, "low": 1.0, "high": 1.0}}},
                {"name": "c", "compared_with": "c"},
                {"name": "d", "compared_with": "c", "against_baseline": {"bleu": {"n": 2, "mean": 1.0, "low": 0.0, "high": 2.0}}}
            ]}"#,
        )
        .expect("a sweep");
        let baselines = sweep.arms.iter().map(|arm| sweep.baseline_of(arm));
        assert_eq!(baselines.collect::<Vec<_>>(), ["a", "a", "c", "c"]);
        let ends = |arm: usize| sweep.arms[arm].against_baseline["bleu"].ends();
        assert_eq!((ends(1), ends(3)), (None, Some((0.0, 2.0))));
        assert_eq!(sweep.metrics(), ["bleu", "accuracy"]);
    }

    #[test]
    fn what_lab_ablate_writes_is_read_with_nothing_lost_that_is_shown() {
        let summary = |mean| Summary::of(&[mean, mean + 1.0], 0.95).expect("two values");
        let comparison = Comparison {
            paired: PairedDifference::of(&[2.0, 3.5], &[1.0, 2.0], 0.95).expect("two pairs"),
            p_adjusted: Some(0.5),
        };
        let arm = results::Arm {
            name: "b".into(),
            levels: BTreeMap::new(),
            compared_with: "a".into(),
            runs: vec![results::Run {
                seed: 7,
                folder: "train/b/seed-7".into(),
                values: BTreeMap::new(),
                failed: Some("why".into()),
            }],
            summary: BTreeMap::from([("bleu".into(), summary(2.0))]),
            against_baseline: BTreeMap::from([("bleu".into(), comparison)]),
            curves: BTreeMap::from([(
                "loss".into(),
                vec![results::CurvePoint {
                    step: 5,
                    summary: summary(1.0),
                }],
            )]),
        };
        let written = results::Results {
            name: "n".into(),
            question: "q".into(),
            metric: "bleu".into(),
            better: "higher".into(),
            confidence: 0.9,
            seeds: vec![7],
            baseline: "a".into(),
            arms: vec![arm],
            effects: vec![results::Effect {
                axis: "x".into(),
                level: "l".into(),
                against: "k".into(),
                comparisons: BTreeMap::from([("bleu".into(), comparison)]),
            }],
            verdicts: vec![Verdict {
                metric: None,
                sentence: "v".into(),
            }],
        };
        let text = serde_json::to_string(&written).expect("JSON");
        let sweep: Sweep = serde_json::from_str(&text).expect("a sweep");
        let (arm, effect) = (&sweep.arms[0], &sweep.effects[0]);
        let found = |difference: &Interval| (difference.mean, difference.n, difference.p_adjusted);
        assert_eq!(
            found(&arm.against_baseline["bleu"]),
            (Some(1.25), Some(2), Some(0.5))
        );
        assert_eq!(
            found(&effect.comparisons["bleu"]),
            (Some(1.25), Some(2), Some(0.5))
        );
        assert!(arm.against_baseline["bleu"].p.is_some() && arm.summary["bleu"].sd.is_some());
        assert_eq!(
            (arm.curves["loss"][0].step, arm.curves["loss"][0].mean),
            (5, Some(1.5))
        );
        assert_eq!(
            (arm.runs[0].seed, arm.runs[0].failed.as_deref()),
            (Some(7), Some("why"))
        );
        assert_eq!(
            (sweep.confidence, sweep.better.as_deref()),
            (Some(0.9), Some("higher"))
        );
        assert_eq!(
            (&*sweep.question, &*effect.against, &*arm.compared_with),
            ("q", "k", "a")
        );
    }
}
