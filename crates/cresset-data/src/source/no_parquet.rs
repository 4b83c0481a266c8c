//! What a build without Parquet says.

use std::path::Path;

use super::fields::FieldNames;
use super::stream::Examples;
use crate::DataError;

/// Refuses the file.
pub(super) fn read(path: &Path, _: &FieldNames) -> Result<Examples, DataError> {
    Err(DataError::Files(format!(
        "{} is to be read as Parquet, which this build does not know; build with --features parquet, or convert the file to jsonl",
        path.display()
    )))
}
