//! What a run tells of its special vectors.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::workplace::{Workplace, assert_same_run, config, events};

pub fn train(place: &Workplace, name: &str, settings: &[&str]) {
    let config = config(&format!("tiny/{name}.toml"));
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    let args: Vec<&str> = ["train", &config, "--quiet"]
        .into_iter()
        .chain(settings)
        .collect();
    place.succeeds(&args);
}

/// The looks of a run, without the seconds they took.
pub fn looks(run: &Path) -> Vec<Value> {
    let mut looks = events(run);
    looks.retain(|event| event["event"] == "special");
    for look in &mut looks {
        assert!(look["seconds"].as_f64().expect("seconds") > 0.0);
        look["seconds"].take();
    }
    looks
}

pub fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is a number"))
}

pub fn list(value: &Value) -> &Vec<Value> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("{value} is a list"))
}

/// What is said of a token, in the stack if one is named.
fn of<'a>(values: &'a Value, role: &str, stack: Option<&str>) -> &'a Value {
    let is_it = |v: &&Value| v["role"] == role && stack.is_none_or(|stack| v["stack"] == stack);
    let mut found = list(values).iter().filter(is_it);
    let first = found.next().unwrap_or_else(|| panic!("{role} in {values}"));
    assert!(found.next().is_none(), "{role} comes once in {values}");
    first
}

#[test]
fn telemetry_changes_no_byte_of_a_run() {
    let place = Workplace::with_sample_data();
    let settings = ["train.steps=12", "train.eval_every=4", "optim.clip=0.5"];
    let run = |out: &str, telemetry: &str| {
        let (out, on) = (
            format!("train.out={out}"),
            format!("train.telemetry={telemetry}"),
        );
        train(
            &place,
            "classify",
            &[&[&*out, &*on][..], &settings].concat(),
        );
    };
    run("with", "true");
    run("without", "false");
    assert_same_run(&place.path("with"), &place.path("without"));
    let steps: Vec<Value> = looks(&place.path("with"))
        .iter()
        .map(|look| look["step"].clone())
        .collect();
    assert_eq!(steps, [0, 4, 8, 12]);
    assert!(place.path("with/vectors.jsonl").exists());
    assert_eq!(looks(&place.path("without")).len(), 0);
    assert!(!place.path("without/vectors.jsonl").exists());
}

#[test]
fn a_resumed_run_tells_the_same_and_knows_where_its_vectors_began() {
    let place = Workplace::with_sample_data();
    let run = |out: &str| {
        let out = format!("train.out={out}");
        let settings = [
            "train.steps=12",
            "train.eval_every=2",
            "train.checkpoint_every=6",
            "train.keep_last=5",
        ];
        train(&place, "classify", &[&[&*out][..], &settings].concat());
    };
    run("whole");
    run("resumed");
    fs::remove_dir_all(place.path("resumed/checkpoints/step-12")).expect("the last checkpoint");
    run("resumed");
    let (whole, resumed) = (looks(&place.path("whole")), looks(&place.path("resumed")));
    assert_eq!(whole.len(), 7);
    assert_eq!(whole, resumed);
    let vectors = |run: &str| fs::read(place.path(run).join("vectors.jsonl")).expect("vectors");
    assert_eq!(vectors("whole"), vectors("resumed"));
    assert!(number(&of(&resumed[6]["vectors"], "cls", None)["distance_to_start"]) > 0.0);
}

#[test]
fn norms_distances_and_neighbours_are_those_of_the_saved_table() {
    let place = Workplace::with_sample_data();
    train(
        &place,
        "classify",
        &["train.steps=6", "train.out=run", "train.eval_every=3"],
    );
    let looks = looks(&place.path("run"));
    let lines = fs::read_to_string(place.path("run/vectors.jsonl")).expect("vectors");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        lines.iter().map(|l| l["step"].clone()).collect::<Vec<_>>(),
        [0, 3, 6]
    );

    let bytes = fs::read(place.path("run/model/model.safetensors")).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let table = file
        .tensor("bert.embeddings.word_embeddings.weight")
        .expect("the table");
    let size = table.shape()[1];
    let words: Vec<f64> = table
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| f64::from(f32::from_le_bytes(*word)))
        .collect();
    let row = |id: usize| &words[id * size..(id + 1) * size];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = |a: &[f64], b: &[f64]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();

    // [PAD], [UNK], [CLS], [SEP] and [MASK].
    let special = 0..5;
    for role in ["cls", "sep", "mask"] {
        let told = of(&looks[2]["vectors"], role, None);
        let own = row(told["id"].as_u64().expect("an id") as usize);
        let close = |key: &str, right: f64| {
            let ours = number(&told[key]);
            assert!(
                (ours - right).abs() < 1e-6,
                "{role}.{key} is {ours}, should be {right}"
            );
        };
        close("norm", dot(own, own).sqrt());
        let numbers = |line: &Value| -> Vec<f64> { list(line).iter().map(number).collect() };
        let saved = numbers(&of(&lines[2]["vectors"], role, None)["vector"]);
        let narrow = |numbers: &[f64]| numbers.iter().map(|x| *x as f32).collect::<Vec<_>>();
        assert_eq!(narrow(&saved), narrow(own));
        let start = numbers(&of(&lines[0]["vectors"], role, None)["vector"]);
        close("cosine_to_start", cosine(own, &start));
        let apart: Vec<f64> = own.iter().zip(&start).map(|(a, b)| a - b).collect();
        close("distance_to_start", dot(&apart, &apart).sqrt());
        let mean = numbers(&lines[2]["mean"]);
        close("cosine_to_mean", cosine(own, &mean));
        let nearest = list(&told["nearest"]);
        assert_eq!(nearest.len(), 5);
        for near in nearest {
            let id = near["id"].as_u64().expect("an id") as usize;
            assert!((number(&near["cosine"]) - cosine(own, row(id))).abs() < 1e-6);
        }
        let best = (0..words.len() / size)
            .filter(|&id| !special.contains(&id))
            .map(|id| cosine(own, row(id)))
            .fold(f64::MIN, f64::max);
        assert!((number(&nearest[0]["cosine"]) - best).abs() < 1e-6);
    }
    // A mask never stands in a classifier's texts: weight decay alone moves it.
    let mask = of(&looks[2]["vectors"], "mask", None);
    assert_eq!(number(&mask["gradient_norm"]), 0.0);
    let cls = of(&looks[2]["vectors"], "cls", None);
    assert!(number(&cls["gradient_norm"]) > 0.0);
    assert!(number(&cls["update_ratio"]) > number(&mask["update_ratio"]));
    let first = of(&looks[0]["vectors"], "cls", None);
    assert_eq!(
        (&first["gradient_norm"], &first["update_ratio"]),
        (&Value::Null, &Value::Null)
    );
    assert!((number(&first["cosine_to_start"]) - 1.0).abs() < 1e-9);
}

/// A few different texts to train on, which are held out as well.
fn write_texts(place: &Workplace) {
    const WORDS: [&str; 6] = ["the", "old", "cat", "sleeps", "here", "today"];
    let line = |i: usize| {
        let words: Vec<&str> = (0..2 + i % 7)
            .map(|k| WORDS[(i + k * (1 + i / 6)) % 6])
            .collect();
        json!({"text": words.join(" "), "label": (i % 2).to_string()}).to_string() + "\n"
    };
    place.write("texts.jsonl", (0..24).map(line).collect::<String>());
}

const ON_TEXTS: [&str; 6] = [
    "train.out=run",
    "train.steps=10",
    "data.train=[\"texts.jsonl\"]",
    "data.eval=[\"texts.jsonl\"]",
    "data.batch_size=24",
    "tokenizer.train.vocab_size=60",
];

#[test]
fn attention_to_cls_is_what_forward_gives_it() {
    let place = Workplace::empty();
    write_texts(&place);
    train(&place, "classify", &ON_TEXTS);
    let looks = looks(&place.path("run"));
    let told = of(
        &looks.last().expect("a look")["attention"],
        "cls",
        Some("encoder"),
    )
    .clone();

    let config = config("tiny/classify.toml");
    let settings = ON_TEXTS.iter().flat_map(|setting| ["--set", setting]);
    let args = ["preview", &config, "--batch", "0", "--rows", "24", "--json"];
    let shown = place.succeeds(&args.into_iter().chain(settings).collect::<Vec<_>>());
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let inputs: Vec<&Value> = list(&shown["examples"]).iter().map(|row| &row[0]).collect();
    let rows =
        |key: &str| -> Vec<Value> { inputs.iter().map(|input| input[key].clone()).collect() };
    let ids = json!({"input_ids": rows("ids"), "attention_mask": rows("attention_mask")});
    place.write("ids.json", ids.to_string());
    let files = ["--input", "ids.json", "--output", "out.safetensors"];
    place.succeeds(&[&["forward", "run/model", "--attention"][..], &files].concat());
    let bytes = fs::read(place.path("out.safetensors")).expect("outputs");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let attention = file.tensor("attentions.0").expect("attention");
    let [n_rows, n_heads, width, _] = attention.shape()[..] else {
        panic!("four dimensions")
    };
    let values: Vec<f64> = attention
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| f64::from(f32::from_le_bytes(*word)))
        .collect();
    // Equal texts are looked at once.
    let different: BTreeSet<String> = rows("ids").iter().map(Value::to_string).collect();
    assert_eq!(told["n_texts"], different.len());
    let mut seen = BTreeSet::new();
    let mut to = vec![0.0; n_heads];
    for row in 0..n_rows {
        if !seen.insert(rows("ids")[row].to_string()) {
            continue;
        }
        let kept = list(&rows("attention_mask")[row])
            .iter()
            .filter(|k| **k == 1)
            .count();
        for (head, to) in to.iter_mut().enumerate() {
            let at = |query: usize| values[((row * n_heads + head) * width + query) * width];
            *to += (1..kept).map(at).sum::<f64>() / (kept - 1) as f64;
        }
    }
    for (head, sum) in to.iter().enumerate() {
        let (ours, right) = (number(&told["to"][0][head]), sum / seen.len() as f64);
        assert!(
            (ours - right).abs() < 2e-6,
            "head {head}: {ours}, should be {right}"
        );
    }
}

#[test]
fn the_cloud_is_that_of_the_probe() {
    let place = Workplace::empty();
    // The same text twice is one text for telemetry, so none may come twice here.
    let line = |i: usize| {
        let word = |k: usize| ["old", "cat", "sleeps", "here", "today"][k % 5];
        let text = format!("{} {} {}", word(i), word(i / 5), word(i / 25 + i));
        json!({"text": text, "label": (i % 2).to_string()}).to_string() + "\n"
    };
    place.write("texts.jsonl", (0..25).map(line).collect::<String>());
    train(&place, "classify", &ON_TEXTS);
    let looks = looks(&place.path("run"));
    let ours = &looks.last().expect("a look")["cloud"];
    assert_eq!(
        (&ours["n"], &ours["width"], &ours["pooling"]),
        (&json!(25), &json!(64), &json!("cls"))
    );
    let report = place.succeeds(&[
        "lab",
        "probe",
        "run/model",
        "--data",
        "texts.jsonl",
        "--json",
    ]);
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let theirs = list(&report["clouds"]["layers"]).last().expect("a layer");
    for key in ["mean_cosine", "effective_rank", "first_direction"] {
        let (ours, theirs) = (number(&ours[key]), number(&theirs[key]));
        assert!(
            (ours - theirs).abs() < 1e-4 * theirs.abs(),
            "{key}: {ours} and {theirs}"
        );
    }
}

#[test]
fn tensorboard_gets_a_file_for_each_part_of_a_run_and_none_unasked() {
    let place = Workplace::with_sample_data();
    let run = |steps: &str| {
        let settings = [
            "train.out=run",
            "train.tensorboard=true",
            "train.eval_every=2",
            steps,
        ];
        train(&place, "classify", &settings);
        let files = fs::read_dir(place.path("run/tensorboard")).expect("event files");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        files
    };
    let first = run("train.steps=2");
    assert_eq!(first.len(), 1);
    let bytes = fs::read(&first[0]).expect("an event file");
    for tag in [
        "train/loss",
        "eval/accuracy",
        "special/cls/norm",
        "attention/encoder/layer_0/to_cls",
    ] {
        let found = bytes.windows(tag.len()).any(|part| part == tag.as_bytes());
        assert!(found, "{tag}");
    }
    assert_eq!(run("train.steps=4").len(), 2);
    train(&place, "classify", &["train.out=plain", "train.steps=2"]);
    assert!(!place.path("plain/tensorboard").exists());
}

#[test]
fn without_a_terminal_a_dashboard_becomes_lines_and_one_that_says_so() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/classify.toml");
    let settings = ["--set", "train.steps=2", "--set", "train.out=run"];
    let args = [&["train", &config, "--dashboard"][..], &settings].concat();
    let output = place.run(&args);
    assert!(output.status.success());
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    let warnings: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("dashboard"))
        .collect();
    assert_eq!(
        warnings,
        ["warning: no dashboard, since standard output is not a terminal; lines instead"]
    );
    assert!(told.contains("step 2: accuracy"), "{told}");
    let refused = place.is_refused(&[&args[..], &["--quiet"]].concat());
    assert!(refused.contains("contradict"), "{refused}");
}

#[test]
fn a_classifier_that_says_the_same_of_every_text_warns_and_one_that_learns_does_not() {
    let place = Workplace::with_sample_data();
    let warned = |out: &str, lr: &str| -> Vec<Vec<Value>> {
        let settings = [
            &format!("train.out={out}"),
            lr,
            "train.eval_every=50",
            "train.steps=200",
        ];
        train(&place, "classify", &settings);
        let looks = looks(&place.path(out));
        looks
            .iter()
            .map(|look| list(&look["warnings"]).clone())
            .collect()
    };
    assert!(
        warned("learns", "optim.adamw.lr=2e-3")
            .iter()
            .all(Vec::is_empty)
    );
    // Ten times too fast for a classifier of this size: it gives every text the same score from the first steps on.
    let collapsed = warned("collapses", "optim.adamw.lr=5e-2");
    let counts: Vec<usize> = collapsed.iter().map(Vec::len).collect();
    assert_eq!(counts, [0, 0, 0, 1, 1]);
    let text = collapsed[3][0].as_str().expect("a sentence");
    assert!(
        text.contains("[CLS]") && text.contains("have not come apart"),
        "{text}"
    );
}
