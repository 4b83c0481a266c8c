//! Lines of cells, the cells of a column under one another, in as many blocks as the width asks for.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// What is printed for a person is at most this wide; a single cell may be wider.
pub const WIDTH: usize = 100;

/// What stands before the cells: an indent and the line's name.
const MARGIN: usize = 17;
const GAP: usize = 2;

/// A line of a table.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is called.
    pub name: String,
    /// One cell per column.
    pub cells: Vec<Cell>,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What stands in it.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

impl Cell {
    /// A cell without colour.
    pub fn plain(text: impl Into<String>) -> Self {
        Cell {
            text: text.into(),
            style: Style::new(),
        }
    }
}

/// The printed lines. Blocks have an empty line between them.
pub fn render(lines: &[Line]) -> Vec<String> {
    let n_columns = lines.iter().map(|line| line.cells.len()).max().unwrap_or(0);
    let width_of = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.cells.get(column));
        cells.map(|cell| cell.text.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width_of).collect();
    let mut printed = Vec::new();
    let mut start = 0;
    while start < n_columns {
        let mut end = start + 1;
        let mut width = MARGIN + widths[start];
        while end < n_columns && width + GAP + widths[end] <= WIDTH {
            width += GAP + widths[end];
            end += 1;
        }
        if start > 0 {
            printed.push(String::new());
        }
        for line in lines {
            let cells = line.cells.get(start..end.min(line.cells.len()));
            printed.push(row(&line.name, cells.unwrap_or_default(), &widths[start..]));
        }
        start = end;
    }
    printed
}

fn row(name: &str, cells: &[Cell], widths: &[usize]) -> String {
    let mut printed = format!("    {name}");
    // Spaces are put before a cell, not behind it, so that no line ends in them.
    let mut due = MARGIN.saturating_sub(printed.width()).max(1);
    for (cell, width) in cells.iter().zip(widths) {
        let own = cell.text.width();
        if own > 0 {
            printed.push_str(&" ".repeat(due));
            let style = cell.style;
            printed.push_str(&format!("{style}{}{style:#}", cell.text));
            due = 0;
        }
        due += width - own + GAP;
    }
    printed
}

/// A token so that it shows and takes one line: spaces and control characters by a sign.
pub fn visible(token: &str) -> String {
    if token.is_empty() {
        return "\"\"".to_owned();
    }
    let mut shown = String::with_capacity(token.len());
    for c in token.chars() {
        match c {
            ' ' => shown.push('␣'),
            c if c.is_control() || c.is_whitespace() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// A text with its line ends and other control characters spelled out.
pub fn in_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, cells: &[&str]) -> Line {
        Line {
            name: name.to_owned(),
            cells: cells.iter().map(|text| Cell::plain(*text)).collect(),
        }
    }

    #[test]
    fn cells_stand_under_one_another_wide_characters_counted_as_two() {
        let printed = render(&[
            line("token", &["中文", "a", "b"]),
            line("id", &["7", "", "10"]),
        ]);
        assert_eq!(
            printed,
            [
                "    token        中文  a  b",
                "    id           7        10"
            ]
        );
    }

    #[test]
    fn a_long_table_goes_on_in_another_block_and_no_line_ends_in_spaces() {
        let cells = vec!["0123456789"; 9];
        let printed = render(&[line("a", &cells), line("b", &[""; 9])]);
        assert_eq!(printed.len(), 2 + 1 + 2);
        assert!(printed.iter().all(|line| line.len() <= WIDTH));
        assert!(printed.iter().all(|line| !line.ends_with(' ')));
    }

    #[test]
    fn spaces_and_line_ends_show() {
        assert_eq!(visible(" a\n"), "␣a\\n");
        assert_eq!(visible("é世"), "é世");
        assert_eq!(visible(""), "\"\"");
        assert_eq!(in_one_line("a\n b\u{1b}[0m"), "a\\n b\\u{1b}[0m");
    }
}
