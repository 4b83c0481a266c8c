//! What is held out.

use cresset_data::{DrawnSplit, Example, Split};

fn examples(n: usize) -> Vec<Example> {
    let example = |i: usize| Example {
        text: i.to_string(),
        ..Example::default()
    };
    (0..n).map(example).collect()
}

fn drawn(ratio: f64, seed: u64) -> Split {
    Split::Drawn(DrawnSplit { ratio, seed })
}

fn texts(examples: &[Example]) -> Vec<&str> {
    examples.iter().map(|e| e.text.as_str()).collect()
}

#[test]
fn a_number_holds_out_the_last_ones_or_the_end_of_the_only_one() {
    let (train, held_out) = Split::Last(0.2).of(examples(10)).unwrap();
    assert_eq!((train.len(), texts(&held_out)), (8, vec!["8", "9"]));
    let only = vec![Example {
        text: "abcdé".into(),
        ..Example::default()
    }];
    let (train, held_out) = Split::Last(0.4).of(only).unwrap();
    assert_eq!((texts(&train), texts(&held_out)), (vec!["abc"], vec!["dé"]));
}

#[test]
fn a_drawn_split_depends_on_the_seed_and_the_number_of_the_example_alone() {
    let (train, held_out) = drawn(0.25, 3).of(examples(2000)).unwrap();
    // The standard deviation is 19.
    assert!((400..600).contains(&held_out.len()), "{}", held_out.len());
    assert_eq!(train.len() + held_out.len(), 2000);
    let (_, again) = drawn(0.25, 3).of(examples(2000)).unwrap();
    assert_eq!(held_out, again);
    let (_, longer) = drawn(0.25, 3).of(examples(3000)).unwrap();
    assert_eq!(
        held_out,
        longer[..held_out.len()],
        "more examples leave the first as they are"
    );
    let (_, other) = drawn(0.25, 4).of(examples(2000)).unwrap();
    assert_ne!(held_out, other);
    let (_, larger) = drawn(0.5, 3).of(examples(2000)).unwrap();
    assert!(
        held_out.iter().all(|e| larger.contains(e)),
        "a larger share holds out what a smaller one does"
    );
}

#[test]
fn a_split_that_leaves_nothing_on_one_side_is_refused() {
    let message = |split: Split, n: usize| split.of(examples(n)).unwrap_err().to_string();
    assert_eq!(
        message(Split::Last(0.9), 3),
        "data.split 0.9 of 3 examples leaves none to train on; lower it"
    );
    assert_eq!(
        message(drawn(0.001, 0), 3),
        "data.split { ratio = 0.001, seed = 0 } of 3 examples holds none out; raise the ratio, or take another seed"
    );
    assert_eq!(
        message(drawn(0.999, 0), 3),
        "data.split { ratio = 0.999, seed = 0 } of 3 examples leaves none to train on; lower the ratio, or take another seed"
    );
    for ratio in [0.0, 1.0, -0.1, 1.5, f64::NAN] {
        assert!(Split::Last(ratio).check().is_err());
        assert!(drawn(ratio, 0).check().is_err());
    }
    assert!(drawn(0.5, 0).check().is_ok());
}

#[test]
fn a_config_holds_a_number_or_a_table() {
    let read = |text: &str| serde_json::from_str::<Split>(text).map_err(|e| e.to_string());
    assert_eq!(read("0.1"), Ok(Split::Last(0.1)));
    assert_eq!(read("{\"ratio\": 0.1, \"seed\": 7}"), Ok(drawn(0.1, 7)));
    assert_eq!(read("{\"ratio\": 0.1}"), Ok(drawn(0.1, 0)));
    assert!(
        read("{\"ratio\": 0.1, \"sede\": 7}")
            .unwrap_err()
            .contains("unknown field `sede`")
    );
    assert!(
        read("\"a tenth\"")
            .unwrap_err()
            .contains("a share such as 0.1")
    );
    for split in [Split::Last(0.1), drawn(0.1, 7)] {
        let written = serde_json::to_string(&split).unwrap();
        assert_eq!(read(&written), Ok(split));
    }
}
