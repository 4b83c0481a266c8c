//! The cloud of the vectors that stand for texts.

use maud::Markup;

use super::super::draw::{Chart, Point, Spacing};
use super::super::html::{Cell, Part, beside, figure, part as made, table};
use super::super::language::phrase;
use super::super::number::number_or_dash;
use super::super::read::{Cloud, Run};
use super::curves::{chart, series};
use crate::cli::ReportLanguage;

/// How alike the vectors are, and how many directions they use.
pub fn part(language: ReportLanguage, run: &Run) -> Option<Part> {
    let clouds: Vec<(u64, &Cloud)> = run
        .special
        .iter()
        .filter_map(|s| Some((s.step, s.cloud.as_ref()?)))
        .collect();
    let (first, last) = (clouds.first()?, clouds.last()?);
    let curve = |value: &dyn Fn(&Cloud) -> Option<f64>| {
        let points = clouds.iter();
        points
            .filter_map(|(step, cloud)| Some(Point::new(*step as f64, value(cloud)?)))
            .collect()
    };
    let (cosine, rank) = (
        phrase("mean cosine", "平均余弦"),
        phrase("effective rank", "有效秩"),
    );
    let direction = phrase("share of the first direction", "第一方向所占比例");
    let shares = vec![
        series(0, cosine.text(language), curve(&|c| c.mean_cosine)),
        series(1, direction.text(language), curve(&|c| c.first_direction)),
    ];
    let ranks = vec![series(0, rank.text(language), curve(&|c| c.effective_rank))];
    let charts = [
        chart(
            language,
            phrase("cosine and share", "余弦与比例"),
            Spacing::Linear,
            shares,
        ),
        chart(language, rank.clone(), Spacing::Linear, ranks),
    ];
    let drawings: Vec<Markup> = charts.iter().flatten().map(Chart::draw).collect();
    if drawings.is_empty() {
        return None;
    }
    let (n, width) = (text(last.1.n), text(last.1.width));
    let pooling = &last.1.pooling;
    let caption = phrase(
        format!(
            "The vectors of {n} held-out texts (pooling {pooling}, width {width}). A mean cosine near 1 and an effective rank near 1 mean that all texts have nearly the same vector: the cloud has collapsed, or there is only one thing to say."
        ),
        format!(
            "{n} 段留出文本的向量（池化方式 {pooling}，宽度 {width}）。平均余弦接近 1 且有效秩接近 1，说明所有文本的向量几乎相同：要么向量云塌缩了，要么要表达的本来就只有一件事。"
        ),
    );
    let head = [phrase("step", "步数"), cosine, rank, direction];
    let row = |(step, cloud): &(u64, &Cloud)| {
        let numbers = [
            cloud.mean_cosine,
            cloud.effective_rank,
            cloud.first_direction,
        ];
        let cells = numbers.map(|n| Cell::Number(number_or_dash(n)));
        let step = Cell::Number(step.to_string());
        std::iter::once(step).chain(cells).collect::<Vec<_>>()
    };
    let rows = match first.0 == last.0 {
        true => vec![row(last)],
        false => vec![row(first), row(last)],
    };
    let numbers = table(language, &head, &rows);
    let heading = phrase("The cloud of text vectors", "文本向量云");
    made(
        heading,
        Some(figure(
            language,
            &beside(&drawings),
            &caption,
            Some(numbers),
        )),
    )
}

fn text(n: Option<usize>) -> String {
    n.map_or_else(|| "?".to_owned(), |n| n.to_string())
}
