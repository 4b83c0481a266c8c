//! Attention maps of sentences.

use maud::{Markup, html};

use super::super::draw::{HeatMap, Named, Numbers, heat_legend};
use super::super::html::{Cell, Part, Section, figure, part, table};
use super::super::language::{Phrase, phrase};
use super::super::number::percent;
use super::super::read::{Attended, Layer, Looking, Target};
use super::{headed, sinks};
use crate::cli::ReportLanguage;
use crate::table::visible;

/// Tokens of a side that are drawn.
const MOST_TOKENS: usize = 32;
/// Layers of a sentence that are drawn: of more, some are left out evenly.
const MOST_LAYERS: usize = 6;
/// Heads are drawn one by one where their cells are no more than these.
const MOST_CELLS: usize = 6000;

/// A part per sentence.
pub fn section(language: ReportLanguage, model: &str, attended: &[Attended]) -> Section {
    let note = phrase(
        "Each row is a token that looks, each column a token that is looked at; a stronger colour means a larger share of the row's attention. A row adds up to 100 %. The large maps are means over the heads of a layer; where there is room, every head stands beside them.",
        "每一行是发出注意力的词元，每一列是被注意的词元；颜色越浓，该行分给它的注意力越多，每行合计 100 %。大图是一层中各注意力头的平均；放得下时，旁边逐个列出各头。",
    );
    Section {
        id: "attention".to_owned(),
        heading: headed(language, ("Attention of", "注意力图"), model),
        content: html! { p { (note.show(language)) } (heat_legend(1.0)) },
        parts: attended
            .iter()
            .filter_map(|one| sentence(language, one))
            .collect(),
    }
}

fn sentence(language: ReportLanguage, attended: &Attended) -> Option<Part> {
    let content = html! {
        @if let Some(target) = &attended.target { p { (written(target).show(language)) } }
        @for looking in &attended.looking { (self::looking(language, looking)) }
    };
    part(
        phrase(attended.text.as_str(), attended.text.as_str()),
        Some(content),
    )
}

fn written(target: &Target) -> Phrase {
    match target {
        Target::Given(text) => phrase(
            format!("The target is “{text}”."),
            format!("目标文本：“{text}”。"),
        ),
        Target::Written(text) => phrase(
            format!("The model writes “{text}”."),
            format!("模型生成：“{text}”。"),
        ),
    }
}

fn looking(language: ReportLanguage, looking: &Looking) -> Markup {
    let n_layers = looking.layers.len();
    let n_shown = n_layers.min(MOST_LAYERS);
    let last = n_layers.saturating_sub(1);
    let shown = (0..n_shown).map(|i| {
        if n_shown > 1 {
            i * last / (n_shown - 1)
        } else {
            0
        }
    });
    let shown: Vec<usize> = shown.collect();
    let (n_queries, n_keys) = (
        looking.queries.len().min(MOST_TOKENS),
        looking.keys.len().min(MOST_TOKENS),
    );
    let n_heads = looking.layers.first().map_or(0, |layer| layer.heads.len());
    let has_heads = n_heads > 1 && n_shown * n_heads * n_queries * n_keys <= MOST_CELLS;
    let kind = sinks::kind(looking.stack);
    let (kind_en, kind_zh) = (kind.text(ReportLanguage::En), kind.text(ReportLanguage::Zh));
    let drawn = html! {
        @for &index in &shown {
            @let layer = &looking.layers[index];
            @let name = named(language, &kind, index);
            p.note { (name) }
            div.maps {
                div { (map(&name, looking, &mean(layer), Labels::Tokens)) }
                @if has_heads {
                    @for (head, shares) in layer.heads.iter().enumerate() {
                        @let head = sinks::head(head + 1);
                        @let head = head.text(language).to_owned();
                        div.map-s { p { (head) } (map(&format!("{name}, {head}"), looking, shares, Labels::None)) }
                    }
                }
            }
        }
    };
    let cut = looking.queries.len().max(looking.keys.len()) > MOST_TOKENS;
    let said = |all: usize, shown: usize| {
        if all > shown {
            format!("{shown}/{all}")
        } else {
            all.to_string()
        }
    };
    let layers = said(n_layers, n_shown);
    let (en, zh) = match cut {
        true => (
            format!(" The first {MOST_TOKENS} tokens are drawn."),
            format!("只画出前 {MOST_TOKENS} 个词元。"),
        ),
        false => Default::default(),
    };
    let caption = phrase(
        format!(
            "{kind_en}, {layers} layers, {n_heads} heads.{en} The table: what draws most attention in each layer, mean over heads and over the tokens that look."
        ),
        format!(
            "{kind_zh}，{layers} 层，{n_heads} 个头。{zh}表中是每层最受注意的词元（对各头与各查询词元取平均）。"
        ),
    );
    figure(
        language,
        &drawn,
        &caption,
        Some(numbers(language, looking, &shown)),
    )
}

fn named(language: ReportLanguage, kind: &Phrase, index: usize) -> String {
    let layer = sinks::layer(index + 1);
    let name = phrase(
        format!(
            "{}, {}",
            kind.text(ReportLanguage::En),
            layer.text(ReportLanguage::En)
        ),
        format!(
            "{}，{}",
            kind.text(ReportLanguage::Zh),
            layer.text(ReportLanguage::Zh)
        ),
    );
    name.text(language).to_owned()
}

/// What stands beside a map.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    Tokens,
    None,
}

fn map(name: &str, looking: &Looking, shares: &[Vec<f32>], labels: Labels) -> Markup {
    let tokens = |tokens: &[String]| -> Vec<String> {
        let tokens = tokens.iter().take(MOST_TOKENS);
        tokens
            .map(|token| match labels {
                Labels::Tokens => visible(token),
                Labels::None => String::new(),
            })
            .collect()
    };
    let rows = shares.iter().take(MOST_TOKENS);
    let values = rows.map(|row| {
        row.iter()
            .take(MOST_TOKENS)
            .map(|v| Some(f64::from(*v)))
            .collect()
    });
    HeatMap {
        named: Named {
            title: name.to_owned(),
            description: looking.queries.join(" "),
        },
        rows: tokens(&looking.queries),
        columns: tokens(&looking.keys),
        values: values.collect(),
        most: 1.0,
        numbers: Numbers::Hidden,
    }
    .draw()
}

/// The mean over a layer's heads.
fn mean(layer: &Layer) -> Vec<Vec<f32>> {
    let n = layer.heads.len() as f32;
    let mut sum = layer.heads.first().cloned().unwrap_or_default();
    for head in layer.heads.iter().skip(1) {
        for (row, other) in sum.iter_mut().zip(head) {
            row.iter_mut().zip(other).for_each(|(a, b)| *a += b);
        }
    }
    sum.iter_mut().flatten().for_each(|v| *v /= n);
    sum
}

fn numbers(language: ReportLanguage, looking: &Looking, shown: &[usize]) -> Markup {
    let head = [
        phrase("layer", "层"),
        phrase("most attention", "最受注意"),
        phrase("share (%)", "占比（%）"),
        phrase("then", "其次"),
        phrase("share (%)", "占比（%）"),
    ];
    let row = |&index: &usize| {
        let mean = mean(&looking.layers[index]);
        let n = mean.len() as f32;
        let share = |key: usize| f64::from(mean.iter().map(|row| row[key]).sum::<f32>() / n);
        let mut keys: Vec<(usize, f64)> = (0..looking.keys.len())
            .map(|key| (key, share(key)))
            .collect();
        keys.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut cells = vec![Cell::Text((index + 1).to_string())];
        for (key, share) in keys.iter().take(2) {
            cells.push(Cell::Token(looking.keys[*key].clone()));
            cells.push(Cell::Number(percent(*share)));
        }
        cells
    };
    let rows: Vec<Vec<Cell>> = shown.iter().map(row).collect();
    table(language, &head, &rows)
}
