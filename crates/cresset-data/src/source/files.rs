//! From names and patterns to files.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, glob_with};

use super::{Format, SourceConfig};
use crate::DataError;

impl SourceConfig {
    /// The files that the names stand for, in the order in which they are read.
    ///
    /// A name with `*`, `?`, `[..]` or `**` that is not itself a file is a pattern: it stands for all files that match, sorted
    /// by name, without hidden ones. For `parallel` two patterns in turn stand for pairs of files.
    ///
    /// # Errors
    /// No name at all; a pattern that matches nothing; patterns of sources and targets that match different numbers of files.
    pub fn resolved_files(&self) -> Result<Vec<PathBuf>, DataError> {
        if self.files.is_empty() {
            return Err(DataError::Files(
                "no data file is given; name at least one".to_owned(),
            ));
        }
        let resolved = self.files.iter().map(|name| matching(name));
        let resolved: Vec<Vec<PathBuf>> = resolved.collect::<Result<_, _>>()?;
        if self.format != Format::Parallel {
            return Ok(resolved.concat());
        }
        let (pairs, rest) = resolved.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(DataError::Files(format!(
                "format parallel takes files in pairs of source and target, but {} are given; name both sides, as in [\"train.en\", \"train.de\"]",
                self.files.len()
            )));
        }
        let mut files = Vec::new();
        for ([sources, targets], names) in pairs.iter().zip(self.files.chunks(2)) {
            if sources.len() != targets.len() {
                return Err(DataError::Files(format!(
                    "{} matches {} files but {} matches {}; every file of sources needs one of targets",
                    names[0].display(),
                    sources.len(),
                    names[1].display(),
                    targets.len()
                )));
            }
            files.extend(
                sources
                    .iter()
                    .zip(targets)
                    .flat_map(|(s, t)| [s, t])
                    .cloned(),
            );
        }
        Ok(files)
    }
}

fn matching(name: &Path) -> Result<Vec<PathBuf>, DataError> {
    let pattern = match name.to_str() {
        Some(text) if text.contains(['*', '?', '[']) && !name.exists() => text,
        _ => return Ok(vec![name.to_owned()]),
    };
    let as_in_a_shell = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob_with(pattern, as_in_a_shell).map_err(|error| {
        DataError::Files(format!(
            "{pattern} is not a pattern: {} at its character {}; write [[] for a bracket",
            error.msg,
            error.pos + 1
        ))
    })?;
    let mut files = Vec::new();
    for path in found {
        let path = path.map_err(|error| DataError::Read {
            path: error.path().to_owned(),
            source: error.into(),
        })?;
        if !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(DataError::Files(format!(
            "no file matches {pattern}; check the pattern and the folder it starts in"
        )));
    }
    Ok(files)
}
