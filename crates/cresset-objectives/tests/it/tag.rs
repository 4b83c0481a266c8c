//! Tagging: which tokens speak for words, and what is made of it.

use burn::tensor::Device;
use cresset_data::{PadSide, pad};
use cresset_model::{EncoderConfig, ModelConfig, TokenClassifier};
use cresset_objectives::Task;
use cresset_objectives::tag::{Scheme, TagBatch, TagConfig, Tagging};
use cresset_train::{Objective, Report};
use serde_json::{Value, json};

use crate::loss;

fn tagger(label_smoothing: f64) -> Tagging {
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "vocab_size": 50, "dropout": 0.0});
    let Value::Object(sizes) = sizes else {
        unreachable!("an object")
    };
    let ModelConfig::Bert(config) =
        ModelConfig::from_toml_table("bert", sizes).expect("makes sense")
    else {
        unreachable!("bert")
    };
    let device = Device::flex().autodiff();
    let model = TokenClassifier::new(&EncoderConfig::Bert(config), 3, 0, &device).expect("a model");
    let config = TagConfig {
        label_smoothing,
        ..TagConfig::default()
    };
    Tagging::new(model, &config)
}

/// Two sentences of three and one words, padded `extra` positions further than needed.
fn batch(extra: usize) -> TagBatch {
    let rows: [&[u32]; 2] = [&[1, 7, 8, 9, 10, 2], &[1, 11, 2]];
    let width = 6 + extra;
    let full: Vec<Vec<u32>> = rows
        .iter()
        .map(|row| row.iter().copied().chain([0; 9]).take(width).collect())
        .collect();
    let mut input = pad(&full, 0, PadSide::Right);
    input.lengths = vec![6, 3];
    TagBatch {
        segments: vec![0; 2 * width],
        input,
        positions: vec![1, 2, 4, width as u32 + 1],
        targets: vec![0, 1, 2, 0],
        weights: vec![1.0; 4],
        n_words: vec![3, 1],
        names: ["B-PER", "I-PER", "O"].map(str::to_owned).into(),
    }
}

#[test]
fn bug_class_15_only_first_tokens_are_counted() {
    assert_eq!(Tagging::denominators(&batch(0)).get("tagging"), Some(4.0));
    // A target of its own for the token in the middle of a word would change the loss.
    let with_another = TagBatch {
        positions: vec![1, 2, 3, 4, 7],
        targets: vec![0, 1, 1, 2, 0],
        weights: vec![1.0, 1.0, 0.0, 1.0, 1.0],
        ..batch(0)
    };
    let (ours, same) = (
        loss(&tagger(0.0), &batch(0)),
        loss(&tagger(0.0), &with_another),
    );
    assert!((ours - same).abs() < 1e-5, "{ours} and {same}");
}

#[test]
fn bug_class_03_a_tagger_does_not_see_padding() {
    for smoothing in [0.0, 0.1] {
        let model = tagger(smoothing);
        let (tight, loose) = (loss(&model, &batch(0)), loss(&model, &batch(3)));
        assert!((tight - loose).abs() < 1e-4 * tight, "{tight} and {loose}");
    }
}

#[test]
fn bug_class_23_sentences_without_words_contribute_zero() {
    let none = TagBatch {
        positions: vec![0],
        targets: vec![0],
        weights: vec![0.0],
        n_words: vec![0, 0],
        ..batch(0)
    };
    assert_eq!(loss(&tagger(0.1), &none), 0.0);
    let mut report = Report::new();
    tagger(0.0).observe(&none, &mut report);
    assert!(Tagging::metrics(&report).is_empty());
}

#[test]
fn sequences_stay_apart_when_entities_are_counted() {
    let mut report = Report::new();
    let texts = |rows: [&str; 2]| rows.map(str::to_owned).to_vec();
    let right = texts(["O\tB-PER", "B-PER\tO"]);
    let ours = texts(["O\tB-PER", "I-PER\tO"]);
    report.push_texts(Scheme::Iob2.name(), &right, &ours);
    assert_eq!(Tagging::metrics(&report)["entity_f1"], 1.0);
}

#[test]
fn the_scheme_is_known_by_its_prefixes() {
    let of =
        |tags: &[&str]| Scheme::of_tags(&tags.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>());
    assert_eq!(of(&["O", "B-PER", "I-PER"]), Scheme::Iob2);
    assert_eq!(of(&["O", "S-PER", "B-PER", "E-PER"]), Scheme::Bioes);
    assert_eq!(of(&["NOUN", "INTJ"]), Scheme::None);
}
