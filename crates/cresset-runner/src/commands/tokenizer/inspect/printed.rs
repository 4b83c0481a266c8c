//! The same facts as lines for a person.

use super::facts::{Frames, Inspected, InspectedFile, InspectedText, Piece, Special};
use crate::shown;
use crate::table::{Cell, Line, in_one_line, render, visible};

pub(super) fn lines(inspected: &Inspected) -> Vec<String> {
    let mut lines = vec![value(
        "vocabulary",
        format!("{} tokens", inspected.vocabulary_size),
    )];
    match &inspected.convention {
        Some(convention) => lines.extend(convention_lines(convention)),
        None => lines.push(value(
            "convention",
            "not known; --convention bert, or another, shows its frames".to_owned(),
        )),
    }
    if let Some(text) = &inspected.text {
        lines.extend(text_lines(text));
    }
    if let Some(file) = &inspected.file {
        lines.push(String::new());
        lines.extend(file_lines(file, inspected.vocabulary_size));
    }
    lines
}

fn value(name: &str, value: String) -> String {
    format!("{name:<16} {value}")
}

fn convention_lines(convention: &Frames) -> Vec<String> {
    let mut lines = vec![value("convention", convention.name.clone())];
    lines.extend(convention.frame.lines().map(|line| format!("  {line}")));
    lines.push("special tokens".to_owned());
    let (sentinels, others): (Vec<&Special>, Vec<&Special>) = convention
        .special_tokens
        .iter()
        .partition(|special| special.role == "sentinel");
    let spelled = |special: &Special| format!("{} ({})", special.token, special.id);
    for special in others {
        lines.push(format!("  {:<14} {}", special.role, spelled(special)));
    }
    if let (Some(first), Some(last)) = (sentinels.first(), sentinels.last()) {
        lines.push(format!(
            "  {:<14} {} to {}, {} of them",
            "sentinels",
            spelled(first),
            spelled(last),
            sentinels.len()
        ));
    }
    lines
}

fn text_lines(text: &InspectedText) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("text: {} tokens", text.pieces.len()),
        shown::text_line("text", &text.text),
        shown::text_line("decoded", &text.decoded),
    ];
    let line = |name: &str, cell: &dyn Fn(&Piece) -> String| Line {
        name: name.to_owned(),
        cells: text
            .pieces
            .iter()
            .map(|piece| Cell::plain(cell(piece)))
            .collect(),
    };
    lines.extend(render(&[
        line("piece", &|piece| visible(&piece.token)),
        line("id", &|piece| piece.id.to_string()),
        line("characters", &|piece| {
            format!("{}-{}", piece.start, piece.end)
        }),
        line("of the text", &|piece| in_one_line(&piece.text)),
    ]));
    if !text.framed.is_empty() {
        lines.extend([String::new(), "in its frame".to_owned()]);
        lines.extend(shown::lines(&text.framed));
        lines.push(String::new());
        lines.extend(shown::legend(&text.framed));
    }
    lines
}

fn file_lines(file: &InspectedFile, vocabulary_size: usize) -> Vec<String> {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let unknown = match (file.unknown_tokens, file.unknown_rate) {
        (Some(n), Some(rate)) => format!("{n} tokens, {}", percent(rate)),
        _ => "there is no token for what is unknown".to_owned(),
    };
    let length = &file.length;
    let mut lines = vec![
        format!("file: {} texts, {} tokens", file.texts, file.tokens),
        format!("  {:<14} {unknown}", "unknown"),
        format!(
            "  {:<14} mean {:.1}, median {}, p90 {}, p99 {}, max {} tokens",
            "length", length.mean, length.median, length.p90, length.p99, length.max
        ),
    ];
    if let Some(longer) = &file.longer {
        lines.push(format!(
            "  {:<14} {} of the texts have more than {} tokens with the {} special ones",
            "longer",
            percent(longer.share),
            longer.max_length,
            longer.special_tokens
        ));
    }
    lines.extend([
        format!(
            "  {:<14} {:.2} a word, {:.2} a character",
            "tokens", file.tokens_per_word, file.tokens_per_character
        ),
        format!(
            "  {:<14} {} of {vocabulary_size} tokens occur, {}",
            "vocabulary",
            file.vocabulary_used,
            percent(file.vocabulary_share)
        ),
    ]);
    lines
}
