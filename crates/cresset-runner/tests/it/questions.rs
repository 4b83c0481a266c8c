//! Answers found in a text, from sample data to predictions.

use serde_json::{Value, json};

use crate::workplace::{Workplace, config};

/// Rows of JSON lines.
fn rows(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).expect("JSON");
    text.lines().map(parse).collect()
}

#[test]
fn a_model_learns_to_find_answers_also_in_long_contexts() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/extract.toml");
    place.succeeds(&["train", &config, "--quiet", "--set", "train.out=run"]);
    let dev = "sample-data/questions/dev.jsonl";
    let metrics = place.succeeds(&["evaluate", "run/best", "--data", dev, "--json"]);
    let metrics: Value = serde_json::from_str(&metrics).expect("JSON");
    let of = |name: &str| metrics[name].as_f64().unwrap_or(f64::NAN);
    assert!(of("exact_match") > 0.5, "{metrics}");
    assert!(
        of("f1") >= of("exact_match") && of("loss") > 0.0,
        "{metrics}"
    );

    // What `predict` finds is what `evaluate` counted, on contexts of one window and of several.
    let output = place.succeeds(&["predict", "run/best", "--input", dev, "--top", "3"]);
    let data = std::fs::read_to_string(place.path(dev)).expect("the data");
    let (data, answered) = (rows(&data), rows(&output));
    assert_eq!(data.len(), answered.len());
    let mut right = 0;
    let mut long = (0, 0);
    for (row, answered) in data.iter().zip(&answered) {
        let context: Vec<char> = row["context"]
            .as_str()
            .expect("a context")
            .chars()
            .collect();
        let answers = answered["answers"].as_array().expect("a list");
        assert_eq!(answers.len(), 3);
        let score = |at: usize| answers[at]["score"].as_f64().expect("a number");
        assert!(score(0) >= score(1) && score(1) >= score(2) && score(0) <= 1.0);
        let place = |name: &str| answers[0][name].as_u64().expect("a place") as usize;
        let there: String = context[place("start")..place("end")].iter().collect();
        assert_eq!(answers[0]["text"], there);
        let is_right = usize::from(answers[0]["text"] == row["answers"][0]["text"]);
        right += is_right;
        if context.len() > 300 {
            long = (long.0 + is_right, long.1 + 1);
        }
    }
    let share = right as f64 / data.len() as f64;
    assert!(
        (share - of("exact_match")).abs() < 1e-9,
        "{share} and {metrics}"
    );
    assert!(
        long.1 > 10 && 2 * long.0 > long.1,
        "{long:?} of the long ones"
    );

    // Other names of the fields, and an empty context.
    let lines = "{\"text\": \"where does anna live ?\", \"pair\": \"anna lives in rome .\"}\n{\"question\": \"q\", \"context\": \"\"}\n";
    let output = place.run_on(lines, &["predict", "run/best", "--input", "-"]);
    let answers = rows(&String::from_utf8(output.stdout).expect("UTF-8"));
    assert!(!answers[0]["answers"].as_array().expect("a list").is_empty());
    assert_eq!(answers[1]["answers"], json!([]));
}

#[test]
fn preview_shows_where_the_answer_is_and_where_it_is_not() {
    let place = Workplace::with_sample_data();
    let shown = place.succeeds(&["preview", &config("tiny/extract.toml"), "--rows", "64"]);
    assert!(shown.contains("start, end"), "{shown}");
    let long = place.succeeds(&[
        "preview",
        &config("tiny/extract.toml"),
        "--rows",
        "64",
        "--set",
        "data.max_length=24",
    ]);
    assert!(long.contains("[CLS], not in this window"), "{long}");
}

#[test]
fn questions_without_context_or_answer_are_refused_with_their_line() {
    let place = Workplace::empty();
    let good = "{\"question\": \"who ?\", \"context\": \"a b c d e f\", \"answers\": [{\"text\": \"b\", \"answer_start\": 2}]}\n";
    let refused = |line: &str, set: &str| {
        place.write(
            "sample-data/questions/train.jsonl",
            format!("{good}{line}\n"),
        );
        place.write("sample-data/questions/dev.jsonl", good);
        let config = config("tiny/extract.toml");
        place.is_refused(&["train", &config, "--set", "train.out=run", "--set", set])
    };
    let none = refused("{\"question\": \"q\", \"context\": \"x\"}", "seed=0");
    assert!(none.contains("line 2 has no answer"), "{none}");
    let moved = "{\"question\": \"q\", \"context\": \"x y\", \"answers\": [{\"text\": \"y\", \"answer_start\": 1}]}";
    let message = refused(moved, "seed=0");
    assert!(
        message.contains("line 2") && message.contains("\" \" stands there"),
        "{message}"
    );
    let message = refused(good.trim_end(), "data.max_length=4");
    assert!(message.contains("no room for the context"), "{message}");
    let message = refused(good.trim_end(), "objective.extract.doc_stride=0");
    assert!(message.contains("doc_stride is 0"), "{message}");
}
