//! A checkpoint is whole or not there.

use std::fs;
use std::path::Path;

use cresset_train::{Checkpoints, TrainError, TrainerConfig};
use serde_json::json;

use crate::task::{self, Network};

fn write(folder: &Path, step: u64) {
    let mut trainer = task::trainer(|n| n, task::config(9));
    for _ in 0..step {
        trainer.step(&task::next(&trainer)).unwrap();
    }
    trainer
        .save_checkpoint(&Checkpoints::new(folder).path(step), &json!(null))
        .unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_left_half_written_is_ignored_and_cleaned() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    assert_eq!(checkpoints.list().unwrap(), [], "an empty folder");
    assert_eq!(
        Checkpoints::new(folder.path().join("none")).list().unwrap(),
        [],
        "a missing one"
    );
    write(folder.path(), 2);
    fs::create_dir(folder.path().join(".writing-step-3-abc")).unwrap();
    fs::write(
        folder
            .path()
            .join(".writing-step-3-abc/weights.safetensors"),
        b"half",
    )
    .unwrap();
    fs::write(folder.path().join("step-7"), b"a file, not a folder").unwrap();
    assert_eq!(checkpoints.latest().unwrap().unwrap().step, 2);
    checkpoints.clean().unwrap();
    assert_eq!(names(folder.path()), ["step-2", "step-7"]);
}

#[test]
fn a_checkpoint_that_was_being_replaced_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 1);
    fs::rename(
        folder.path().join("step-1"),
        folder.path().join(".replaced-step-1"),
    )
    .unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    assert_eq!(checkpoints.latest().unwrap(), None);
    checkpoints.clean().unwrap();
    assert_eq!(names(folder.path()), ["step-1"]);
    // Writing over it leaves one folder.
    write(folder.path(), 1);
    assert_eq!(names(folder.path()), ["step-1"]);
}

#[test]
fn a_truncated_file_is_refused_by_name_and_nothing_changes() {
    for name in [
        "weights.safetensors",
        "optimizer.safetensors",
        "trainer.json",
    ] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 2);
        let path = folder.path().join("step-2").join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        refused(folder.path(), name, "is damaged");
    }
}

#[test]
fn an_altered_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 2);
    let path = folder.path().join("step-2/weights.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    refused(folder.path(), "weights.safetensors", "SHA-256 differs");
}

#[test]
fn a_missing_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 2);
    fs::remove_file(folder.path().join("step-2/optimizer.safetensors")).unwrap();
    refused(folder.path(), "optimizer.safetensors", "cannot read");
}

fn refused(folder: &Path, file: &str, problem: &str) {
    let mut trainer = task::trainer(|n| n, task::config(9));
    let before = task::weights(trainer.model());
    let error = trainer.load_checkpoint(&folder.join("step-2")).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains(file) && message.contains(problem) && message.contains("step-2"),
        "{message}"
    );
    assert_eq!(task::weights(trainer.model()), before);
    assert_eq!(trainer.steps_done(), 0);
}

#[test]
fn a_checkpoint_of_another_model_or_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 2);
    let load = |network: fn(Network) -> Network, config: TrainerConfig| {
        let error = task::trainer(network, config)
            .load_checkpoint(&folder.path().join("step-2"))
            .unwrap_err();
        assert!(matches!(error, TrainError::Mismatch { .. }), "{error:?}");
        error.to_string()
    };
    let seed = load(
        |n| n,
        TrainerConfig {
            seed: 8,
            ..task::config(9)
        },
    );
    assert!(seed.contains("seed 7, not 8"), "{seed}");
    let accumulate = load(
        |n| n,
        TrainerConfig {
            accumulate: 3,
            ..task::config(9)
        },
    );
    assert!(
        accumulate.contains("train.accumulate 2, not 3"),
        "{accumulate}"
    );
    let shape = load(
        |n| {
            let device = n.first.device();
            Network {
                second: task::parameter(vec![0.0; 8], [4, 2], &device),
                ..n
            }
        },
        task::config(9),
    );
    assert!(
        shape.contains("`second` is F32 [4, 1] there and F32 [4, 2] in the model"),
        "{shape}"
    );
    let steps = load(|n| n, task::config(1));
    assert!(steps.contains("step 2 of a run of 1"), "{steps}");
}

#[test]
fn an_unwritable_place_is_an_error_that_names_it_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"in the way").unwrap();
    let path = folder.path().join("file/checkpoints/step-0");
    let error = task::trainer(|n| n, task::config(9))
        .save_checkpoint(&path, &json!(null))
        .unwrap_err();
    assert!(matches!(&error, TrainError::Write { .. }), "{error:?}");
    assert!(error.to_string().contains("file/checkpoints"), "{error}");
    assert_eq!(names(folder.path()), ["file"]);
}

/// `CRESSET_TEST_FULL_DISK` names a folder on a disk with a few KiB left, such as a tmpfs of 8 KiB; without it there is
/// nothing to test on.
#[test]
fn a_full_disk_is_an_error_that_names_the_file_and_leaves_nothing() {
    let Ok(folder) = std::env::var("CRESSET_TEST_FULL_DISK") else {
        return;
    };
    let trainer = task::trainer(
        |n| {
            let device = n.first.device();
            Network {
                idle: task::parameter(vec![0.5; 100_000], [100_000], &device),
                ..n
            }
        },
        task::config(9),
    );
    let before = names(Path::new(&folder));
    let error = trainer
        .save_checkpoint(&Path::new(&folder).join("step-0"), &json!(null))
        .unwrap_err();
    assert!(
        error.to_string().contains("step-0/weights.safetensors"),
        "{error}"
    );
    assert_eq!(names(Path::new(&folder)), before);
}

#[test]
fn pruning_keeps_the_last_and_the_best() {
    let folder = tempfile::tempdir().unwrap();
    for step in [1, 2, 10, 11, 12] {
        fs::create_dir(folder.path().join(format!("step-{step}"))).unwrap();
    }
    let checkpoints = Checkpoints::new(folder.path());
    checkpoints.prune(3, Some(2)).unwrap();
    assert_eq!(
        names(folder.path()),
        ["step-10", "step-11", "step-12", "step-2"]
    );
    checkpoints.prune(1, Some(2)).unwrap();
    assert_eq!(names(folder.path()), ["step-12", "step-2"]);
    checkpoints.prune(1, None).unwrap();
    assert_eq!(names(folder.path()), ["step-12"]);
}
