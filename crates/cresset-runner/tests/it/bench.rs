//! `bench` and `devices` answer as scripts expect.

use serde_json::Value;

use crate::workplace::Workplace;

#[test]
fn devices_lists_flex_first() {
    let rows: Value =
        serde_json::from_str(&Workplace::empty().succeeds(&["devices", "--json"])).expect("JSON");
    assert_eq!(rows[0]["api"], "flex");
}

#[test]
fn an_unknown_bench_case_names_the_known_ones() {
    let message = Workplace::empty().is_refused(&["bench", "bert"]);
    assert!(
        message.contains("bert-4x256") && message.contains("t5-4x256"),
        "{message}"
    );
}

#[test]
fn bench_writes_all_tokens_of_every_row() {
    let facts = Workplace::empty().succeeds(&[
        "bench",
        "t5-4x256-generate",
        "--batch",
        "2",
        "--steps",
        "3",
        "--json",
    ]);
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    assert_eq!(
        (&facts["batch"], &facts["new_tokens"]),
        (&2.into(), &128.into())
    );
    let rate = facts["tokens_per_s"].as_f64().expect("a number");
    let token_ms = facts["token_ms"].as_f64().expect("a number");
    // Both are rounded.
    assert!((rate * token_ms / 2000.0 - 1.0).abs() < 0.05, "{facts}");
}

#[test]
fn bench_takes_the_sizes_of_the_bert_case_from_the_command_line() {
    let facts = Workplace::empty().succeeds(&[
        "bench",
        "bert-4x256",
        "--seq",
        "8",
        "--batch",
        "3",
        "--vocab",
        "64",
        "--steps",
        "3",
        "--json",
    ]);
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    assert_eq!(facts["tokens"], 24);
    assert!(
        facts["parameters"].as_u64().expect("a number") < 4_000_000,
        "{facts}"
    );
}

#[test]
fn a_size_that_a_bench_case_has_fixed_is_refused_with_the_cases_that_take_it() {
    let place = Workplace::empty();
    let message = place.is_refused(&["bench", "t5-4x256", "--seq", "8"]);
    assert!(
        message.contains("--seq 8") && message.contains("bert-4x256, bert-8x512"),
        "{message}"
    );
    place.is_refused(&["bench", "gpt-6x384-generate", "--vocab", "64"]);
    place.is_refused(&["bench", "pipeline", "--config", "c.toml", "--batch", "2"]);
}
