//! Checks of configuration values.

use std::fmt::Display;
use std::ops::RangeFrom;

use crate::error::ModelError;

pub(crate) fn within(key: &str, value: usize, range: RangeFrom<usize>) -> Result<(), ModelError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(ModelError::OutOfRange {
        key: key.to_owned(),
        value: value.to_string(),
        expected: format!("at least {}", range.start),
    })
}

pub(crate) fn rate(key: &str, value: f64) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(ModelError::OutOfRange {
        key: key.to_owned(),
        value: value.to_string(),
        expected: "at least 0 and below 1".to_owned(),
    })
}

pub(crate) fn split_into_heads(
    size: (&'static str, usize),
    heads: (&'static str, usize),
) -> Result<(), ModelError> {
    within(size.0, size.1, 1..)?;
    within(heads.0, heads.1, 1..)?;
    if size.1.is_multiple_of(heads.1) {
        return Ok(());
    }
    Err(ModelError::IndivisibleHeads {
        size_key: size.0,
        size: size.1,
        heads_key: heads.0,
        heads: heads.1,
    })
}

pub(crate) fn supported(
    key: &'static str,
    value: impl Display,
    is_supported: bool,
    reason: &'static str,
) -> Result<(), ModelError> {
    if is_supported {
        Ok(())
    } else {
        Err(ModelError::Unsupported {
            key,
            value: value.to_string(),
            reason,
        })
    }
}
