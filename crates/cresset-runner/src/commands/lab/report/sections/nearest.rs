//! The ordinary tokens next to each special vector over time.

use maud::{Markup, html};

use super::super::html::{Cell, Part, part as made, table, token, vector};
use super::super::language::phrase;
use super::super::read::{Name, Run, Vector};
use crate::cli::ReportLanguage;

/// Rows of a table; of more evaluations some are left out evenly.
const MOST_ROWS: usize = 10;

/// A table per vector.
pub fn part(language: ReportLanguage, run: &Run) -> Option<Part> {
    let tables: Vec<(Name, Markup)> = run
        .special_names()
        .into_iter()
        .filter_map(|name| Some((name.clone(), of_vector(language, run, &name)?)))
        .collect();
    if tables.is_empty() {
        return None;
    }
    let content = html! {
        p.note {
            (phrase(
                "The ordinary tokens whose vectors point most nearly into the same direction, with the cosine. Small cosines mean that the vector has no neighbour.",
                "向量方向最接近的普通词元及其余弦。余弦都很小，说明这个向量附近没有普通词元。",
            ).show(language))
        }
        @for (name, table) in tables {
            h4 { (vector(&name)) }
            (table)
        }
    };
    made(
        phrase("Nearest tokens over time", "最近邻词元的变化"),
        Some(content),
    )
}

fn of_vector(language: ReportLanguage, run: &Run, name: &Name) -> Option<Markup> {
    let records: Vec<(u64, &Vector)> = run
        .special
        .iter()
        .filter_map(|s| Some((s.step, s.vectors.iter().find(|v| v.name() == *name)?)))
        .filter(|(_, vector)| !vector.nearest.is_empty())
        .collect();
    let last = records.len().checked_sub(1)?;
    let n_rows = records.len().min(MOST_ROWS);
    let kept = (0..n_rows).map(|row| {
        records[if n_rows > 1 {
            row * last / (n_rows - 1)
        } else {
            0
        }]
    });
    let row = |(step, vector): (u64, &Vector)| {
        let near = html! {
            @for near in &vector.nearest {
                span.near { (token(&near.token)) " " small { (near.cosine.map_or_else(String::new, |c| format!("{c:.2}"))) } } " "
            }
        };
        vec![Cell::Number(step.to_string()), Cell::Mixed(near)]
    };
    let rows: Vec<Vec<Cell>> = kept.map(row).collect();
    let head = [
        phrase("step", "步数"),
        phrase("nearest tokens", "最近的词元"),
    ];
    Some(table(language, &head, &rows))
}
