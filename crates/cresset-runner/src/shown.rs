//! Parts of an example as lines for a person: the texts, then place by place what the model is told.

use std::collections::BTreeSet;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use cresset_objectives::{Places, Role, Shown};

use crate::table::{Cell, Line, in_one_line, render, visible};

/// The lines of an example: a line for each text, then a table for each thing that the model reads.
pub fn lines(parts: &[Shown]) -> Vec<String> {
    let mut printed: Vec<String> = parts
        .iter()
        .map(|part| text_line(part.name, &part.text))
        .collect();
    for part in parts {
        if let Some(places) = &part.places {
            printed.push(String::new());
            printed.push(heading(part.name, places));
            printed.extend(render(&table(part, places)));
        }
    }
    printed
}

/// A text under a name, in one line.
pub fn text_line(name: &str, text: &str) -> String {
    let line = format!("  {name:<14} {}", in_one_line(text));
    line.trim_end().to_owned()
}

/// What marks and colours mean, of those that occur; and what the lines of a table are.
pub fn legend<'a>(parts: impl IntoIterator<Item = &'a Shown>) -> Vec<String> {
    let read: Vec<&Places> = parts
        .into_iter()
        .filter_map(|part| part.places.as_ref())
        .collect();
    let roles: BTreeSet<Role> = read.iter().flat_map(|p| p.roles.iter().copied()).collect();
    if roles.is_empty() {
        return Vec::new();
    }
    let mark = |&role: &Role| {
        let (mark, meaning, style) = look(role);
        format!("{style}{mark} {meaning}{style:#}")
    };
    let marks: Vec<String> = roles.iter().map(mark).collect();
    let mut printed = vec![
        "legend".to_owned(),
        format!("  {:<14} {}", "role", marks.join(", ")),
    ];
    if read.iter().any(|places| places.labels.is_some()) {
        printed.push(format!(
            "  {:<14} what is to be predicted at the place above it; the loss counts where loss is 1",
            "predicts"
        ));
    }
    printed.push(format!(
        "  {:<14} 1 where other places may look, 0 at padding",
        "attention"
    ));
    printed
}

/// A role's mark, its meaning and its colour.
fn look(role: Role) -> (char, &'static str, Style) {
    let color = |color: AnsiColor| color.on_default();
    match role {
        Role::Text => ('.', "text", Style::new()),
        Role::Special => ('s', "special token", color(AnsiColor::Cyan)),
        Role::Mask => ('m', "mask", color(AnsiColor::Yellow).bold()),
        Role::Replaced => ('r', "random token", color(AnsiColor::Red).bold()),
        Role::Target => ('t', "target left as it is", color(AnsiColor::Green).bold()),
        Role::Sentinel => ('x', "sentinel", color(AnsiColor::Magenta)),
        Role::Unknown => ('u', "unknown", color(AnsiColor::Red)),
        Role::Pad => ('-', "padding", Style::new().dimmed()),
    }
}

fn heading(name: &str, places: &Places) -> String {
    format!(
        "  {name}: {} of {} places kept",
        places.kept,
        places.roles.len()
    )
}

fn table(part: &Shown, places: &Places) -> Vec<Line> {
    let columns = columns(&places.roles);
    let plain = vec![Style::new(); columns.len()];
    let predicted = vec![look(Role::Target).2; columns.len()];
    let by_role: Vec<Style> = columns
        .iter()
        .map(|column| look(places.roles[column.start]).2)
        .collect();
    let line = |name: &str, styles: &[Style], value: &dyn Fn(usize) -> String| {
        let cells = columns.iter().zip(styles).map(|(column, &style)| Cell {
            text: joined(column, value),
            style,
        });
        Line {
            name: name.to_owned(),
            cells: cells.collect(),
        }
    };
    let mut lines = Vec::new();
    let counts_places = |ids: &Vec<u32>| ids.iter().zip(0..).all(|(id, place)| *id == place);
    if !places.positions.as_ref().is_some_and(counts_places) {
        lines.push(line("place", &plain, &|at| at.to_string()));
    }
    lines.push(line("token", &by_role, &|at| visible(&part.tokens[at])));
    lines.push(line("id", &plain, &|at| part.ids[at].to_string()));
    let mark = |at: usize| look(places.roles[at]).0.to_string();
    lines.push(line("role", &by_role, &mark));
    if let Some(labels) = &places.labels {
        let label = |at: usize| labels[at].as_deref().map(visible).unwrap_or_default();
        lines.push(line("predicts", &predicted, &label));
    }
    for (name, values) in &places.aligned {
        lines.push(line(name, &plain, &|at| values[at].clone()));
    }
    if let Some(mask) = &places.loss_mask {
        lines.push(line("loss", &plain, &|at| mask[at].to_string()));
    }
    let attended = |at: usize| places.attention_mask[at].to_string();
    lines.push(line("attention", &plain, &attended));
    let numbers = [
        ("position", &places.positions),
        ("segment", &places.segments),
    ];
    for (name, values) in numbers {
        if let Some(values) = values {
            lines.push(line(name, &plain, &|at| values[at].to_string()));
        }
    }
    lines
}

/// The places of each column: one, or all that are padded.
fn columns(roles: &[Role]) -> Vec<Range<usize>> {
    let mut start = 0;
    roles
        .chunk_by(|a, b| *a == Role::Pad && *b == Role::Pad)
        .map(|run| {
            start += run.len();
            start - run.len()..start
        })
        .collect()
}

/// What stands at a column's places: once if it is the same at all of them, else the first and the last.
fn joined(column: &Range<usize>, value: &dyn Fn(usize) -> String) -> String {
    let first = value(column.start);
    if column.clone().all(|place| value(place) == first) {
        return first;
    }
    format!("{first}-{}", value(column.end - 1))
}
