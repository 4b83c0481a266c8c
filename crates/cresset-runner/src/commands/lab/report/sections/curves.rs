//! Learning curves.

use std::collections::BTreeMap;

use maud::Markup;

use super::super::draw::{Axis, Chart, Named, Point, Series, Spacing};
use super::super::html::{Cell, Part, beside, figure, part as made, table};
use super::super::language::{Phrase, phrase};
use super::super::number::number;
use super::super::read::{Run, Trained};
use crate::cli::ReportLanguage;

/// A curve has at most so many points; of more, neighbours are averaged.
const MOST_POINTS: usize = 200;

/// The loss, the metrics and the learning rate over the steps.
pub fn part(language: ReportLanguage, run: &Run) -> Option<Part> {
    let drawings: Vec<Markup> = charts(language, run).iter().map(Chart::draw).collect();
    if drawings.is_empty() {
        return None;
    }
    let caption = phrase(
        "Training values are means over neighbouring steps where there are many; held-out values are those of the evaluations. The loss is a mean per target: per text where a class is told, per token where text is written.",
        "步数很多时，训练值是相邻若干步的平均；留出集的值来自各次评测。损失是对每个目标取平均：判断类别时每段文本一个目标，生成文本时每个词元一个目标。",
    );
    let numbers = metrics_table(language, run);
    let heading = phrase("Learning curves", "学习曲线");
    made(
        heading,
        Some(figure(language, &beside(&drawings), &caption, numbers)),
    )
}

fn charts(language: ReportLanguage, run: &Run) -> Vec<Chart> {
    let trained = |value: &dyn Fn(&Trained) -> Option<f64>| {
        let points = run.trained.iter();
        let points = points.filter_map(|step| Some((step.step as f64, value(step)?)));
        thinned(&points.collect::<Vec<_>>())
    };
    let mut metrics = metrics(run);
    let held_out_loss = metrics.remove("loss");
    let (training, held_out) = (phrase("training", "训练"), phrase("held out", "留出集"));
    let mut all = Vec::new();
    let loss = vec![
        series(0, training.text(language), trained(&|step| step.loss)),
        series(
            1,
            held_out.text(language),
            held_out_loss.unwrap_or_default(),
        ),
    ];
    all.extend(chart(
        language,
        phrase("loss (nats)", "损失（nat）"),
        Spacing::Linear,
        loss,
    ));
    let terms: BTreeMap<&String, ()> = run
        .trained
        .iter()
        .flat_map(|step| step.terms.keys().map(|name| (name, ())))
        .collect();
    if terms.len() > 1 {
        let term = |(style, name): (usize, &&String)| {
            series(style, name, trained(&|step| *step.terms.get(*name)?))
        };
        let terms = terms.keys().enumerate().map(term).collect();
        let label = phrase("terms of the training loss", "训练损失的各项");
        all.extend(chart(language, label, Spacing::Linear, terms));
    }
    // Shares stand together; what has another range stands alone.
    let is_share = |points: &Vec<Point>| points.iter().all(|p| (-1.0..=1.0).contains(&p.y));
    let (shares, others): (Vec<_>, Vec<_>) = metrics
        .into_iter()
        .partition(|(_, points)| is_share(points));
    let shares = shares
        .into_iter()
        .enumerate()
        .map(|(style, (name, points))| series(style, &name, points))
        .collect();
    all.extend(chart(
        language,
        phrase("held-out metrics", "留出集指标"),
        Spacing::Linear,
        shares,
    ));
    for (name, points) in others {
        let label = phrase(format!("held-out {name}"), format!("留出集 {name}"));
        all.extend(chart(
            language,
            label,
            Spacing::Linear,
            vec![series(0, &name, points)],
        ));
    }
    let norm = phrase("gradient norm", "梯度范数");
    let gradients = vec![series(
        0,
        norm.text(language),
        trained(&|step| step.grad_norm),
    )];
    all.extend(chart(
        language,
        norm.clone(),
        Spacing::Logarithmic,
        gradients,
    ));
    let rate = phrase("learning rate", "学习率");
    let rates = vec![series(0, rate.text(language), trained(&|step| step.lr))];
    all.extend(chart(language, rate.clone(), Spacing::Linear, rates));
    all
}

/// A chart over steps; `None` where nothing is to be drawn.
pub fn chart(
    language: ReportLanguage,
    label: Phrase,
    spacing: Spacing,
    mut series: Vec<Series>,
) -> Option<Chart> {
    if spacing == Spacing::Logarithmic {
        series
            .iter_mut()
            .for_each(|s| s.points.retain(|p| p.y > 0.0));
    }
    series.retain(|s| !s.points.is_empty());
    let names: Vec<&str> = series.iter().map(|s| s.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let label = label.text(language).to_owned();
    let title = phrase(
        format!("{label} over the steps"),
        format!("{label}随步数的变化"),
    );
    Some(Chart {
        named: Named {
            title: title.text(language).to_owned(),
            description: names.join(", "),
        },
        x: Axis {
            label: phrase("step", "步数").text(language).to_owned(),
            ..Axis::default()
        },
        y: Axis {
            label,
            spacing,
            ..Axis::default()
        },
        series,
        levels: Vec::new(),
    })
}

/// A series; one thing has the same style in all charts of a part.
pub fn series(style: usize, name: &str, points: Vec<Point>) -> Series {
    Series {
        style,
        name: name.to_owned(),
        points,
    }
}

/// Each metric of the evaluations over the steps.
pub fn metrics(run: &Run) -> BTreeMap<String, Vec<Point>> {
    let mut metrics: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for evaluation in &run.evaluated {
        for (name, value) in &evaluation.values {
            if let Some(value) = value.filter(|v| v.is_finite()) {
                let point = Point::new(evaluation.step as f64, value);
                metrics.entry(name.clone()).or_default().push(point);
            }
        }
    }
    metrics
}

fn thinned(points: &[(f64, f64)]) -> Vec<Point> {
    let together = points.len().div_ceil(MOST_POINTS).max(1);
    let mean = |some: &[(f64, f64)]| {
        let n = some.len() as f64;
        let (x, y) = some
            .iter()
            .fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
        Point::new(x, y)
    };
    points.chunks(together).map(mean).collect()
}

fn metrics_table(language: ReportLanguage, run: &Run) -> Option<Markup> {
    let metrics = metrics(run);
    let head = [
        phrase("held-out metric", "留出集指标"),
        phrase("first", "首次"),
        phrase("last", "末次"),
        phrase("lowest (step)", "最低（步数）"),
        phrase("highest (step)", "最高（步数）"),
    ];
    let row = |(name, points): (&String, &Vec<Point>)| {
        let at = |p: Option<&Point>| {
            Cell::Number(p.map_or_else(String::new, |p| format!("{} ({})", number(p.y), p.x)))
        };
        let plain = |p: Option<&Point>| Cell::Number(p.map_or_else(String::new, |p| number(p.y)));
        vec![
            Cell::Text(name.clone()),
            plain(points.first()),
            plain(points.last()),
            at(points.iter().min_by(|a, b| a.y.total_cmp(&b.y))),
            at(points.iter().max_by(|a, b| a.y.total_cmp(&b.y))),
        ]
    };
    let rows: Vec<Vec<Cell>> = metrics.iter().map(row).collect();
    (!rows.is_empty()).then(|| table(language, &head, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_points_become_means_of_neighbours() {
        let points: Vec<(f64, f64)> = (0..1000)
            .map(|i| (f64::from(i), f64::from(i % 2)))
            .collect();
        let thin = thinned(&points);
        assert_eq!(thin.len(), MOST_POINTS);
        // Of five neighbours two or three are 1.
        assert!(
            thin.iter()
                .all(|p| (0.4 - 1e-9..=0.6 + 1e-9).contains(&p.y))
        );
        assert!((thin[0].x - 2.0).abs() < 1e-9);
    }
}
