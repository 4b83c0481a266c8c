//! What `tokenizer inspect` shows.

use serde_json::Value;

use crate::workplace::{Workplace, config};

/// A workplace with the tokenizers of some shipped configs, in folders of the configs' names.
fn with_tokenizers(names: &[&str]) -> Workplace {
    let place = Workplace::with_sample_data();
    for name in names {
        let config = config(&format!("preview/{name}.toml"));
        place.succeeds(&["tokenizer", "train", &config, "--out", name]);
    }
    place
}

fn inspect(place: &Workplace, args: &[&str]) -> Value {
    let args = [&["tokenizer", "inspect"][..], args, &["--json"]].concat();
    serde_json::from_str(&place.succeeds(&args)).expect("JSON")
}

/// Name and text of what is framed.
fn framed(inspected: &Value) -> Vec<(String, String)> {
    let parts = inspected["text"]["framed"].as_array().expect("parts");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    parts
        .iter()
        .map(|part| (text(&part["name"]), text(&part["text"])))
        .collect()
}

#[test]
fn a_text_and_a_pair_are_framed_by_the_convention() {
    let place = with_tokenizers(&["bert", "mt", "gpt"]);
    let words = ["--text", "A", "--pair", "B"];
    let frames = |name: &str| framed(&inspect(&place, &[&[name][..], &words].concat()));
    let owned = |parts: &[(&str, &str)]| -> Vec<(String, String)> {
        parts
            .iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect()
    };
    assert_eq!(
        frames("bert"),
        owned(&[
            ("encoder input", "[CLS] A [SEP]"),
            ("of a pair", "[CLS] A [SEP] B [SEP]")
        ])
    );
    assert_eq!(
        frames("mt"),
        owned(&[
            ("encoder input", "A <eos>"),
            ("decoder input", "<bos> B"),
            ("labels", "B <eos>")
        ])
    );
    assert_eq!(
        framed(&inspect(&place, &["gpt", "--text", "A"])),
        owned(&[("input", "<bos> A"), ("labels", "A <eos>")])
    );
    // Another convention than the folder's own.
    let other = inspect(&place, &["bert", "--text", "A", "--convention", "albert"]);
    assert_eq!(other["convention"]["name"], "albert");
}

#[test]
fn pieces_name_the_characters_they_stand_for() {
    let place = with_tokenizers(&["mt"]);
    let text = "I love é";
    let inspected = inspect(&place, &["mt", "--text", text]);
    let pieces = inspected["text"]["pieces"].as_array().expect("pieces");
    let love = pieces
        .iter()
        .find(|piece| piece["text"] == "love")
        .expect("a piece");
    assert_eq!((&love["start"], &love["end"]), (&2.into(), &6.into()));
    assert!(love["id"].is_u64() && love["token"] == "Ġlove");
    // Two bytes, two pieces, one character.
    let last = pieces.iter().filter(|piece| piece["text"] == "é");
    assert_eq!(last.count(), 2);
    assert_eq!(inspected["text"]["decoded"], text);
}

#[test]
fn special_tokens_are_listed_with_their_roles() {
    let place = with_tokenizers(&["t5"]);
    let inspected = inspect(&place, &["t5"]);
    let special = inspected["convention"]["special_tokens"]
        .as_array()
        .expect("a list");
    let token = |role: &str| {
        let found = special.iter().find(|special| special["role"] == role);
        found.map(|special| special["token"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(token("pad").as_deref(), Some("<pad>"));
    assert_eq!(token("decoder start").as_deref(), Some("<pad>"));
    assert_eq!(token("stop").as_deref(), Some("</s>"));
    assert_eq!(token("cls"), None);
    assert_eq!(
        special.iter().filter(|s| s["role"] == "sentinel").count(),
        100
    );
    let printed = place.succeeds(&["tokenizer", "inspect", "t5"]);
    assert!(
        printed.contains("\n  sentinels      <extra_id_0> ("),
        "{printed}"
    );
    assert!(
        printed.contains("\n  encoder input: A </s> | A </s> B </s>\n"),
        "{printed}"
    );
}

#[test]
fn a_file_is_measured() {
    let place = with_tokenizers(&["bert"]);
    // Every known word is one token: lengths 1, 2, 3, 3 and 4; one word is unknown.
    place.write("texts.txt", "A\n\nA B\nI love NLP\nso do I\nA B I 世\n");
    let args = ["bert", "--file", "texts.txt", "--max-length", "4"];
    let file = inspect(&place, &args)["file"].clone();
    assert_eq!((&file["texts"], &file["tokens"]), (&5.into(), &13.into()));
    assert_eq!(file["unknown_tokens"], 1);
    assert!((file["unknown_rate"].as_f64().expect("a rate") - 1.0 / 13.0).abs() < 1e-12);
    let length = &file["length"];
    assert_eq!(length["mean"].as_f64(), Some(2.6));
    let quantiles = [
        &length["median"],
        &length["p90"],
        &length["p99"],
        &length["max"],
    ];
    assert_eq!(
        quantiles.map(|q| q.as_u64().expect("a length")),
        [3, 4, 4, 4]
    );
    // With [CLS] and [SEP] texts of three and four tokens are too long.
    assert_eq!(file["longer"]["special_tokens"], 2);
    assert_eq!(file["longer"]["share"].as_f64(), Some(0.6));
    assert_eq!(file["tokens_per_word"].as_f64(), Some(1.0));
    let printed = place.succeeds(&[&["tokenizer", "inspect"][..], &args].concat());
    assert!(
        printed.contains("\n  length         mean 2.6, median 3, p90 4, p99 4, max 4 tokens\n"),
        "{printed}"
    );
    assert!(
        printed.contains("\n  longer         60.00 % of the texts"),
        "{printed}"
    );
    // Files of any format.
    place.write("texts.jsonl", "{\"text\": \"A B\"}\n");
    let file = inspect(
        &place,
        &["bert", "--file", "texts.jsonl", "--format", "jsonl"],
    )["file"]
        .clone();
    assert_eq!((&file["texts"], &file["tokens"]), (&1.into(), &2.into()));
}

#[test]
fn what_cannot_be_inspected_is_refused_in_one_sentence() {
    let place = with_tokenizers(&["bert"]);
    place.write("empty.txt", "\n\n");
    place.write("bytes.txt", [0xff, 0xfe, 0x41]);
    place.write("damaged/tokenizer.json", "{");
    let whole = std::fs::read(place.path("bert/tokenizer.json")).expect("a file");
    place.write("alone/tokenizer.json", &whole);
    place.write("odd/tokenizer.json", &whole);
    place.write("odd/config.json", "{");
    let refused = |args: &[&str]| place.is_refused(&[&["tokenizer", "inspect"][..], args].concat());
    for (args, part) in [
        (&["nowhere"][..], "nowhere"),
        (&["damaged"], "damaged/tokenizer.json"),
        (&["odd"], "odd/config.json"),
        (&["bert", "--convention", "brt"], "brt"),
        (&["bert", "--convention", "t5"], "the tokenizer has no"),
        (&["bert", "--file", "nowhere.txt"], "nowhere.txt"),
        (&["bert", "--file", "empty.txt"], "empty.txt"),
        (&["bert", "--file", "bytes.txt"], "bytes.txt"),
        (
            &["bert", "--file", "empty.txt", "--format", "jsnl"],
            "--format \"jsnl\" is unknown",
        ),
        (
            &[
                "bert",
                "--file",
                "sample-data/frames/documents.txt",
                "--max-length",
                "1",
            ],
            "no room",
        ),
        (
            &["alone", "--text", "A", "--pair", "B"],
            "--convention bert",
        ),
        (&["bert", "--text", "[CLS] A"], "already starts with [CLS]"),
    ] {
        let message = refused(args);
        assert!(message.contains(part), "{args:?}: {message}");
    }
    // Without a convention the pieces are still shown.
    let alone = inspect(&place, &["alone", "--text", "A"]);
    assert!(alone.get("convention").is_none());
    assert_eq!(alone["text"]["pieces"].as_array().map(Vec::len), Some(1));
}
