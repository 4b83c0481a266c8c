//! The building blocks of the page. Whatever comes from files goes through maud's escaping; nothing of it is put in as markup.

use maud::{Markup, PreEscaped, html};

use super::language::Phrase;
use super::read::Name;
use crate::cli::ReportLanguage;

/// A part of the report with its place in the table of contents.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its anchor.
    pub id: String,
    /// Its heading.
    pub heading: Markup,
    /// What is in it.
    pub content: Markup,
    /// What parts it has.
    pub parts: Vec<Part>,
}

/// A part of a section.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its heading.
    pub heading: Phrase,
    /// What is in it.
    pub content: Markup,
}

/// A part; `None` where nothing is in it.
pub fn part(heading: Phrase, content: Option<Markup>) -> Option<Part> {
    content.map(|content| Part { heading, content })
}

/// A drawing, or several beside each other, with its caption and the numbers behind it.
pub fn figure(
    language: ReportLanguage,
    drawn: &Markup,
    caption: &Phrase,
    numbers: Option<Markup>,
) -> Markup {
    html! {
        figure {
            (drawn)
            figcaption { (caption.show(language)) }
            @if let Some(numbers) = numbers { (numbers) }
        }
    }
}

/// Drawings beside each other where there is room.
pub fn beside(drawings: &[Markup]) -> Markup {
    html! {
        div.beside { @for drawing in drawings { div { (drawing) } } }
    }
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A token, as the tokenizer spells it.
    Token(String),
    /// A number, already spelled.
    Number(String),
    /// Made of several things.
    Mixed(Markup),
}

/// A table. Its first column names the rows. Wide ones can be moved sideways.
pub fn table(language: ReportLanguage, head: &[Phrase], rows: &[Vec<Cell>]) -> Markup {
    let is_number = |column: usize| {
        rows.iter()
            .any(|row| matches!(row.get(column), Some(Cell::Number(_))))
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(head.first().map_or("", |h| h.text(language))) {
            table {
                thead {
                    tr {
                        @for (column, name) in head.iter().enumerate() {
                            th scope="col" class=[is_number(column).then_some("n")] { (name.show(language)) }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 {
                                    th scope="row" class=[is_number(0).then_some("n")] { (shown(cell)) }
                                } @else if matches!(cell, Cell::Number(_)) {
                                    td.n { (shown(cell)) }
                                } @else {
                                    td { (shown(cell)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn shown(cell: &Cell) -> Markup {
    match cell {
        Cell::Text(text) | Cell::Number(text) => html! { (text) },
        Cell::Token(token) => self::token(token),
        Cell::Mixed(markup) => markup.clone(),
    }
}

/// A token, as the tokenizer spells it, with its spaces visible.
pub fn token(token: &str) -> Markup {
    html! { code { (crate::table::visible(token)) } }
}

/// A special vector: its token, and whose it is.
pub fn vector(name: &Name) -> Markup {
    html! { (token(&name.token)) @if let Some(stack) = &name.stack { " (" (stack) ")" } }
}

/// Parts one after the other.
pub fn parts(language: ReportLanguage, parts: &[Part]) -> Markup {
    html! {
        @for part in parts {
            section.part {
                h3 { (part.heading.show(language)) }
                (part.content)
            }
        }
    }
}

/// Text of the project's own that is markup already.
pub fn own(markup: &'static str) -> Markup {
    PreEscaped(markup.to_owned())
}
