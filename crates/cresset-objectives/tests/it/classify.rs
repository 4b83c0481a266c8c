//! The three tasks of `classify`: what their losses are divided by, and what is measured.

use burn::tensor::Device;
use cresset_data::{PadSide, pad};
use cresset_model::{ModelConfig, TextClassifier};
use cresset_objectives::Task;
use cresset_objectives::classify::{Classify, ClassifyBatch, Targets};
use cresset_train::{Objective, Report};
use serde_json::{Value, json};

use crate::loss;

fn model(n_outputs: usize, device: &Device) -> Classify {
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "vocab_size": 50,
                       "dropout": 0.0});
    let Value::Object(sizes) = sizes else {
        unreachable!("an object")
    };
    let config = ModelConfig::from_toml_table("bert", sizes).expect("makes sense");
    let model = TextClassifier::new(&config, n_outputs, 0, device);
    Classify::new(model.expect("a model"), 0.0)
}

fn trained(n_outputs: usize) -> Classify {
    model(n_outputs, &Device::flex().autodiff())
}

/// Two texts with these targets, padded `extra` positions further than needed.
fn batch(targets: Targets, extra: usize) -> ClassifyBatch {
    let (short, long) = (vec![2u32, 7, 3], vec![2u32, 9, 8, 7, 3]);
    let lengths = vec![short.len(), long.len()];
    let stretch = |mut row: Vec<u32>| {
        row.resize(5 + extra, 0);
        row
    };
    let mut input = pad(&[stretch(short), stretch(long)], 0, PadSide::Right);
    input.lengths = lengths;
    ClassifyBatch {
        segments: vec![0; input.ids.len()],
        input,
        targets,
    }
}

fn scores(values: [f32; 2]) -> Targets {
    Targets::Scores(values.to_vec())
}

fn labels(hold: [[bool; 3]; 2], positive_weights: [f32; 3]) -> Targets {
    Targets::Labels {
        hold: hold.concat(),
        positive_weights: positive_weights.to_vec(),
    }
}

const HOLD: [[bool; 3]; 2] = [[true, false, false], [false, false, true]];

fn denominator(targets: Targets) -> f64 {
    Classify::denominators(&batch(targets, 0)).0[0].1
}

#[test]
fn a_score_counts_once_and_a_label_list_once_per_label() {
    assert_eq!(denominator(scores([1.0, 2.0])), 2.0);
    assert_eq!(denominator(labels(HOLD, [5.0, 1.0, 1.0])), 6.0);
    let classes = Targets::Classes {
        classes: vec![0, 1],
        weights: vec![0.5, 2.0],
    };
    assert_eq!(denominator(classes), 2.5);
}

/// The initial output is close to 0, so the sum is close to that of the squared scores.
#[test]
fn a_regression_sums_squared_errors() {
    let sum = loss(&trained(1), &batch(scores([100.0, -200.0]), 0));
    assert!((sum / 50_000.0 - 1.0).abs() < 0.02, "{sum}");
}

#[test]
fn the_weight_of_a_label_counts_where_it_holds_only() {
    let model = trained(3);
    let at = |weights| loss(&model, &batch(labels(HOLD, weights), 0));
    let (one, three, five) = (
        at([1.0, 1.0, 1.0]),
        at([3.0, 1.0, 1.0]),
        at([5.0, 1.0, 1.0]),
    );
    assert!(three > one);
    assert!(((five - three) - (three - one)).abs() < 1e-5);
    assert_eq!(at([1.0, 7.0, 1.0]), one, "the second label holds nowhere");
}

#[test]
fn bug_class_03_further_padding_changes_no_loss_of_scores_and_labels() {
    let (regression, several) = (trained(1), trained(3));
    for (model, targets) in [
        (&regression, scores([0.5, -1.0])),
        (&several, labels(HOLD, [1.0; 3])),
    ] {
        let tight = loss(model, &batch(targets.clone(), 0));
        let loose = loss(model, &batch(targets, 4));
        assert!((tight - loose).abs() < 1e-5, "{tight} and {loose}");
    }
}

#[test]
fn correlations_with_a_constant_are_reported_as_not_a_number() {
    let mut report = Report::new();
    model(1, &Device::flex()).observe(&batch(scores([2.0, 2.0]), 0), &mut report);
    let values = Classify::metrics(&report);
    assert!(values["spearman"].is_nan() && values["pearson"].is_nan());
    assert!((values["mse"] - values["loss"]).abs() < 1e-5, "{values:?}");
}

#[test]
fn a_single_row_has_no_correlation_and_is_no_error() {
    let mut report = Report::new();
    report.push_numbers("scores", &[1.0], &[2.0]);
    let values = Classify::metrics(&report);
    assert!(values["spearman"].is_nan());
    assert_eq!(values["mse"], 1.0);
}

#[test]
fn label_lists_are_measured_label_by_label_and_as_a_whole() {
    let several = model(3, &Device::flex());
    let mut report = Report::new();
    several.observe(&batch(labels(HOLD, [1.0; 3]), 0), &mut report);
    several.observe(&batch(labels(HOLD, [9.0; 3]), 2), &mut report);
    let values = Classify::metrics(&report);
    let names: Vec<&str> = values.keys().map(String::as_str).collect();
    assert_eq!(names, ["exact_match", "loss", "macro_f1", "micro_f1"]);
    assert!(values.values().all(|v| v.is_finite()), "{values:?}");
    assert!((values["loss"] - 0.69).abs() < 0.05, "{values:?}");
}
