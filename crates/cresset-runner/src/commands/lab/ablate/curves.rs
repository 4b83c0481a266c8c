//! The course of a run, read from its `metrics.jsonl`, and the mean course of several.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use cresset_metrics::Summary;
use serde_json::Value;

use super::results::CurvePoint;

/// Points of a smoothed training loss.
const BINS: usize = 40;

/// What a run logged.
#[derive(Debug, Default)]
struct Course {
    /// Training loss after each step.
    losses: Vec<(u64, f64)>,
    /// Held-out metrics by name: step and value.
    held_out: BTreeMap<String, Vec<(u64, f64)>>,
}

impl Course {
    fn read(path: &Path) -> anyhow::Result<Course> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let mut course = Course::default();
        for (at, line) in text.lines().enumerate() {
            let event: Value = serde_json::from_str(line).with_context(|| {
                format!("{}, line {}: not a line of JSON", path.display(), at + 1)
            })?;
            let Some(step) = event["step"].as_u64() else {
                continue;
            };
            match event["event"].as_str() {
                Some("step") => course
                    .losses
                    .extend(event["loss"].as_f64().map(|loss| (step, loss))),
                Some("evaluated") => {
                    for (name, value) in event["values"].as_object().into_iter().flatten() {
                        if let Some(value) = value.as_f64() {
                            let curve = course.held_out.entry(name.clone()).or_default();
                            curve.push((step, value));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(course)
    }
}

/// `early_loss`, the mean training loss of the first share of the steps, and `mean_train_loss`, that of all: the smaller, the
/// faster a run learnt.
///
/// # Errors
/// A log that cannot be read.
pub fn of_training(log: &Path, early: f64) -> anyhow::Result<BTreeMap<String, f64>> {
    let losses = Course::read(log)?.losses;
    let mean = |losses: &[(u64, f64)]| {
        losses.iter().map(|(_, loss)| loss).sum::<f64>() / losses.len() as f64
    };
    if losses.is_empty() {
        return Ok(BTreeMap::new());
    }
    let first = ((losses.len() as f64 * early).ceil() as usize).clamp(1, losses.len());
    Ok(BTreeMap::from([
        ("early_loss".to_owned(), mean(&losses[..first])),
        ("mean_train_loss".to_owned(), mean(&losses)),
    ]))
}

/// The mean of several runs' courses at each step, by metric.
///
/// # Errors
/// A log that cannot be read.
pub fn of_runs(
    logs: &[&Path],
    confidence: f64,
) -> anyhow::Result<BTreeMap<String, Vec<CurvePoint>>> {
    let mut values: BTreeMap<String, BTreeMap<u64, Vec<f64>>> = BTreeMap::new();
    for log in logs {
        let course = Course::read(log)?;
        let smoothed = ("train_loss".to_owned(), binned(&course.losses));
        for (name, points) in course.held_out.into_iter().chain([smoothed]) {
            let curve = values.entry(name).or_default();
            for (step, value) in points {
                curve.entry(step).or_default().push(value);
            }
        }
    }
    let summarised = values.into_iter().map(|(name, curve)| {
        let points = curve.into_iter().map(|(step, values)| {
            let summary = Summary::of(&values, confidence)?;
            Ok(CurvePoint { step, summary })
        });
        Ok((name, points.collect::<anyhow::Result<_>>()?))
    });
    summarised.collect()
}

/// The means of bins of steps, each at its last step.
fn binned(losses: &[(u64, f64)]) -> Vec<(u64, f64)> {
    let size = losses.len().div_ceil(BINS).max(1);
    let mean = |bin: &[(u64, f64)]| {
        let sum: f64 = bin.iter().map(|(_, loss)| loss).sum();
        bin.last().map(|(step, _)| (*step, sum / bin.len() as f64))
    };
    losses.chunks(size).filter_map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(losses: &[f64]) -> tempfile::NamedTempFile {
        let lines = losses.iter().enumerate().map(|(at, loss)| {
            format!(
                "{{\"event\":\"step\",\"step\":{},\"loss\":{loss}}}\n",
                at + 1
            )
        });
        let file = tempfile::NamedTempFile::new().expect("a file");
        let held_out = "{\"event\":\"evaluated\",\"step\":2,\"values\":{\"accuracy\":0.5}}\n";
        let other = "{\"event\":\"special\",\"step\":2,\"vectors\":[]}\n";
        let text: String = lines.chain([held_out.into(), other.into()]).collect();
        std::fs::write(file.path(), text).expect("writes");
        file
    }

    #[test]
    fn the_early_loss_is_that_of_the_first_share_of_the_steps() {
        let values = of_training(log(&[4.0, 2.0, 1.0, 1.0]).path(), 0.5).expect("reads");
        assert_eq!(
            (values["early_loss"], values["mean_train_loss"]),
            (3.0, 2.0)
        );
    }

    #[test]
    fn a_curve_is_the_mean_over_the_runs() {
        let (a, b) = (log(&[4.0, 2.0]), log(&[2.0, 2.0]));
        let curves = of_runs(&[a.path(), b.path()], 0.95).expect("reads");
        let means: Vec<(u64, f64)> = curves["train_loss"]
            .iter()
            .map(|point| (point.step, point.summary.mean))
            .collect();
        assert_eq!(means, [(1, 3.0), (2, 2.0)]);
        assert_eq!(curves["accuracy"][0].summary.n, 2);
    }
}
