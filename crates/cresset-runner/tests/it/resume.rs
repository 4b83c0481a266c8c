//! A run that was stopped goes on as if it had not been.

use std::fs;

use crate::workplace::{Workplace, assert_same_run, config};

#[test]
fn bug_class_06_a_resumed_run_gives_the_same_bytes() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/classify.toml");
    let settings = [
        "--quiet",
        "--set",
        "train.steps=20",
        "--set",
        "train.checkpoint_every=10",
        "--set",
        "train.keep_last=5",
    ];
    let train = |out: &str| {
        let out = format!("train.out={out}");
        place.succeeds(&[&["train", &config, "--set", &out][..], &settings].concat());
    };
    train("whole");
    train("resumed");
    fs::remove_dir_all(place.path("resumed/checkpoints/step-20")).expect("the last checkpoint");
    fs::remove_dir_all(place.path("resumed/model")).expect("the model");
    train("resumed");
    assert_same_run(&place.path("whole"), &place.path("resumed"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_writes_a_checkpoint_and_exits_130() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let place = Workplace::with_sample_data();
    let config = config("tiny/classify.toml");
    let args = [
        "train",
        &config,
        "--quiet",
        "--set",
        "train.out=run",
        "--set",
        "train.steps=100000",
    ];
    let mut child = place
        .command(&args)
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let began = Instant::now();
    let stepped = || {
        fs::read_to_string(place.path("run/metrics.jsonl")).is_ok_and(|t| t.contains("\"step\":3,"))
    };
    while !stepped() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(
        fs::read_dir(place.path("run/checkpoints"))
            .expect("checkpoints")
            .next()
            .is_some()
    );
}

#[test]
fn a_folder_that_holds_something_else_is_refused() {
    let place = Workplace::with_sample_data();
    place.write("run/diary.txt", "not a run");
    let message = place.is_refused(&[
        "train",
        &config("tiny/classify.toml"),
        "--set",
        "train.out=run",
    ]);
    assert!(
        message.contains("holds something that is not a run"),
        "{message}"
    );
    assert_eq!(
        fs::read(place.path("run/diary.txt")).expect("still there"),
        b"not a run"
    );
}

#[test]
fn a_run_is_not_continued_under_another_config() {
    let place = Workplace::with_sample_data();
    let config = config("tiny/classify.toml");
    place.succeeds(&[
        "train",
        &config,
        "--quiet",
        "--set",
        "train.out=run",
        "--set",
        "train.steps=2",
    ]);
    let message = place.is_refused(&[
        "train",
        &config,
        "--set",
        "train.out=run",
        "--set",
        "optim.adamw.lr=1e-5",
    ]);
    assert!(message.contains("[optim] differs"), "{message}");
}
