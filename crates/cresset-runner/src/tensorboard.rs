//! Event files for TensorBoard.
//!
//! A file is a row of TFRecords, each holding an `Event` of `tensorflow/core/util/event.proto` in protobuf's encoding. The crates that
//! write them bring a protobuf compiler or an image library along; the two formats, as far as scalars need them, are a page.

mod tags;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cresset_train::{Event, TrainError};

/// An event file that is written.
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: File,
}

/// What stands in front of a file.
const VERSION: &str = "brain.Event:2";

impl TensorBoard {
    /// Begins a new file in a folder, which is made if it is not there: TensorBoard reads all files of a folder as one run.
    ///
    /// # Errors
    /// A folder or a file that cannot be written.
    pub fn create(folder: &Path, now: SystemTime) -> Result<TensorBoard, TrainError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| TrainError::Write { path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        let (path, file) = new_file(folder, now).map_err(failed(folder))?;
        let mut board = TensorBoard { path, file };
        board.append(&[Field::Text(3, VERSION)], (0, now))?;
        Ok(board)
    }

    /// Writes the numbers of what happened. The start of a run that goes on takes back those of the steps that are done again.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&mut self, event: &Event, now: SystemTime) -> Result<(), TrainError> {
        if let Event::Started { step, .. } = event {
            let start = message(&[Field::Number(1, SESSION_START)]);
            return self.append(&[Field::Message(7, &start)], (step + 1, now));
        }
        let values: Vec<Vec<u8>> = tags::scalars(event)
            .into_iter()
            .filter(|(_, value)| value.is_finite())
            .map(|(tag, value)| message(&[Field::Text(1, &tag), Field::Float(2, value as f32)]))
            .collect();
        if values.is_empty() {
            return Ok(());
        }
        let values: Vec<Field<'_>> = values.iter().map(|v| Field::Message(1, v)).collect();
        let summary = message(&values);
        self.append(&[Field::Message(5, &summary)], (event.step(), now))
    }

    fn append(
        &mut self,
        what: &[Field<'_>],
        (step, now): (u64, SystemTime),
    ) -> Result<(), TrainError> {
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.unwrap_or(Duration::ZERO).as_secs_f64();
        let mut event = message(&[Field::Double(1, seconds), Field::Number(2, step)]);
        event.extend(message(what));
        let written = self.file.write_all(&record(&event));
        written.map_err(|source| TrainError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

/// `SessionLog.START`: what was logged for this step and later ones no longer counts.
const SESSION_START: u64 = 1;

/// A file whose name sorts behind those that are there.
fn new_file(folder: &Path, now: SystemTime) -> io::Result<(PathBuf, File)> {
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.unwrap_or(Duration::ZERO).as_secs();
    let mut number = 0;
    loop {
        let path = folder.join(format!(
            "events.out.tfevents.{seconds:010}.cresset.{number:03}"
        ));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            other => return other.map(|file| (path, file)),
        }
    }
}

/// Length and content, each followed by its checksum.
fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(checksum(&length));
    record.extend(content);
    record.extend(checksum(content));
    record
}

/// CRC-32C, turned and shifted, so that a checksum over data that hold checksums stays one.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let crc = crc32c::crc32c(bytes);
    crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// A field of a message: its number and its value.
enum Field<'a> {
    Number(u32, u64),
    Float(u32, f32),
    Double(u32, f64),
    Text(u32, &'a str),
    Message(u32, &'a [u8]),
}

/// A message in protobuf's encoding.
fn message(fields: &[Field<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields {
        match *field {
            // What is not there is zero.
            Field::Number(_, 0) => {}
            Field::Number(number, value) => {
                key(&mut out, number, 0);
                varint(&mut out, value);
            }
            Field::Double(number, value) => {
                key(&mut out, number, 1);
                out.extend(value.to_le_bytes());
            }
            Field::Text(number, value) => delimited(&mut out, number, value.as_bytes()),
            Field::Message(number, value) => delimited(&mut out, number, value),
            Field::Float(number, value) => {
                key(&mut out, number, 5);
                out.extend(value.to_le_bytes());
            }
        }
    }
    out
}

fn key(out: &mut Vec<u8>, number: u32, wire_type: u32) {
    varint(out, u64::from(number << 3 | wire_type));
}

fn delimited(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    key(out, number, 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Seven bits at a time, the lowest first.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_file_is_byte_for_byte_what_tensorboards_own_writer_makes_of_the_same_events() {
        let folder = tempfile::tempdir().expect("a folder");
        let at =
            |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 500);
        let mut board = TensorBoard::create(folder.path(), at(1_700_000_000)).expect("a file");
        let evaluated = Event::Evaluated {
            step: 300,
            values: BTreeMap::from([
                ("accuracy".to_owned(), 0.75),
                ("loss".to_owned(), 0.5),
                ("spearman".to_owned(), f64::NAN),
            ]),
            seconds: 1.0,
        };
        let started = Event::Started { step: 0, steps: 9 };
        board.write(&started, at(1_700_000_001)).expect("written");
        board.write(&evaluated, at(1_700_000_002)).expect("written");
        board
            .write(&Event::Finished { step: 300 }, at(1_700_000_003))
            .expect("nothing to write");
        let bytes = std::fs::read(&board.path).expect("the file");
        // Written by scripts/golden_tensorboard.py.
        assert_eq!(bytes, include_bytes!("../tests/golden/events.tfevents"));
    }

    #[test]
    fn a_second_file_of_the_same_second_sorts_behind_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let make = || TensorBoard::create(folder.path(), SystemTime::UNIX_EPOCH).expect("a file");
        let (first, second) = (make(), make());
        assert!(first.path < second.path);
    }
}
