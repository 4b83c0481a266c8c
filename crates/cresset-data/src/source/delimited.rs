//! Tables with a header line: CSV (`text,label`, cells may be quoted) and TSV (no quoting).

use std::io::{self, Read};
use std::iter;
use std::path::Path;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};

use super::fields::{Field, FieldNames, Need};
use super::quotes::Quotes;
use super::stream::Examples;
use super::text::Lines;
use crate::{DataError, Example, Label};

/// The example of every row of a comma-separated table.
pub(super) fn read_csv(path: &Path, fields: &FieldNames) -> Result<Examples, DataError> {
    let source = TableBytes {
        quotes: Some(Quotes::default()),
        ..TableBytes::open(path)?
    };
    read(source, ReaderBuilder::new().delimiter(b','), fields)
}

/// The example of every row of a tab-separated table.
pub(super) fn read_tsv(path: &Path, fields: &FieldNames) -> Result<Examples, DataError> {
    let source = TableBytes::open(path)?;
    read(
        source,
        ReaderBuilder::new().delimiter(b'\t').quoting(false),
        fields,
    )
}

fn read(
    source: TableBytes,
    reader: &mut ReaderBuilder,
    fields: &FieldNames,
) -> Result<Examples, DataError> {
    let path = Arc::clone(source.lines.path());
    let mut reader = reader.from_reader(source);
    let header = reader.headers().map_err(|e| table_error(&path, e))?.clone();
    if header.iter().all(|name| name.trim().is_empty()) {
        return Ok(Box::new(iter::empty()));
    }
    let columns = Columns::find(&path, &header, fields)?;
    let example = move |record: Result<StringRecord, csv::Error>| {
        let record = record.map_err(|e| table_error(&path, e))?;
        let line = record.position().map_or(0, |p| p.line() as usize);
        columns.example(&path, line, &record)
    };
    Ok(Box::new(reader.into_records().map(example)))
}

/// Where each role's column is.
struct Columns {
    fields: [Field; 6],
    places: [Option<usize>; 6],
}

impl Columns {
    fn find(path: &Path, header: &StringRecord, fields: &FieldNames) -> Result<Self, DataError> {
        let fields = fields.all();
        let named = |field: &Field| {
            let mut places = (0..header.len()).filter(|&i| header[i].trim() == field.name);
            (places.next(), places.next())
        };
        let mut places = [None; 6];
        for (field, place) in fields.iter().zip(&mut places) {
            *place = match named(field) {
                _ if field.need == Need::Absent => None,
                (Some(first), Some(second)) => {
                    return Err(DataError::TwoColumns {
                        path: path.to_owned(),
                        column: field.name.clone(),
                        places: [first + 1, second + 1],
                    });
                }
                (first, _) => first,
            };
        }
        for (field, place) in fields.iter().zip(places) {
            if place.is_none() && field.need == Need::Required {
                return Err(DataError::MissingColumn {
                    path: path.to_owned(),
                    column: field.name.clone(),
                    role: field.role,
                    present: header.iter().map(str::to_owned).collect(),
                });
            }
        }
        Ok(Columns { fields, places })
    }

    fn example(
        &self,
        path: &Path,
        line: usize,
        record: &StringRecord,
    ) -> Result<Example, DataError> {
        let cell = |i: usize| self.places[i].map(|place| record[place].to_owned());
        let score = match cell(4).filter(|text| !text.trim().is_empty()) {
            None => None,
            Some(text) => match text.trim().parse::<f64>() {
                Ok(score) if score.is_finite() => Some(score),
                _ => {
                    return Err(DataError::FieldType {
                        path: path.to_owned(),
                        line,
                        field: self.fields[4].name.clone(),
                        role: "score",
                        found: format!("\"{text}\""),
                        expected: "a number",
                    });
                }
            },
        };
        Ok(Example {
            id: cell(0),
            file: None,
            line,
            text: cell(1).expect("the text is required"),
            pair: cell(2),
            label: cell(3).map(Label::Name),
            score,
            target: cell(5),
            ..Example::default()
        })
    }
}

fn table_error(path: &Path, error: csv::Error) -> DataError {
    let line = error.position().map_or(1, |p| p.line() as usize);
    let reason = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => DataError::Ragged {
            path: path.to_owned(),
            line,
            found: len as usize,
            expected: expected_len as usize,
        },
        csv::ErrorKind::Io(source) => {
            source
                .downcast::<DataError>()
                .unwrap_or_else(|source| DataError::Read {
                    path: path.to_owned(),
                    source,
                })
        }
        _ => DataError::Table {
            path: path.to_owned(),
            line,
            reason,
        },
    }
}

/// The bytes of a table, line by checked line; errors reach [`table_error`] inside of an I/O error.
struct TableBytes {
    lines: Lines,
    line: Vec<u8>,
    /// What is read of the line.
    read: usize,
    /// Follows the quotes where the table has them.
    quotes: Option<Quotes>,
}

impl TableBytes {
    fn open(path: &Path) -> Result<Self, DataError> {
        Ok(TableBytes {
            lines: Lines::open(path)?,
            line: Vec::new(),
            read: 0,
            quotes: None,
        })
    }

    fn next_line(&mut self) -> Result<(), DataError> {
        let path = Arc::clone(self.lines.path());
        self.line.clear();
        self.read = 0;
        let Some(line) = self.lines.next_with_break()? else {
            return match &self.quotes {
                Some(quotes) => quotes.check_closed(&path),
                None => Ok(()),
            };
        };
        self.line.extend_from_slice(line.text.as_bytes());
        match &mut self.quotes {
            Some(quotes) => quotes.follow(&path, line),
            None => Ok(()),
        }
    }
}

impl Read for TableBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.line.len() {
            self.next_line().map_err(io::Error::other)?;
        }
        let n = buffer.len().min(self.line.len() - self.read);
        buffer[..n].copy_from_slice(&self.line[self.read..self.read + n]);
        self.read += n;
        Ok(n)
    }
}
