//! How much attention goes to the special tokens.

use maud::{Markup, html};

use super::super::draw::{HeatMap, Named, Numbers, Point, Spacing, heat_legend};
use super::super::html::{Cell, Part, figure, part as made, table};
use super::super::language::{Phrase, phrase};
use super::super::number::{number_or_dash, percent};
use super::super::read::{Attention, Run, Special};
use super::curves::{chart, series};
use crate::cli::ReportLanguage;

/// Maps of the last evaluation, and means over time.
pub fn part(language: ReportLanguage, run: &Run) -> Option<Part> {
    let shown: Vec<&Special> = run
        .special
        .iter()
        .filter(|s| !s.attention.is_empty())
        .collect();
    let (first, last) = (shown.first()?, shown.last()?);
    let values = || {
        last.attention
            .iter()
            .chain(&first.attention)
            .flat_map(|a| &a.to)
            .flatten()
    };
    let largest = values().flatten().copied().fold(0.0, f64::max);
    let most = round_up(largest);
    let mut maps = Vec::new();
    // What is only looked from, as the decoder's start at the encoder, gets no attention.
    let looked_at = || last.attention.iter().filter(|a| !a.to.is_empty());
    for attention in looked_at() {
        let before = find(first, attention).filter(|_| first.step < last.step);
        let both = [
            before.map(|before| (first.step, before)),
            Some((last.step, attention)),
        ];
        for (step, attention) in both.into_iter().flatten() {
            maps.push(map(language, step, attention, most));
        }
    }
    let over_time = looked_at().enumerate().map(|(style, attention)| {
        let points = shown.iter().filter_map(|s| {
            let mean = mean(&find(s, attention)?.to)?;
            Some(Point::new(s.step as f64, mean * 100.0))
        });
        series(style, &name(language, attention), points.collect())
    });
    let label = phrase("attention to the token (%)", "给该词元的注意力（%）");
    let over_time = chart(language, label, Spacing::Linear, over_time.collect());
    let drawn = html! {
        (heat_legend(most))
        div.maps { @for map in &maps { div { (map) } } }
        @if let Some(chart) = over_time { div.beside { div { (chart.draw()) } } }
    };
    let n_texts = last.attention.iter().find_map(|a| a.n_texts);
    let of_texts = n_texts.map_or_else(String::new, |n| n.to_string());
    let caption = phrase(
        format!(
            "Percent of their attention that the other positions give to the token's position, for every layer and head, mean over {of_texts} texts; the stronger the colour, the more. The curve is the mean over layers and heads. A token that draws much attention though it says little is called an attention sink."
        ),
        format!(
            "每一层、每个注意力头中，其他位置把百分之几的注意力给了该词元所在的位置（{of_texts} 段文本的平均）；颜色越浓越多。曲线是所有层和头的平均。某个词元本身信息很少却吸走大量注意力，就叫作注意力汇（attention sink）。"
        ),
    );
    let numbers = numbers(language, last);
    let heading = phrase("Attention to the special tokens", "流向特殊词元的注意力");
    made(
        heading,
        Some(figure(language, &drawn, &caption, Some(numbers))),
    )
}

fn find<'a>(special: &'a Special, like: &Attention) -> Option<&'a Attention> {
    let mut all = special.attention.iter();
    all.find(|a| a.token == like.token && a.stack == like.stack)
}

/// The kind of attention and the token.
fn name(language: ReportLanguage, attention: &Attention) -> String {
    format!(
        "{} {}",
        kind(&attention.stack).text(language),
        attention.token
    )
}

/// A kind of attention in words.
pub fn kind(stack: &str) -> Phrase {
    match stack {
        "self" => phrase("self-attention", "自注意力"),
        "encoder" => phrase("encoder", "编码器自注意力"),
        "decoder" => phrase("decoder", "解码器自注意力"),
        "cross" => phrase("decoder to encoder", "解码器到编码器的交叉注意力"),
        other => phrase(other, other),
    }
}

fn map(language: ReportLanguage, step: u64, attention: &Attention, most: f64) -> Markup {
    let n_heads = attention.to.iter().map(Vec::len).max().unwrap_or(0);
    let name = name(language, attention);
    let title = phrase(
        format!("{name}, step {step}"),
        format!("{name}，第 {step} 步"),
    );
    let title = title.text(language).to_owned();
    let numbered = |n: usize, name: fn(usize) -> Phrase| -> Vec<String> {
        let names = (1..=n).map(name);
        names.map(|name| name.text(language).to_owned()).collect()
    };
    let drawing = HeatMap {
        named: Named {
            title: title.clone(),
            description: phrase(
                "share of attention by layer and head, in percent",
                "各层各头的注意力占比（百分数）",
            )
            .text(language)
            .to_owned(),
        },
        rows: numbered(attention.to.len(), layer),
        columns: numbered(n_heads, head),
        values: attention.to.clone(),
        most,
        numbers: Numbers::Percent,
    };
    html! { p { (title) } (drawing.draw()) }
}

/// A layer by its number.
pub fn layer(number: usize) -> Phrase {
    phrase(format!("layer {number}"), format!("第 {number} 层"))
}

/// A head by its number.
pub fn head(number: usize) -> Phrase {
    phrase(format!("head {number}"), format!("头 {number}"))
}

fn numbers(language: ReportLanguage, last: &Special) -> Markup {
    let head = [
        phrase("attention, token", "注意力与词元"),
        phrase("mean share (%)", "平均占比（%）"),
        phrase("largest share (%)", "最大占比（%）"),
        phrase("layer, head", "所在层与头"),
        phrase("share to itself (%)", "给自己的占比（%）"),
        phrase(
            "entropy of its own attention (nats)",
            "自身注意力的熵（nat）",
        ),
    ];
    let in_percent =
        |share: Option<f64>| Cell::Number(share.map_or_else(|| "–".to_owned(), percent));
    let row = |attention: &Attention| {
        let largest = largest(&attention.to);
        vec![
            Cell::Text(name(language, attention)),
            in_percent(mean(&attention.to)),
            in_percent(largest.map(|(_, _, share)| share)),
            Cell::Number(largest.map_or_else(
                || "–".to_owned(),
                |(l, h, _)| format!("{}, {}", l + 1, h + 1),
            )),
            in_percent(mean(&attention.from_self)),
            Cell::Number(number_or_dash(mean(&attention.from_entropy))),
        ]
    };
    let rows: Vec<Vec<Cell>> = last.attention.iter().map(row).collect();
    table(language, &head, &rows)
}

fn mean(by_layer: &[Vec<Option<f64>>]) -> Option<f64> {
    let values: Vec<f64> = by_layer.iter().flatten().flatten().copied().collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn largest(by_layer: &[Vec<Option<f64>>]) -> Option<(usize, usize, f64)> {
    let cells = by_layer.iter().enumerate().flat_map(|(layer, heads)| {
        let heads = heads.iter().enumerate();
        heads.filter_map(move |(head, share)| Some((layer, head, (*share)?)))
    });
    cells.max_by(|a, b| a.2.total_cmp(&b.2))
}

/// The next share that reads well at the end of a legend.
fn round_up(share: f64) -> f64 {
    let round = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8];
    round.into_iter().find(|r| *r >= share).unwrap_or(1.0)
}
