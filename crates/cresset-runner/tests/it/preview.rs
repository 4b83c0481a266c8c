//! The worked examples come out literally from `preview`.

use serde_json::Value;

use crate::workplace::Workplace;

/// A workplace with the worked example as data and a config for it.
fn example(model: &str, tokenizer: &str, special: &str, objective: &str) -> Workplace {
    let place = Workplace::empty();
    let line =
        r#"{"text": "I love NLP", "pair": "so do I", "label": "a", "target": "J'aime le NLP"}"#;
    let other = r#"{"text": "I love NLP", "label": "b", "target": "J'aime le NLP"}"#;
    place.write("data.jsonl", format!("{line}\n{other}\n"));
    place.write(
        "c.toml",
        format!(
            "[data]\ntrain = [\"data.jsonl\"]\n[tokenizer.train]\nkind = \"{tokenizer}\"\nvocab_size = 400\nmin_frequency = 1\n\
             [special]\n{special}\n[model]\n{model}\n[objective]\n{objective}\n[train]\nsteps = 1\nout = \"run\"\n"
        ),
    );
    place
}

/// The texts of the first row that has the name's sequence, by name.
fn shown(place: &Workplace) -> Vec<(String, String)> {
    let preview: Value =
        serde_json::from_str(&place.succeeds(&["preview", "c.toml", "--json"])).expect("JSON");
    let row = preview["examples"]
        .as_array()
        .expect("rows")
        .iter()
        .max_by_key(|r| r.to_string().len())
        .expect("a row")
        .clone();
    let text = |s: &Value| {
        (
            s["name"].as_str().unwrap_or("").to_owned(),
            s["text"].as_str().unwrap_or("").to_owned(),
        )
    };
    row.as_array()
        .expect("sequences")
        .iter()
        .map(text)
        .collect()
}

fn text<'a>(shown: &'a [(String, String)], name: &str) -> &'a str {
    &shown
        .iter()
        .find(|(n, _)| n == name)
        .unwrap_or_else(|| panic!("{name} in {shown:?}"))
        .1
}

const PREFIX: &str = r#"seq2seq = { prefix = "translate English to French: " }"#;
const T5: &str =
    "t5 = { n_layers = 1, hidden_size = 16, n_heads = 2, d_kv = 8, intermediate_size = 16 }";

#[test]
fn bug_class_01_t5_starts_with_pad() {
    let shown = shown(&example(T5, "unigram", "convention = \"t5\"", PREFIX));
    assert_eq!(
        text(&shown, "encoder input"),
        "translate English to French: I love NLP </s>"
    );
    assert_eq!(text(&shown, "decoder input"), "<pad> J'aime le NLP");
    assert_eq!(text(&shown, "labels"), "J'aime le NLP </s>");
}

#[test]
fn bug_class_01_t5_s_starts_with_s() {
    let shown = shown(&example(T5, "unigram", "convention = \"t5-s\"", PREFIX));
    assert_eq!(text(&shown, "decoder input"), "<s> J'aime le NLP");
    assert_eq!(text(&shown, "labels"), "J'aime le NLP </s>");
}

#[test]
fn bug_class_01_translation_starts_with_bos() {
    let model = "marian = { n_layers = 1, hidden_size = 16, n_heads = 2, intermediate_size = 16 }";
    let shown = shown(&example(
        model,
        "bpe",
        "convention = \"mt\"",
        "seq2seq = {}",
    ));
    assert_eq!(text(&shown, "encoder input"), "I love NLP <eos>");
    assert_eq!(text(&shown, "decoder input"), "<bos> J'aime le NLP");
    assert_eq!(text(&shown, "labels"), "J'aime le NLP <eos>");
}

#[test]
fn bug_class_01_bart_starts_with_both_tokens() {
    let model = "bart = { n_layers = 1, hidden_size = 16, n_heads = 2, intermediate_size = 16 }";
    let shown = shown(&example(
        model,
        "bpe",
        "convention = \"bart\"",
        "seq2seq = {}",
    ));
    assert_eq!(text(&shown, "encoder input"), "<s> I love NLP </s>");
    assert_eq!(text(&shown, "decoder input"), "</s> <s> J'aime le NLP");
    assert_eq!(text(&shown, "labels"), "<s> J'aime le NLP </s>");
}

#[test]
fn bug_class_01_a_gpt_document_starts_with_bos() {
    let model = "gpt2 = { n_layers = 1, hidden_size = 16, n_heads = 2 }";
    let shown = shown(&example(
        model,
        "bpe",
        "convention = \"gpt\"",
        "causal-lm = {}",
    ));
    assert_eq!(text(&shown, "input"), "<bos> I love NLP");
    assert_eq!(text(&shown, "labels"), "I love NLP <eos>");
}

#[test]
fn berts_pair_has_its_frame() {
    let model = "bert = { n_layers = 1, hidden_size = 16, n_heads = 2, intermediate_size = 16 }";
    let shown = shown(&example(
        model,
        "wordpiece",
        "convention = \"bert\"",
        "classify = {}",
    ));
    assert_eq!(
        text(&shown, "encoder input"),
        "[CLS] I love NLP [SEP] so do I [SEP]"
    );
}

#[test]
fn robertas_pair_has_its_frame() {
    let model = "bert = { n_layers = 1, hidden_size = 16, n_heads = 2, intermediate_size = 16 }";
    let shown = shown(&example(
        model,
        "bpe",
        "convention = \"roberta\"",
        "classify = {}",
    ));
    assert_eq!(
        text(&shown, "encoder input"),
        "<s> I love NLP </s> </s> so do I </s>"
    );
}
