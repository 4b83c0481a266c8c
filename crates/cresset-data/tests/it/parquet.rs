//! Parquet files as pyarrow writes them; scripts/golden_parquet.py made them.

use std::fs;
use std::path::{Path, PathBuf};

use cresset_data::{
    AnswerSpan, Example, FieldNames, Format, Label, SourceConfig, read_examples, stream_examples,
};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn source(path: PathBuf, fields: FieldNames) -> SourceConfig {
    SourceConfig {
        format: Format::Parquet,
        files: vec![path],
        fields,
    }
}

fn read(name: &str, fields: FieldNames) -> Result<Vec<Example>, String> {
    let strip = format!("{}/", golden("").display()).replace("//", "/");
    read_examples(&source(golden(name), fields)).map_err(|e| e.to_string().replace(&strip, ""))
}

#[test]
fn every_field_is_read_from_all_row_groups() {
    let examples = read("rows.parquet", FieldNames::default()).unwrap();
    assert_eq!(
        examples[0],
        Example {
            id: Some("7".into()),
            file: examples[0].file.clone(),
            line: 1,
            text: "ein schöner Film".into(),
            pair: Some("b".into()),
            label: Some(Label::Name("pos".into())),
            score: Some(1.5),
            target: Some("x".into()),
            ..Example::default()
        }
    );
    assert_eq!(examples.len(), 3);
    assert_eq!((&examples[1].pair, examples[1].score), (&None, None));
    assert_eq!((examples[2].line, examples[2].score), (3, Some(-2.0)));
}

#[test]
fn fields_may_stand_inside_of_structs_and_lists() {
    let fields = FieldNames {
        text: Some("article.body".into()),
        pair: Some("turns.0.content".into()),
        label: Some("tags".into()),
        score: Some("article.n".into()),
        answers: Some("answers".into()),
        ..FieldNames::default()
    };
    let examples = read("nested.parquet", fields).unwrap();
    assert_eq!(examples[0].text, "when ?");
    assert_eq!(examples[1].pair.as_deref(), Some("it was her"));
    assert_eq!(examples[1].score, Some(2.0));
    assert_eq!(
        examples[0].label,
        Some(Label::Names(vec!["a".into(), "b".into()]))
    );
    let her = AnswerSpan {
        text: "her".into(),
        start: 7,
    };
    assert_eq!(examples[1].answers, Some(vec![her]));
}

#[test]
fn text_that_is_not_marked_as_text_and_integers_as_labels_are_read() {
    let fields = FieldNames {
        text: Some("sentence".into()),
        ..FieldNames::default()
    };
    let examples = read("plain.parquet", fields).unwrap();
    assert_eq!(examples[2].text, "three");
    assert_eq!(examples[1].label, Some(Label::Name("1".into())));
}

#[test]
fn a_column_that_is_not_there_and_a_value_that_is_missing_are_named() {
    assert_eq!(
        read("plain.parquet", FieldNames::default()).unwrap_err(),
        "plain.parquet: no column \"text\" in its header (there are: sentence, label); correct the header or set data.fields.text to the column that holds the text"
    );
    let fields = FieldNames {
        pair: Some("pair".into()),
        ..FieldNames::default()
    };
    assert_eq!(
        read("rows.parquet", fields).unwrap_err(),
        "rows.parquet, line 2: field \"pair\" is null, but a pair must be a string; correct the line"
    );
    let fields = FieldNames {
        text: Some("article.title".into()),
        ..FieldNames::default()
    };
    let error = read("nested.parquet", fields).unwrap_err();
    assert!(
        error.contains("has no \"title\": \"article\" is an object with body, n"),
        "{error}"
    );
}

#[test]
fn damaged_files_are_errors_wherever_the_damage_is() {
    let good = fs::read(golden("rows.parquet")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let check = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        read_examples(&source(path.clone(), FieldNames::default()))
    };
    for length in [0, 3, 8, good.len() / 2, good.len() - 1] {
        let error = check(&good[..length]).unwrap_err().to_string();
        assert!(
            error.contains("not a Parquet file, or a damaged one"),
            "{error}"
        );
    }
    for at in (0..good.len()).step_by(7) {
        let mut damaged = good.clone();
        damaged[at] ^= 0x55;
        // It may go unnoticed, as there is no checksum, but nothing else than an error may come of it.
        if let Err(error) = check(&damaged) {
            assert!(error.to_string().contains("f"), "{error}");
        }
    }
}

#[test]
fn rows_come_before_a_later_row_group_is_read() {
    let stream = stream_examples(&source(golden("rows.parquet"), FieldNames::default())).unwrap();
    let lines: Vec<usize> = stream.take(1).map(|e| e.unwrap().line).collect();
    assert_eq!(lines, [1]);
}
