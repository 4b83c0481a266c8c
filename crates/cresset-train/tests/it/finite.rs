//! Losses that are not finite, and targets that are not there.

use cresset_train::TrainError;

use crate::task::{self, Rows};

#[test]
fn bug_class_22_a_non_finite_loss_stops_before_the_update() {
    let mut trainer = task::trainer(|n| n, task::config(10));
    for _ in 0..2 {
        trainer.step(&task::next(&trainer)).unwrap();
    }
    let before = task::weights(trainer.model());
    let mut micro_batches = task::next(&trainer);
    micro_batches[1].targets[2] = f32::NAN;
    let error = trainer.step(&micro_batches).unwrap_err();
    assert!(
        matches!(&error, TrainError::NonFiniteLoss { step: 3, term: "squared", batch: 5, parameter: Some(path), .. } if path == "first"),
        "{error:?}"
    );
    let message = error.to_string();
    for part in [
        "`squared` is NaN",
        "step 3",
        "batch 5",
        "`first`",
        "no weight was changed",
    ] {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
    assert_eq!(task::weights(trainer.model()), before);
    assert_eq!(trainer.steps_done(), 2);
    // The trainer is still good.
    trainer.step(&task::next(&trainer)).unwrap();
}

#[test]
fn bug_class_22_a_non_finite_gradient_stops_before_the_update_too() {
    // The loss is finite, but its slope at the hidden layer overflows.
    let mut trainer = task::trainer(
        |mut n| {
            n.second = task::parameter(vec![3e38, 0.0, 0.0, 0.0], [4, 1], &n.first.device());
            n.gain = task::parameter(vec![0.0, 1.0, 1.0, 1.0], [4], &n.first.device());
            n
        },
        task::config(10),
    );
    let before = task::weights(trainer.model());
    let mut batch = Rows::of(0..4);
    batch.targets.fill(-1e3);
    let error = trainer.step(&[batch]).unwrap_err();
    assert!(
        matches!(&error, TrainError::NonFiniteGradient { step: 1, .. }),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains("gradient of `first` is not finite at step 1, batches 0 to 0"),
        "{error}"
    );
    assert_eq!(task::weights(trainer.model()), before);
}

#[test]
fn bug_class_23_a_batch_without_targets_contributes_zero() {
    let gradients = |micro_batches: &[Rows]| {
        let trainer = task::trainer(|n| n, task::config(1));
        trainer
            .gradients(micro_batches)
            .unwrap()
            .to_data(trainer.model())
    };
    let alone = gradients(&[Rows::of(0..4)]);
    let beside = gradients(&[Rows::of(0..4), Rows::of(4..8).without_targets()]);
    for (path, data) in &alone {
        assert_eq!(data.as_bytes(), beside[path].as_bytes(), "{path}");
    }
    // Even when its forward pass gives NaN.
    let mut poisoned = Rows::of(4..8).without_targets();
    poisoned.inputs.fill(f32::NAN);
    let beside = gradients(&[Rows::of(0..4), poisoned]);
    for (path, data) in &alone {
        assert_eq!(data.as_bytes(), beside[path].as_bytes(), "{path}");
    }
}

#[test]
fn bug_class_23_a_step_without_any_target_changes_no_weight() {
    let mut trainer = task::trainer(|n| n, task::config(10));
    trainer.step(&task::next(&trainer)).unwrap();
    let before = task::weights(trainer.model());
    let report = trainer.step(&[Rows::of(0..4).without_targets()]).unwrap();
    assert_eq!((report.loss, report.grad_norm, report.step), (0.0, 0.0, 2));
    assert!(report.terms.is_empty());
    assert_eq!(task::weights(trainer.model()), before);
}

#[test]
fn a_step_without_a_batch_is_refused() {
    let error = task::trainer(|n| n, task::config(10))
        .step(&[])
        .unwrap_err();
    assert!(matches!(error, TrainError::NoBatch { step: 1 }));
}

#[test]
fn a_model_without_autodiff_is_refused() {
    let error = cresset_train::Trainer::new(task::Network::on(&task::device()), task::config(1))
        .unwrap_err();
    assert!(matches!(error, TrainError::NotTrainable), "{error}");
}
