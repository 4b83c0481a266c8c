//! A sweep's results as a person reads them.

use super::results::{Arm, Comparison, Results};
use super::study::Study;

/// The table as Markdown: an arm a line, mean and standard deviation of each metric, and the difference of the first from the
/// baseline with its interval and p.
pub fn markdown(results: &Results, study: &Study) -> String {
    let metrics: Vec<&String> = std::iter::once(&study.metric).chain(&study.also).collect();
    let mut lines = Vec::new();
    if !results.question.is_empty() {
        lines.extend([results.question.clone(), String::new()]);
    }
    let mut head = vec!["arm".to_owned(), "n".to_owned()];
    head.extend(metrics.iter().map(|metric| format!("{metric} (sd)")));
    head.push(match study.within.is_empty() {
        true => format!("{} against {}", study.metric, results.baseline),
        false => format!(
            "{} against the baseline of its {}",
            study.metric,
            study.within.join(", ")
        ),
    });
    head.push("p".to_owned());
    head.push("p (Holm)".to_owned());
    lines.push(row(&head));
    lines.push(row(&vec!["---".to_owned(); head.len()]));
    for arm in &results.arms {
        let n = arm.runs.iter().filter(|run| run.failed.is_none()).count();
        let mut cells = vec![arm.name.clone(), n.to_string()];
        cells.extend(metrics.iter().map(|metric| mean(arm, metric)));
        cells.extend(difference(arm.against_baseline.get(&study.metric)));
        lines.push(row(&cells));
    }
    if !results.effects.is_empty() {
        lines.push(String::new());
        lines.push(row(&[
            "axis",
            "level",
            "against",
            &study.metric,
            "p",
            "p (Holm)",
        ]
        .map(str::to_owned)));
        lines.push(row(&vec!["---".to_owned(); 6]));
        for effect in &results.effects {
            let mut cells = vec![
                effect.axis.clone(),
                effect.level.clone(),
                effect.against.clone(),
            ];
            cells.extend(difference(effect.comparisons.get(&study.metric)));
            lines.push(row(&cells));
        }
    }
    lines.push(String::new());
    lines.extend(
        results
            .verdicts
            .iter()
            .map(|verdict| format!("- {}", verdict.sentence)),
    );
    lines.push(String::new());
    lines.join("\n")
}

fn row(cells: &[String]) -> String {
    let escaped: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |", escaped.join(" | "))
}

fn mean(arm: &Arm, metric: &str) -> String {
    arm.summary.get(metric).map_or_else(
        || "-".to_owned(),
        |summary| {
            let digits = digits(summary.mean);
            format!("{:.digits$} ({:.digits$})", summary.mean, summary.sd)
        },
    )
}

fn difference(found: Option<&Comparison>) -> [String; 3] {
    let Some(found) = found else {
        return ["baseline".to_owned(), String::new(), String::new()];
    };
    let difference = found.paired.difference;
    let digits = digits(difference.high.abs().max(difference.low.abs()));
    let p = |p: Option<f64>| match p {
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
        None => String::new(),
    };
    [
        format!(
            "{:+.digits$} [{:+.digits$}, {:+.digits$}]",
            difference.mean, difference.low, difference.high
        ),
        p(found.paired.p),
        p(found.p_adjusted),
    ]
}

/// Decimals that show four figures of a value, or so.
fn digits(x: f64) -> usize {
    match x.abs() {
        x if x >= 100.0 => 1,
        x if x >= 10.0 => 2,
        x if x >= 1.0 => 3,
        _ => 4,
    }
}
