//! Formats, and what malformed files get to hear.

use std::fs;
use std::path::PathBuf;

use cresset_data::{Example, FieldNames, Format, Label, SourceConfig, content_hash, read_examples};
use tempfile::TempDir;

/// Files in a folder of their own.
struct Files {
    folder: TempDir,
    paths: Vec<PathBuf>,
}

fn files(contents: &[&[u8]]) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..contents.len())
        .map(|i| folder.path().join(format!("f{i}")))
        .collect();
    for (path, content) in paths.iter().zip(contents) {
        fs::write(path, content).unwrap();
    }
    Files { folder, paths }
}

impl Files {
    fn read(&self, format: Format, fields: FieldNames) -> Result<Vec<Example>, String> {
        let config = SourceConfig {
            format,
            files: self.paths.clone(),
            fields,
        };
        let strip = format!("{}/", self.folder.path().display());
        read_examples(&config).map_err(|e| e.to_string().replace(&strip, ""))
    }
}

fn read(format: Format, content: &str) -> Result<Vec<Example>, String> {
    files(&[content.as_bytes()]).read(format, FieldNames::default())
}

fn texts(examples: &[Example]) -> Vec<&str> {
    examples.iter().map(|e| e.text.as_str()).collect()
}

#[test]
fn json_lines_hold_all_fields() {
    let content = "{\"id\": 7, \"text\": \"a\", \"pair\": \"b\", \"label\": 1, \"score\": 2.5, \"target\": \"c\", \"x\": []}\n\n{\"text\": \"d\", \"label\": \"no\"}\n";
    let examples = read(Format::Jsonl, content).unwrap();
    assert_eq!(
        examples[0],
        Example {
            id: Some("7".into()),
            file: examples[0].file.clone(),
            line: 1,
            text: "a".into(),
            pair: Some("b".into()),
            label: Some(Label::Name("1".into())),
            score: Some(2.5),
            target: Some("c".into()),
            ..Example::default()
        }
    );
    assert_eq!(examples[1].line, 3);
    assert_eq!(examples[1].label, Some(Label::Name("no".into())));
}

#[test]
fn fields_can_have_other_names() {
    let fields = FieldNames {
        text: Some("q".into()),
        label: Some("class".into()),
        ..FieldNames::default()
    };
    let examples = files(&[b"{\"q\": \"a\", \"class\": true}"])
        .read(Format::Jsonl, fields)
        .unwrap();
    assert_eq!(
        (examples[0].text.as_str(), &examples[0].label),
        ("a", &Some(Label::Name("true".into())))
    );
}

#[test]
fn labels_may_be_a_list_of_any_length() {
    let content =
        "{\"text\": \"a\", \"label\": [\"x\", 2, true]}\n{\"text\": \"b\", \"label\": []}\n";
    let examples = read(Format::Jsonl, content).unwrap();
    let names = |example: &Example| example.label.clone().expect("a label").names().to_vec();
    assert_eq!(names(&examples[0]), ["x", "2", "true"]);
    assert_eq!(examples[1].label, Some(Label::Names(Vec::new())));
    assert_eq!(Label::Name("x".into()).names(), ["x"]);
}

#[test]
fn a_field_named_for_one_role_has_no_other() {
    let fields = FieldNames {
        score: Some("label".into()),
        ..FieldNames::default()
    };
    let json = files(&[b"{\"text\": \"a\", \"label\": 3.8}"])
        .read(Format::Jsonl, fields.clone())
        .unwrap();
    let table = files(&[b"text,label\na,3.8\n"])
        .read(Format::Csv, fields)
        .unwrap();
    for example in [&json[0], &table[0]] {
        assert_eq!((example.score, &example.label), (Some(3.8), &None));
    }
}

#[test]
fn csv_cells_may_be_quoted_and_span_lines() {
    let examples = read(Format::Csv, "label,text\npos,\"a, \"\"b\"\"\nc\"\nneg,d\n").unwrap();
    assert_eq!(texts(&examples), ["a, \"b\"\nc", "d"]);
    assert_eq!((examples[0].line, examples[1].line), (2, 4));
}

#[test]
fn tsv_takes_quotes_as_they_are() {
    let examples = read(Format::Tsv, "text\tscore\n\"a\" b\t1.5\nc\t\n").unwrap();
    assert_eq!(texts(&examples), ["\"a\" b", "c"]);
    assert_eq!((examples[0].score, examples[1].score), (Some(1.5), None));
}

#[test]
fn plain_text_is_a_document_per_line_paragraph_or_file() {
    let content = "a\nb\r\n\n\nc\n";
    assert_eq!(
        texts(&read(Format::Text, content).unwrap()),
        ["a", "b", "c"]
    );
    let paragraphs = read(Format::Paragraphs, content).unwrap();
    assert_eq!(texts(&paragraphs), ["a\nb", "c"]);
    assert_eq!(paragraphs[1].line, 5);
    assert_eq!(texts(&read(Format::WholeFile, content).unwrap()), [content]);
}

#[test]
fn parallel_files_go_line_by_line_and_keep_blank_lines() {
    let examples = files(&[b"a\n\nb\n", b"x\ny\nz"])
        .read(Format::Parallel, FieldNames::default())
        .unwrap();
    assert_eq!(texts(&examples), ["a", "", "b"]);
    assert_eq!(examples[2].target.as_deref(), Some("z"));
}

#[test]
fn a_byte_order_mark_is_not_text() {
    assert_eq!(texts(&read(Format::Text, "\u{feff}a\n").unwrap()), ["a"]);
}

#[test]
fn a_missing_file_is_named() {
    let config = SourceConfig {
        files: vec!["no/such.jsonl".into()],
        ..SourceConfig::default()
    };
    let error = read_examples(&config).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read no/such.jsonl: No such file"),
        "{error}"
    );
}

#[test]
fn an_empty_file_is_refused_in_every_format() {
    for format in [
        Format::Jsonl,
        Format::Csv,
        Format::Tsv,
        Format::Text,
        Format::Paragraphs,
        Format::WholeFile,
    ] {
        let error = read(format, "").unwrap_err();
        let name = format.name();
        assert_eq!(
            error,
            format!(
                "f0 holds no example; check that it is the right file and that its format is {name}"
            )
        );
    }
    let error = files(&[b"", b""])
        .read(Format::Parallel, FieldNames::default())
        .unwrap_err();
    assert!(error.starts_with("f0 holds no example"), "{error}");
}

#[test]
fn invalid_utf_8_is_located() {
    let error = files(&[b"fine\nab\xff\n"])
        .read(Format::Text, FieldNames::default())
        .unwrap_err();
    assert_eq!(
        error,
        "f0, line 2: byte 3 of the line is not valid UTF-8; convert the file to UTF-8, for example with iconv"
    );
}

#[test]
fn a_json_line_without_the_field_says_what_is_there() {
    let error = read(
        Format::Jsonl,
        "{\"text\": \"a\"}\n{\"sentence\": \"b\", \"label\": 1}\n",
    )
    .unwrap_err();
    assert_eq!(
        error,
        "f0, line 2: no field \"text\" (there are: sentence, label); correct the line or set data.fields.text to the field that holds the text"
    );
    let fields = FieldNames {
        label: Some("class".into()),
        ..FieldNames::default()
    };
    let error = files(&[b"{\"text\": \"a\"}"])
        .read(Format::Jsonl, fields)
        .unwrap_err();
    assert!(
        error.starts_with("f0, line 1: no field \"class\" (there are: text);"),
        "{error}"
    );
}

#[test]
fn lines_that_are_not_what_they_should_be_are_shown() {
    let error = read(Format::Jsonl, "{\"text\": \"a\"\n").unwrap_err();
    assert!(
        error.starts_with("f0, line 1: not a JSON object (EOF while parsing an object at column"),
        "{error}"
    );
    let error = read(Format::Jsonl, "[1]\n").unwrap_err();
    assert!(
        error.starts_with("f0, line 1: not a JSON object"),
        "{error}"
    );
    let error = read(Format::Jsonl, "{\"text\": 5}\n").unwrap_err();
    assert_eq!(
        error,
        "f0, line 1: field \"text\" is 5, but a text must be a string; correct the line"
    );
    let error = read(Format::Jsonl, "{\"text\": \"a\", \"score\": \"high\"}\n").unwrap_err();
    assert_eq!(
        error,
        "f0, line 1: field \"score\" is \"high\", but a score must be a number; correct the line"
    );
}

#[test]
fn labels_that_are_no_names_are_shown() {
    let label = |value: &str| {
        read(
            Format::Jsonl,
            &format!("{{\"text\": \"a\", \"label\": {value}}}\n"),
        )
        .unwrap_err()
    };
    assert_eq!(
        label("[\"x\", null]"),
        "f0, line 1: field \"label\" is [\"x\",null], but a label must be a string, an integer or a list of them; correct the line"
    );
    assert!(
        label("3.8").contains("a number to predict is a score: set data.fields.score"),
        "{}",
        label("3.8")
    );
}

#[test]
fn a_score_that_is_no_number_is_located() {
    for score in ["NaN", "inf", "-Infinity", "1e999", "four"] {
        let error = read(Format::Csv, &format!("text,score\nb,1\na,{score}\n")).unwrap_err();
        assert_eq!(
            error,
            format!(
                "f0, line 3: field \"score\" is \"{score}\", but a score must be a number; correct the line"
            )
        );
    }
    for score in ["NaN", "1e999"] {
        let line = format!("{{\"text\": \"a\", \"score\": {score}}}\n");
        let error = read(Format::Jsonl, &line).unwrap_err();
        assert!(
            error.starts_with("f0, line 1: not a JSON object ("),
            "{error}"
        );
    }
}

#[test]
fn parallel_files_of_different_lengths_say_both_counts() {
    let error = files(&[b"a\nb\n", b"x\ny\nz\n"])
        .read(Format::Parallel, FieldNames::default())
        .unwrap_err();
    assert_eq!(
        error,
        "f0 has 2 lines but f1 has 3; line n of one must be the translation of line n of the other"
    );
    let error = files(&[b"a\n"])
        .read(Format::Parallel, FieldNames::default())
        .unwrap_err();
    assert!(
        error.starts_with(
            "format parallel takes files in pairs of source and target, but 1 are given"
        ),
        "{error}"
    );
}

#[test]
fn a_table_without_the_column_says_what_is_there() {
    let error = read(Format::Csv, "sentence,label\na,1\n").unwrap_err();
    assert_eq!(
        error,
        "f0: no column \"text\" in its header (there are: sentence, label); correct the header or set data.fields.text to the column that holds the text"
    );
}

#[test]
fn a_ragged_row_is_located() {
    let error = read(Format::Csv, "text,label\na,1\nb,2,3\n").unwrap_err();
    assert_eq!(
        error,
        "f0, line 3: 3 cells, but the header has 2; quote cells that hold the separator or correct the row"
    );
    let error = read(Format::Tsv, "text\tscore\na\tmany\n").unwrap_err();
    assert_eq!(
        error,
        "f0, line 2: field \"score\" is \"many\", but a score must be a number; correct the line"
    );
}

#[test]
fn the_content_hash_knows_content_and_order() {
    let a = files(&[b"ab", b"c"]);
    let b = files(&[b"a", b"bc"]);
    assert_eq!(content_hash(&a.paths).unwrap().len(), 64);
    assert_eq!(
        content_hash(&a.paths).unwrap(),
        content_hash(&files(&[b"ab", b"c"]).paths).unwrap()
    );
    assert_ne!(
        content_hash(&a.paths).unwrap(),
        content_hash(&b.paths).unwrap()
    );
    assert!(content_hash(&["no/such"]).is_err());
}

#[test]
fn hard_negatives_are_a_text_or_a_list() {
    let lines = "{\"text\": \"a\", \"negative\": \"b\"}\n{\"text\": \"a\", \"negative\": [\"b\", \"c\"]}\n{\"text\": \"a\"}\n";
    let found: Vec<Vec<String>> = read(Format::Jsonl, lines)
        .unwrap()
        .into_iter()
        .map(|example| example.negatives)
        .collect();
    assert_eq!(found, [vec!["b"], vec!["b", "c"], vec![]]);
    let wrong = read(Format::Jsonl, "{\"text\": \"a\", \"negative\": [1]}\n").unwrap_err();
    assert!(wrong.contains("text or a list of texts"), "{wrong}");
    let fields = FieldNames {
        negative: Some("n".to_owned()),
        ..FieldNames::default()
    };
    let table = files(&[b"text\tn\na\tb\n"]).read(Format::Tsv, fields);
    assert!(table.unwrap_err().contains("read from jsonl"));
}
