//! Several runs beside each other.

use std::collections::BTreeMap;

use maud::Markup;

use super::super::draw::{Series, Spacing};
use super::super::html::{Cell, Section, beside, figure, table};
use super::super::language::phrase;
use super::super::number::number_or_dash;
use super::super::read::Run;
use super::curves::{chart, metrics, series};
use crate::cli::ReportLanguage;

/// The metrics that two runs or more have; `None` with fewer runs.
pub fn section(language: ReportLanguage, runs: &[Run]) -> Option<Section> {
    if runs.len() < 2 {
        return None;
    }
    let mut by_metric: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    for (style, run) in runs.iter().enumerate() {
        for (name, points) in metrics(run) {
            by_metric
                .entry(name)
                .or_default()
                .push(series(style, &run.name, points));
        }
    }
    by_metric.retain(|_, series| series.len() > 1);
    if by_metric.is_empty() {
        return None;
    }
    let charts = by_metric.iter().filter_map(|(name, series)| {
        let label = phrase(format!("held-out {name}"), format!("留出集 {name}"));
        chart(language, label, Spacing::Linear, series.clone())
    });
    let drawings: Vec<Markup> = charts.map(|chart| chart.draw()).collect();
    let names: Vec<&String> = by_metric.keys().collect();
    let mut head = vec![phrase("run", "训练")];
    head.extend(
        names
            .iter()
            .map(|name| phrase(name.as_str(), name.as_str())),
    );
    let row = |run: &Run| {
        let metrics = metrics(run);
        let last = |name: &&String| metrics.get(*name).and_then(|points| points.last());
        let numbers = names
            .iter()
            .map(|name| Cell::Number(number_or_dash(last(name).map(|p| p.y))));
        let name = Cell::Text(run.name.clone());
        std::iter::once(name).chain(numbers).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<Cell>> = runs.iter().map(row).collect();
    let caption = phrase(
        "What runs have in common. The table has the values of the last evaluations. Single runs differ by chance too: whether a difference means something, several seeds must tell.",
        "各次训练的共同指标，表中是末次评测的值。单次训练之间也会因偶然而不同：差异是否有意义，要用多个随机种子来判断。",
    );
    Some(Section {
        id: "runs".to_owned(),
        heading: phrase("The runs side by side", "各次训练的对比").show(language),
        content: figure(
            language,
            &beside(&drawings),
            &caption,
            Some(table(language, &head, &rows)),
        ),
        parts: Vec::new(),
    })
}
