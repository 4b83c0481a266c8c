//! A tagger from sample data to its answers.

use std::fs;

use serde_json::{Value, json};

use crate::workplace::{Workplace, config};

#[test]
fn a_tagger_finds_people_and_places() {
    let place = Workplace::with_sample_data();
    let tiny = config("tiny/tag.toml");
    place.succeeds(&["train", &tiny, "--quiet", "--set", "train.out=run"]);
    let dev = "sample-data/tagging/dev.conll";
    let metrics = place.succeeds(&["evaluate", "run/best", "--data", dev, "--json"]);
    let metrics: Value = serde_json::from_str(&metrics).expect("JSON");
    let of = |name: &str| metrics[name].as_f64().unwrap_or(f64::NAN);
    assert!(of("entity_f1") > 0.8, "{metrics}");
    assert!(
        of("entity_precision") > 0.8 && of("entity_recall") > 0.8,
        "{metrics}"
    );
    assert!(of("accuracy") > 0.9, "{metrics}");

    let bytes = fs::read(place.path("run/best/config.json")).expect("config.json");
    let written: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(written["architectures"][0], "BertForTokenClassification");
    assert_eq!(written["id2label"]["0"], "B-LOC");
    assert_eq!(written["label2id"]["O"], 4);

    let lines = "{\"id\": \"a\", \"text\": \"  Mary Baker lives in Upper Oslo .\"}\n{\"words\": [\"we\", \"saw\", \"Paul\", \".\"]}\n";
    let output = place.run_on(lines, &["predict", "run/best", "--input", "-"]);
    let answers: Vec<Value> = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let tags = answers[0]["tags"].as_array().expect("a list");
    assert_eq!((tags.len(), &tags[0]), (7, &json!(["Mary", "B-PER"])));
    let entities = answers[0]["entities"].as_array().expect("a list");
    assert_eq!(entities.len(), 2, "{answers:?}");
    assert_eq!(entities[0]["type"], "PER");
    assert_eq!(entities[0]["text"], "Mary Baker");
    assert_eq!(
        (&entities[0]["start"], &entities[0]["end"]),
        (&json!(2), &json!(12))
    );
    assert_eq!(entities[1]["text"], "Upper Oslo");
    let score = entities[1]["score"].as_f64().expect("a number");
    assert!(score > 0.0 && score <= 1.0, "{score}");
    assert_eq!(answers[1]["tags"].as_array().expect("a list").len(), 4);

    place.succeeds(&["doctor", "run/best"]);
}

#[test]
fn a_long_sentence_is_tagged_to_its_end_in_several_rows() {
    let place = Workplace::with_sample_data();
    let tiny = config("tiny/tag.toml");
    let set = ["train.out=run", "train.steps=2", "data.max_length=8"];
    let mut args = vec!["train", tiny.as_str(), "--quiet"];
    args.extend(set.iter().flat_map(|s| ["--set", *s]));
    place.succeeds(&args);
    let text = "one two three four five six seven eight nine ten eleven twelve";
    let input = json!({ "text": text }).to_string();
    let output = place.run_on(&input, &["predict", "run/best", "--input", "-"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let tags = answer["tags"].as_array().expect("a list");
    assert_eq!(tags.len(), 12);
    assert!(tags.iter().all(|pair| pair[1].is_string()), "{answer}");
}

#[test]
fn tags_that_are_no_entities_need_scheme_none() {
    let place = Workplace::empty();
    place.write("data.conll", "the DET\ndog NOUN\n\na DET\ncat NOUN\n");
    place.write(
        "c.toml",
        "[data]\nformat = \"conll\"\ntrain = [\"data.conll\"]\n[tokenizer.train]\nkind = \"wordpiece\"\nvocab_size = 60\nmin_frequency = 1\n\
         [model.bert]\nn_layers = 1\nhidden_size = 16\nn_heads = 2\nintermediate_size = 16\n[objective.tag]\n[train]\nsteps = 1\nout = \"run\"\n",
    );
    let message = place.is_refused(&["train", "c.toml"]);
    assert!(
        message.contains("data.conll, line 1") && message.contains("scheme = \"none\""),
        "{message}"
    );
    let shown = place.succeeds(&[
        "preview",
        "c.toml",
        "--set",
        "objective.tag.scheme=\"none\"",
    ]);
    assert!(shown.contains("\n  labels         - DET NOUN -"), "{shown}");
    let text = place.is_refused(&["train", "c.toml", "--set", "data.format=text"]);
    assert!(text.contains("takes data.format conll or conllu"), "{text}");
}
