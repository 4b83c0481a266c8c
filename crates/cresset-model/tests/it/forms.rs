//! Forms in which Python wrote the weights of a folder.

use std::path::Path;

use burn::tensor::Device;
use cresset_model::{LoadReport, MaskedLm, ModelError, load_weights, read_config};
use cresset_ops::Run;
use safetensors::tensor::Dtype;
use tempfile::TempDir;

use crate::device::device;
use crate::folders::{blank_bert, load_changed};
use crate::initial::weights;
use crate::reference::{Reference, all_positions, folder};

fn blank(case: &str, device: &Device) -> MaskedLm {
    let config = read_config(&folder(case)).unwrap().0;
    MaskedLm::new(&config.encoder().unwrap(), 0, device).unwrap()
}

/// A copy of a golden folder, to be damaged.
fn copy(case: &str) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder(case)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, place.path().join(path.file_name().unwrap())).unwrap();
    }
    place
}

fn load(place: &Path) -> Result<(MaskedLm, LoadReport), ModelError> {
    load_weights(blank_bert(), place)
}

fn refused(place: &Path) -> String {
    load(place).unwrap_err().to_string()
}

#[test]
fn pickled_sharded_and_half_precision_folders_give_the_logits_of_transformers() {
    for case in ["bert_pickled", "bert_sharded", "bert_half"] {
        let reference = Reference::read(case);
        let (model, report) = load_weights(blank(case, &device()), &folder(case)).unwrap();
        assert!(
            report.new.is_empty() && report.unused.is_empty(),
            "{case}: {report:?}"
        );
        let hidden = model.hidden(reference.encoder_input(&device()), &Run::inference());
        let positions = all_positions(&hidden);
        reference.assert_close(
            "logits",
            model.scores_at(hidden, positions).logits(),
            |_| true,
        );
    }
}

#[test]
fn a_truncated_pickle_is_refused() {
    let place = copy("bert_pickled");
    let path = place.path().join("pytorch_model.bin");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 5, 300, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = refused(place.path());
        assert!(
            error.contains("pytorch_model.bin is truncated or damaged"),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_pickle_that_is_no_state_dict_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("pytorch_model.bin");
    // What pickle.dumps([1, 2], 2), pickle.dumps({"epoch": 3}, 2) and pickle.dumps({}, 2) give.
    for (pickle, found) in [
        (&b"\x80\x02]q\x00(K\x01K\x02e."[..], "a list"),
        (
            b"\x80\x02}q\x00X\x05\x00\x00\x00epochq\x01K\x03s.",
            "a dictionary of epoch",
        ),
        (b"\x80\x02}q\x00.", "an empty dictionary"),
    ] {
        std::fs::write(&path, pickle).unwrap();
        let error = refused(place.path());
        let expected = format!("pytorch_model.bin holds {found} instead of tensors by name");
        assert!(error.contains(&expected), "{error}");
    }
}

#[test]
fn pickled_shards_are_read_by_their_index() {
    let whole = load_weights(blank("bert_pickled", &device()), &folder("bert_pickled")).unwrap();
    let place = copy("bert_pickled");
    let shard = "pytorch_model-00001-of-00001.bin";
    std::fs::rename(
        place.path().join("pytorch_model.bin"),
        place.path().join(shard),
    )
    .unwrap();
    let index = serde_json::json!({ "weight_map": { "cls.predictions.bias": shard } });
    let path = place.path().join("pytorch_model.bin.index.json");
    std::fs::write(path, index.to_string()).unwrap();
    let (model, report) = load_weights(blank("bert_pickled", &device()), place.path()).unwrap();
    assert_eq!(report, whole.1);
    assert_eq!(weights(&model), weights(&whole.0));
}

#[test]
fn a_pickled_shard_that_is_missing_is_named() {
    let place = tempfile::tempdir().unwrap();
    let index = r#"{"weight_map": {"a": "pytorch_model-00001-of-00001.bin"}}"#;
    let path = place.path().join("pytorch_model.bin.index.json");
    std::fs::write(&path, index).unwrap();
    let error = refused(place.path());
    assert!(
        error.contains("index.json names pytorch_model-00001-of-00001.bin, which is not there"),
        "{error}"
    );
    std::fs::write(&path, "{}").unwrap();
    let error = refused(place.path());
    assert!(
        error.contains("index.json is not valid: missing field `weight_map`"),
        "{error}"
    );
}

#[test]
fn constants_that_older_versions_saved_are_not_reported() {
    let (_, report) = load_changed(blank_bert(), "bert_masked_lm", |tensors| {
        for name in ["position_ids", "token_type_ids"] {
            let constant = (Dtype::I64, vec![1, 1], vec![0; 8]);
            tensors.insert(format!("bert.embeddings.{name}"), constant);
        }
    })
    .unwrap();
    assert_eq!(report.unused, Vec::<String>::new());
}

#[test]
fn bug_class_07_tied_tensors_with_different_values_are_refused() {
    let (tied, name) = (
        "cls.predictions.decoder.weight",
        "bert.embeddings.word_embeddings.weight",
    );
    let add = |value: u8| {
        load_changed(blank_bert(), "bert_masked_lm", |tensors| {
            let mut copy = tensors[name].clone();
            copy.2[3] ^= value;
            tensors.insert(tied.to_owned(), copy);
        })
    };
    assert_eq!(add(0).unwrap().1.unused, Vec::<String>::new());
    let error = add(1).unwrap_err();
    assert!(matches!(error, ModelError::Untied { .. }), "{error}");
}
