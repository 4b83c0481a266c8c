//! Sums and gradients against PyTorch's, from `scripts/golden_losses.py`, and the gradients against finite differences.

use burn::tensor::{Device, Int, Tensor};
use cresset_losses::{
    Distance, FocalOptions, InfoNceOptions, TripletOptions, distillation, focal_loss, info_nce,
    r_drop, triplet_loss, z_loss,
};
use serde_json::Value;

use crate::value;

/// One input by name, row by row.
type Matrix = Vec<Vec<f64>>;

struct Case {
    name: String,
    sum: f64,
    inputs: Vec<(String, Matrix)>,
    gradients: Vec<(String, Matrix)>,
}

fn cases() -> Vec<Case> {
    let golden: Value = serde_json::from_str(include_str!("../golden/losses.json")).unwrap();
    let matrices = |value: &Value| -> Vec<(String, Matrix)> {
        let named = value.as_object().unwrap().iter();
        named
            .map(|(name, rows)| (name.clone(), serde_json::from_value(rows.clone()).unwrap()))
            .collect()
    };
    let cases = golden["cases"].as_array().unwrap().iter();
    cases
        .map(|case| Case {
            name: case["name"].as_str().unwrap().to_owned(),
            sum: case["sum"].as_f64().unwrap(),
            inputs: matrices(&case["inputs"]),
            gradients: matrices(&case["gradients"]),
        })
        .collect()
}

fn tensor(rows: &Matrix, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = rows.iter().flatten().map(|v| *v as f32).collect();
    Tensor::<1>::from_floats(values.as_slice(), device).reshape([rows.len(), rows[0].len()])
}

/// The case's loss by its name.
fn loss(name: &str, input: impl Fn(&str) -> Option<Tensor<2>>) -> Tensor<1> {
    let take = |name: &str| input(name).unwrap();
    let after = |word: &str| -> Option<f64> {
        let rest = &name[name.find(word)? + word.len()..];
        rest.trim().split(',').next()?.parse().ok()
    };
    match name.split(',').next().unwrap() {
        "focal" => {
            let logits = take("logits");
            let targets = Tensor::<1, Int>::from_ints([2, 0, 4, 2], &logits.device());
            let options = FocalOptions {
                gamma: after("gamma").unwrap(),
                class_weights: name
                    .ends_with("weights")
                    .then(|| vec![0.5, 2.0, 1.5, 1.0, 0.25]),
                row_weights: None,
            };
            focal_loss(logits, targets, options)
        }
        "z-loss" => z_loss(take("logits"), None, 1e-2),
        "r-drop" => r_drop(take("first"), take("second"), None),
        "distillation" => {
            let temperature = after("T").unwrap();
            distillation(take("student"), take("teacher"), temperature, None)
        }
        "info-nce" => {
            let options = InfoNceOptions {
                temperature: after("T").unwrap(),
                hard_negatives: input("hard_negatives"),
            };
            info_nce(take("anchors"), take("positives"), options)
        }
        "triplet" => {
            let (distance, margin) = match name.rsplit(' ').next().unwrap() {
                "cosine" => (Distance::Cosine, 0.5),
                "euclidean" => (Distance::Euclidean, 1.0),
                "squared-euclidean" => (Distance::SquaredEuclidean, 0.2),
                other => panic!("no distance {other}"),
            };
            let options = TripletOptions {
                distance,
                margin,
                row_weights: None,
            };
            let [anchors, positives, negatives] = ["anchors", "positives", "negatives"].map(take);
            triplet_loss(anchors, positives, negatives, options)
        }
        other => panic!("no loss {other}"),
    }
}

fn find<'a>(matrices: &'a [(String, Matrix)], name: &str) -> Option<&'a Matrix> {
    let found = matrices.iter().find(|(known, _)| known == name);
    found.map(|(_, rows)| rows)
}

#[test]
fn sums_equal_pytorchs_for_every_loss() {
    let cases = cases();
    assert!(cases.len() >= 15);
    for case in cases {
        let ours = value(loss(&case.name, |name| {
            find(&case.inputs, name).map(|rows| tensor(rows, &Device::flex()))
        }));
        // Rounding of f32 beside f64.
        let tolerance = 2e-6 * case.sum.abs().max(1.0);
        assert!(
            (ours - case.sum).abs() < tolerance,
            "{}: {ours} and {}",
            case.name,
            case.sum
        );
    }
}

/// An input without a gradient in the golden file has none here: the teacher of a distillation.
#[test]
fn gradients_equal_pytorchs_for_every_loss() {
    let device = Device::flex().autodiff();
    for case in cases() {
        let inputs: Vec<(String, Tensor<2>)> = case
            .inputs
            .iter()
            .map(|(name, rows)| (name.clone(), tensor(rows, &device).require_grad()))
            .collect();
        let gradients = loss(&case.name, |name| {
            let found = inputs.iter().find(|(known, _)| known == name);
            found.map(|(_, tensor)| tensor.clone())
        })
        .backward();
        for (name, input) in &inputs {
            let ours = input.grad(&gradients);
            let Some(theirs) = find(&case.gradients, name) else {
                assert!(ours.is_none(), "{}: {name} has a gradient", case.name);
                continue;
            };
            let ours: Vec<f32> = ours.expect("a gradient").into_data().iter().collect();
            for (ours, theirs) in ours.iter().zip(theirs.iter().flatten()) {
                let tolerance = 5e-6 * theirs.abs().max(1.0);
                assert!(
                    (f64::from(*ours) - theirs).abs() < tolerance,
                    "{}, {name}: {ours} and {theirs}",
                    case.name
                );
            }
        }
    }
}

/// The golden gradients (and so ours) against central differences of our own sums. A step of 0.01 of an f32 sum of size S
/// leaves rounding of about S * 1e-7 / 0.02 and curvature of about 2e-5 times the third derivative, which a temperature of
/// 0.05 makes (1 / 0.05)^3 times larger: that case takes a smaller step.
#[test]
fn gradients_equal_finite_differences_for_every_loss() {
    for case in cases() {
        let step = if case.name.contains("T 0.05") {
            1e-3
        } else {
            1e-2
        };
        for (name, theirs) in &case.gradients {
            for (at, theirs) in theirs.iter().flatten().enumerate() {
                let moved = |by: f64| {
                    value(loss(&case.name, |wanted| {
                        let mut rows = find(&case.inputs, wanted)?.clone();
                        if wanted == name {
                            let width = rows[0].len();
                            rows[at / width][at % width] += by;
                        }
                        Some(tensor(&rows, &Device::flex()))
                    }))
                };
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                let tolerance = 1e-3 * theirs.abs().max(1.0) + case.sum.abs() * 2e-7 / step;
                assert!(
                    (difference - theirs).abs() < tolerance,
                    "{}, {name}[{at}]: {difference} and {theirs}",
                    case.name
                );
            }
        }
    }
}
