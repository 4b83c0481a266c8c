//! `metrics.jsonl`.

use std::collections::BTreeMap;
use std::fs;

use cresset_train::{
    Event, MetricsLog, NamedVector, Special, StepReport, TokenAttention, VectorLog, VectorSnapshot,
};

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

fn look(step: u64) -> Event {
    Event::Special(Box::new(Special {
        step,
        seconds: 0.5,
        attention: vec![TokenAttention {
            stack: "encoder".to_owned(),
            role: "cls".to_owned(),
            token: "[CLS]".to_owned(),
            n_texts: 2,
            to: Some(vec![vec![0.25, 0.5]]),
            from_entropy: None,
            from_self: None,
        }],
        snapshot: Some(VectorSnapshot {
            step,
            mean: vec![0.0, 0.125],
            decoder_mean: None,
            vectors: vec![NamedVector {
                role: "cls".to_owned(),
                token: "[CLS]".to_owned(),
                stack: None,
                vector: vec![step as f32, 0.5],
            }],
        }),
        ..Special::default()
    }))
}

#[test]
fn a_look_is_a_line_of_each_log_and_its_numbers_are_in_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let (metrics, vectors) = (folder.path().join("m.jsonl"), folder.path().join("v.jsonl"));
    MetricsLog::open(&metrics).unwrap().write(&look(0)).unwrap();
    VectorLog::open(&vectors).unwrap().write(&look(0)).unwrap();
    assert_eq!(
        fs::read_to_string(&metrics).unwrap(),
        "{\"event\":\"special\",\"step\":0,\"seconds\":0.5,\"vectors\":[],\"attention\":[{\"stack\":\"encoder\",\"role\":\"cls\",\
         \"token\":\"[CLS]\",\"n_texts\":2,\"to\":[[0.25,0.5]]}],\"cloud\":null,\"warnings\":[]}\n"
    );
    assert_eq!(
        fs::read_to_string(&vectors).unwrap(),
        "{\"step\":0,\"mean\":[0.0,0.125],\"vectors\":[{\"role\":\"cls\",\"token\":\"[CLS]\",\"stack\":null,\"vector\":[0.0,0.5]}]}\n"
    );
}

#[test]
fn the_vectors_of_the_start_outlast_a_resume_and_those_of_later_steps_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors.jsonl");
    assert_eq!(VectorLog::start(&path).unwrap(), None);
    let started = |step| Event::Started { step, steps: 9 };
    let mut log = VectorLog::open(&path).unwrap();
    for event in [started(0), look(0), step(1), look(2), look(4)] {
        log.write(&event).unwrap();
    }
    drop(log);
    let mut log = VectorLog::open(&path).unwrap();
    log.write(&started(3)).unwrap();
    let steps: Vec<u64> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<VectorSnapshot>(line).unwrap().step)
        .collect();
    assert_eq!(steps, [0, 2]);
    let start = VectorLog::start(&path).unwrap().unwrap();
    assert_eq!(start.vectors[0].vector, [0.0, 0.5]);

    // A run that starts anew has another start.
    log.write(&started(0)).unwrap();
    assert_eq!(VectorLog::start(&path).unwrap(), None);
}
