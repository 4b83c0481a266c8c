//! Compressed files, patterns and nested fields.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use cresset_data::{Example, FieldNames, Format, SourceConfig, read_examples};
use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tempfile::TempDir;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    compress_to_vec(content, CompressionLevel::Fastest)
}

/// Reads files in `folder`; messages are without its path.
fn read_in(
    folder: &Path,
    format: Format,
    files: &[&str],
    fields: FieldNames,
) -> Result<Vec<Example>, String> {
    let config = SourceConfig {
        format,
        files: files.iter().map(|name| folder.join(name)).collect(),
        fields,
    };
    let strip = format!("{}/", folder.display());
    read_examples(&config).map_err(|e| e.to_string().replace(&strip, ""))
}

fn read(format: Format, content: &[u8]) -> Result<Vec<Example>, String> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("f"), content).unwrap();
    read_in(folder.path(), format, &["f"], FieldNames::default())
}

fn texts(examples: &[Example]) -> Vec<&str> {
    examples.iter().map(|e| e.text.as_str()).collect()
}

/// The same two examples in every format of one file.
const FORMATS: [(Format, &str); 8] = [
    (Format::Jsonl, "{\"text\": \"a\"}\n{\"text\": \"b\"}\n"),
    (Format::Csv, "text\na\n\"b\"\n"),
    (Format::Tsv, "text\na\nb\n"),
    (Format::Text, "a\nb"),
    (Format::Paragraphs, "a\n\nb\n"),
    (Format::Conll, "a O\n\nb O\n"),
    (
        Format::Conllu,
        "1\ta\t_\tX\t_\t_\t_\t_\t_\t_\n\n1\tb\t_\tX\t_\t_\t_\t_\t_\t_\n",
    ),
    (
        Format::Squad,
        "{\"data\": [{\"paragraphs\": [{\"context\": \"c\", \"qas\": [{\"question\": \"a\"}, {\"question\": \"b\"}]}]}]}",
    ),
];

#[test]
fn every_format_is_read_out_of_gzip_and_zstd() {
    for (format, content) in FORMATS {
        let plain = read(format, content.as_bytes()).unwrap();
        assert_eq!(texts(&plain), ["a", "b"], "{format:?}");
        let with_mark = ["\u{feff}", content].concat();
        for packed in [
            gzip(content.as_bytes()),
            zstd(content.as_bytes()),
            gzip(with_mark.as_bytes()),
            zstd(with_mark.as_bytes()),
        ] {
            let unpacked = read(format, &packed).unwrap();
            assert_eq!(texts(&unpacked), ["a", "b"], "{format:?}");
            assert_eq!(unpacked[1].line, plain[1].line, "{format:?}");
        }
    }
}

#[test]
fn archives_that_follow_each_other_are_one_file() {
    assert_eq!(
        texts(&read(Format::Text, &[gzip(b"a\n"), gzip(b"b\n")].concat()).unwrap()),
        ["a", "b"]
    );
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frames = [&skipped[..], &zstd(b"a\n"), &skipped, &zstd(b"b\n")].concat();
    assert_eq!(texts(&read(Format::Text, &frames).unwrap()), ["a", "b"]);
}

#[test]
fn damaged_and_truncated_archives_are_named() {
    let content: String = (0..5000).map(|i| format!("line {}\n", i * i)).collect();
    for (name, packed) in [
        ("gzip", gzip(content.as_bytes())),
        ("zstd", zstd(content.as_bytes())),
    ] {
        for length in [6, packed.len() / 2, packed.len() - 1] {
            assert_eq!(
                read(Format::Text, &packed[..length]).unwrap_err(),
                format!("f: the {name} archive ends too early; copy or download the file again"),
                "{length} of {}",
                packed.len()
            );
        }
        let mut damaged = packed.clone();
        let last = damaged.len() - 6;
        damaged[last] ^= 0xff;
        let error = read(Format::Text, &damaged).unwrap_err();
        assert_eq!(
            error,
            format!("f: the {name} archive is damaged; copy or download the file again")
        );
    }
}

#[test]
fn other_archives_are_called_what_they_are() {
    for (head, what) in [
        (
            &b"PAR1...."[..],
            "a Parquet file; set data.format to parquet",
        ),
        (b"PK\x03\x04...", "a zip archive"),
        (b"\xfd7zXZ\0..", "an xz archive"),
        (b"BZh91AY", "a bzip2 archive"),
    ] {
        let error = read(Format::Jsonl, head).unwrap_err();
        assert!(error.starts_with(&format!("f is {what}")), "{error}");
    }
}

fn folder_of(names: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{name}\n")).unwrap();
    }
    folder
}

#[test]
fn a_pattern_stands_for_the_files_that_match_sorted_by_name() {
    let folder = folder_of(&[
        "b.txt",
        "a.txt",
        ".c.txt",
        "x/d.txt",
        "x/y/e.txt",
        "f.jsonl",
    ]);
    fs::create_dir(folder.path().join("g.txt")).unwrap();
    let read = |files: &[&str]| {
        let examples = read_in(folder.path(), Format::Text, files, FieldNames::default())?;
        Ok::<_, String>(texts(&examples).join(" "))
    };
    assert_eq!(read(&["*.txt"]).unwrap(), "a.txt b.txt");
    assert_eq!(read(&["?.txt", "a.*"]).unwrap(), "a.txt b.txt a.txt");
    assert_eq!(read(&["x/**/*.txt"]).unwrap(), "x/d.txt x/y/e.txt");
    assert_eq!(read(&["[bf].*"]).unwrap(), "b.txt f.jsonl");
    assert_eq!(
        read(&["*.csv"]).unwrap_err(),
        format!(
            "no file matches {}/*.csv; check the pattern and the folder it starts in",
            folder.path().display()
        )
        .replace(&format!("{}/", folder.path().display()), "")
    );
    assert!(read(&["[a.txt"]).unwrap_err().contains("is not a pattern"));
}

#[test]
fn a_file_whose_name_looks_like_a_pattern_is_itself() {
    let folder = folder_of(&["a[1].txt", "a1.txt"]);
    let examples = read_in(
        folder.path(),
        Format::Text,
        &["a[1].txt"],
        FieldNames::default(),
    )
    .unwrap();
    assert_eq!(texts(&examples), ["a[1].txt"]);
}

#[test]
fn patterns_of_parallel_files_are_paired() {
    let folder = folder_of(&["1.en", "2.en", "1.de", "2.de", "3.de"]);
    let config = |files: [&str; 2]| SourceConfig {
        format: Format::Parallel,
        files: files.map(|name| folder.path().join(name)).to_vec(),
        ..SourceConfig::default()
    };
    let names: Vec<PathBuf> = config(["*.en", "[12].de"]).resolved_files().unwrap();
    let names: Vec<&str> = names
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["1.en", "1.de", "2.en", "2.de"]);
    let error = config(["*.en", "*.de"])
        .resolved_files()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("matches 2 files but") && error.contains("matches 3;"),
        "{error}"
    );
}

fn nested(line: &str, text: &str) -> Result<String, String> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("f"), line).unwrap();
    let fields = FieldNames {
        text: Some(text.to_owned()),
        ..FieldNames::default()
    };
    let examples = read_in(folder.path(), Format::Jsonl, &["f"], fields)?;
    Ok(examples[0].text.clone())
}

#[test]
fn fields_may_stand_inside_of_others() {
    let line =
        "{\"a\": {\"b\": \"1\", \"c.d\": \"2\", \"l\": [\"3\", {\"x\": \"4\"}]}, \"a.b\": \"5\"}";
    for (path, text) in [
        ("a.b", "5"),
        ("a.c.d", "2"),
        ("a.l.0", "3"),
        ("a.l.1.x", "4"),
    ] {
        assert_eq!(nested(line, path).as_deref(), Ok(text), "{path}");
    }
    assert_eq!(nested("{\"a\": {\"b\": \"1\"}}", "a.b").as_deref(), Ok("1"));
}

#[test]
fn the_piece_of_a_path_that_is_missing_is_named() {
    let line = "{\"a\": {\"b\": {}, \"l\": [1], \"s\": \"x\"}}";
    let way_out = "correct the line or set data.fields.text to the field that holds the text";
    for (path, piece, inside, holds) in [
        ("a.c", "c", "a", "an object with b, l, s"),
        ("a.b.c.d", "c", "a.b", "an object without keys"),
        ("a.l.1", "1", "a.l", "a list of 1, counted from 0"),
        ("a.l.x", "x", "a.l", "a list of 1, counted from 0"),
        ("a.s.t", "t", "a.s", "\"x\""),
    ] {
        assert_eq!(
            nested(line, path).unwrap_err(),
            format!(
                "f, line 1: field \"{path}\" has no \"{piece}\": \"{inside}\" is {holds}; {way_out}"
            )
        );
    }
    assert_eq!(
        nested(line, "z.b").unwrap_err(),
        format!("f, line 1: no field \"z.b\" (there are: a); {way_out}")
    );
    assert_eq!(
        nested("{\"text\": null}", "text").unwrap_err(),
        "f, line 1: field \"text\" is null, but a text must be a string; correct the line"
    );
}
