//! What malformed data gets to hear, word for word as the table of docs/data.md says, and exit code 2.

use std::fs::{self, File};
use std::path::Path;

use crate::workplace::{Workplace, config};

/// Data that is refused.
struct Case {
    /// What is wrong, as the table says it.
    name: &'static str,
    files: &'static [(&'static str, &'static [u8])],
    /// Beside `data.train = ["bad"]`.
    settings: &'static [&'static str],
    message: &'static str,
}

const fn case(
    name: &'static str,
    files: &'static [(&'static str, &'static [u8])],
    settings: &'static [&'static str],
    message: &'static str,
) -> Case {
    Case {
        name,
        files,
        settings,
        message,
    }
}

/// `{"text": "a", "label": "x"}` and a line break, compressed.
const GZIP: [u8; 45] = *b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xabV*I\xad(Q\xb2RPJT\xd2QP\xcaIL\
J\xcd\x01\xf1*\x94j\xb9\0#\xdcG\x10\x1c\0\0\0";
const ZSTD: [u8; 41] =
    *b"\x28\xb5\x2f\xfd\x24\x1c\xe1\0\0{\"text\": \"a\", \"label\": \"x\"}\n\x78\x7f\xf5\xbf";

/// The same with a wrong byte.
const fn damaged<const N: usize>(mut bytes: [u8; N], at: usize) -> [u8; N] {
    bytes[at] ^= 0xff;
    bytes
}

const CASES: &[Case] = &[
    case(
        "file that is not there",
        &[],
        &[],
        "cannot read bad: No such file or directory (os error 2); check the path and its permissions",
    ),
    case(
        "folder",
        &[("bad/a.jsonl", b"{\"text\": \"a\"}\n")],
        &[],
        "bad is a folder; name the files in it, as in \"bad/*.jsonl\"",
    ),
    case(
        "pattern that matches nothing",
        &[],
        &["data.train=[\"data/*.jsonl\"]"],
        "no file matches data/*.jsonl; check the pattern and the folder it starts in",
    ),
    case(
        "empty file",
        &[("bad", b"")],
        &[],
        "bad holds no example; check that it is the right file and that its format is jsonl",
    ),
    case(
        "not UTF-8",
        &[("bad", b"{\"text\": \"caf\xe9\"}\n")],
        &[],
        "bad, line 1: byte 14 of the line is not valid UTF-8; convert the file to UTF-8, for example with iconv",
    ),
    case(
        "NUL bytes, as in UTF-16",
        &[("bad", b"{\0\"\0t\0")],
        &[],
        "bad, line 1: byte 2 of the line is a NUL byte, which no text holds; if the file is UTF-16, convert it to UTF-8, for example with iconv",
    ),
    case(
        "gzip, truncated",
        &[("bad", GZIP.split_at(30).0)],
        &[],
        "bad: the gzip archive ends too early; copy or download the file again",
    ),
    case(
        "gzip, damaged",
        &[("bad", &damaged(GZIP, 38))],
        &[],
        "bad: the gzip archive is damaged; copy or download the file again",
    ),
    case(
        "zstd, truncated",
        &[("bad", ZSTD.split_at(30).0)],
        &[],
        "bad: the zstd archive ends too early; copy or download the file again",
    ),
    case(
        "zstd, damaged",
        &[("bad", &damaged(ZSTD, 38))],
        &[],
        "bad: the zstd archive is damaged; copy or download the file again",
    ),
    case(
        "another archive",
        &[("bad", b"\xfd7zXZ\0\0\x04")],
        &[],
        "bad is an xz archive; unpack it, or compress with gzip or zstd",
    ),
    case(
        "Parquet, read as something else",
        &[("bad", b"PAR1\x15\x04")],
        &[],
        "bad is a Parquet file; set data.format to parquet",
    ),
    case(
        "bad JSON",
        &[(
            "bad",
            b"{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\"\n",
        )],
        &[],
        "bad, line 2: not a JSON object (EOF while parsing an object at column 12); each line must be one, as in {\"text\": \"...\", \"label\": \"...\"}",
    ),
    case(
        "JSON that is no object",
        &[("bad", b"[\"a\"]\n")],
        &[],
        "bad, line 1: not a JSON object (invalid type: sequence, expected a map); each line must be one, as in {\"text\": \"...\", \"label\": \"...\"}",
    ),
    case(
        "missing field",
        &[("bad", b"{\"sentence\": \"a\", \"label\": \"x\"}\n")],
        &[],
        "bad, line 1: no field \"text\" (there are: sentence, label); correct the line or set data.fields.text to the field that holds the text",
    ),
    case(
        "field of the wrong type",
        &[("bad", b"{\"text\": 5}\n")],
        &[],
        "bad, line 1: field \"text\" is 5, but a text must be a string; correct the line",
    ),
    case(
        "null in a field that is needed",
        &[("bad", b"{\"text\": null}\n")],
        &[],
        "bad, line 1: field \"text\" is null, but a text must be a string; correct the line",
    ),
    case(
        "nested field that is missing",
        &[("bad", b"{\"article\": {\"title\": \"a\"}}\n")],
        &["data.fields.text=\"article.body\""],
        "bad, line 1: field \"article.body\" has no \"body\": \"article\" is an object with title; correct the line or set data.fields.text to the field that holds the text",
    ),
    case(
        "CSV without the column",
        &[("bad", b"sentence,label\na,x\n")],
        &["data.format=\"csv\""],
        "bad: no column \"text\" in its header (there are: sentence, label); correct the header or set data.fields.text to the column that holds the text",
    ),
    case(
        "CSV with a column named twice",
        &[("bad", b"text,label,text\na,x,b\n")],
        &["data.format=\"csv\""],
        "bad: columns 1 and 3 of its header are both named \"text\"; rename one of them",
    ),
    case(
        "CSV row with too many cells",
        &[("bad", b"text,label\na,x\nb, c,y\n")],
        &["data.format=\"csv\""],
        "bad, line 3: 3 cells, but the header has 2; quote cells that hold the separator or correct the row",
    ),
    case(
        "CSV with a quote that is never closed",
        &[("bad", b"text,label\na,x\n\"b,y\nc,x\n")],
        &["data.format=\"csv\""],
        "bad, line 3: the quote that opens in this line is never closed; close it, double quotes inside of a cell, or set data.format to tsv if quotes are ordinary characters",
    ),
    case(
        "score that is no number",
        &[("bad", b"text\tscore\na\thigh\n")],
        &["data.format=\"tsv\""],
        "bad, line 2: field \"score\" is \"high\", but a score must be a number; correct the line",
    ),
    case(
        "parallel files of different lengths",
        &[("a.en", b"one\ntwo\nthree\n"), ("a.de", b"eins\nzwei\n")],
        &[
            "data.format=\"parallel\"",
            "data.train=[\"a.en\", \"a.de\"]",
        ],
        "a.en has 3 lines but a.de has 2; line n of one must be the translation of line n of the other",
    ),
    case(
        "parallel file without its other side",
        &[("bad", b"one\n")],
        &["data.format=\"parallel\""],
        "format parallel takes files in pairs of source and target, but 1 are given; name both sides, as in [\"train.en\", \"train.de\"]",
    ),
    case(
        "parallel patterns that match different numbers of files",
        &[("1.en", b"a\n"), ("2.en", b"b\n"), ("1.de", b"c\n")],
        &[
            "data.format=\"parallel\"",
            "data.train=[\"*.en\", \"*.de\"]",
        ],
        "*.en matches 2 files but *.de matches 1; every file of sources needs one of targets",
    ),
    case(
        "CoNLL line without its column",
        &[("bad", b"U.N. NNP B-ORG\nofficial O\n")],
        &["data.format=\"conll\""],
        "bad, line 2: 2 columns where there must be 3; give every word the same columns and separate sentences by a blank line",
    ),
    case(
        "CoNLL column that is not there",
        &[("bad", b"U.N. NNP B-ORG\n")],
        &["data.format=\"conll\"", "data.fields.label=\"4\""],
        "data.fields.label is \"4\", but the columns of format conll are 1 to 3; name one of them",
    ),
    case(
        "CoNLL-U line that is not one",
        &[("bad", b"1\tvamos\tir\tVERB\n")],
        &["data.format=\"conllu\""],
        "bad, line 1: 4 columns where there must be 10; give every word the same columns and separate sentences by a blank line",
    ),
    case(
        "SQuAD answer that does not stand there",
        &[(
            "bad",
            br#"{"data": [{"paragraphs": [{"context": "in 1912", "qas": [{"id": "q1", "question": "when ?", "answers": [{"text": "1912", "answer_start": 4}]}]}]}]}"#,
        )],
        &["data.format=\"squad\""],
        "bad, line 1: question \"q1\": the answer \"1912\" does not stand at character 4 of the context: \"912\" stands there; the answer first stands at 3; correct the file, which must be as SQuAD's are: data, paragraphs, context, qas, question, answers, text, answer_start",
    ),
    case(
        "answer behind the end of its context",
        &[(
            "bad",
            br#"{"text": "when ?", "pair": "in 1912", "answers": [{"text": "x", "answer_start": 70}]}"#,
        )],
        &[],
        "bad, line 1: the answer \"x\" does not stand at character 70 of the context: the context ends after 7 characters; the answer stands nowhere in the context; correct answer_start, which counts characters from 0, or set data.fields.pair to the field that holds the context",
    ),
    case(
        "fields that the format does not have",
        &[("bad", b"a O\n")],
        &["data.format=\"conll\"", "data.fields.pair=\"2\""],
        "data.fields.pair is given, but format conll has only words (data.fields.text) and tags (data.fields.label); remove it",
    ),
    case(
        "weight of zero",
        &[],
        &["data.train=[\"bad\", { files = [\"more\"], weight = 0.0 }]"],
        "data.train[1].weight is 0 but must be above 0 and finite: 2 draws every row twice an epoch, 0.5 every other; remove the entry to leave it out",
    ),
    case(
        "weight below zero",
        &[],
        &["data.train=[{ files = [\"bad\"], weight = -1.0 }]"],
        "data.train[0].weight is -1 but must be above 0 and finite: 2 draws every row twice an epoch, 0.5 every other; remove the entry to leave it out",
    ),
    case(
        "weight that is no number",
        &[],
        &["data.train=[{ files = [\"bad\"], weight = nan }]"],
        "data.train[0].weight is NaN but must be above 0 and finite: 2 draws every row twice an epoch, 0.5 every other; remove the entry to leave it out",
    ),
    case(
        "share held out beyond all",
        &[],
        &["data.eval=[]", "data.split=1.5"],
        "data.split 1.5 must lie between 0 and 1, as in 0.1 for a tenth",
    ),
    case(
        "split that leaves nothing to train on",
        &[("bad", b"{\"text\": \"a\"}\n{\"text\": \"b\"}\n")],
        &["data.eval=[]", "data.split=0.9"],
        "data.split 0.9 of 2 examples leaves none to train on; lower it",
    ),
    case(
        "split that holds nothing out",
        &[("bad", b"{\"text\": \"a\"}\n{\"text\": \"b\"}\n")],
        &["data.eval=[]", "data.split={ ratio = 0.001, seed = 1 }"],
        "data.split { ratio = 0.001, seed = 1 } of 2 examples holds none out; raise the ratio, or take another seed",
    ),
];

/// What has a test of its own below.
const LONG_LINE: (&str, &str) = (
    "line without end",
    "bad, line 1: longer than 64 MiB; check that the file has line breaks and that its format is the one given",
);
const UNKNOWN_LABEL: (&str, &str) = (
    "label at evaluation that training did not know",
    "label \"neutral\" in new.jsonl, line 1 is not one of the model's 2 labels (negative, positive); correct the data or train with this label",
);
const NO_PARQUET: (&str, &str) = (
    "Parquet in a build without it",
    "bad is to be read as Parquet, which this build does not know; build with --features parquet, or convert the file to jsonl",
);
const DAMAGED_PARQUET: (&str, &str) = (
    "damaged Parquet",
    "bad: not a Parquet file, or a damaged one (Invalid Parquet file. Corrupt footer); copy or download the file again, or set data.format to what it is",
);

/// The message of training the tiny classifier on the file `bad`.
fn refused(place: &Workplace, settings: &[&str]) -> String {
    let config = config("tiny/classify.toml");
    let mut args = vec!["train", &config];
    for setting in [
        "data.train=[\"bad\"]",
        "train.keep_best=\"accuracy\"",
        "train.out=run",
    ]
    .iter()
    .chain(settings)
    {
        args.extend(["--set", setting]);
    }
    let message = place.is_refused(&args);
    assert!(!place.path("run").exists(), "left behind after: {message}");
    message
        .strip_prefix("error: ")
        .expect("an error")
        .to_owned()
}

#[test]
fn malformed_data_gets_the_message_of_the_table_and_exit_code_2() {
    let mut wrong = String::new();
    for case in CASES {
        let place = Workplace::empty();
        for (name, content) in case.files {
            place.write(name, content);
        }
        let message = refused(&place, case.settings);
        if message != case.message {
            wrong.push_str(&format!(
                "{}:\n  {message}\n  {}\n",
                case.name, case.message
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_line_without_end_is_not_read_into_memory() {
    let place = Workplace::empty();
    // A hole, which takes no room on the disk.
    let file = File::create(place.path("bad")).expect("a file");
    file.set_len(1 << 32).expect("a hole");
    assert_eq!(refused(&place, &[]), LONG_LINE.1);
}

#[test]
fn a_label_that_training_did_not_know_is_named_at_evaluation() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/classify.toml");
    let args = [
        "train",
        &config,
        "--quiet",
        "--set",
        "train.out=run",
        "--set",
        "train.steps=1",
    ];
    place.succeeds(&args);
    place.write("new.jsonl", "{\"text\": \"a\", \"label\": \"neutral\"}\n");
    let message = place.is_refused(&["evaluate", "run/model", "--data", "new.jsonl"]);
    assert_eq!(message, format!("error: {}", UNKNOWN_LABEL.1));
}

#[test]
fn parquet_is_refused_where_it_cannot_be_read() {
    let place = Workplace::empty();
    place.write("bad", b"PAR1\x15\x04\x15PAR1");
    let expected = if cfg!(feature = "parquet") {
        DAMAGED_PARQUET
    } else {
        NO_PARQUET
    };
    assert_eq!(refused(&place, &["data.format=\"parquet\""]), expected.1);
}

#[test]
fn the_table_of_the_docs_holds_every_case_and_its_message() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/data.md");
    let text = fs::read_to_string(path).expect("docs/data.md");
    let (_, table) = text
        .split_once("\n## Malformed data\n")
        .expect("the section");
    let found: Vec<&str> = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(" | `"))
        .collect();
    let others = [LONG_LINE, UNKNOWN_LABEL, NO_PARQUET, DAMAGED_PARQUET];
    let expected: Vec<String> = CASES
        .iter()
        .map(|case| (case.name, case.message))
        .chain(others)
        .map(|(name, message)| format!("| {name} | `{message}` |"))
        .collect();
    assert!(expected.len() >= 20);
    assert_eq!(found, expected, "the table:\n{}", expected.join("\n"));
}
