//! Equality with PyTorch and transformers; the numbers are from scripts/golden_optim.py.

use burn::module::Module;
use cresset_train::{
    AdamWConfig, ConstantConfig, Decay, OptimConfig, ScheduleConfig, TrainerConfig, Warmup,
    WarmupConfig, clip_factor, global_norm,
};
use serde_json::Value;

use crate::task::{self, Network, Rows, parameter};

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/optim.json")).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap() as f32)
        .collect()
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1.0),
        "{found} is not {expected} within {tolerance}"
    );
}

#[test]
fn ten_adamw_steps_equal_pytorch_with_decay_groups_schedule_and_clip() {
    for case in golden()["adamw"].as_array().unwrap() {
        let start = &case["start"];
        let config = TrainerConfig {
            seed: 0,
            steps: 10,
            accumulate: 1,
            checkpoint_layers: false,
            optim: OptimConfig {
                adamw: AdamWConfig {
                    lr: 0.05,
                    betas: [0.9, 0.98],
                    eps: 1e-6,
                    weight_decay: 0.1,
                    decay: Decay::Matrices,
                    scale_parameter: false,
                },
                clip: case["clip"].as_f64(),
            },
            schedule: ScheduleConfig::Linear(WarmupConfig {
                warmup: Warmup::Steps(2),
            }),
        };
        let mut trainer = task::trainer(
            |n| {
                let device = n.first.device();
                Network {
                    first: parameter(floats(&start["first"]), [3, 4], &device),
                    shift: parameter(floats(&start["shift"]), [4], &device),
                    gain: parameter(floats(&start["gain"]), [4], &device),
                    second: parameter(floats(&start["second"]), [4, 1], &device),
                    ..n
                }
            },
            config,
        );
        let batch = Rows {
            inputs: floats(&case["inputs"]),
            targets: floats(&case["targets"]),
            counted: vec![1.0; 6],
            weights: vec![0.0; 6],
        };
        for step in case["steps"].as_array().unwrap() {
            let report = trainer.step(std::slice::from_ref(&batch)).unwrap();
            // f32 on both sides, sums in another order.
            near(report.loss, step["loss"].as_f64().unwrap(), 2e-6);
            near(report.grad_norm, step["grad_norm"].as_f64().unwrap(), 2e-6);
            near(report.lr, step["lr"].as_f64().unwrap(), 1e-12);
            let weights = task::weights(trainer.model());
            for name in ["first", "shift", "gain", "second"] {
                for (&found, expected) in weights[name].iter().zip(floats(&step["weights"][name])) {
                    near(f64::from(found), f64::from(expected), 2e-6);
                }
            }
            assert_eq!(
                weights["idle"],
                [0.25, -0.5],
                "a parameter without a gradient stays as it is, decay included"
            );
        }
    }
}

#[test]
fn bug_class_14_parameters_of_any_width_move_by_the_same_share_of_it() {
    // T5's weights start at widths a thousand times apart; one absolute step suits only some of them.
    let mut config = task::config(1);
    config.optim.adamw.weight_decay = 0.0;
    config.optim.adamw.scale_parameter = true;
    config.schedule = ScheduleConfig::Constant(ConstantConfig::default());
    let mut trainer = task::trainer(
        |n| {
            let device = n.first.device();
            let first = n.first.val().into_data();
            let wide: Vec<f32> = first.iter::<f32>().map(|weight| 100.0 * weight).collect();
            Network {
                first: parameter(wide, [3, 4], &device),
                ..n
            }
        },
        config,
    );
    let before = task::weights(trainer.model());
    let lr = trainer.step(&task::next(&trainer)).unwrap().lr;
    let after = task::weights(trainer.model());
    let root_mean_square = |values: &[f32]| {
        let sum: f32 = values.iter().map(|v| v * v).sum();
        (sum / values.len() as f32).sqrt()
    };
    let share = |name: &str| {
        let moved = before[name]
            .iter()
            .zip(&after[name])
            .map(|(b, a)| (a - b).abs());
        moved.fold(0.0, f32::max) / root_mean_square(&before[name])
    };
    // Adam's first step moves every weight that has a gradient by the learning rate, here a share of the parameter's size.
    assert!(lr > 0.0);
    near(f64::from(share("first")) / lr, 1.0, 1e-3);
    near(f64::from(share("second")) / lr, 1.0, 1e-3);
}

#[test]
fn a_frozen_parameter_stays_as_it_is() {
    let mut trainer = task::trainer(
        |mut n| {
            n.first = n.first.no_grad();
            n
        },
        task::config(3),
    );
    let before = task::weights(trainer.model());
    for _ in 0..3 {
        trainer.step(&task::next(&trainer)).unwrap();
    }
    let after = task::weights(trainer.model());
    assert_eq!(after["first"], before["first"]);
    assert_ne!(after["second"], before["second"]);
}

#[test]
fn schedules_equal_transformers() {
    for case in golden()["schedules"].as_array().unwrap() {
        let schedule: ScheduleConfig = serde_json::from_value(case["config"].clone()).unwrap();
        let steps = case["steps"].as_u64().unwrap();
        schedule.validate(steps).unwrap();
        for (i, expected) in case["factors"].as_array().unwrap().iter().enumerate() {
            near(
                schedule.factor(i as u64 + 1, steps),
                expected.as_f64().unwrap(),
                1e-12,
            );
        }
    }
}

#[test]
fn clipping_equals_torch() {
    for case in golden()["clips"].as_array().unwrap() {
        let tensors = case["before"].as_array().unwrap();
        let squares: Vec<f64> = tensors
            .iter()
            .map(|t| floats(t).iter().map(|&v| f64::from(v).powi(2)).sum())
            .collect();
        let norm = global_norm(&squares);
        near(norm, case["norm"].as_f64().unwrap(), 1e-6);
        let factor = clip_factor(norm, case["max_norm"].as_f64().unwrap());
        for (before, after) in tensors.iter().zip(case["after"].as_array().unwrap()) {
            for (before, after) in floats(before).into_iter().zip(floats(after)) {
                near(f64::from(before) * factor, f64::from(after), 1e-6);
            }
        }
    }
}
