//! Examples one after the other, from files of any size.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use super::{
    Format, SourceConfig, conll, conllu, delimited, jsonl, lines, parallel, parquet, squad,
};
use crate::{DataError, Example};

/// The examples of a file, in its order.
pub(super) type Examples = Box<dyn Iterator<Item = Result<Example, DataError>> + Send>;

/// The examples of all files, in their order. An error ends it.
///
/// Formats made of lines are read as far as they are asked for: an example and a buffer are in memory at a time. Whole
/// files and SQuAD's are read one file at a time.
pub struct ExampleStream {
    config: SourceConfig,
    /// What is still to be opened: a file, or a source with its target.
    files: vec::IntoIter<Vec<PathBuf>>,
    open: Option<OpenFile>,
}

struct OpenFile {
    path: Arc<Path>,
    examples: Examples,
    is_empty: bool,
}

/// Opens the files' stream of examples.
///
/// # Errors
/// No file, one that is not there or is a folder, a pattern that matches none; fields that the format does not have. While it is read: a file that
/// is empty or not UTF-8, a line that does not hold what it should.
pub fn stream_examples(config: &SourceConfig) -> Result<ExampleStream, DataError> {
    if config.fields.answers.is_some() && !matches!(config.format, Format::Jsonl | Format::Parquet)
    {
        return Err(DataError::Files(format!(
            "data.fields.answers is given, but the format is {}; answers are read from jsonl and parquet, or from squad, which has its own names",
            config.format.name()
        )));
    }
    let files = config.resolved_files()?;
    files.iter().try_for_each(|path| check(path))?;
    let files_at_a_time = match config.format {
        Format::Parallel => 2,
        _ => 1,
    };
    let groups: Vec<Vec<PathBuf>> = files
        .chunks(files_at_a_time)
        .map(<[PathBuf]>::to_vec)
        .collect();
    Ok(ExampleStream {
        config: config.clone(),
        files: groups.into_iter(),
        open: None,
    })
}

/// Says before the first file is read that a later one is not there.
fn check(path: &Path) -> Result<(), DataError> {
    let facts = path.metadata().map_err(|source| DataError::Read {
        path: path.to_owned(),
        source,
    })?;
    if facts.is_dir() {
        return Err(DataError::Files(format!(
            "{} is a folder; name the files in it, as in \"{}/*.jsonl\"",
            path.display(),
            path.display()
        )));
    }
    Ok(())
}

impl ExampleStream {
    fn read(&mut self) -> Result<Option<Example>, DataError> {
        loop {
            let file = match &mut self.open {
                Some(file) => file,
                None => match self.files.next() {
                    None => return Ok(None),
                    Some(paths) => self.open.insert(OpenFile::open(&paths, &self.config)?),
                },
            };
            if let Some(example) = file.examples.next() {
                file.is_empty = false;
                return Ok(Some(Example {
                    file: Some(Arc::clone(&file.path)),
                    ..example?
                }));
            }
            if file.is_empty {
                return Err(DataError::Empty {
                    path: file.path.to_path_buf(),
                    format: self.config.format.name().to_owned(),
                });
            }
            self.open = None;
        }
    }
}

impl OpenFile {
    fn open(paths: &[PathBuf], config: &SourceConfig) -> Result<Self, DataError> {
        let (path, fields) = (&paths[0], &config.fields);
        let examples = match config.format {
            Format::Jsonl => jsonl::read(path, fields)?,
            Format::Csv => delimited::read_csv(path, fields)?,
            Format::Tsv => delimited::read_tsv(path, fields)?,
            Format::Text => lines::read_lines(path)?,
            Format::Paragraphs => lines::read_paragraphs(path)?,
            Format::WholeFile => lines::read_whole(path)?,
            Format::Parallel => parallel::read(path, &paths[1])?,
            Format::Conll => conll::read(path, fields)?,
            Format::Conllu => conllu::read(path, fields)?,
            Format::Squad => squad::read(path)?,
            Format::Parquet => parquet::read(path, fields)?,
        };
        Ok(OpenFile {
            path: Arc::from(path.as_path()),
            examples,
            is_empty: true,
        })
    }
}

impl Iterator for ExampleStream {
    type Item = Result<Example, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.open = None;
            self.files = Vec::new().into_iter();
        }
        read.transpose()
    }
}

impl fmt::Debug for ExampleStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExampleStream")
            .field("config", &self.config)
            .field("open", &self.open.as_ref().map(|file| &file.path))
            .finish_non_exhaustive()
    }
}
