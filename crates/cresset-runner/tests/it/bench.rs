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
