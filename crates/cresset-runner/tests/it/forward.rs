//! `cresset forward` on folders that transformers saved: every field of the class's output, by its name, with its numbers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};

use crate::workplace::{Workplace, device};

pub(crate) struct Numbers {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

pub(crate) fn read(path: &Path) -> BTreeMap<String, Numbers> {
    let bytes = fs::read(path).expect("a safetensors file");
    let parsed = SafeTensors::deserialize(&bytes).expect("safetensors");
    let numbers = |view: safetensors::tensor::TensorView<'_>| {
        let words = view.data().as_chunks::<4>().0.iter();
        Numbers {
            shape: view.shape().to_vec(),
            values: match view.dtype() {
                Dtype::I32 => words.map(|&w| i32::from_le_bytes(w) as f32).collect(),
                _ => words.map(|&w| f32::from_le_bytes(w)).collect(),
            },
        }
    };
    parsed
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, numbers(view)))
        .collect()
}

/// Nested lists of whole numbers, as JSON has them.
fn nested(numbers: &Numbers) -> Value {
    fn part(shape: &[usize], values: &[f32]) -> Value {
        match shape {
            [] => json!(values[0] as i64),
            [n, rest @ ..] => values
                .chunks(values.len() / n)
                .map(|chunk| part(rest, chunk))
                .collect(),
        }
    }
    part(&numbers.shape, &numbers.values)
}

const INPUTS: [&str; 7] = [
    "input_ids",
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "perm_mask",
    "target_mapping",
    "decoder_input_ids",
];

/// The inputs among the tensors of a golden case, as `forward` takes them.
pub(crate) fn inputs(expected: &BTreeMap<String, Numbers>) -> Value {
    let given = INPUTS.iter();
    let inputs: Map<String, Value> = given
        .filter_map(|key| Some(((*key).to_owned(), nested(expected.get(*key)?))))
        .collect();
    Value::Object(inputs)
}

/// Fields that are no output of a forward pass, or that only a part of the classes has.
const NOT_FORWARD: [&str; 1] = ["generated"];

/// Where the models with their answers are, a folder each.
pub(crate) fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cresset-model/tests/golden")
}

pub(crate) fn golden_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(goldens())
        .expect("the goldens")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

#[test]
fn every_class_gives_the_fields_and_numbers_of_transformers() {
    let tolerance = if device().contains("vulkan") {
        2e-3
    } else {
        1e-4
    };
    let place = Workplace::empty();
    let mut classes = Vec::new();
    for folder in golden_folders() {
        let name = folder.display().to_string();
        let expected = read(&folder.join("expected.safetensors"));
        place.write("ids.json", inputs(&expected).to_string());
        place.succeeds(&[
            "forward",
            &name,
            "--input",
            "ids.json",
            "--output",
            "out.safetensors",
        ]);
        let ours = read(&place.path("out.safetensors"));
        assert!(ours.contains_key("last_hidden_state"), "{name}");
        for (field, theirs) in &expected {
            if INPUTS.contains(&field.as_str()) || NOT_FORWARD.contains(&field.as_str()) {
                continue;
            }
            let ours = ours
                .get(field)
                .unwrap_or_else(|| panic!("{name} gives no {field}"));
            assert_eq!(ours.shape, theirs.shape, "{name}: {field}");
            // A decoder's outputs at padding mean nothing, and the two tools leave different numbers there.
            let counts = |row: usize| match expected.get("attention_mask") {
                Some(kept) if name.ends_with("gpt2") => kept.values[row] == 1.0,
                _ => true,
            };
            let width = ours.shape.last().copied().unwrap_or(1);
            let pairs = ours.values.iter().zip(&theirs.values).enumerate();
            let worst = pairs
                .filter(|(at, _)| counts(at / width))
                .map(|(_, (a, b))| (a - b).abs())
                .fold(0.0f32, |worst, apart| {
                    if apart > worst || apart.is_nan() {
                        apart
                    } else {
                        worst
                    }
                });
            assert!(worst < tolerance, "{name}: {field} differs by {worst}");
        }
        let config: Value =
            serde_json::from_slice(&fs::read(folder.join("config.json")).expect("config.json"))
                .expect("JSON");
        classes.push(
            config["architectures"][0]
                .as_str()
                .expect("a class")
                .to_owned(),
        );
    }
    classes.sort();
    classes.dedup();
    assert!(
        classes.len() >= 26,
        "only {} classes: {classes:?}",
        classes.len()
    );
}

#[test]
fn an_output_file_is_numpys_or_json_where_its_ending_says_so() {
    let place = Workplace::empty();
    let folder = goldens().join("gpt2");
    let expected = read(&folder.join("expected.safetensors"));
    place.write("ids.json", inputs(&expected).to_string());
    let folder = folder.display().to_string();
    for out in ["out.safetensors", "out.npz", "out.json"] {
        place.succeeds(&[
            "forward",
            &folder,
            "--input",
            "ids.json",
            "--output",
            out,
            "--attention",
        ]);
    }
    let arrays = read(&place.path("out.safetensors"));
    assert!(arrays.contains_key("logits") && arrays.len() > 3);

    let archive = fs::File::open(place.path("out.npz")).expect("an archive");
    let mut archive = zip::ZipArchive::new(archive).expect("a zip");
    assert_eq!(archive.len(), arrays.len());
    let listed: Value =
        serde_json::from_slice(&fs::read(place.path("out.json")).expect("a file")).expect("JSON");
    for (name, array) in &arrays {
        let mut npy = Vec::new();
        let mut file = archive.by_name(&format!("{name}.npy")).expect("an array");
        std::io::Read::read_to_end(&mut file, &mut npy).expect("reads");
        let (header, numbers) = npy.split_at(npy.len() - array.values.len() * 4);
        let shape: Vec<String> = array.shape.iter().map(ToString::to_string).collect();
        let header = String::from_utf8_lossy(header);
        assert!(
            header.contains(&format!("({}", shape.join(", "))),
            "{header}"
        );
        let words = numbers.as_chunks::<4>().0.iter();
        let values: Vec<f32> = words.map(|w| f32::from_le_bytes(*w)).collect();
        assert_eq!(values, array.values, "{name}");

        let mut flat = vec![&listed[name]];
        for _ in &array.shape {
            let inner = flat
                .into_iter()
                .map(|list| list.as_array().expect("a list"));
            flat = inner.flatten().collect();
        }
        let values: Vec<f32> = flat
            .iter()
            .map(|x| x.as_f64().expect("a number") as f32)
            .collect();
        assert_eq!(values, array.values, "{name}");
    }
}
