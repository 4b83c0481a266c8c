//! A sweep: which policy is better, and how sure that is.

use maud::{Markup, html};

use super::super::draw::{Chart, Forest, ForestRow, Named, Point, Spacing};
use super::super::html::{Cell, Part, Section, beside, figure, part, table};
use super::super::language::{Phrase, phrase};
use super::super::number::{interval, number, number_or_dash, p_value};
use super::super::read::{Arm, CurvePoint, Interval, Sweep};
use super::curves::{chart, series};
use super::headed;
use crate::cli::ReportLanguage;

/// Arms in one chart; with more, their bands hide each other.
const ARMS_TOGETHER: usize = 5;

/// Verdicts, table, forest plots and curves.
pub fn section(language: ReportLanguage, number: usize, sweep: &Sweep) -> Section {
    let name = match sweep.name.is_empty() {
        true => &sweep.folder,
        false => &sweep.name,
    };
    let parts = [
        verdicts(language, sweep),
        arms(language, sweep),
        differences(language, sweep),
        curves(language, sweep),
    ];
    Section {
        id: format!("sweep-{number}"),
        heading: headed(language, ("Sweep", "对比实验"), name),
        content: html! { p { (what(sweep).show(language)) } },
        parts: parts.into_iter().flatten().collect(),
    }
}

fn what(sweep: &Sweep) -> Phrase {
    let (n_arms, n_seeds, metric, baseline) = (
        sweep.arms.len(),
        sweep.seeds.len(),
        &sweep.metric,
        &sweep.baseline,
    );
    let (en, zh) = match sweep.better.as_deref() {
        Some("higher") => (", where more is better", "（越大越好）"),
        Some("lower") => (", where less is better", "（越小越好）"),
        _ => ("", ""),
    };
    phrase(
        format!(
            "{n_arms} arms with {n_seeds} seeds each, compared by {metric}{en}. The baseline is {baseline}."
        ),
        format!(
            "{n_arms} 组设置，每组 {n_seeds} 个随机种子，按 {metric}{zh} 比较。基线为 {baseline}。"
        ),
    )
}

fn verdicts(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let list = html! { ul { @for verdict in &sweep.verdicts { li { (verdict) } } } };
    let content = (!sweep.verdicts.is_empty()).then_some(list);
    let _ = language;
    part(phrase("Verdicts", "结论"), content)
}

/// The metrics in the order of the sweep's own first.
fn metrics(sweep: &Sweep) -> Vec<&String> {
    let mut names: Vec<&String> = Vec::new();
    let own = sweep.arms.iter().flat_map(|arm| arm.summary.keys());
    let (first, others): (Vec<_>, Vec<_>) = own.partition(|name| **name == sweep.metric);
    for name in first.into_iter().chain(others) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn sure(sweep: &Sweep) -> String {
    format!("{:.0} %", sweep.confidence.unwrap_or(0.95) * 100.0)
}

fn arms(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let metrics = metrics(sweep);
    let head = [
        phrase("arm", "设置"),
        phrase("n", "次数"),
        phrase("mean", "均值"),
        phrase("sd", "标准差"),
        phrase("interval", "置信区间"),
        phrase("difference", "与基线之差"),
        phrase("its interval", "差的置信区间"),
        phrase("p", "p 值"),
        phrase("p, adjusted", "校正后 p 值"),
    ];
    let tables = metrics.iter().map(|metric| {
        let row = |arm: &Arm| {
            let of = |i: Option<&Interval>, value: fn(&Interval) -> Option<f64>| {
                Cell::Number(number_or_dash(i.and_then(value)))
            };
            let own = arm.summary.get(*metric);
            let difference = arm.against_baseline.get(*metric);
            let ends = |i: Option<&Interval>| {
                Cell::Number(interval(i.and_then(|i| i.low), i.and_then(|i| i.high)))
            };
            let n = own
                .and_then(|i| i.n)
                .map_or_else(|| "–".to_owned(), |n| n.to_string());
            let name = match arm.name == sweep.baseline {
                true => format!("{} (baseline)", arm.name),
                false => arm.name.clone(),
            };
            vec![
                Cell::Text(name),
                Cell::Number(n),
                of(own, |i| i.mean),
                of(own, |i| i.sd),
                ends(own),
                of(difference, |i| i.mean),
                ends(difference),
                Cell::Number(p_value(difference.and_then(|i| i.p))),
                Cell::Number(p_value(difference.and_then(|i| i.p_adjusted))),
            ]
        };
        let rows: Vec<Vec<Cell>> = sweep.arms.iter().map(row).collect();
        (metric, table(language, &head, &rows))
    });
    let tables: Vec<_> = tables.collect();
    let note = phrase(
        format!(
            "Means over the seeds with {} intervals. Differences are taken seed by seed; the adjusted p allows for there being several comparisons.",
            sure(sweep)
        ),
        format!(
            "各随机种子的均值与 {} 置信区间。与基线之差按相同种子成对计算；校正后的 p 值考虑了多重比较。",
            sure(sweep)
        ),
    );
    let content = html! {
        p.note { (note.show(language)) }
        @for (metric, table) in &tables { h4 { (metric) } (table) }
    };
    let seeds = by_seed(language, sweep);
    let content = html! { (content) @if let Some(seeds) = seeds { (seeds) } };
    part(
        phrase("All arms", "全部设置"),
        (!tables.is_empty()).then_some(content),
    )
}

/// The metric of every single run.
fn by_seed(language: ReportLanguage, sweep: &Sweep) -> Option<Markup> {
    if sweep.arms.iter().all(|arm| arm.runs.is_empty()) || sweep.seeds.is_empty() {
        return None;
    }
    let mut head = vec![phrase("arm", "设置")];
    head.extend(
        sweep
            .seeds
            .iter()
            .map(|seed| phrase(format!("seed {seed}"), format!("种子 {seed}"))),
    );
    let row = |arm: &Arm| {
        let of_seed = |seed: &u64| {
            let run = arm.runs.iter().find(|run| run.seed == Some(*seed));
            let value = run.and_then(|run| *run.values.get(&sweep.metric)?);
            Cell::Number(number_or_dash(value))
        };
        let name = Cell::Text(arm.name.clone());
        std::iter::once(name)
            .chain(sweep.seeds.iter().map(of_seed))
            .collect::<Vec<_>>()
    };
    let rows: Vec<Vec<Cell>> = sweep.arms.iter().map(row).collect();
    let title = phrase(
        format!("{} of every run", sweep.metric),
        format!("每次训练的 {}", sweep.metric),
    );
    Some(html! {
        details {
            summary { (title.show(language)) }
            (table(language, &head, &rows))
        }
    })
}

fn differences(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let forests: Vec<Markup> = metrics(sweep)
        .into_iter()
        .filter_map(|metric| forest(language, sweep, metric))
        .collect();
    let caption = phrase(
        format!(
            "Mean difference of each arm from {}, with its {} interval; the line marks no difference. A filled mark: the interval leaves 0 out. A hollow one: the data do not tell the arms apart.",
            sweep.baseline,
            sure(sweep)
        ),
        format!(
            "各设置与 {} 的平均差及其 {} 置信区间；竖线表示没有差别。实心：区间不含 0；空心：数据不足以区分两者。",
            sweep.baseline,
            sure(sweep)
        ),
    );
    let content = figure(language, &beside(&forests), &caption, None);
    let heading = phrase("Differences from the baseline", "与基线的差异");
    part(heading, (!forests.is_empty()).then_some(content))
}

fn forest(language: ReportLanguage, sweep: &Sweep, metric: &str) -> Option<Markup> {
    let row = |arm: &Arm| {
        let difference = arm.against_baseline.get(metric)?;
        Some(ForestRow::Difference {
            name: arm.name.clone(),
            mean: difference.mean?,
            ends: difference.low.zip(difference.high),
        })
    };
    let rows: Vec<ForestRow> = sweep.arms.iter().filter_map(row).collect();
    let label = phrase(format!("difference of {metric}"), format!("{metric} 之差"));
    let said = sweep.arms.iter().filter_map(|arm| {
        let d = arm.against_baseline.get(metric)?;
        Some(format!(
            "{} {} {}",
            arm.name,
            number(d.mean?),
            interval(d.low, d.high)
        ))
    });
    let forest = Forest {
        named: Named {
            title: label.text(language).to_owned(),
            description: said.collect::<Vec<_>>().join("; "),
        },
        label: label.text(language).to_owned(),
        rows,
    };
    (!forest.rows.is_empty()).then(|| forest.draw())
}

fn curves(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let mut names: Vec<&String> = Vec::new();
    for name in sweep.arms.iter().flat_map(|arm| arm.curves.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (baseline, others): (Vec<&Arm>, Vec<&Arm>) = sweep
        .arms
        .iter()
        .partition(|arm| arm.name == sweep.baseline);
    let chunks: Vec<&[&Arm]> = match others.is_empty() {
        true => vec![&[]],
        false => others.chunks(ARMS_TOGETHER).collect(),
    };
    let mut drawings = Vec::new();
    for name in names {
        for chunk in &chunks {
            let arms = baseline.iter().chain(*chunk);
            let series = arms.enumerate().map(|(style, arm)| {
                let points = arm.curves.get(name).into_iter().flatten();
                let point = |p: &CurvePoint| {
                    Some(Point {
                        x: p.step as f64,
                        y: p.mean?,
                        band: p.low.zip(p.high),
                    })
                };
                series(style, &arm.name, points.filter_map(point).collect())
            });
            let label = phrase(name.as_str(), name.as_str());
            drawings.extend(chart(language, label, Spacing::Linear, series.collect()));
        }
    }
    let drawings: Vec<Markup> = drawings.iter().map(Chart::draw).collect();
    let caption = phrase(
        format!(
            "Means over the seeds with {} bands. The baseline is in every chart.",
            sure(sweep)
        ),
        format!(
            "各随机种子的均值与 {} 置信带。每幅图都包含基线。",
            sure(sweep)
        ),
    );
    let content = figure(language, &beside(&drawings), &caption, None);
    part(
        phrase("Curves of the arms", "各设置的曲线"),
        (!drawings.is_empty()).then_some(content),
    )
}
