//! A sweep: which setting is better, and how sure that is.

use maud::{Markup, html};

use super::super::draw::{Chart, Point, Spacing};
use super::super::html::{Cell, Part, Section, beside, figure, part, table};
use super::super::language::{Phrase, phrase};
use super::super::number::{ABSENT, interval, number_or_dash, p_value};
use super::super::read::{Arm, CurvePoint, Interval, Sweep};
use super::curves::{chart, series};
use super::{differences, headed};
use crate::cli::ReportLanguage;
use crate::commands::lab::ablate::results::Verdict;

/// Arms beside the baseline in one chart; with more, their bands hide each other.
const ARMS_TOGETHER: usize = 4;

/// Verdicts, forest plots, tables and curves.
pub fn section(language: ReportLanguage, number: usize, sweep: &Sweep) -> Section {
    let name = match sweep.name.is_empty() {
        true => &sweep.folder,
        false => &sweep.name,
    };
    let parts = [
        verdicts(language, sweep),
        differences::of_arms(language, sweep),
        differences::of_levels(language, sweep),
        arms(language, sweep),
        curves(language, sweep),
    ];
    Section {
        id: format!("sweep-{number}"),
        heading: headed(language, ("Sweep", "对比实验"), name),
        content: html! {
            @if !sweep.question.is_empty() { p { strong { (sweep.question) } } }
            p { (what(sweep).show(language)) }
        },
        parts: parts.into_iter().flatten().collect(),
    }
}

fn what(sweep: &Sweep) -> Phrase {
    let (n_arms, n_seeds) = (sweep.arms.len(), sweep.seeds.len());
    let (metric, baseline) = (&sweep.metric, &sweep.baseline);
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

/// Those about the sweep's own metric and about all of it; a grid has dozens about further metrics.
fn verdicts(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let is_own = |verdict: &&Verdict| {
        let metric = verdict.metric.as_ref();
        metric.is_none_or(|metric| *metric == sweep.metric)
    };
    let (own, others): (Vec<&Verdict>, Vec<&Verdict>) = sweep.verdicts.iter().partition(is_own);
    let list = |verdicts: &[&Verdict]| html! { ul { @for verdict in verdicts { li { (verdict.sentence) } } } };
    let further = (!others.is_empty()).then(|| list(&others));
    let content = html! { (list(&own)) (of_other_metrics(language, further)) };
    part(
        phrase("Verdicts", "结论"),
        (!sweep.verdicts.is_empty()).then_some(content),
    )
}

/// What there is about further metrics, folded away; print shows it.
pub fn of_other_metrics(language: ReportLanguage, content: Option<Markup>) -> Markup {
    html! {
        @if let Some(content) = content {
            details {
                summary { (phrase("Other metrics", "其他指标").show(language)) }
                (content)
            }
        }
    }
}

/// How sure the intervals are, in percent.
pub fn sure(sweep: &Sweep) -> String {
    format!("{:.0} %", sweep.confidence.unwrap_or(0.95) * 100.0)
}

fn arms(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let tables: Vec<(&str, Markup)> = sweep
        .metrics()
        .into_iter()
        .map(|metric| (metric, of_metric(language, sweep, metric)))
        .collect();
    let (first, others) = tables.split_first()?;
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
    let seeds = phrase(
        format!("{} of every run", sweep.metric),
        format!("每次训练的 {}", sweep.metric),
    );
    let failed = sweep.arms.iter().flat_map(|arm| {
        let runs = arm.runs.iter();
        runs.filter_map(move |run| Some((arm, run.seed, run.failed.as_ref()?)))
    });
    let further = (!others.is_empty())
        .then(|| html! { @for (metric, table) in others { h4 { (metric) } (table) } });
    let content = html! {
        p.note { (note.show(language)) }
        h4 { (first.0) }
        (first.1)
        (of_other_metrics(language, further))
        details {
            summary { (seeds.show(language)) }
            (by_seed(language, sweep))
        }
        @for (arm, seed, reason) in failed {
            p.note {
                (phrase("failed", "失败").show(language)) ": " (arm.name)
                @if let Some(seed) = seed { ", " (phrase(format!("seed {seed}"), format!("种子 {seed}")).show(language)) }
                ": " (reason)
            }
        }
    };
    part(phrase("All arms", "全部设置"), Some(content))
}

fn of_metric(language: ReportLanguage, sweep: &Sweep, metric: &str) -> Markup {
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
    let row = |arm: &Arm| {
        let own = arm.summary.get(metric);
        let difference = arm.against_baseline.get(metric);
        let of = |i: Option<&Interval>, value: fn(&Interval) -> Option<f64>| {
            Cell::Number(number_or_dash(i.and_then(value)))
        };
        let ends = |i: Option<&Interval>| Cell::Number(interval(i.and_then(Interval::ends)));
        let n = own.and_then(|i| i.n);
        let baseline = phrase(" (baseline)", "（基线）");
        let name = match sweep.is_baseline(arm) {
            true => format!("{}{}", arm.name, baseline.text(language)),
            false => arm.name.clone(),
        };
        vec![
            Cell::Text(name),
            Cell::Number(n.map_or_else(|| ABSENT.to_owned(), |n| n.to_string())),
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
    table(language, &head, &rows)
}

/// The sweep's metric of every single run.
fn by_seed(language: ReportLanguage, sweep: &Sweep) -> Markup {
    let seed = |seed: &u64| phrase(format!("seed {seed}"), format!("种子 {seed}"));
    let mut head = vec![phrase("arm", "设置")];
    head.extend(sweep.seeds.iter().map(seed));
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
    table(language, &head, &rows)
}

fn curves(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let mut names: Vec<&String> = Vec::new();
    for name in sweep.arms.iter().flat_map(|arm| arm.curves.keys()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut charts = Vec::new();
    for name in names {
        for arms in groups(sweep) {
            let of_arms = arms.iter().enumerate().map(|(style, arm)| {
                let points = arm.curves.get(name).into_iter().flatten();
                series(style, &arm.name, points.filter_map(point).collect())
            });
            let label = phrase(name.as_str(), name.as_str());
            charts.extend(chart(language, label, Spacing::Linear, of_arms.collect()));
        }
    }
    let drawings: Vec<Markup> = charts.iter().map(Chart::draw).collect();
    let caption = phrase(
        format!(
            "Means over the seeds with {} bands. Each chart has the baseline in it, as the solid line with round marks.",
            sure(sweep)
        ),
        format!(
            "各随机种子的均值与 {} 置信带。每幅图都包含基线（实线、圆形标记）。",
            sure(sweep)
        ),
    );
    let content = figure(language, &beside(&drawings), &caption, None);
    let heading = phrase("Curves of the arms", "各设置的曲线");
    part(heading, (!drawings.is_empty()).then_some(content))
}

fn point(point: &CurvePoint) -> Option<Point> {
    Some(Point {
        x: point.step as f64,
        y: point.mean?,
        band: point.low.zip(point.high),
    })
}

/// Arms that are drawn together: a baseline and some of those that are compared with it.
fn groups(sweep: &Sweep) -> Vec<Vec<&Arm>> {
    let mut groups = Vec::new();
    for baseline in sweep.arms.iter().filter(|arm| sweep.is_baseline(arm)) {
        let of_it = |arm: &&Arm| !sweep.is_baseline(arm) && sweep.baseline_of(arm) == baseline.name;
        let others: Vec<&Arm> = sweep.arms.iter().filter(of_it).collect();
        if others.is_empty() {
            groups.push(vec![baseline]);
        }
        for some in others.chunks(ARMS_TOGETHER) {
            groups.push([&[baseline], some].concat());
        }
    }
    groups
}
