//! Arrays of numbers as files: safetensors, NumPy's, JSON.

use std::io::{Cursor, Write};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Map, Value};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A named array, row after row.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its shape; empty for a single number.
    pub shape: &'a [usize],
    /// Its numbers.
    pub values: &'a [f32],
}

/// Several arrays in the format that a file's ending asks for: `.npz` (`numpy.load`), `.json` (nested lists by name), and
/// else safetensors.
///
/// # Errors
/// None that a caller could bring about.
pub fn for_file(path: &Path, arrays: &[Array<'_>]) -> anyhow::Result<Vec<u8>> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("npz") => npz(arrays),
        Some("json") => json(arrays),
        _ => safetensors(arrays),
    }
}

fn safetensors(arrays: &[Array<'_>]) -> anyhow::Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> = arrays.iter().map(|array| bytes(array.values)).collect();
    let views = arrays
        .iter()
        .zip(&bytes)
        .map(|(array, bytes)| {
            let view = TensorView::new(Dtype::F32, array.shape.to_vec(), bytes)?;
            Ok((array.name, view))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(safetensors::serialize(views, None)?)
}

/// An archive of `.npy` files, not compressed, as `numpy.savez` writes it.
fn npz(arrays: &[Array<'_>]) -> anyhow::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for array in arrays {
        archive.start_file(format!("{}.npy", array.name), stored)?;
        archive.write_all(&npy(array.shape, &bytes(array.values)))?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Nested lists; what is no number in JSON is null.
fn json(arrays: &[Array<'_>]) -> anyhow::Result<Vec<u8>> {
    fn nested(shape: &[usize], values: &[f32]) -> Value {
        match shape {
            [] => values.first().map_or(Value::Null, |x| Value::from(*x)),
            [n, rest @ ..] => {
                let size = values.len() / (*n).max(1);
                let part = |at: usize| nested(rest, &values[at * size..(at + 1) * size]);
                (0..*n).map(part).collect()
            }
        }
    }
    let named = |array: &Array<'_>| (array.name.to_owned(), nested(array.shape, array.values));
    let object: Map<String, Value> = arrays.iter().map(named).collect();
    Ok(serde_json::to_vec(&object)?)
}

/// NumPy's format, version 1.0: a header that fills up 64 bytes, then little-endian numbers of 32 bits, given as bytes.
pub fn npy(shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    // A tuple of one has a comma behind it.
    let sizes: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let sizes = match shape.len() {
        1 => sizes.trim_end(),
        _ => sizes.trim_end().trim_end_matches(','),
    };
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sizes}), }}");
    const BEFORE: usize = 10;
    let end = (BEFORE + header.len() + 1).next_multiple_of(64);
    while BEFORE + header.len() + 1 < end {
        header.push(' ');
    }
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(bytes);
    file
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_an_array_fills_64_bytes_and_has_numpys_tuples() {
        for (shape, tuple) in [(&[][..], "()"), (&[3][..], "(3,)"), (&[2, 3][..], "(2, 3)")] {
            let file = npy(shape, &[]);
            assert_eq!(file.len() % 64, 0);
            let text = String::from_utf8_lossy(&file).into_owned();
            assert!(text.contains(&format!("'shape': {tuple}, }}")), "{text}");
        }
    }

    #[test]
    fn json_has_nested_lists_by_name() {
        let array = Array {
            name: "logits",
            shape: &[2, 1, 2],
            values: &[1.0, f32::NAN, 0.5, -2.0],
        };
        let text = String::from_utf8(json(&[array]).expect("JSON")).expect("UTF-8");
        assert_eq!(text, "{\"logits\":[[[1.0,null]],[[0.5,-2.0]]]}");
    }
}
