//! `embed`: one vector per text, with the pooling that is stored with the model.

use std::process::Output;

use serde_json::{Value, json};

use crate::workplace::{Workplace, config};

const TEXTS: [&str; 7] = [
    "the soup was good .",
    "good",
    "the soup was good and the bread was not .",
    "",
    "a good soup",
    "the bread was not good .",
    "not good",
];

/// A model of the tiny config's architecture after a few steps, in `run/model`.
fn trained(name: &str) -> Workplace {
    let place = Workplace::with_sample_data();
    let config = config(&format!("tiny/{name}.toml"));
    let settings = ["--set", "train.out=run", "--set", "train.steps=12"];
    place.succeeds(&[&["train", &config, "--quiet"], &settings[..]].concat());
    place
}

fn embed(place: &Workplace, flags: &[&str]) -> Output {
    let lines: String = TEXTS
        .iter()
        .map(|text| json!({ "text": text }).to_string() + "\n")
        .collect();
    place.run_on(
        &lines,
        &[&["embed", "run/model", "--input", "-"], flags].concat(),
    )
}

/// The vectors and what was said on stderr.
fn vectors(place: &Workplace, flags: &[&str]) -> (Vec<Vec<f64>>, String) {
    let output = embed(place, flags);
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(output.status.success(), "{flags:?}: {said}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let vector = |(i, line): (usize, &str)| -> Vec<f64> {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["id"], i + 1, "in the order of the input");
        let numbers = line["embedding"].as_array().expect("numbers").iter();
        numbers.map(|x| x.as_f64().expect("a number")).collect()
    };
    let vectors: Vec<_> = text.lines().enumerate().map(vector).collect();
    assert_eq!(vectors.len(), TEXTS.len());
    (vectors, said)
}

fn distance(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let differences = a
        .iter()
        .flatten()
        .zip(b.iter().flatten())
        .map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max)
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Makes the folder one of sentence-transformers.
fn store(place: &Workplace, kinds: &[&str], pooling: &Value) {
    let module = |(idx, kind): (usize, &&str)| {
        let path = match *kind {
            "Transformer" => String::new(),
            kind => format!("{idx}_{kind}"),
        };
        json!({ "idx": idx, "name": idx.to_string(), "path": path, "type": format!("sentence_transformers.models.{kind}") })
    };
    let modules: Vec<Value> = kinds.iter().enumerate().map(module).collect();
    place.write("run/model/modules.json", Value::from(modules).to_string());
    place.write("run/model/1_Pooling/config.json", pooling.to_string());
}

#[test]
fn bug_class_08_a_batch_of_mixed_lengths_equals_one_by_one() {
    let place = trained("masked-lm");
    for pooling in ["cls", "mean", "max", "last", "first-last-avg"] {
        let (together, _) = vectors(&place, &["--pooling", pooling, "--batch-size", "4"]);
        let (alone, _) = vectors(&place, &["--pooling", pooling, "--batch-size", "1"]);
        let worst = distance(&together, &alone);
        // The order of additions differs with the width of a batch.
        assert!(worst < 1e-5, "{pooling}: {worst}");
        assert!(distance(&together[..1], &together[1..2]) > 1e-3);
    }
}

#[test]
fn bug_class_12_the_pooling_of_a_sentence_transformers_folder_is_applied() {
    let place = trained("masked-lm");
    let plain = |pooling: &str| vectors(&place, &["--pooling", pooling, "--normalize"]).0;
    let (mean, max) = (plain("mean"), plain("max"));
    let old = json!({ "word_embedding_dimension": 64, "pooling_mode_cls_token": false, "pooling_mode_max_tokens": true });
    let kinds = ["Transformer", "Pooling", "Normalize"];
    store(&place, &kinds, &old);
    let (found, said) = vectors(&place, &[]);
    assert_eq!((distance(&found, &max), said.as_str()), (0.0, ""));
    assert!(found.iter().all(|v| (length(v) - 1.0).abs() < 1e-5));
    let (found, said) = vectors(&place, &["--pooling", "mean"]);
    assert_eq!(distance(&found, &mean), 0.0);
    assert!(
        said.contains("stores the pooling max") && said.contains("mean"),
        "{said}"
    );
    let new = json!({ "embedding_dimension": 64, "pooling_mode": "mean" });
    store(&place, &kinds, &new);
    let (found, said) = vectors(&place, &["--normalize=false"]);
    assert!(found.iter().any(|v| (length(v) - 1.0).abs() > 0.1));
    assert!(said.contains("scales its embeddings"), "{said}");
    place.write(
        "run/model/sentence_bert_config.json",
        r#"{"max_seq_length": 4, "do_lower_case": false}"#,
    );
    let (cut, said) = vectors(&place, &[]);
    assert!(distance(&cut, &mean) > 1e-3);
    assert!(said.contains("were shortened"), "{said}");
}

#[test]
fn bug_class_12_a_classifier_keeps_the_pooling_it_was_trained_with() {
    let place = trained("classify");
    let (stored, said) = vectors(&place, &[]);
    assert_eq!(said, "");
    assert_eq!(
        distance(&stored, &vectors(&place, &["--pooling", "cls"]).0),
        0.0
    );
    let (_, said) = vectors(&place, &["--pooling", "mean"]);
    assert!(said.contains("stores the pooling cls"), "{said}");
}

#[test]
fn a_pooling_that_is_guessed_is_said() {
    let place = trained("masked-lm");
    let (guessed, said) = vectors(&place, &[]);
    assert!(said.contains("mean is used"), "{said}");
    let (asked, said) = vectors(&place, &["--pooling", "mean"]);
    assert_eq!((distance(&guessed, &asked), said.as_str()), (0.0, ""));
}

#[test]
fn the_encoder_of_an_encoder_decoder_embeds_too() {
    let place = trained("seq2seq");
    let (together, _) = vectors(&place, &["--pooling", "mean", "--batch-size", "4"]);
    let (alone, _) = vectors(&place, &["--pooling", "mean", "--batch-size", "1"]);
    assert!(distance(&together, &alone) < 1e-5);
    for (pooling, reason) in [("cls", "has none"), ("first-last-avg", "first layer")] {
        let message = refused(&place, &["--pooling", pooling]);
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn an_embedding_that_cannot_be_made_as_the_folder_says_is_refused() {
    let place = trained("masked-lm");
    let message = refused(&place, &["--pooling", "maen"]);
    assert!(message.contains("did you mean `mean`?"), "{message}");
    store(&place, &["Transformer", "Pooling", "Dense"], &json!({}));
    let message = refused(&place, &[]);
    assert!(
        message.contains("Dense") && message.contains("--pooling"),
        "{message}"
    );
    let (_, said) = vectors(&place, &["--pooling", "mean"]);
    assert!(said.contains("Dense"), "{said}");
    let weighted =
        json!({ "pooling_mode_cls_token": true, "pooling_mode_weightedmean_tokens": true });
    store(&place, &["Transformer", "Pooling"], &weighted);
    let message = refused(&place, &[]);
    assert!(message.contains("weightedmean"), "{message}");
}

#[test]
fn several_poolings_are_put_one_behind_the_other_as_sentence_transformers_does() {
    let place = trained("masked-lm");
    let one = |pooling: &str| vectors(&place, &["--pooling", pooling]).0;
    let (cls, max, mean) = (one("cls"), one("max"), one("mean"));
    let joined = |parts: &[&Vec<Vec<f64>>]| -> Vec<Vec<f64>> {
        let row = |i: usize| parts.iter().flat_map(|part| part[i].clone()).collect();
        (0..cls.len()).map(row).collect()
    };
    assert_eq!(one("mean,cls"), joined(&[&mean, &cls]));

    // The old keys have an order of their own, the new list its own.
    let old = json!({ "pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true, "pooling_mode_cls_token": true });
    store(&place, &["Transformer", "Pooling"], &old);
    let (found, said) = vectors(&place, &[]);
    assert_eq!((found, said.as_str()), (joined(&[&cls, &max, &mean]), ""));
    let new = json!({ "pooling_mode": ["mean", "max"] });
    store(&place, &["Transformer", "Pooling"], &new);
    let (found, said) = vectors(&place, &[]);
    assert_eq!((found, said.as_str()), (joined(&[&mean, &max]), ""));
}

#[test]
fn embeddings_are_written_for_numpy_safetensors_and_tensorboard_with_the_same_numbers() {
    let place = trained("masked-lm");
    let (plain, _) = vectors(&place, &["--pooling", "mean"]);
    let numbers: Vec<f32> = plain.iter().flatten().map(|x| *x as f32).collect();
    let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    let export = |format: &str, out: &str| {
        let flags = ["--pooling", "mean", "--format", format, "--out", out];
        let output = embed(&place, &flags);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{said}"
        );
        place.path(out)
    };
    let npy = std::fs::read(export("npy", "e.npy")).expect("a file");
    assert!(npy.starts_with(b"\x93NUMPY\x01\x00") && npy.ends_with(&bytes));
    assert_eq!((npy.len() - bytes.len()) % 64, 0);
    let header = String::from_utf8_lossy(&npy[10..npy.len() - bytes.len()]).into_owned();
    assert!(
        header.contains("'shape': (7, 32)") && header.ends_with('\n'),
        "{header}"
    );
    let file = std::fs::read(export("safetensors", "e.safetensors")).expect("a file");
    let parsed = safetensors::SafeTensors::deserialize(&file).expect("safetensors");
    let tensor = parsed.tensor("embeddings").expect("embeddings");
    assert_eq!((tensor.shape(), tensor.data()), (&[7, 32][..], &bytes[..]));
    let folder = export("tensorboard", "projector");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file");
    let tensors = read("tensors.tsv");
    let parsed: Vec<f32> = tensors
        .split(['\t', '\n'])
        .filter_map(|x| x.parse().ok())
        .collect();
    assert_eq!(parsed, numbers);
    let metadata = read("metadata.tsv");
    assert_eq!(metadata.lines().count(), 1 + TEXTS.len());
    assert_eq!(metadata.lines().nth(1), Some("1\t\tthe soup was good ."));
    assert!(read("projector_config.pbtxt").contains("metadata_path: \"metadata.tsv\""));
    for flags in [
        &["--format", "npy"][..],
        &["--out", "e.npy"],
        &["--format", "npy", "--out", "no/e.npy"],
    ] {
        assert!(refused(&place, flags).contains("--out"));
    }
}

/// The message of an `embed` that ends with exit code 2 and one line.
fn refused(place: &Workplace, flags: &[&str]) -> String {
    let output = embed(place, flags);
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
    assert!(output.stdout.is_empty());
    message
}
