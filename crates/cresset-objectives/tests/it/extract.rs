//! Answers in a text: windows, targets and the loss.

use std::sync::Arc;

use burn::tensor::Device;
use cresset_data::{Collate, Framed, PadSide};
use cresset_model::{EncoderConfig, ModelConfig, QuestionAnswering};
use cresset_objectives::Task;
use cresset_objectives::extract::{
    Extract, ExtractBatch, ExtractCollate, ExtractConfig, ExtractItem, Window,
};
use cresset_train::{Objective, Report};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::loss;

fn model(device: &Device) -> Extract {
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "vocab_size": 50,
                       "dropout": 0.0});
    let Value::Object(sizes) = sizes else {
        unreachable!("an object")
    };
    let config = ModelConfig::from_toml_table("bert", sizes).expect("makes sense");
    let ModelConfig::Bert(config) = config else {
        unreachable!("bert")
    };
    let model = QuestionAnswering::new(&EncoderConfig::Bert(config), 0, device).expect("a model");
    Extract::new(model, &ExtractConfig::default())
}

/// A window of question 0 about the text "a b c ..", a token per letter, with the answer at one position.
fn item(n_context: usize, target: usize) -> ExtractItem {
    let ids: Vec<u32> = [2, 9, 3]
        .into_iter()
        .chain((0..n_context as u32).map(|i| 10 + i))
        .chain([3])
        .collect();
    let letters: String = ('a'..='z').take(n_context).collect();
    let n = ids.len();
    let window = Window {
        framed: Framed {
            ids,
            segments: vec![0; n],
            special: vec![false; n],
            truncated: 0,
        },
        cls: 0,
        first: 3,
        from: 0,
        places: (0..n_context).map(|i| i..i + 1).collect(),
    };
    ExtractItem {
        question: 0,
        window: Arc::new(window),
        target: (target, target),
        context: Arc::from(letters),
        answers: Arc::from(vec!["b".to_owned()]),
    }
}

fn batch(items: Vec<ExtractItem>, pad_side: PadSide) -> ExtractBatch {
    let collate = ExtractCollate {
        pad_id: 0,
        pad_side,
    };
    collate
        .collate(items, &mut ChaCha8Rng::seed_from_u64(0))
        .expect("a batch")
}

#[test]
fn bug_class_03_a_longer_row_beside_it_does_not_change_the_loss_of_a_row() {
    let model = model(&Device::flex().autodiff());
    let of = |items| loss(&model, &batch(items, PadSide::Right));
    let apart = of(vec![item(4, 4)]) + of(vec![item(9, 0)]);
    let together = of(vec![item(4, 4), item(9, 0)]);
    assert!((apart - together).abs() < 1e-4, "{apart} and {together}");
}

/// Untrained logits are nearly equal, so each of both cross entropies is close to the logarithm of the row's length.
#[test]
fn the_loss_of_start_and_end_is_over_the_positions_that_hold_something() {
    let model = model(&Device::flex().autodiff());
    let items = vec![item(4, 4), item(12, 5)];
    let batch = batch(items, PadSide::Right);
    let denominators = Extract::denominators(&batch);
    assert_eq!(
        (denominators.get("start"), denominators.get("end")),
        (Some(2.0), Some(2.0))
    );
    // Unweighted, start and end.
    let expected = 2.0 * (8f64.ln() + 16f64.ln());
    let sum = loss(&model, &batch);
    assert!((sum - expected).abs() < 0.2, "{sum} and {expected}");
}

#[test]
fn padding_on_the_left_moves_the_targets() {
    let items = || vec![item(4, 4), item(9, 5)];
    assert_eq!(batch(items(), PadSide::Right).starts, [4, 5]);
    assert_eq!(batch(items(), PadSide::Left).starts, [9, 5]);
}

#[test]
fn the_windows_of_a_question_are_measured_together_whatever_batch_they_are_in() {
    let model = model(&Device::flex());
    let (mut apart, mut together) = (Report::new(), Report::new());
    let items = || vec![item(4, 4), item(9, 0)];
    for one in items() {
        model.observe(&batch(vec![one], PadSide::Right), &mut apart);
    }
    model.observe(&batch(items(), PadSide::Right), &mut together);
    let (apart, together) = (Extract::metrics(&apart), Extract::metrics(&together));
    let names: Vec<&str> = apart.keys().map(String::as_str).collect();
    assert_eq!(names, ["exact_match", "f1", "loss"]);
    for (name, value) in &apart {
        assert!(
            (value - together[name]).abs() < 1e-5,
            "{name}: {value} and {together:?}"
        );
    }
    // One question, however many windows it has: either right or wrong.
    assert!(apart["exact_match"] == 0.0 || apart["exact_match"] == 1.0);

    let mut report = Report::new();
    for (question, score, exact) in [(0.0, 1.0, 0.0), (1.0, 5.0, 0.0), (0.0, 2.0, 1.0)] {
        report.push_numbers("score", &[question], &[score]);
        report.push_numbers("exact_match", &[question], &[exact]);
        report.push_numbers("f1", &[question], &[exact]);
    }
    assert_eq!(Extract::metrics(&report)["exact_match"], 0.5);
}
