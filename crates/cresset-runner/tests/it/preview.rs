//! What `preview` shows: the worked examples literally, every objective's batch, and the documented pages.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::workplace::{Workplace, config};

/// Config, then the lines that stand together in one row of its batch, name and text.
const WORKED: &[(&str, &[(&str, &str)])] = &[
    (
        "t5",
        &[
            (
                "encoder input",
                "translate English to French: I love NLP </s>",
            ),
            ("decoder input", "<pad> J'aime le NLP"),
            ("labels", "J'aime le NLP </s>"),
        ],
    ),
    (
        "t5-s",
        &[
            (
                "encoder input",
                "translate English to French: I love NLP </s>",
            ),
            ("decoder input", "<s> J'aime le NLP"),
            ("labels", "J'aime le NLP </s>"),
        ],
    ),
    (
        "mt",
        &[
            ("encoder input", "I love NLP <eos>"),
            ("decoder input", "<bos> J'aime le NLP"),
            ("labels", "J'aime le NLP <eos>"),
        ],
    ),
    (
        "marian",
        &[
            ("encoder input", "A </s>"),
            ("decoder input", "<pad> B"),
            ("labels", "B </s>"),
        ],
    ),
    (
        "bart",
        &[
            ("encoder input", "<s> I love NLP </s>"),
            ("decoder input", "</s> <s> J'aime le NLP"),
            ("labels", "<s> J'aime le NLP </s>"),
        ],
    ),
    (
        "bart",
        &[
            ("encoder input", "<s> A </s>"),
            ("decoder input", "</s> <s> B"),
            ("labels", "<s> B </s>"),
        ],
    ),
    (
        "mt",
        &[
            ("encoder input", "A <eos>"),
            ("decoder input", "<bos> B"),
            ("labels", "B <eos>"),
        ],
    ),
    (
        "gpt",
        &[
            ("input", "<bos> I love NLP"),
            ("labels", "I love NLP <eos>"),
        ],
    ),
    ("gpt", &[("input", "<bos> A"), ("labels", "A <eos>")]),
    ("bert", &[("encoder input", "[CLS] A [SEP]")]),
    ("bert", &[("encoder input", "[CLS] A [SEP] B [SEP]")]),
    ("albert", &[("encoder input", "[CLS] A [SEP]")]),
    ("albert", &[("encoder input", "[CLS] A [SEP] B [SEP]")]),
    ("roberta", &[("encoder input", "<s> A </s>")]),
    ("roberta", &[("encoder input", "<s> A </s></s> B </s>")]),
    ("xlnet", &[("encoder input", "A <sep> <cls>")]),
    ("xlnet", &[("encoder input", "A <sep> B <sep> <cls>")]),
];

/// The rows of a printed batch.
fn rows(printed: &str) -> Vec<Vec<&str>> {
    let rows = printed.split("\nrow ").skip(1);
    rows.map(|row| row.lines().skip(1).collect()).collect()
}

#[test]
fn bug_class_01_worked_examples_come_out_literally() {
    let place = Workplace::with_sample_data();
    for (name, expected) in WORKED {
        let printed = place.succeeds(&["preview", &config(&format!("preview/{name}.toml"))]);
        let holds = |row: &Vec<&str>| {
            expected
                .iter()
                .all(|(name, text)| row.contains(&format!("  {name:<14} {text}").as_str()))
        };
        assert!(
            rows(&printed).iter().any(holds),
            "{name}: no row has {expected:?}:\n{printed}"
        );
    }
    // T5's frame without the prefix of the task.
    for (name, start) in [("t5", "<pad>"), ("t5-s", "<s>")] {
        let config = config(&format!("preview/{name}.toml"));
        let printed = place.succeeds(&["preview", &config, "--set", "objective.seq2seq.prefix="]);
        for line in [
            "  encoder input  A </s>".to_owned(),
            format!("  decoder input  {start} B"),
            "  labels         B </s>".to_owned(),
        ] {
            assert!(printed.lines().any(|l| l == line), "{line}:\n{printed}");
        }
    }
}

#[test]
fn every_preset_with_a_worked_example_has_a_config_that_shows_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/preview");
    for file in fs::read_dir(folder).expect("configs") {
        let name = file.expect("a file").file_name();
        let name = name.to_string_lossy().replace(".toml", "");
        assert!(WORKED.iter().any(|(worked, _)| *worked == name), "{name}");
    }
}

#[test]
fn what_a_place_predicts_stands_under_it() {
    let place = Workplace::with_sample_data();
    let printed = place.succeeds(&["preview", &config("preview/mt.toml")]);
    let row = rows(&printed)
        .into_iter()
        .find(|row| row.iter().any(|line| line.contains("NLP")))
        .expect("the worked example");
    let at = row
        .iter()
        .position(|line| line.starts_with("  decoder input:"))
        .expect("the table");
    let cells = |name: &str| {
        let line = row[at..]
            .iter()
            .find(|line| line.trim_start().starts_with(name));
        *line.unwrap_or_else(|| panic!("{name} in {row:?}"))
    };
    let (tokens, predicted) = (cells("token"), cells("predicts"));
    // The decoder is one step behind: under a token stands the next one, at the same column.
    let words = |line: &str| {
        line.split_whitespace()
            .skip(1)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words(tokens)[1..],
        words(predicted)[..words(predicted).len() - 1]
    );
    assert_eq!(words(predicted).last().map(String::as_str), Some("<eos>"));
    assert_eq!(tokens.find("<bos>"), Some(17));
    assert_eq!(predicted.char_indices().nth(17).map(|(_, c)| c), Some('J'));
}

/// The lengths of the lists of one thing that the model reads all agree, and masks say what they should.
fn check_places(name: &str, part: &Value) {
    let list = |key: &str| part[key].as_array().cloned();
    let number = |value: &Value| value.as_u64().expect("a number");
    let width = list("ids").expect("ids").len();
    for key in [
        "tokens",
        "roles",
        "attention_mask",
        "positions",
        "segments",
        "labels",
        "label_ids",
        "loss_mask",
    ] {
        if let Some(list) = list(key) {
            assert_eq!(list.len(), width, "{name}: {key} of {part}");
        }
    }
    let attention = list("attention_mask").expect("a mask");
    let roles = list("roles").expect("roles");
    let kept: u64 = attention.iter().map(number).sum();
    assert_eq!(Some(kept), part["kept"].as_u64(), "{name}");
    for (role, attended) in roles.iter().zip(&attention) {
        assert_eq!(role == "pad", *attended == 0, "{name}: {part}");
    }
    let Some(loss) = list("loss_mask") else {
        return;
    };
    let (labels, ids) = (
        list("labels").expect("labels"),
        list("label_ids").expect("ids"),
    );
    for place in 0..width {
        let counts = loss[place] == 1;
        assert_eq!(labels[place].is_string(), counts, "{name}");
        assert_eq!(ids[place].is_u64(), counts, "{name}");
        assert!(
            !counts || attention[place] == 1,
            "{name}: padding in the loss"
        );
    }
}

#[test]
fn every_objective_shows_its_batch_place_by_place() {
    let place = Workplace::with_sample_data();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/tiny");
    for file in fs::read_dir(folder).expect("configs") {
        let path = file.expect("a file").path();
        let name = path.display().to_string();
        let printed = place.succeeds(&["preview", &name, "--batch", "1", "--json"]);
        let preview: Value = serde_json::from_str(&printed).expect("JSON");
        let examples = preview["examples"].as_array().expect("rows");
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            let parts = example.as_array().expect("parts");
            let read: Vec<&Value> = parts.iter().filter(|p| p["roles"].is_array()).collect();
            assert!(
                !read.is_empty(),
                "{name}: nothing that the model reads in {example}"
            );
            read.iter().for_each(|part| check_places(&name, part));
        }
    }
}

#[test]
fn corrupted_places_have_roles_and_the_source_stands_beside_them() {
    let place = Workplace::with_sample_data();
    let masked = config("tiny/masked-lm.toml");
    let printed = place.succeeds(&["preview", &masked, "--rows", "16", "--json"]);
    let preview: Value = serde_json::from_str(&printed).expect("JSON");
    let mut seen = Vec::new();
    for example in preview["examples"].as_array().expect("rows") {
        let (source, input) = (&example[0], &example[1]);
        assert_eq!(
            (&source["name"], &input["name"]),
            (&"source".into(), &"encoder input".into())
        );
        for place in 0..input["ids"].as_array().expect("ids").len() {
            let role = input["roles"][place].as_str().expect("a role");
            let is_kept = input["ids"][place] == input["label_ids"][place];
            match role {
                "mask" => assert_eq!(input["tokens"][place], "[MASK]"),
                "replaced" => assert!(!is_kept && input["loss_mask"][place] == 1),
                "target" => assert!(is_kept),
                _ => assert_eq!(input["loss_mask"][place], 0),
            }
            seen.push(role.to_owned());
        }
    }
    for role in ["mask", "replaced", "target", "pad", "special", "text"] {
        assert!(seen.iter().any(|seen| seen == role), "{role}");
    }
}

#[test]
fn padding_is_known_by_its_place_and_not_by_its_token() {
    let place = Workplace::with_sample_data();
    let printed = place.succeeds(&["preview", &config("preview/t5.toml"), "--json"]);
    let preview: Value = serde_json::from_str(&printed).expect("JSON");
    let decoder = preview["examples"]
        .as_array()
        .expect("rows")
        .iter()
        .flat_map(|row| row.as_array().expect("parts"))
        .find(|part| part["name"] == "decoder input" && part["text"] == "<pad> B")
        .expect("the short row");
    let ids = decoder["ids"].as_array().expect("ids");
    assert_eq!(ids.first(), ids.last());
    let roles = decoder["roles"].as_array().expect("roles");
    assert_eq!(roles[0], "special");
    assert_eq!(roles[roles.len() - 1], "pad");
}

#[test]
fn xlnet_fills_on_the_left_and_numbers_segments_while_roberta_numbers_positions() {
    let place = Workplace::with_sample_data();
    let part = |name: &str, text: &str| {
        let printed = place.succeeds(&[
            "preview",
            &config(&format!("preview/{name}.toml")),
            "--json",
        ]);
        let preview: Value = serde_json::from_str(&printed).expect("JSON");
        let parts = preview["examples"].as_array().expect("rows").clone();
        let part = parts.into_iter().map(|row| row[0].clone());
        part.into_iter()
            .find(|part| part["text"] == text)
            .expect("the pair of letters")
    };
    let numbers = |value: &Value| -> Vec<u64> {
        let list = value.as_array().expect("a list");
        list.iter().map(|v| v.as_u64().expect("a number")).collect()
    };
    let xlnet = part("xlnet", "A <sep> B <sep> <cls>");
    let kept = xlnet["kept"].as_u64().expect("a number") as usize;
    let segments = numbers(&xlnet["segments"]);
    assert_eq!(xlnet["roles"][0], "pad");
    assert_eq!(segments[segments.len() - kept..], [0, 0, 1, 1, 2]);
    assert!(xlnet["positions"].is_null());
    let roberta = part("roberta", "<s> A </s></s> B </s>");
    assert_eq!(numbers(&roberta["positions"])[..7], [2, 3, 4, 5, 6, 7, 1]);
    assert!(numbers(&roberta["segments"]).iter().all(|s| *s == 0));
}

#[test]
fn classes_are_shown_by_name() {
    let place = Workplace::with_sample_data();
    let printed = place.succeeds(&["preview", &config("preview/bert.toml")]);
    assert!(
        printed.contains("\n  label          letters (0)\n"),
        "{printed}"
    );
    let printed = place.succeeds(&["preview", &config("tiny/multi-label.toml")]);
    assert!(
        printed.contains("\n  labels         food (0), house (1)"),
        "{printed}"
    );
}

#[test]
fn colours_are_on_a_terminal_or_where_they_are_asked_for() {
    let place = Workplace::with_sample_data();
    let config = config("preview/bert.toml");
    let is_painted = |color: &[&str], variable: Option<(&str, &str)>| {
        let args = [&["preview", &config][..], color].concat();
        let mut command = place.command(&args);
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.envs(variable);
        let output = command.output().expect("the binary runs");
        assert!(output.status.success());
        output.stdout.contains(&0x1b)
    };
    assert!(!is_painted(&[], None), "a pipe is not a terminal");
    assert!(is_painted(&[], Some(("CLICOLOR_FORCE", "1"))));
    assert!(is_painted(&["--color", "always"], Some(("NO_COLOR", "1"))));
    assert!(!is_painted(
        &["--color", "never"],
        Some(("CLICOLOR_FORCE", "1"))
    ));
    let plain = place.succeeds(&["preview", &config, "--color", "never"]);
    let painted = place.succeeds(&["preview", &config, "--color", "always"]);
    assert!(painted.len() > plain.len());
    assert!(
        !place
            .run(&["preview", &config, "--color", "blue"])
            .status
            .success()
    );
}

/// A command's arguments; one in double quotes may hold spaces.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    let words = parts.flat_map(|(at, part)| match at % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

/// The outputs that a page shows: what follows `$ cresset ..` in its blocks.
fn shown_on_a_page(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("```console\n").skip(1);
    let block = |block: &str| {
        let block = block.split("```").next().unwrap_or_default();
        let (command, output) = block.split_once('\n').expect("a command and its output");
        let command = command
            .strip_prefix("$ cresset ")
            .expect("a command of ours");
        (command.to_owned(), output.to_owned())
    };
    blocks.map(block).collect()
}

#[test]
fn the_page_on_preview_shows_what_the_binary_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/preview.md")).expect("the page");
    let outputs = shown_on_a_page(&page);
    assert!(outputs.len() >= 5, "only {} outputs", outputs.len());
    let place = Workplace::with_sample_data();
    for (command, output) in outputs {
        let mut args = words(&command);
        for arg in &mut args {
            if let Some(name) = arg.strip_prefix("configs/") {
                *arg = config(name);
            }
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let printed = place.succeeds(&args);
        assert!(
            printed == output,
            "docs/preview.md: `{command}` prints\n{printed}"
        );
    }
}
