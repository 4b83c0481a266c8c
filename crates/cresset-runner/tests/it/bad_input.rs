//! Wrong input gets one sentence that says what, where and the way out, and exit code 2.

use std::fs;

use crate::workplace::{Workplace, config};

/// The message of training the tiny classifier with these settings.
fn refused(place: &Workplace, settings: &[&str]) -> String {
    let config = config("tiny/classify.toml");
    let mut args = vec![
        "train",
        &config,
        "--set",
        "train.out=run",
        "--set",
        "train.steps=2",
    ];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    let message = place.is_refused(&args);
    assert!(
        !place.path("run").exists(),
        "nothing is left behind after: {message}"
    );
    message
}

fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} in: {message}");
    }
}

#[test]
fn a_missing_config_is_named() {
    says(
        &Workplace::empty().is_refused(&["train", "nowhere.toml"]),
        &["nowhere.toml", "check the path"],
    );
}

#[test]
fn a_missing_data_file_is_named() {
    says(
        &refused(&Workplace::empty(), &[]),
        &["sample-data/sentiment/train.jsonl"],
    );
}

#[test]
fn an_empty_data_file_is_named() {
    let place = Workplace::with_sample_data();
    place.write("empty.jsonl", "");
    says(
        &refused(&place, &["data.train=[\"empty.jsonl\"]"]),
        &["empty.jsonl"],
    );
}

#[test]
fn invalid_utf8_is_named_by_line() {
    let place = Workplace::with_sample_data();
    place.write(
        "bad.jsonl",
        b"{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"\xff\"}\n",
    );
    says(
        &refused(&place, &["data.train=[\"bad.jsonl\"]"]),
        &["bad.jsonl", "line 2", "UTF-8"],
    );
}

#[test]
fn a_line_without_the_field_is_named() {
    let place = Workplace::with_sample_data();
    place.write(
        "bad.jsonl",
        "{\"text\": \"a\", \"label\": \"x\"}\n{\"sentence\": \"a\"}\n",
    );
    says(
        &refused(&place, &["data.train=[\"bad.jsonl\"]"]),
        &["bad.jsonl", "line 2", "text", "sentence"],
    );
}

#[test]
fn an_unknown_label_at_evaluation_is_named() {
    let place = Workplace::with_sample_data();
    place.succeeds(&[
        "train",
        &config("tiny/classify.toml"),
        "--quiet",
        "--set",
        "train.out=run",
        "--set",
        "train.steps=2",
    ]);
    place.write("new.jsonl", "{\"text\": \"a\", \"label\": \"neutral\"}\n");
    let message = place.is_refused(&["evaluate", "run/model", "--data", "new.jsonl"]);
    says(
        &message,
        &["neutral", "new.jsonl, line 1", "negative, positive"],
    );
}

#[test]
fn parallel_files_of_different_lengths_are_named_with_both_counts() {
    let place = Workplace::with_sample_data();
    place.write("a.en", "one\ntwo\nthree\n");
    place.write("a.de", "eins\nzwei\n");
    let message = place.is_refused(&[
        "train",
        &config("tiny/seq2seq.toml"),
        "--set",
        "data.train=[\"a.en\", \"a.de\"]",
        "--set",
        "train.out=run",
    ]);
    says(&message, &["a.en", "a.de", "3", "2"]);
}

#[test]
fn bug_class_20_a_misspelt_key_gets_a_suggestion() {
    says(
        &refused(
            &Workplace::with_sample_data(),
            &["optim.adamw.weigth_decay=0.1"],
        ),
        &["weigth_decay", "did you mean `weight_decay`?"],
    );
}

#[test]
fn a_misspelt_model_key_gets_a_suggestion() {
    says(
        &refused(&Workplace::with_sample_data(), &["model.bert.n_layer=2"]),
        &["n_layer", "n_layers"],
    );
}

#[test]
fn a_hidden_size_that_heads_do_not_divide_is_refused() {
    says(
        &refused(&Workplace::with_sample_data(), &["model.bert.n_heads=3"]),
        &["64", "3", "not divisible"],
    );
}

#[test]
fn a_sequence_longer_than_the_positions_is_refused_before_training() {
    says(
        &refused(&Workplace::with_sample_data(), &["data.max_length=1024"]),
        &["1024", "64 positions", "data.max_length"],
    );
}

#[test]
fn bug_class_13_roberta_has_fewer_places_than_rows_of_its_table_and_is_refused_more() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/regress-roberta.toml");
    let message = place.is_refused(&["train", &config, "--set", "data.max_length=65"]);
    says(&message, &["65", "64 positions", "data.max_length"]);
    place.succeeds(&[
        "train",
        &config,
        "--quiet",
        "--set",
        "train.steps=30",
        "--set",
        "data.max_length=64",
    ]);
}

#[test]
fn a_vocabulary_smaller_than_the_tokenizers_is_refused() {
    says(
        &refused(
            &Workplace::with_sample_data(),
            &["model.bert.vocab_size=50"],
        ),
        &["50", "tokenizer"],
    );
}

#[test]
fn truncated_weights_are_named() {
    let place = Workplace::with_sample_data();
    place.succeeds(&[
        "train",
        &config("tiny/classify.toml"),
        "--quiet",
        "--set",
        "train.out=run",
        "--set",
        "train.steps=2",
    ]);
    let path = place.path("run/model/model.safetensors");
    let bytes = fs::read(&path).expect("weights");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("cut short");
    let message = place.is_refused(&[
        "evaluate",
        "run/model",
        "--data",
        "sample-data/sentiment/dev.jsonl",
    ]);
    says(&message, &["model.safetensors"]);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named() {
    let place = Workplace::with_sample_data();
    place.write("file", "in the way");
    let message = place.is_refused(&[
        "train",
        &config("tiny/classify.toml"),
        "--set",
        "train.out=file/run",
    ]);
    says(&message, &["file/run", "train.out"]);
}

#[test]
fn a_device_that_is_not_compiled_in_names_the_feature() {
    let place = Workplace::empty();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cresset"))
        .current_dir(place.path("."))
        .args(["predict", "x", "--input", "-", "--device", "metal"])
        .output()
        .expect("the binary runs");
    if !cfg!(feature = "metal") {
        assert_eq!(output.status.code(), Some(2));
        says(
            &String::from_utf8_lossy(&output.stderr),
            &["--features metal"],
        );
    }
}

#[test]
fn a_folder_that_is_no_model_is_refused() {
    says(
        &Workplace::empty().is_refused(&["evaluate", "nowhere", "--data", "x"]),
        &["nowhere", "does not exist"],
    );
}

#[test]
fn an_objective_that_does_not_fit_the_model_is_refused() {
    let place = Workplace::with_sample_data();
    let message = place.is_refused(&[
        "train",
        &config("tiny/classify.toml"),
        "--set",
        "model={ gpt2 = { n_layers = 1 } }",
    ]);
    says(&message, &["classify", "an encoder"]);
}

#[test]
fn a_split_and_eval_files_together_are_refused() {
    says(
        &refused(&Workplace::with_sample_data(), &["data.split=0.1"]),
        &["data.eval", "data.split"],
    );
}

/// The message of training the tiny config of this name on these lines.
fn refused_lines(name: &str, lines: &str, settings: &[&str]) -> String {
    let place = Workplace::empty();
    place.write("data.jsonl", lines);
    let config = config(&format!("tiny/{name}.toml"));
    let mut args = vec!["train", &config];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    for setting in [
        "data.train=[\"data.jsonl\"]",
        "data.eval=[\"data.jsonl\"]",
        "train.out=run",
    ] {
        args.extend(["--set", setting]);
    }
    place.is_refused(&args)
}

#[test]
fn a_missing_score_is_named_by_file_and_line() {
    let lines = "{\"text\": \"a\", \"score\": 1}\n{\"text\": \"b\", \"label\": \"x\"}\n";
    says(
        &refused_lines("regress", lines, &[]),
        &["data.jsonl, line 2", "no score", "data.fields.score"],
    );
}

#[test]
fn a_score_beyond_32_bits_is_named() {
    let lines = "{\"text\": \"a\", \"score\": 1}\n{\"text\": \"b\", \"score\": 1e300}\n";
    says(
        &refused_lines("regress", lines, &[]),
        &["data.jsonl, line 2", "32-bit"],
    );
}

#[test]
fn a_missing_label_list_is_named_by_file_and_line() {
    let lines = "{\"text\": \"a\", \"label\": [\"x\"]}\n{\"text\": \"b\"}\n";
    says(
        &refused_lines("multi-label", lines, &[]),
        &["data.jsonl, line 2", "no label", "[] where no label holds"],
    );
}

#[test]
fn label_lists_that_are_all_empty_are_refused() {
    let lines = "{\"text\": \"a\", \"label\": []}\n{\"text\": \"b\", \"label\": []}\n";
    says(
        &refused_lines("multi-label", lines, &[]),
        &["all empty", "data.fields.label"],
    );
}

#[test]
fn a_label_list_for_a_single_label_names_the_task() {
    let lines =
        "{\"text\": \"a\", \"label\": \"x\"}\n{\"text\": \"b\", \"label\": [\"x\", \"y\"]}\n";
    says(
        &refused_lines("classify", lines, &[]),
        &["data.jsonl, line 2", "list of 2 labels", "multi-label"],
    );
}

#[test]
fn the_layers_of_an_xlnet_are_not_checkpointed_and_that_is_said() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/permuted-lm.toml");
    let message = place.is_refused(&[
        "train",
        &config,
        "--set",
        "train.out=run",
        "--set",
        "train.checkpoint_layers=true",
    ]);
    says(
        &message,
        &["train.checkpoint_layers", "xlnet", "train.accumulate"],
    );
}

#[test]
fn settings_that_a_task_cannot_use_are_refused() {
    let lines = "{\"text\": \"a\", \"score\": 1, \"label\": [\"x\"]}\n";
    for (name, setting, part) in [
        (
            "regress",
            "objective.classify.class_weights.x=2.0",
            "has no classes",
        ),
        (
            "regress",
            "objective.classify.label_smoothing=0.1",
            "single-label",
        ),
        (
            "multi-label",
            "objective.classify.label_smoothing=0.1",
            "single-label",
        ),
        (
            "multi-label",
            "objective.classify.class_weights.x=-1.0",
            "0 or more",
        ),
        (
            "multi-label",
            "objective.classify.class_weights.y=1.0",
            "not a label of the data",
        ),
        (
            "regress",
            "train.keep_best=\"accuracy\"",
            "spearman, pearson, mse, loss",
        ),
    ] {
        says(&refused_lines(name, lines, &[setting]), &[part]);
    }
}
