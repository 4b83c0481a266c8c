//! Examples one after the other, from files that need not fit into memory.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use cresset_data::{ExampleStream, Format, SourceConfig, read_examples, stream_examples};
use tempfile::TempDir;

fn source(format: Format, files: &[&Path]) -> SourceConfig {
    SourceConfig {
        format,
        files: files.iter().map(PathBuf::from).collect(),
        ..SourceConfig::default()
    }
}

fn file(folder: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    path
}

/// A good example of every format made of lines, a bad one behind it, and what is bad.
const BROKEN: [(Format, &str, &str); 6] = [
    (Format::Jsonl, "{\"text\": \"a\"}\n[]\n", "line 2"),
    (Format::Csv, "text\na\nb,c\n", "line 3"),
    (Format::Tsv, "text\na\nb\tc\n", "line 3"),
    (Format::Text, "a\nb\0\n", "line 2"),
    (Format::Paragraphs, "a\n\nb\nc\0\n", "line 4"),
    (Format::Conll, "a O\n\nb\n", "line 3"),
];

#[test]
fn examples_come_before_what_follows_them_is_read_and_an_error_ends_the_stream() {
    let folder = TempDir::new().unwrap();
    for (format, content, place) in BROKEN {
        let bad = file(&folder, "bad", content);
        let good = file(
            &folder,
            "good",
            content.split_inclusive('\n').next().unwrap(),
        );
        let mut stream = stream_examples(&source(format, &[&bad, &good])).unwrap();
        let first = stream.next().unwrap().unwrap();
        assert_eq!(first.text, "a", "{format:?}");
        assert_eq!(first.file.as_deref(), Some(bad.as_path()));
        let error = stream.next().unwrap().unwrap_err().to_string();
        assert!(error.contains(place), "{format:?}: {error}");
        assert!(stream.next().is_none(), "{format:?}");
    }
}

#[test]
fn parallel_lines_come_before_the_files_turn_out_to_differ_in_length() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (file(&folder, "a", "x\n"), file(&folder, "b", "y\nz\n"));
    let mut stream = stream_examples(&source(Format::Parallel, &[&a, &b])).unwrap();
    assert_eq!(stream.next().unwrap().unwrap().target.as_deref(), Some("y"));
    assert!(stream.next().unwrap().is_err());
    assert!(stream.next().is_none());
}

#[test]
fn the_stream_and_the_list_hold_the_same() {
    let folder = TempDir::new().unwrap();
    let (a, b) = (file(&folder, "a", "1\n\n2\n"), file(&folder, "b", "3"));
    for format in [Format::Text, Format::Paragraphs, Format::WholeFile] {
        let source = source(format, &[&a, &b]);
        let streamed: Vec<_> = stream_examples(&source)
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(streamed, read_examples(&source).unwrap());
        assert_eq!(streamed.last().unwrap().file.as_deref(), Some(b.as_path()));
    }
}

#[test]
fn a_file_that_is_not_there_is_named_before_any_is_read() {
    let folder = TempDir::new().unwrap();
    let a = file(&folder, "a", "1\n");
    let missing = folder.path().join("b");
    assert!(stream_examples(&source(Format::Text, &[&a, &missing])).is_err());
}

#[test]
fn a_file_far_larger_than_memory_gives_its_first_examples() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("large");
    let mut large = File::create(&path).unwrap();
    writeln!(large, "{{\"text\": \"a\"}}").unwrap();
    // A hole: it takes no room on the disk, but would in memory.
    large.set_len(1 << 40).unwrap();
    let mut stream = stream_examples(&source(Format::Jsonl, &[&path])).unwrap();
    assert_eq!(stream.next().unwrap().unwrap().text, "a");
    let error = stream.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("line 2: longer than 64 MiB"), "{error}");
}

#[test]
fn a_quote_that_is_never_closed_is_named_by_the_line_in_which_it_opens() {
    let folder = TempDir::new().unwrap();
    let content = "text,label\n\"a, \"\"b\"\"\nc\",x\nd \"e\",x\n\"f,x\ng,x\n";
    let path = file(&folder, "open.csv", content);
    let mut stream = stream_examples(&source(Format::Csv, &[&path])).unwrap();
    assert_eq!(stream.next().unwrap().unwrap().text, "a, \"b\"\nc");
    assert_eq!(stream.next().unwrap().unwrap().text, "d \"e\"");
    let error = stream.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("line 5: the quote that opens"), "{error}");
}

#[test]
fn a_stream_can_be_read_by_another_thread() {
    fn is_send<T: Send + 'static>() {}
    is_send::<ExampleStream>();
}
