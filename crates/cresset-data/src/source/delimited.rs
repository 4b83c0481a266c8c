//! Tables with a header line: CSV (`text,label`, cells may be quoted) and TSV (no quoting).

use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::{Field, FieldNames, Need};
use crate::{DataError, Example, Label};

/// Adds the example of every row of a comma-separated table.
pub(super) fn read_csv(
    path: &Path,
    content: &str,
    fields: &FieldNames,
    examples: &mut Vec<Example>,
) -> Result<(), DataError> {
    read(
        path,
        content,
        ReaderBuilder::new().delimiter(b','),
        fields,
        examples,
    )
}

/// Adds the example of every row of a tab-separated table.
pub(super) fn read_tsv(
    path: &Path,
    content: &str,
    fields: &FieldNames,
    examples: &mut Vec<Example>,
) -> Result<(), DataError> {
    read(
        path,
        content,
        ReaderBuilder::new().delimiter(b'\t').quoting(false),
        fields,
        examples,
    )
}

fn read(
    path: &Path,
    content: &str,
    reader: &mut ReaderBuilder,
    fields: &FieldNames,
    examples: &mut Vec<Example>,
) -> Result<(), DataError> {
    let mut reader = reader.from_reader(content.as_bytes());
    let header = reader.headers().map_err(|e| table_error(path, &e))?.clone();
    if content.trim().is_empty() {
        return Ok(());
    }
    let columns = Columns::find(path, &header, fields)?;
    for record in reader.records() {
        let record = record.map_err(|e| table_error(path, &e))?;
        let line = record.position().map_or(0, |p| p.line() as usize);
        examples.push(columns.example(path, line, &record)?);
    }
    Ok(())
}

/// Where each role's column is.
struct Columns<'a> {
    fields: [Field<'a>; 6],
    places: [Option<usize>; 6],
}

impl<'a> Columns<'a> {
    fn find(path: &Path, header: &StringRecord, fields: &'a FieldNames) -> Result<Self, DataError> {
        let fields = fields.all();
        let place = |field: Field<'_>| {
            (field.need != Need::Absent)
                .then(|| header.iter().position(|name| name.trim() == field.name))
                .flatten()
        };
        let places = fields.map(place);
        for (field, place) in fields.iter().zip(places) {
            if place.is_none() && field.need == Need::Required {
                return Err(DataError::MissingColumn {
                    path: path.to_owned(),
                    column: field.name.to_owned(),
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
                        field: self.fields[4].name.to_owned(),
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
            answers: None,
        })
    }
}

fn table_error(path: &Path, error: &csv::Error) -> DataError {
    let line = error.position().map_or(1, |p| p.line() as usize);
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => DataError::Ragged {
            path: path.to_owned(),
            line,
            found: *len as usize,
            expected: *expected_len as usize,
        },
        _ => DataError::Table {
            path: path.to_owned(),
            line,
            reason: error.to_string(),
        },
    }
}
