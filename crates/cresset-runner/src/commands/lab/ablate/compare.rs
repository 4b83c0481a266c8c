//! From outcomes of runs to means, differences and effects.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cresset_metrics::{Better, PairedDifference, Summary, holm};

use super::grid::{Choice, Grid};
use super::results::{Arm, Comparison, Effect, Results, Run};
use super::study::{Axis, Study};
use super::work::Outcome;
use super::{curves, verdict};
use crate::better::better;

/// Everything that `results.json` holds.
///
/// # Errors
/// A log that cannot be read.
pub fn results(
    study: &Study,
    axes: &[Axis],
    grid: &Grid<'_>,
    outcomes: &BTreeMap<PathBuf, Outcome>,
) -> anyhow::Result<Results> {
    let arms = grid
        .arms
        .iter()
        .map(|arm| arm_of(study, grid, arm, outcomes));
    let mut arms = arms.collect::<anyhow::Result<Vec<Arm>>>()?;
    compare_arms(&mut arms, study.confidence);
    let mut results = Results {
        name: named(&study.out),
        question: study.question.clone(),
        metric: study.metric.clone(),
        better: match better(&study.metric) {
            Better::Higher => "higher".to_owned(),
            Better::Lower => "lower".to_owned(),
        },
        confidence: study.confidence,
        seeds: study.seeds.clone(),
        baseline: grid.name(&grid.baseline),
        effects: effects(study, axes, &arms, &grid.levels(&grid.baseline)),
        arms,
        verdicts: Vec::new(),
    };
    results.verdicts = verdict::verdicts(&results, study);
    Ok(results)
}

fn named(out: &Path) -> String {
    out.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn arm_of(
    study: &Study,
    grid: &Grid<'_>,
    arm: &Choice,
    outcomes: &BTreeMap<PathBuf, Outcome>,
) -> anyhow::Result<Arm> {
    let last = study.stages.len() - 1;
    let mut runs = Vec::new();
    for &seed in &study.seeds {
        let folder = grid.run(arm, last, seed).folder;
        let (mut values, failed) = match outcomes.get(&folder) {
            Some(Ok(values)) => (values.clone(), None),
            Some(Err(why)) => (BTreeMap::new(), Some(why.clone())),
            None => (BTreeMap::new(), Some("it is not trained yet".to_owned())),
        };
        for (name, metric) in grid.measures(arm) {
            if let Some(value) = values.get(metric).copied() {
                values.insert(name.to_owned(), value);
            }
        }
        runs.push(Run {
            seed,
            folder,
            values,
            failed,
        });
    }
    let measured: Vec<&Run> = runs.iter().filter(|run| run.failed.is_none()).collect();
    let names: BTreeSet<&String> = measured.iter().flat_map(|run| run.values.keys()).collect();
    let summary = names.into_iter().map(|name| {
        let values: Vec<f64> = measured
            .iter()
            .filter_map(|run| run.values.get(name).copied())
            .collect();
        Ok((name.clone(), Summary::of(&values, study.confidence)?))
    });
    let summary = summary.collect::<anyhow::Result<_>>()?;
    let logs: Vec<PathBuf> = measured
        .iter()
        .map(|run| study.out.join(&run.folder).join("metrics.jsonl"))
        .collect();
    let logs: Vec<&Path> = logs.iter().map(PathBuf::as_path).collect();
    let curves = curves::of_runs(&logs, study.confidence)?;
    Ok(Arm {
        name: grid.name(arm),
        levels: grid.levels(arm),
        compared_with: grid.name(&grid.baseline_of(arm)),
        runs,
        summary,
        against_baseline: BTreeMap::new(),
        curves,
    })
}

/// The values of a metric by seed.
fn by_seed(arm: &Arm, name: &str) -> BTreeMap<u64, f64> {
    let values = arm.runs.iter();
    values
        .filter_map(|run| Some((run.seed, *run.values.get(name)?)))
        .collect()
}

/// The difference under the seeds that both have.
fn paired(
    a: &BTreeMap<u64, f64>,
    b: &BTreeMap<u64, f64>,
    confidence: f64,
) -> Option<PairedDifference> {
    let both = a.iter().filter_map(|(seed, a)| Some((*a, *b.get(seed)?)));
    let (a, b): (Vec<f64>, Vec<f64>) = both.unzip();
    PairedDifference::of(&a, &b, confidence).ok()
}

/// Compares every arm with its baseline; p is corrected for all the comparisons with the same baseline.
fn compare_arms(arms: &mut [Arm], confidence: f64) {
    let baselines: BTreeSet<String> = arms.iter().map(|arm| arm.compared_with.clone()).collect();
    for baseline in baselines {
        let Some(base) = arms.iter().find(|arm| arm.name == baseline).cloned() else {
            continue;
        };
        for name in base.summary.keys() {
            let values = by_seed(&base, name);
            let found: Vec<(usize, PairedDifference)> = arms
                .iter()
                .enumerate()
                .filter(|(_, arm)| arm.compared_with == baseline && arm.name != baseline)
                .filter_map(|(at, arm)| {
                    Some((at, paired(&by_seed(arm, name), &values, confidence)?))
                })
                .collect();
            let corrected = corrected(found.iter().map(|(_, paired)| *paired));
            for ((at, _), comparison) in found.iter().zip(corrected) {
                arms[*at].against_baseline.insert(name.clone(), comparison);
            }
        }
    }
}

/// Comparisons with p corrected for their number.
fn corrected(found: impl Iterator<Item = PairedDifference>) -> Vec<Comparison> {
    let found: Vec<PairedDifference> = found.collect();
    let p: Option<Vec<f64>> = found.iter().map(|paired| paired.p).collect();
    let adjusted = p.map(|p| holm(&p));
    let comparison = |(at, paired): (usize, &PairedDifference)| Comparison {
        paired: *paired,
        p_adjusted: adjusted.as_ref().map(|adjusted| adjusted[at]),
    };
    found.iter().enumerate().map(comparison).collect()
}

/// Each level against the baseline's level of its axis: for every seed the mean over those combinations of the other axes
/// that both levels have, then paired over the seeds.
fn effects(
    study: &Study,
    axes: &[Axis],
    arms: &[Arm],
    baseline: &BTreeMap<String, String>,
) -> Vec<Effect> {
    if axes.len() < 2 {
        return Vec::new();
    }
    let compared = axes
        .iter()
        .filter(|axis| !study.within.contains(&axis.name));
    let names: BTreeSet<&String> = arms.iter().flat_map(|arm| arm.summary.keys()).collect();
    let mut effects = Vec::new();
    for axis in compared {
        let against = &baseline[&axis.name];
        let levels = axis.levels.iter().map(|level| &level.name);
        let others: Vec<&String> = levels.filter(|level| *level != against).collect();
        let mut of_axis: Vec<Effect> = others
            .iter()
            .map(|level| Effect {
                axis: axis.name.clone(),
                level: (*level).clone(),
                against: against.clone(),
                comparisons: BTreeMap::new(),
            })
            .collect();
        for name in &names {
            let found: Vec<(usize, PairedDifference)> = others
                .iter()
                .enumerate()
                .filter_map(|(at, level)| {
                    let (a, b) = averages(arms, &axis.name, (level, against), name);
                    Some((at, paired(&a, &b, study.confidence)?))
                })
                .collect();
            let corrected = corrected(found.iter().map(|(_, paired)| *paired));
            for ((at, _), comparison) in found.iter().zip(corrected) {
                of_axis[*at].comparisons.insert((*name).clone(), comparison);
            }
        }
        effects.extend(of_axis);
    }
    effects
}

/// Means by seed of the arms with the one and the other level, over pairs of arms that differ in this axis alone.
fn averages(
    arms: &[Arm],
    axis: &str,
    (level, against): (&str, &str),
    name: &str,
) -> (BTreeMap<u64, f64>, BTreeMap<u64, f64>) {
    let mut sums: BTreeMap<u64, (f64, f64, usize)> = BTreeMap::new();
    for one in arms.iter().filter(|arm| arm.levels[axis] == level) {
        let mut levels = one.levels.clone();
        levels.insert(axis.to_owned(), against.to_owned());
        let Some(other) = arms.iter().find(|arm| arm.levels == levels) else {
            continue;
        };
        let (a, b) = (by_seed(one, name), by_seed(other, name));
        for (seed, a) in a {
            if let Some(b) = b.get(&seed) {
                let sum = sums.entry(seed).or_default();
                *sum = (sum.0 + a, sum.1 + b, sum.2 + 1);
            }
        }
    }
    let most = sums.values().map(|(_, _, n)| *n).max().unwrap_or(0);
    // A seed that misses an arm would be an average over other arms than the rest.
    let whole = sums.into_iter().filter(|(_, (_, _, n))| *n == most);
    let means = whole.map(|(seed, (a, b, n))| ((seed, a / n as f64), (seed, b / n as f64)));
    means.unzip()
}
