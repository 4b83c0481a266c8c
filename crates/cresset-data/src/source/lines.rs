//! Plain text: a document per line, per paragraph or per file.

use crate::Example;

/// Adds every line that is not blank.
pub(super) fn read_lines(content: &str, examples: &mut Vec<Example>) {
    let lines = content
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    examples.extend(lines.map(|(i, line)| Example {
        line: i + 1,
        text: line.to_owned(),
        ..Example::default()
    }));
}

/// Adds the runs of lines between blank lines; their line breaks stay.
pub(super) fn read_paragraphs(content: &str, examples: &mut Vec<Example>) {
    let mut open: Option<Example> = None;
    for (i, line) in content.lines().enumerate() {
        match &mut open {
            _ if line.trim().is_empty() => examples.extend(open.take()),
            Some(document) => {
                document.text.push('\n');
                document.text.push_str(line);
            }
            None => {
                open = Some(Example {
                    line: i + 1,
                    text: line.to_owned(),
                    ..Example::default()
                })
            }
        }
    }
    examples.extend(open);
}

/// Adds the whole file as one document, unless it is empty.
pub(super) fn read_whole(content: &str, examples: &mut Vec<Example>) {
    if !content.is_empty() {
        examples.push(Example {
            line: 1,
            text: content.to_owned(),
            ..Example::default()
        });
    }
}
