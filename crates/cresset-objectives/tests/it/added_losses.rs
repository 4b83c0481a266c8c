//! z-loss, focal loss, R-Drop and distillation in the objectives: each term is there, is what its formula says, and reaches
//! the model.

use burn::tensor::{Device, Tensor};
use cresset_data::{PadSide, pad};
use cresset_model::{CausalLm, EncoderConfig, EncoderInput, MaskedLm, ModelConfig, TextClassifier};
use cresset_objectives::ObjectiveConfig;
use cresset_objectives::added_losses::Teacher;
use cresset_objectives::causal_lm::{CausalLanguageModelling, CausalLmBatch};
use cresset_objectives::classify::{ClassLosses, Classify, ClassifyBatch, Targets};
use cresset_objectives::masked_lm::{MaskedLanguageModelling, MaskedLmBatch};
use cresset_objectives::seq2seq::WritingLosses;
use cresset_objectives::upload;
use cresset_ops::Run;
use cresset_train::{
    ConstantConfig, LossTerm, Objective, OptimConfig, ScheduleConfig, StepContext, Trainer,
    TrainerConfig,
};
use serde_json::{Value, json};

use crate::{config, pairs, ragged, translator};

const AT: StepContext = StepContext {
    seed: 3,
    step: 1,
    micro: 0,
    tape: None,
};

fn bert(dropout: f64) -> ModelConfig {
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16,
        "dropout": dropout, "initializer_range": 0.5});
    config("bert", "bert", sizes)
}

fn encoder(dropout: f64) -> EncoderConfig {
    bert(dropout).encoder().expect("an encoder")
}

fn learning() -> Device {
    Device::flex().autodiff()
}

/// Name, value and weight of each term.
fn terms<O: Objective>(objective: &O, batch: &O::Batch) -> Vec<(&'static str, f64, f64)> {
    let read = |term: LossTerm| {
        let value = f64::from(term.sum.into_scalar::<f32>());
        (term.name, value, term.weight)
    };
    objective.loss(batch, &AT).0.into_iter().map(read).collect()
}

/// Log probabilities of each row.
fn log_softmax(logits: &[f32], width: usize, temperature: f64) -> Vec<Vec<f64>> {
    let row = |row: &[f32]| {
        let total: f64 = row
            .iter()
            .map(|z| (f64::from(*z) / temperature).exp())
            .sum();
        row.iter()
            .map(|z| f64::from(*z) / temperature - total.ln())
            .collect()
    };
    logits.chunks(width).map(row).collect()
}

/// `sum_i KL(p_i || q_i)`.
fn divergence(p: &[Vec<f64>], q: &[Vec<f64>]) -> f64 {
    let pairs = p.iter().flatten().zip(q.iter().flatten());
    pairs.map(|(p, q)| p.exp() * (p - q)).sum()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{a} and {b}");
}

/// A step with the objective moves its loss: the gradient of every term is finite and arrives.
fn trains<O: Objective>(objective: O, batches: [O::Batch; 2], term: &str) {
    let config = TrainerConfig {
        seed: 0,
        steps: 2,
        accumulate: 1,
        checkpoint_layers: false,
        optim: OptimConfig::default(),
        schedule: ScheduleConfig::Constant(ConstantConfig::default()),
    };
    let mut trainer = Trainer::new(objective, config).expect("a trainer");
    let [first, second] = batches;
    let before = trainer.step(&[first]).expect("a step");
    let after = trainer.step(&[second]).expect("a step");
    assert!(before.grad_norm > 0.0 && before.grad_norm.is_finite());
    assert_ne!(before.terms[term], after.terms[term], "{term}");
}

fn hidden_tokens() -> MaskedLmBatch {
    MaskedLmBatch {
        input: pad(&[vec![5u32, 6, 7, 8], vec![9, 10]], 0, PadSide::Right),
        segments: vec![0; 8],
        positions: vec![1, 2, 4],
        targets: vec![20, 21, 22],
        weights: vec![1.0, 1.0, 0.0],
    }
}

fn masked(seed: u64, device: &Device) -> MaskedLm {
    MaskedLm::new(&encoder(0.0), seed, device).expect("a model")
}

fn input(ids: &cresset_data::PaddedIds, segments: &[u32]) -> EncoderInput {
    upload::encoder_input(ids, Some(segments), &Device::flex())
}

/// The logits of the targets that count.
fn masked_logits(model: &MaskedLm, batch: &MaskedLmBatch) -> Vec<f32> {
    let hidden = model.hidden(input(&batch.input, &batch.segments), &Run::inference());
    let at = upload::indices(&batch.positions[..2], &Device::flex());
    upload::read_floats(model.scores_at(hidden, at).logits())
}

#[test]
fn the_z_loss_of_hidden_tokens_is_the_square_of_the_normaliser_where_a_target_counts() {
    let objective = || MaskedLanguageModelling::new(masked(0, &learning()));
    let batch = hidden_tokens();
    let logits = masked_logits(&masked(0, &Device::flex()), &batch);
    let normaliser = |row: &[f32]| row.iter().map(|z| f64::from(*z).exp()).sum::<f64>().ln();
    let expected: f64 = logits
        .chunks(logits.len() / 2)
        .map(|row| normaliser(row).powi(2))
        .sum();
    let plain = terms(&objective(), &batch);
    let added = terms(&objective().with_z_loss(1e-4), &batch);
    assert_eq!(plain.len(), 1);
    assert_eq!(added[0], plain[0]);
    let (name, value, weight) = added[1];
    assert_eq!((name, weight), ("z_loss", 1e-4));
    close(value, expected);
    let denominators = MaskedLanguageModelling::denominators(&batch);
    assert_eq!(denominators.get("z_loss"), Some(2.0));
    trains(
        objective().with_z_loss(1e-2),
        [batch.clone(), batch],
        "z_loss",
    );
}

#[test]
fn a_student_of_hidden_tokens_learns_the_teachers_distribution() {
    let batch = hidden_tokens();
    let student = || MaskedLanguageModelling::new(masked(0, &learning()));
    let teacher = |seed: u64| {
        Some(Teacher {
            model: masked(seed, &Device::flex()),
            temperature: 2.0,
            alpha: 0.3,
        })
    };
    let [own, other] = [0, 1].map(|seed| masked_logits(&masked(seed, &Device::flex()), &batch));
    let width = own.len() / 2;
    let expected = 4.0
        * divergence(
            &log_softmax(&other, width, 2.0),
            &log_softmax(&own, width, 2.0),
        );
    let of = |seed: u64| terms(&student().with_teacher(teacher(seed)), &batch);
    let (name, value, weight) = of(1)[1];
    assert_eq!((name, weight), ("distillation", 0.3));
    close(value, expected);
    assert!(value > 0.01);
    assert_eq!(of(1)[0].2, 0.7, "the rest is the true answer's");
    close(of(0)[1].1, 0.0);
    let taught = student().with_teacher(teacher(1));
    trains(taught, [batch.clone(), batch], "distillation");
}

#[test]
fn a_language_model_has_z_loss_and_a_teacher() {
    let sizes =
        json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "max_positions": 8, "dropout": 0.0});
    let decoder = config("gpt2", "gpt", sizes).decoder().expect("a decoder");
    let model =
        |seed: u64, device: &Device| CausalLm::new(&decoder, seed, device).expect("a model");
    let input = pad(&[vec![5u32, 6, 7], vec![8]], 0, PadSide::Right);
    let batch = CausalLmBatch {
        positions: input.flat_positions(),
        input,
        labels: vec![6, 7, 9, 10],
    };
    let teacher = |seed: u64| Teacher {
        model: model(seed, &Device::flex()),
        temperature: 1.0,
        alpha: 1.0,
    };
    let taught = |seed: u64| {
        CausalLanguageModelling::new(model(0, &learning()))
            .with_z_loss(0.5)
            .with_teacher(Some(teacher(seed)))
    };
    let found = terms(&taught(0), &batch);
    let names: Vec<_> = found
        .iter()
        .map(|(name, _, weight)| (*name, *weight))
        .collect();
    assert_eq!(
        names,
        [("nll", 0.0), ("z_loss", 0.5), ("distillation", 1.0)]
    );
    close(found[2].1, 0.0);
    assert!(terms(&taught(1), &batch)[2].1 > 1e-4);
    trains(taught(1), [batch.clone(), batch], "distillation");
}

fn texts() -> ClassifyBatch {
    ClassifyBatch {
        input: pad(&[vec![5u32, 6, 7], vec![8, 9]], 0, PadSide::Right),
        segments: vec![0; 6],
        targets: Targets::Classes {
            classes: vec![2, 0],
            weights: vec![1.0, 3.0],
        },
    }
}

fn classifier(dropout: f64, seed: u64, device: &Device) -> TextClassifier {
    TextClassifier::new(&bert(dropout), 3, seed, device).expect("a model")
}

fn class_logits(model: &TextClassifier, run: &Run) -> Vec<f32> {
    let batch = texts();
    let device = upload::device_of(model);
    let input = upload::encoder_input(&batch.input, Some(&batch.segments), &device);
    let logits: Tensor<2> = model.forward(input, run);
    upload::read_floats(logits)
}

#[test]
fn a_focal_loss_is_cross_entropy_times_what_is_missing() {
    let with = |gamma| ClassLosses {
        focal: gamma,
        ..ClassLosses::default()
    };
    let objective =
        |gamma| Classify::new(classifier(0.0, 0, &learning()), 0.0).with_losses(with(gamma));
    let logits = class_logits(&classifier(0.0, 0, &Device::flex()), &Run::inference());
    let logs = log_softmax(&logits, 3, 1.0);
    let row = |log: f64, weight: f64| -weight * (1.0 - log.exp()).powi(2) * log;
    let expected = row(logs[0][2], 1.0) + row(logs[1][0], 3.0);
    let found = terms(&objective(Some(2.0)), &texts());
    assert_eq!((found.len(), found[0].0), (1, "classification"));
    close(found[0].1, expected);
    close(
        terms(&objective(Some(0.0)), &texts())[0].1,
        terms(&objective(None), &texts())[0].1,
    );
    trains(objective(Some(2.0)), [texts(), texts()], "classification");
}

#[test]
fn r_drop_of_classes_is_the_difference_of_two_passes_with_different_dropout() {
    let losses = ClassLosses {
        r_drop: Some(4.0),
        ..ClassLosses::default()
    };
    let objective =
        |dropout| Classify::new(classifier(dropout, 0, &learning()), 0.0).with_losses(losses);
    let run = AT.run();
    let model = classifier(0.3, 0, &learning());
    let [first, second] = [0, 1].map(|_| log_softmax(&class_logits(&model, &run), 3, 1.0));
    let expected = (divergence(&first, &second) + divergence(&second, &first)) / 2.0;
    let nll = |logs: &[Vec<f64>]| -(logs[0][2] + 3.0 * logs[1][0]);
    let found = terms(&objective(0.3), &texts());
    assert_eq!((found[0].0, found[0].2), ("classification", 2.0));
    close(found[0].1, (nll(&first) + nll(&second)) / 2.0);
    assert_eq!((found[1].0, found[1].2), ("r_drop", 4.0));
    close(found[1].1, expected);
    assert!(expected > 1e-3, "{expected}");
    assert_eq!(terms(&objective(0.0), &texts())[1].1, 0.0);
    assert_eq!(Classify::denominators(&texts()).get("r_drop"), Some(2.0));
    trains(objective(0.3), [texts(), texts()], "r_drop");
}

#[test]
fn a_student_of_classes_learns_the_teachers_distribution() {
    let [own, other] =
        [0, 1].map(|seed| class_logits(&classifier(0.0, seed, &Device::flex()), &Run::inference()));
    let expected = 9.0 * divergence(&log_softmax(&other, 3, 3.0), &log_softmax(&own, 3, 3.0));
    let taught = || {
        Classify::new(classifier(0.0, 0, &learning()), 0.0).with_teacher(Some(Teacher {
            model: classifier(0.0, 1, &Device::flex()),
            temperature: 3.0,
            alpha: 0.9,
        }))
    };
    let found = terms(&taught(), &texts());
    assert_eq!((found[1].0, found[1].2), ("distillation", 0.9));
    close(found[1].1, expected);
    trains(taught(), [texts(), texts()], "distillation");
}

#[test]
fn written_tokens_have_z_loss_and_r_drop() {
    let batch = || pairs(&ragged(), 0);
    let plain = terms(&translator(), &batch());
    let added = || {
        translator().with_losses(WritingLosses {
            label_smoothing: 0.1,
            z_loss: 1e-3,
            r_drop: Some(1.0),
        })
    };
    let found = terms(&added(), &batch());
    let names: Vec<_> = found
        .iter()
        .map(|(name, _, weight)| (*name, *weight))
        .collect();
    assert_eq!(names, [("nll", 2.0), ("r_drop", 1.0), ("z_loss", 1e-3)]);
    // Without dropout both passes are the same.
    close(found[0].1, plain[0].1);
    assert_eq!(found[1].1, 0.0);
    assert!(found[2].1 > 0.0);
    trains(added(), [batch(), batch()], "z_loss");
}

#[test]
fn losses_outside_their_range_or_without_use_are_refused() {
    let refused = |objective: Value| {
        let config: ObjectiveConfig = serde_json::from_value(objective).expect("well-formed");
        config.validate().expect_err("refused").to_string()
    };
    for (objective, said) in [
        (json!({"masked-lm": {"z_loss": -1.0}}), "z_loss is -1"),
        (json!({"causal-lm": {"z_loss": -1.0}}), "z_loss is -1"),
        (json!({"span-corruption": {"z_loss": -1.0}}), "z_loss is -1"),
        (json!({"seq2seq": {"r_drop": {"alpha": 0.0}}}), "alpha is 0"),
        (
            json!({"classify": {"focal": {"gamma": -1.0}}}),
            "gamma is -1",
        ),
        (
            json!({"classify": {"focal": {}, "label_smoothing": 0.1}}),
            "keep one",
        ),
        (
            json!({"classify": {"task": "regression", "r_drop": {}}}),
            "single-label",
        ),
        (
            json!({"classify": {"distill": {"teacher": "t", "alpha": 1.5}}}),
            "alpha is 1.5",
        ),
        (
            json!({"classify": {"distill": {"teacher": "t", "temperature": 0.0}}}),
            "temperature is 0",
        ),
        (
            json!({"classify": {"distill": {"teacher": "t"}, "r_drop": {}}}),
            "keep one",
        ),
        (
            json!({"bert-pretraining": {"masking": {"z_loss": 1e-4}}}),
            "only objective masked-lm",
        ),
    ] {
        let message = refused(objective);
        assert!(message.contains(said), "{message}");
    }
}
