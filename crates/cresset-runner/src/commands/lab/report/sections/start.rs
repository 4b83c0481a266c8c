//! What a decoder's start token leads to.

use maud::{Markup, html};

use super::super::draw::{Forest, ForestRow, Named};
use super::super::html::{Cell, Part, beside, figure, part as made, table};
use super::super::language::phrase;
use super::super::number::{ABSENT, interval, number_or_dash, percent, signed};
use super::super::read::{Start, StartChange};
use super::probe::share;
use crate::cli::ReportLanguage;

/// The first token's distribution, and what other vectors in the place do.
pub fn part(language: ReportLanguage, found: &Start) -> Option<Part> {
    let content = html! {
        (first_token(language, found))
        @if !found.changed.is_empty() { (changes(language, found)) }
    };
    let heading = phrase(
        format!("The start token {}", found.token),
        format!("解码起始词元 {}", found.token),
    );
    made(heading, Some(content))
}

fn first_token(language: ReportLanguage, found: &Start) -> Markup {
    let head = [
        phrase("first token's distribution", "第一个词元的分布"),
        phrase("nats", "nat"),
    ];
    let rows = [
        (
            phrase("entropy, mean over texts", "熵（对文本取平均）"),
            found.entropy,
        ),
        (
            phrase("entropy of the mean distribution", "平均分布的熵"),
            found.entropy_of_mean,
        ),
        (
            phrase("entropy if all were equally likely", "等概率时的熵"),
            found.entropy_of_uniform,
        ),
        (
            phrase(
                "divergence from the tokens' frequencies",
                "与词频分布的 KL 散度",
            ),
            found.kl_to_unigram,
        ),
        (
            phrase("loss of a target token", "每个目标词元的损失"),
            found.nll,
        ),
    ];
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, value)| {
            vec![
                Cell::Mixed(name.show(language)),
                Cell::Number(number_or_dash(*value)),
            ]
        })
        .collect();
    let likely_head = [
        phrase("likeliest first tokens", "最可能的第一个词元"),
        phrase("probability (%)", "概率（%）"),
    ];
    let likely: Vec<Vec<Cell>> = found
        .top
        .iter()
        .map(|top| {
            vec![
                Cell::Token(top.token.clone()),
                Cell::Number(percent(top.probability)),
            ]
        })
        .collect();
    beside(&[
        table(language, &head, &rows),
        table(language, &likely_head, &likely),
    ])
}

fn changes(language: ReportLanguage, found: &Start) -> Markup {
    let rows = found.changed.iter().filter_map(|change| {
        Some(ForestRow::Difference {
            name: change.by.clone(),
            mean: change.nll?.mean,
            ends: change.nll.map(|c| (c.low, c.high)),
        })
    });
    let label = phrase(
        "change of the loss per token (nats)",
        "每词元损失的变化（nat）",
    );
    let forest = Forest {
        named: Named {
            title: label.text(language).to_owned(),
            description: phrase(
                "with another vector in the start token's place",
                "用另一个向量替换解码起始向量",
            )
            .text(language)
            .to_owned(),
        },
        label: label.text(language).to_owned(),
        rows: rows.collect(),
    };
    let n = found
        .n_texts
        .map_or_else(|| "?".to_owned(), |n| n.to_string());
    let caption = phrase(
        format!(
            "With another vector in the start token's place, on {n} texts: how much the loss of the targets changes (95 % intervals over texts), how far the first token's distribution moves (KL divergence), and how often the likeliest first token stays the same."
        ),
        format!(
            "把解码起始词元的向量换成别的向量后（{n} 段文本）：目标文本的损失变化多少（95 % 置信区间，按文本计算），第一个词元的分布移动多远（KL 散度），以及最可能的第一个词元有多少次不变。"
        ),
    );
    let head = [
        phrase("replaced by", "替换为"),
        phrase("KL (nats)", "KL 散度（nat）"),
        phrase("same first token (%)", "首词元不变（%）"),
        phrase("change of the loss", "损失变化"),
        phrase("interval", "置信区间"),
    ];
    let row = |change: &StartChange| {
        vec![
            Cell::Text(change.by.clone()),
            Cell::Number(number_or_dash(change.kl)),
            Cell::Number(
                change
                    .same_first
                    .as_ref()
                    .map_or_else(|| ABSENT.to_owned(), share),
            ),
            Cell::Number(
                change
                    .nll
                    .map_or_else(|| ABSENT.to_owned(), |c| signed(c.mean)),
            ),
            Cell::Number(interval(change.nll.map(|c| (c.low, c.high)))),
        ]
    };
    let table_rows: Vec<Vec<Cell>> = found.changed.iter().map(row).collect();
    let drawn = match forest.rows.is_empty() {
        true => html! {},
        false => beside(&[forest.draw()]),
    };
    figure(
        language,
        &drawn,
        &caption,
        Some(table(language, &head, &table_rows)),
    )
}
