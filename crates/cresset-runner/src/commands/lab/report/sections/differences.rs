//! A sweep's differences from the baseline as forest plots.

use maud::{Markup, html};

use super::super::draw::{Forest, ForestRow, Named};
use super::super::html::{Cell, Part, beside, figure, part, table};
use super::super::language::{Phrase, phrase};
use super::super::number::{interval, number_or_dash, p_value, signed};
use super::super::read::{Effect, Interval, Sweep};
use super::sweep::{of_other_metrics, sure};
use crate::cli::ReportLanguage;

/// Of every arm.
pub fn of_arms(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let arms = || sweep.arms.iter().filter(|arm| !sweep.is_baseline(arm));
    let several = sweep
        .arms
        .iter()
        .any(|arm| sweep.baseline_of(arm) != sweep.baseline);
    let rows = |metric: &str| {
        let mut rows = Vec::new();
        let mut baseline = None;
        for arm in arms() {
            let Some(difference) = arm.against_baseline.get(metric) else {
                continue;
            };
            if several && baseline != Some(sweep.baseline_of(arm)) {
                baseline = Some(sweep.baseline_of(arm));
                rows.extend(baseline.map(|name| against(language, name)));
            }
            rows.extend(row(&arm.name, difference));
        }
        rows
    };
    let said = phrase(
        format!(
            "Mean difference of each arm from {}",
            baseline(sweep, several).0
        ),
        format!("各设置与{}的平均差", baseline(sweep, several).1),
    );
    let told = Told {
        heading: phrase("Differences from the baseline", "与基线的差异"),
        said,
        numbers: None,
    };
    plots(language, sweep, told, rows)
}

fn baseline(sweep: &Sweep, several: bool) -> (String, String) {
    match several {
        true => ("its baseline".to_owned(), "各自基线".to_owned()),
        false => (sweep.baseline.clone(), format!(" {} ", sweep.baseline)),
    }
}

/// Of every level, the other axes averaged.
pub fn of_levels(language: ReportLanguage, sweep: &Sweep) -> Option<Part> {
    let rows = |metric: &str| {
        let mut rows = Vec::new();
        let mut axis = None;
        for effect in &sweep.effects {
            let Some(difference) = effect.comparisons.get(metric) else {
                continue;
            };
            if axis != Some((&effect.axis, &effect.against)) {
                axis = Some((&effect.axis, &effect.against));
                rows.push(against(
                    language,
                    &format!("{} {}", effect.axis, effect.against),
                ));
            }
            rows.extend(row(&effect.level, difference));
        }
        rows
    };
    let said = phrase(
        "Mean difference of a level from the baseline's level of the same axis, averaged over the other axes",
        "同一因素下各水平与基线水平的平均差（对其余因素取平均）",
    );
    let told = Told {
        heading: phrase("Effects of single levels", "单个因素的效应"),
        said,
        numbers: Some(effects(language, sweep)),
    };
    plots(language, sweep, told, rows)
}

fn against(language: ReportLanguage, name: &str) -> ForestRow {
    let heading = phrase(format!("against {name}"), format!("与 {name} 相比"));
    ForestRow::Group(heading.text(language).to_owned())
}

fn row(name: &str, difference: &Interval) -> Option<ForestRow> {
    Some(ForestRow::Difference {
        name: name.to_owned(),
        mean: difference.mean?,
        ends: difference.ends(),
    })
}

/// What is told around forest plots.
struct Told {
    heading: Phrase,
    /// What the differences are.
    said: Phrase,
    numbers: Option<Markup>,
}

/// A forest plot per metric that has differences.
fn plots(
    language: ReportLanguage,
    sweep: &Sweep,
    told: Told,
    rows: impl Fn(&str) -> Vec<ForestRow>,
) -> Option<Part> {
    let Told {
        heading,
        said,
        numbers,
    } = told;
    let forests: Vec<Markup> = sweep
        .metrics()
        .into_iter()
        .filter_map(|metric| forest(language, (sweep, metric), rows(metric)))
        .collect();
    let sure = sure(sweep);
    let caption = phrase(
        format!(
            "{}, with its {sure} interval over the seeds; the line marks no difference. A filled mark: the interval leaves 0 out. A hollow one: the data show no difference.",
            said.text(ReportLanguage::En)
        ),
        format!(
            "{}及其 {sure} 置信区间（按随机种子计算）；竖线表示没有差别。实心：区间不含 0；空心：数据没有显示出差异。",
            said.text(ReportLanguage::Zh)
        ),
    );
    let (first, others) = forests.split_first()?;
    let further = (!others.is_empty()).then(|| beside(others));
    let drawn = html! {
        (beside(std::slice::from_ref(first)))
        (of_other_metrics(language, further))
    };
    part(heading, Some(figure(language, &drawn, &caption, numbers)))
}

fn forest(
    language: ReportLanguage,
    (sweep, metric): (&Sweep, &str),
    rows: Vec<ForestRow>,
) -> Option<Markup> {
    let (en, zh) = match sweep.better.as_deref() {
        Some("higher") if metric == sweep.metric => (" (more is better)", "（越大越好）"),
        Some("lower") if metric == sweep.metric => (" (less is better)", "（越小越好）"),
        _ => ("", ""),
    };
    let label = phrase(
        format!("difference of {metric}{en}"),
        format!("{metric} 之差{zh}"),
    );
    let said = rows.iter().filter_map(|row| match row {
        ForestRow::Group(_) => None,
        ForestRow::Difference { name, mean, ends } => {
            Some(format!("{name} {} {}", signed(*mean), interval(*ends)))
        }
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

fn effects(language: ReportLanguage, sweep: &Sweep) -> Markup {
    let head = [
        phrase("level", "水平"),
        phrase("against", "对照"),
        phrase("difference", "差"),
        phrase("interval", "置信区间"),
        phrase("p", "p 值"),
        phrase("p, adjusted", "校正后 p 值"),
    ];
    let row = |effect: &Effect| {
        let found = effect.comparisons.get(&sweep.metric)?;
        Some(vec![
            Cell::Text(format!("{} {}", effect.axis, effect.level)),
            Cell::Text(effect.against.clone()),
            Cell::Number(number_or_dash(found.mean)),
            Cell::Number(interval(found.ends())),
            Cell::Number(p_value(found.p)),
            Cell::Number(p_value(found.p_adjusted)),
        ])
    };
    let rows: Vec<Vec<Cell>> = sweep.effects.iter().filter_map(row).collect();
    table(language, &head, &rows)
}
