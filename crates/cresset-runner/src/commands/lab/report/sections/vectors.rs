//! How long the special vectors are, where they move, and what moves them.

use maud::Markup;

use super::super::draw::{Chart, Point, Series, Spacing};
use super::super::html::{Cell, Part, beside, figure, part, table, vector};
use super::super::language::{Phrase, phrase};
use super::super::number::number_or_dash;
use super::super::read::{Name, Run, Vector};
use super::curves::{chart, series};
use crate::cli::ReportLanguage;

/// Norms beside the vocabulary's, cosines and distances.
pub fn norms(language: ReportLanguage, run: &Run) -> Option<Part> {
    let names = run.special_names();
    let mut drawings = Vec::new();
    let mut lengths = curves(run, &names, |v| v.norm);
    let mean = phrase("vocabulary's mean", "词表平均");
    let stacks = stacks(run);
    for stack in &stacks {
        let of_stack = |v: &Vector| (v.stack == *stack).then_some(v.mean_norm)?;
        let points = at_steps(run, |vectors| vectors.iter().find_map(of_stack));
        let name = match stack {
            Some(stack) => format!("{} ({stack})", mean.text(language)),
            None => mean.text(language).to_owned(),
        };
        lengths.push(series(lengths.len(), &name, points));
    }
    let linear = |label: Phrase, series| chart(language, label, Spacing::Linear, series);
    drawings.extend(linear(phrase("norm", "范数"), lengths));
    let cosine = phrase("cosine with its start", "与起点的余弦");
    drawings.extend(linear(cosine, curves(run, &names, |v| v.cosine_to_start)));
    let distance = phrase("distance from its start", "与起点的距离");
    drawings.extend(linear(
        distance,
        curves(run, &names, |v| v.distance_to_start),
    ));
    let to_mean = phrase("cosine with the vocabulary's mean", "与词表均值的余弦");
    drawings.extend(linear(to_mean, curves(run, &names, |v| v.cosine_to_mean)));
    let caption = phrase(
        "How long each special vector is, beside the mean length of an ordinary token's vector, and how far it has gone from where it stood at step 0. A cosine of 1 means the same direction, 0 a right angle.",
        "每个特殊向量的长度（旁边是普通词元向量的平均长度），以及它离第 0 步位置有多远。余弦为 1 表示方向相同，为 0 表示垂直。",
    );
    let head = [
        phrase("vector", "向量"),
        phrase("role", "角色"),
        phrase("norm at the first", "首次范数"),
        phrase("norm at the last", "末次范数"),
        phrase("vocabulary's", "词表平均范数"),
        phrase("cosine with its start", "与起点的余弦"),
        phrase("distance from its start", "与起点的距离"),
        phrase("cosine with the mean", "与均值的余弦"),
        phrase("distance from the mean", "与均值的距离"),
    ];
    let rows = rows(run, &names, |all| {
        [
            first(all, |v| v.norm),
            last(all, |v| v.norm),
            last(all, |v| v.mean_norm),
            last(all, |v| v.cosine_to_start),
            last(all, |v| v.distance_to_start),
            last(all, |v| v.cosine_to_mean),
            last(all, |v| v.distance_to_mean),
        ]
    });
    let heading = phrase(
        "Norms and directions of the special vectors",
        "特殊向量的范数与方向",
    );
    charts(
        language,
        heading,
        &drawings,
        (&caption, table(language, &head, &rows)),
    )
}

/// Gradients and updates.
pub fn updates(language: ReportLanguage, run: &Run) -> Option<Part> {
    let names = run.special_names();
    let log = |label: Phrase, series| chart(language, label, Spacing::Logarithmic, series);
    let gradient = phrase("norm of the gradient", "梯度范数");
    let ratio = phrase("update over weight", "更新量与权重之比");
    let drawings: Vec<Chart> = [
        log(gradient, curves(run, &names, |v| v.gradient_norm)),
        log(ratio, curves(run, &names, |v| v.update_ratio)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let caption = phrase(
        "How strongly the loss pulls at each vector, and how large its last step was in relation to its length (norm of the update over norm of the vector). About 0.001 is usual; a frozen vector has none. The scale is logarithmic, zeros are left out.",
        "损失对每个向量的拉力有多大，以及它最近一步相对自身长度有多大（更新量的范数除以向量的范数）。通常在 0.001 左右；被冻结的向量没有更新。纵轴为对数刻度，零值不画。",
    );
    let head = [
        phrase("vector", "向量"),
        phrase("role", "角色"),
        phrase("gradient at the first", "首次梯度范数"),
        phrase("gradient at the last", "末次梯度范数"),
        phrase("update over weight at the last", "末次更新量与权重之比"),
    ];
    let rows = rows(run, &names, |all| {
        [
            first(all, |v| v.gradient_norm),
            last(all, |v| v.gradient_norm),
            last(all, |v| v.update_ratio),
        ]
    });
    let heading = phrase("Gradients and updates", "梯度与更新");
    charts(
        language,
        heading,
        &drawings,
        (&caption, table(language, &head, &rows)),
    )
}

/// A part with charts, what they show and their numbers, if there is anything to draw.
fn charts(
    language: ReportLanguage,
    heading: Phrase,
    charts: &[Chart],
    (caption, numbers): (&Phrase, Markup),
) -> Option<Part> {
    let drawings: Vec<Markup> = charts.iter().map(Chart::draw).collect();
    let drawn = (!drawings.is_empty()).then(|| beside(&drawings))?;
    part(
        heading,
        Some(figure(language, &drawn, caption, Some(numbers))),
    )
}

/// The tables of vectors: one, or the encoder's and the decoder's.
fn stacks(run: &Run) -> Vec<Option<String>> {
    let mut stacks = Vec::new();
    for vector in run.special.iter().flat_map(|s| &s.vectors) {
        if !stacks.contains(&vector.stack) {
            stacks.push(vector.stack.clone());
        }
    }
    stacks
}

fn at_steps(run: &Run, value: impl Fn(&[Vector]) -> Option<f64>) -> Vec<Point> {
    let points = run.special.iter();
    points
        .filter_map(|s| Some(Point::new(s.step as f64, value(&s.vectors)?)))
        .collect()
}

/// A number of every vector over the steps.
fn curves(run: &Run, names: &[Name], value: impl Fn(&Vector) -> Option<f64>) -> Vec<Series> {
    let curve = |(style, name): (usize, &Name)| {
        let points = at_steps(run, |vectors| {
            vectors.iter().find(|v| v.name() == *name).and_then(&value)
        });
        series(style, &name.to_string(), points)
    };
    names.iter().enumerate().map(curve).collect()
}

/// A row for every vector: its name and role, and numbers from its records.
fn rows<const N: usize>(
    run: &Run,
    names: &[Name],
    numbers: impl Fn(&[&Vector]) -> [Option<f64>; N],
) -> Vec<Vec<Cell>> {
    let row = |name: &Name| {
        let all = run.special.iter().flat_map(|s| &s.vectors);
        let all: Vec<&Vector> = all.filter(|v| v.name() == *name).collect();
        let role = all.first()?.role.clone();
        let names = [Cell::Mixed(vector(name)), Cell::Text(role)];
        let numbers = numbers(&all).map(|n| Cell::Number(number_or_dash(n)));
        Some(names.into_iter().chain(numbers).collect())
    };
    names.iter().filter_map(row).collect()
}

fn first(all: &[&Vector], value: impl Fn(&Vector) -> Option<f64>) -> Option<f64> {
    all.iter().find_map(|v| value(v))
}

fn last(all: &[&Vector], value: impl Fn(&Vector) -> Option<f64>) -> Option<f64> {
    all.iter().rev().find_map(|v| value(v))
}
