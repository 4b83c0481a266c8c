//! Parallel text: line n of the second file is the target of line n of the first.

use std::path::{Path, PathBuf};

use super::{Format, name_file, text};
use crate::{DataError, Example};

/// The examples of files given as source and target in turn. Blank lines count: they keep the files aligned.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Example>, DataError> {
    let (pairs, rest) = files.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(DataError::Files(format!(
            "format parallel takes files in pairs of source and target, but {} are given; name both sides, as in [\"train.en\", \"train.de\"]",
            files.len()
        )));
    }
    let mut examples = Vec::new();
    for [source, target] in pairs {
        let before = examples.len();
        read_pair(source, target, &mut examples)?;
        name_file(&mut examples[before..], source);
    }
    Ok(examples)
}

fn read_pair(
    source_path: &Path,
    target_path: &Path,
    examples: &mut Vec<Example>,
) -> Result<(), DataError> {
    let (sources, targets) = (text::read(source_path)?, text::read(target_path)?);
    let (source_lines, target_lines) = (sources.lines().count(), targets.lines().count());
    if source_lines != target_lines {
        return Err(DataError::LineCount {
            source_path: source_path.to_owned(),
            source_lines,
            target_path: target_path.to_owned(),
            target_lines,
        });
    }
    if sources.trim().is_empty() || targets.trim().is_empty() {
        let path = if sources.trim().is_empty() {
            source_path
        } else {
            target_path
        };
        return Err(DataError::Empty {
            path: path.to_owned(),
            format: Format::Parallel.name().to_owned(),
        });
    }
    for (i, (source, target)) in sources.lines().zip(targets.lines()).enumerate() {
        examples.push(Example {
            line: i + 1,
            text: source.to_owned(),
            target: Some(target.to_owned()),
            ..Example::default()
        });
    }
    Ok(())
}
