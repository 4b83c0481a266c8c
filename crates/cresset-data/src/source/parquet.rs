//! Parquet (parquet.apache.org): a row is an example, its columns the fields. Row groups are read one after the other, of
//! each only the columns that are named, and of these a batch of values at a time.
//!
//! A Parquet file has no checksum, and on damaged data the reader's code may panic; that is an error of the file here.

use std::fs::File;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::{ReaderIter, TreeBuilder};
use parquet::record::{Field as Cell, Row};
use parquet::schema::types::{SchemaDescPtr, SchemaDescriptor, Type};
use serde_json::{Map, Number, Value};

use super::fields::{Field, FieldNames, Need};
use super::object::{Object, ObjectFields};
use super::stream::Examples;
use crate::{DataError, Example};

/// The example of every row.
pub(super) fn read(path: &Path, fields: &FieldNames) -> Result<Examples, DataError> {
    let read_error = |source| DataError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read_error)?;
    let n_bytes = file.metadata().map_err(read_error)?.len();
    let reader = guarded(path, || SerializedFileReader::new(file))?;
    check_places(path, reader.metadata(), n_bytes)?;
    let fields = ObjectFields::new(fields);
    let columns = named(path, reader.metadata().file_metadata().schema(), &fields)?;
    let columns = SchemaDescriptor::new(Arc::new(guarded(path, || columns)?));
    let mut table = Table {
        path: Arc::from(path),
        reader,
        columns: Arc::new(columns),
        fields,
        group: 0,
        rows: None,
        row: 0,
    };
    Ok(Box::new(iter::from_fn(move || {
        table.next_example().transpose()
    })))
}

struct Table {
    path: Arc<Path>,
    reader: SerializedFileReader<File>,
    /// Those that are read.
    columns: SchemaDescPtr,
    fields: ObjectFields,
    /// The row group that comes next.
    group: usize,
    /// The rest of the row group before it.
    rows: Option<ReaderIter>,
    /// The number of the last row.
    row: usize,
}

impl Table {
    fn next_example(&mut self) -> Result<Option<Example>, DataError> {
        let path = Arc::clone(&self.path);
        let Some(row) = guarded(&path, || self.next_row())? else {
            return Ok(None);
        };
        self.row += 1;
        let object = Object {
            path: &self.path,
            line: self.row,
            values: &values_of(row),
        };
        object.example(&self.fields).map(Some)
    }

    fn next_row(&mut self) -> Result<Option<Row>, ParquetError> {
        loop {
            if let Some(row) = self.rows.as_mut().and_then(Iterator::next) {
                return row.map(Some);
            }
            if self.group == self.reader.num_row_groups() {
                return Ok(None);
            }
            let group = self.reader.get_row_group(self.group)?;
            self.rows = Some(TreeBuilder::new().as_iter(Arc::clone(&self.columns), &*group)?);
            self.group += 1;
        }
    }
}

/// The part of the schema that the fields name.
fn named(
    path: &Path,
    schema: &Type,
    fields: &ObjectFields,
) -> Result<Result<Type, ParquetError>, DataError> {
    let columns = schema.get_fields();
    let holds = |column: &str, field: &Field| {
        let is_inside = || field.name.split('.').next() == Some(column);
        field.need != Need::Absent && (field.name == column || is_inside())
    };
    for field in fields.iter().filter(|field| field.need == Need::Required) {
        if !columns.iter().any(|column| holds(column.name(), field)) {
            return Err(DataError::MissingColumn {
                path: path.to_owned(),
                column: field.name.clone(),
                role: field.role,
                present: columns.iter().map(|c| c.name().to_owned()).collect(),
            });
        }
    }
    let is_named = |column: &&Arc<Type>| fields.iter().any(|field| holds(column.name(), field));
    let kept = columns.iter().filter(is_named).cloned().collect();
    Ok(Type::group_type_builder(schema.name())
        .with_fields(kept)
        .build())
}

/// What the reader gives, or what is wrong with the file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, DataError> {
    // A stream ends with its first error, so nothing is read from a state that a panic left behind.
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            let text = error.to_string();
            let reason = text.strip_prefix("Parquet error: ").unwrap_or(&text);
            Err(damaged(path, reason))
        }
        Err(_) => Err(damaged(path, "its values cannot be decoded")),
    }
}

fn damaged(path: &Path, reason: &str) -> DataError {
    DataError::Parquet {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

/// Refuses columns that the file says to stand where it has no bytes; the reader would panic.
fn check_places(path: &Path, facts: &ParquetMetaData, n_bytes: u64) -> Result<(), DataError> {
    let stands_inside = |column: &ColumnChunkMetaData| {
        let start = column
            .dictionary_page_offset()
            .unwrap_or_else(|| column.data_page_offset());
        let (start, length) = (
            start.try_into().ok(),
            column.compressed_size().try_into().ok(),
        );
        let end = start
            .zip(length)
            .and_then(|(start, length): (u64, u64)| start.checked_add(length));
        end.is_some_and(|end| end <= n_bytes)
    };
    let mut columns = facts.row_groups().iter().flat_map(|group| group.columns());
    if columns.all(stands_inside) {
        Ok(())
    } else {
        Err(damaged(path, "a column stands outside of the file"))
    }
}

fn values_of(row: Row) -> Map<String, Value> {
    let columns = row.into_columns().into_iter();
    columns
        .map(|(name, cell)| (name, value_of(&cell)))
        .collect()
}

/// A cell as a JSON value. What JSON has not, a date or bytes that are no text, is a value of a type that no field takes, so
/// that its place is said.
fn value_of(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => Value::Bool(*value),
        Cell::Byte(value) => Value::from(*value),
        Cell::Short(value) => Value::from(*value),
        Cell::Int(value) => Value::from(*value),
        Cell::Long(value) => Value::from(*value),
        Cell::UByte(value) => Value::from(*value),
        Cell::UShort(value) => Value::from(*value),
        Cell::UInt(value) => Value::from(*value),
        Cell::ULong(value) => Value::from(*value),
        Cell::Float16(value) => number(f64::from(value.to_f32())),
        Cell::Float(value) => number(f64::from(*value)),
        Cell::Double(value) => number(*value),
        Cell::Str(text) => Value::String(text.clone()),
        // Writers that do not mark text as text.
        Cell::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Value::String(text.to_owned()),
            Err(_) => Value::from(bytes.data()),
        },
        Cell::Group(row) => {
            let columns = row.get_column_iter();
            let values = columns.map(|(name, cell)| (name.clone(), value_of(cell)));
            Value::Object(values.collect())
        }
        Cell::ListInternal(list) => list.elements().iter().map(value_of).collect(),
        Cell::MapInternal(map) => {
            let entry = |(key, value): &(Cell, Cell)| (key_of(key), value_of(value));
            Value::Object(map.entries().iter().map(entry).collect())
        }
        Cell::Decimal(_)
        | Cell::Date(_)
        | Cell::TimeMillis(_)
        | Cell::TimeMicros(_)
        | Cell::TimestampMillis(_)
        | Cell::TimestampMicros(_) => Value::String(cell.to_string()),
    }
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| Value::String(value.to_string()), Value::Number)
}

fn key_of(cell: &Cell) -> String {
    match value_of(cell) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
