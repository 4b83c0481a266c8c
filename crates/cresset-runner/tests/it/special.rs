//! Special tokens that begin and are trained by policies of their own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::Value;

use crate::end_to_end::begins_and_ends;
use crate::workplace::{Workplace, assert_same_run, config, losses};

const TABLE: &str = "bert.embeddings.word_embeddings.weight";
const WIDTH: usize = 64;
/// Rows in the order in which the tokenizer is given the special tokens.
const PAD: usize = 0;
const UNK: usize = 1;
const CLS: usize = 2;
const SEP: usize = 3;
const MASK: usize = 4;

/// A classifier without policies.
fn plain(settings: &[&str]) -> Vec<String> {
    let mut args = vec![
        "train".to_owned(),
        config("tiny/special.toml"),
        "--quiet".to_owned(),
    ];
    let fixed = [
        "special.policy={}",
        "train.out=run",
        "train.steps=3",
        "optim.adamw.weight_decay=0.1",
    ];
    for setting in fixed.iter().chain(settings) {
        args.extend(["--set".to_owned(), (*setting).to_owned()]);
    }
    args
}

fn train(place: &Workplace, settings: &[&str]) {
    let args = plain(settings);
    place.succeeds(&args.iter().map(String::as_str).collect::<Vec<_>>());
}

fn refused(place: &Workplace, settings: &[&str]) -> String {
    let args = plain(settings);
    let message = place.is_refused(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!place.path("run").exists(), "nothing is left: {message}");
    message
}

fn weights(model: &Path) -> BTreeMap<String, Vec<f32>> {
    let bytes = fs::read(model.join("model.safetensors")).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let floats = |name: &str| {
        let view = file.tensor(name).expect("a tensor");
        let words = view.data().as_chunks::<4>().0.iter();
        words.map(|word| f32::from_le_bytes(*word)).collect()
    };
    let names = file.names().into_iter();
    names.map(|n| (n.to_owned(), floats(n))).collect()
}

/// The token vectors of a model.
fn rows(model: &Path) -> Vec<Vec<f32>> {
    let table = &weights(model)[TABLE];
    table.chunks(WIDTH).map(<[f32]>::to_vec).collect()
}

#[test]
fn a_classifier_with_policies_learns() {
    let place = Workplace::with_sample_data();
    place.succeeds(&[
        "train",
        &config("tiny/special.toml"),
        "--quiet",
        "--set",
        "train.out=run",
    ]);
    let (first, last) = begins_and_ends(&losses(&place.path("run")));
    assert!(last < 0.97 * first, "from {first} to {last}");
}

#[test]
fn a_frozen_vector_from_a_file_keeps_its_bits_while_the_others_move() {
    let place = Workplace::with_sample_data();
    let vector: Vec<f32> = (0..WIDTH).map(|i| (i as f32 * 0.7).sin() * 0.1).collect();
    place.write("cls.json", serde_json::to_vec(&vector).expect("JSON"));
    let cls = [
        "special.policy.cls.init=vector:cls.json",
        "special.policy.cls.train=frozen",
    ];
    train(&place, &cls);
    train(
        &place,
        &[&cls[..], &["train.out=longer", "train.steps=6"]].concat(),
    );
    let (short, long) = (
        rows(&place.path("run/model")),
        rows(&place.path("longer/model")),
    );
    assert_eq!(short[CLS], vector);
    assert_eq!(long[CLS], vector);
    let moved = (0..short.len()).filter(|&row| short[row] != long[row]);
    // Decay moves the rows of tokens that the batches do not hold.
    assert_eq!(moved.count(), short.len() - 1);
}

#[test]
fn a_token_that_is_trained_alone_is_all_that_changes() {
    let place = Workplace::with_sample_data();
    let policy = ["special.policy.cls.train=alone"];
    let longer = ["train.out=longer", "train.steps=6"];
    train(&place, &policy);
    train(&place, &[&policy[..], &longer].concat());
    let (short, long) = (place.path("run/model"), place.path("longer/model"));
    let (before, after) = (weights(&short), weights(&long));
    for (name, values) in &before {
        assert!(name == TABLE || *values == after[name], "{name}");
    }
    let (before, after) = (rows(&short), rows(&long));
    let moved: Vec<usize> = (0..before.len())
        .filter(|&row| before[row] != after[row])
        .collect();
    assert_eq!(moved, [CLS]);
}

#[test]
fn with_the_head_a_token_and_the_head_are_all_that_changes() {
    let place = Workplace::with_sample_data();
    let policy = ["special.policy.cls.train=with-the-head"];
    let longer = ["train.out=longer", "train.steps=6"];
    train(&place, &policy);
    train(&place, &[&policy[..], &longer].concat());
    let (short, long) = (
        weights(&place.path("run/model")),
        weights(&place.path("longer/model")),
    );
    let moved: Vec<&String> = short.keys().filter(|n| short[*n] != long[*n]).collect();
    assert_eq!(moved, [TABLE, "classifier.bias", "classifier.weight"]);
}

#[test]
fn first_vectors_are_what_the_policies_say() {
    let place = Workplace::with_sample_data();
    // [MASK] stands in no text of a classifier: without decay nothing moves, and the model is as it began.
    let still = [
        "special.policy.mask.train=alone",
        "special.policy.mask.weight_decay=0.0",
    ];
    train(&place, &[&still[..], &["train.out=before"]].concat());
    let begun = [
        "special.policy.cls.init=mean",
        "special.policy.sep.init=copy:[CLS]",
        "special.policy.unk.init=zeros",
        "special.policy.pad.init=random",
        "special.policy.pad.std=5.0",
        "special.policy.token:the.init=mean-covariance",
    ];
    train(&place, &[&still[..], &begun].concat());
    let (before, after) = (
        rows(&place.path("before/model")),
        rows(&place.path("run/model")),
    );
    let tokenizer: Value =
        serde_json::from_slice(&fs::read(place.path("run/model/tokenizer.json")).expect("a file"))
            .expect("JSON");
    let the = tokenizer["model"]["vocab"]["the"].as_u64().expect("an id") as usize;
    let ordinary: Vec<usize> = (MASK + 1..before.len()).filter(|&row| row != the).collect();
    for i in 0..WIDTH {
        let mean = ordinary.iter().map(|&row| before[row][i]).sum::<f32>() / ordinary.len() as f32;
        assert!((after[CLS][i] - mean).abs() < 1e-6, "place {i}");
    }
    // All are taken from the table as it was.
    assert_eq!(after[SEP], before[CLS]);
    assert_eq!(after[UNK], vec![0.0; WIDTH]);
    let square = after[PAD].iter().map(|v| v * v).sum::<f32>() / WIDTH as f32;
    assert!((2.0..10.0).contains(&square.sqrt()), "{square}");
    let spread = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
    let ratio = spread(&after[the]) / spread(&before[the]);
    assert!(after[the] != before[the] && (0.4..2.5).contains(&ratio));
    for row in (MASK..before.len()).filter(|&row| row != the) {
        assert_eq!(before[row], after[row], "row {row}");
    }
}

#[test]
fn a_vector_of_another_model_is_found_by_its_token() {
    let place = Workplace::with_sample_data();
    train(&place, &["train.out=first", "train.steps=10", "seed=5"]);
    let policy = [
        "special.policy.cls.init=pretrained:first/model",
        "special.policy.cls.train=frozen",
    ];
    train(&place, &policy);
    let (first, second) = (
        rows(&place.path("first/model")),
        rows(&place.path("run/model")),
    );
    assert_eq!(first[CLS], second[CLS]);
    assert_ne!(first[SEP], second[SEP]);

    let narrower = ["train.out=narrower", "model.bert.hidden_size=32"];
    let args = plain(&[&policy[..], &narrower].concat());
    let message = place.is_refused(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(
        message.contains("64 numbers") && message.contains("have 32"),
        "{message}"
    );
}

#[test]
fn bug_class_06_a_run_with_policies_resumes_to_the_same_bytes_and_only_with_them() {
    let place = Workplace::with_sample_data();
    let settings = |out: &str| {
        let mut args = vec![
            "train".to_owned(),
            config("tiny/special.toml"),
            "--quiet".to_owned(),
        ];
        let out = format!("train.out={out}");
        for setting in [
            &out[..],
            "train.steps=8",
            "train.checkpoint_every=4",
            "train.keep_last=5",
        ] {
            args.extend(["--set".to_owned(), setting.to_owned()]);
        }
        args
    };
    let train = |out: &str| {
        let args = settings(out);
        place.succeeds(&args.iter().map(String::as_str).collect::<Vec<_>>());
    };
    train("whole");
    train("resumed");
    fs::remove_dir_all(place.path("resumed/checkpoints/step-8")).expect("the last checkpoint");
    fs::remove_dir_all(place.path("resumed/model")).expect("the model");
    train("resumed");
    assert_same_run(&place.path("whole"), &place.path("resumed"));
    let saved = fs::read_to_string(place.path("whole/config.toml")).expect("the config");
    assert!(saved.contains("[special.policy.cls]"), "{saved}");

    let mut args = settings("whole");
    args.extend([
        "--set".to_owned(),
        "special.policy.cls.lr_factor=2.0".to_owned(),
    ]);
    let message = place.is_refused(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(message.contains("[special] differs"), "{message}");
}

#[test]
fn a_policy_that_makes_no_sense_is_refused_in_one_sentence() {
    let place = Workplace::with_sample_data();
    for (settings, parts) in [
        (
            &["special.policy.clz.init=mean"][..],
            &["\"clz\"", "did you mean `cls`?"][..],
        ),
        (
            &["special.policy.cls.init=meen"],
            &["`meen`", "did you mean `mean`?"],
        ),
        (
            &["special.policy.cls.inti=mean"],
            &["`inti`", "did you mean `init`?"],
        ),
        (
            &["special.policy.cls.train=frosen"],
            &["`frosen`", "did you mean `frozen`?"],
        ),
        (
            &["special.policy.cls={}"],
            &["special.policy.cls says nothing"],
        ),
        (
            &["special.policy.bos.init=mean"],
            &["special.policy.bos", "convention bert has no token"],
        ),
        (
            &["special.policy.decoder_start.init=mean"],
            &["special.policy.decoder_start", "no token of this role"],
        ),
        (
            &["special.policy.token:[FOO].init=mean"],
            &["no token [FOO]", "tokenizer.train.special_tokens"],
        ),
        (
            &["special.policy.cls.init=copy:[FOO]"],
            &["copies [FOO]", "correct the spelling"],
        ),
        (
            &["special.policy.cls.init=vector:nowhere.json"],
            &["nowhere.json"],
        ),
        (
            &["special.policy.cls.init=pretrained:nowhere"],
            &["nowhere"],
        ),
        (
            &["special.policy.cls.std=0.1"],
            &["special.policy.cls.std", "init = \"random\""],
        ),
        (
            &["special.policy.cls.lr_factor=0.0"],
            &["lr_factor is 0", "frozen"],
        ),
        (
            &[
                "special.policy.cls.train=frozen",
                "special.policy.cls.lr_factor=2.0",
            ],
            &["lr_factor", "frozen"],
        ),
        (
            &[
                "special.policy.cls.train=alone",
                "special.policy.sep.train=with-the-rest",
            ],
            &["alone", "contradicts special.policy.sep"],
        ),
        (
            &[
                "special.policy.cls.train=alone",
                "special.policy.sep.train=with-the-head",
            ],
            &["contradicts"],
        ),
        (
            &[
                "special.policy.cls.train=alone",
                "special.policy.sep.lr_factor=2.0",
            ],
            &["special.policy.sep", "never moves"],
        ),
        (
            &[
                "special.policy.cls.init=mean",
                "special.policy.token:[CLS].init=zeros",
            ],
            &["both about [CLS]"],
        ),
    ] {
        let message = refused(&place, settings);
        for part in parts {
            assert!(message.contains(part), "{part:?} in: {message}");
        }
    }
}
