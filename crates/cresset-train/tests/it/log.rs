//! `metrics.jsonl`.

use std::collections::BTreeMap;
use std::fs;

use cresset_train::{Event, MetricsLog, StepReport};

fn step(step: u64) -> Event {
    let report = StepReport {
        step,
        loss: 0.5,
        terms: BTreeMap::from([("nll".to_owned(), 0.5)]),
        grad_norm: 1.25,
        lr: 1e-3,
        tokens: 64,
    };
    Event::Step {
        report,
        seconds: 0.25,
        data_wait_seconds: 0.125,
        tokens_per_second: 256.0,
    }
}

#[test]
fn an_event_is_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let mut log = MetricsLog::open(&path).unwrap();
    log.write(&step(1)).unwrap();
    let line = fs::read_to_string(&path).unwrap();
    assert_eq!(
        line,
        "{\"event\":\"step\",\"step\":1,\"loss\":0.5,\"terms\":{\"nll\":0.5},\"grad_norm\":1.25,\"lr\":0.001,\"tokens\":64,\
         \"seconds\":0.25,\"data_wait_seconds\":0.125,\"tokens_per_second\":256.0}\n"
    );
    assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), step(1));
}

#[test]
fn going_on_drops_the_lines_of_later_steps_and_a_line_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let mut log = MetricsLog::open(&path).unwrap();
    log.write(&Event::Started { step: 0, steps: 9 }).unwrap();
    (1..=5).for_each(|s| log.write(&step(s)).unwrap());
    drop(log);
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"event\":\"step\",\"step\":3");
    fs::write(&path, text).unwrap();

    let mut log = MetricsLog::open(&path).unwrap();
    log.write(&Event::Started { step: 3, steps: 9 }).unwrap();
    log.write(&step(4)).unwrap();
    let events: Vec<Event> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = [
        Event::Started { step: 0, steps: 9 },
        step(1),
        step(2),
        step(3),
        Event::Started { step: 3, steps: 9 },
        step(4),
    ];
    assert_eq!(events, expected);

    // A run that starts from the beginning starts an empty log.
    log.write(&Event::Started { step: 0, steps: 9 }).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
}

#[test]
fn a_log_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/metrics.jsonl");
    let message = MetricsLog::open(&path).unwrap_err().to_string();
    assert!(
        message.contains("cannot write") && message.contains("missing/metrics.jsonl"),
        "{message}"
    );
}
