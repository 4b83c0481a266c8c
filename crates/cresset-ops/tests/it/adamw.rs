use cresset_ops::{AdamWStep, StepScale, adamw, reference};

use crate::device::{assert_close, constant, values};

#[test]
fn the_update_equals_the_plain_version_over_several_steps() {
    equals_the_plain_version(StepScale::Absolute);
}

#[test]
fn the_update_relative_to_the_parameter_equals_the_plain_version() {
    equals_the_plain_version(StepScale::Relative { floor: 1e-3 });
}

#[test]
fn a_relative_first_step_moves_a_weight_by_the_rate_times_the_size_of_its_parameter() {
    let moved = |size: f64, floor| {
        let param = constant([4], 1, 1.0).inner().ones_like() * size;
        let at = AdamWStep {
            lr: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 0.0,
            weight_decay: 0.0,
            step: 1,
            grad_scale: 1.0,
            scale: StepScale::Relative { floor },
        };
        let zeros = param.zeros_like();
        let (after, ..) = adamw(param.clone(), param.ones_like(), zeros.clone(), zeros, at);
        (values(param)[0] - values(after)[0]) / 0.01
    };
    assert_close("large", &[moved(2.0, 1e-3)], &[2.0]);
    assert_close("below the floor", &[moved(0.1, 0.5)], &[0.5]);
}

fn equals_the_plain_version(scale: StepScale) {
    let plain = |seed| constant([7, 11], seed, 1.0).inner();
    let mut fused = (plain(1), plain(2).zeros_like(), plain(2).zeros_like());
    let mut expected = fused.clone();
    for step in 1..=5 {
        let grad = plain(10 + step);
        let at = AdamWStep {
            lr: 0.01,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.1,
            step,
            grad_scale: 0.5,
            scale,
        };
        fused = adamw(fused.0, grad.clone(), fused.1, fused.2, at);
        expected = reference::adamw(expected.0, grad, expected.1, expected.2, at);
    }
    assert_close("parameter", &values(fused.0), &values(expected.0));
    assert_close("first moment", &values(fused.1), &values(expected.1));
    assert_close("second moment", &values(fused.2), &values(expected.2));
}

#[test]
fn a_shared_tensor_is_not_changed_behind_its_other_owner() {
    let param = constant([4], 1, 1.0).inner();
    let before = values(param.clone());
    let at = AdamWStep {
        lr: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        step: 1,
        grad_scale: 1.0,
        scale: StepScale::Absolute,
    };
    let zeros = param.zeros_like();
    let (after, ..) = adamw(param.clone(), param.ones_like(), zeros.clone(), zeros, at);
    assert_eq!(values(param), before);
    assert_ne!(values(after), before);
}
