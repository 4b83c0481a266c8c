//! Activation checkpointing changes the memory of a step and nothing else.

use std::collections::BTreeMap;

use burn::tensor::{Device, TensorData};
use cresset_data::{PadSide, pad};
use cresset_model::{
    CausalLm, DecoderConfig, EncoderConfig, MaskedLm, ModelConfig, Seq2SeqConfig, Seq2SeqLm,
};
use cresset_objectives::causal_lm::{CausalLanguageModelling, CausalLmBatch};
use cresset_objectives::masked_lm::{MaskedLanguageModelling, MaskedLmBatch};
use cresset_objectives::seq2seq::SequenceToSequence;
use cresset_train::{Objective, OptimConfig, ScheduleConfig, Trainer, TrainerConfig};
use serde_json::{Value, json};

use crate::{config, pairs, ragged};

fn gradients<O: Objective>(
    objective: O,
    batches: &[O::Batch],
    checkpoint_layers: bool,
) -> BTreeMap<String, TensorData> {
    let config = TrainerConfig {
        seed: 5,
        steps: 1,
        accumulate: batches.len(),
        checkpoint_layers,
        optim: OptimConfig::default(),
        schedule: ScheduleConfig::default(),
    };
    let trainer = Trainer::new(objective, config).expect("a trainer");
    let gradients = trainer.gradients(batches).expect("a pass");
    gradients.to_data(trainer.model())
}

/// Compares the gradients of two micro-batches with dropout, with and without checkpointing.
fn compare<O: Objective>(what: &str, make: impl Fn() -> O, batches: &[O::Batch]) {
    let (kept, again) = (
        gradients(make(), batches, false),
        gradients(make(), batches, true),
    );
    assert!(!kept.is_empty());
    assert_eq!(
        kept.keys().collect::<Vec<_>>(),
        again.keys().collect::<Vec<_>>(),
        "{what}"
    );
    for (name, kept) in &kept {
        let kept: Vec<f32> = kept.iter::<f32>().collect();
        let size = kept.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        for (a, b) in kept.iter().zip(again[name].iter::<f32>()) {
            assert!(
                (a - b).abs() <= 1e-5 * size + 1e-7,
                "{what}, {name}: {a} and {b}"
            );
        }
    }
}

fn sizes(more: Value) -> Value {
    let mut sizes = json!({
        "n_layers": 3, "hidden_size": 16, "n_heads": 2, "intermediate_size": 24, "dropout": 0.2,
    });
    let (Value::Object(sizes), Value::Object(more)) = (&mut sizes, more) else {
        unreachable!("objects")
    };
    sizes.extend(more);
    Value::Object(sizes.clone())
}

/// T5's preset wants a hundred sentinels, for which the test's vocabulary has no room.
fn t5() -> ModelConfig {
    let sizes = json!({
        "num_layers": 3, "d_model": 16, "num_heads": 2, "d_kv": 8, "d_ff": 24, "dropout_rate": 0.2, "vocab_size": 300,
    });
    let Value::Object(sizes) = sizes else {
        unreachable!("an object")
    };
    ModelConfig::from_toml_table("t5", sizes).expect("makes sense")
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn masked(rows: &[(Vec<u32>, Vec<u32>)]) -> MaskedLmBatch {
    let ids: Vec<&[u32]> = rows.iter().map(|(text, _)| &text[..]).collect();
    let input = pad(&ids, 0, PadSide::Right);
    let positions: Vec<u32> = (0..rows.len())
        .map(|row| input.start_of(row) as u32)
        .collect();
    MaskedLmBatch {
        segments: vec![0; input.ids.len()],
        targets: positions.iter().map(|p| 5 + p % 30).collect(),
        weights: vec![1.0; positions.len()],
        positions,
        input,
    }
}

#[test]
fn an_encoder_has_the_same_gradients_when_its_layers_are_checkpointed() {
    let rows = ragged();
    let batches = [masked(&rows[..3]), masked(&rows[3..])];
    for kind in ["bert", "roberta", "albert"] {
        let more = match kind {
            "albert" => json!({"embedding_size": 8, "max_positions": 32}),
            _ => json!({"max_positions": 32}),
        };
        let make = || {
            let config = match config(kind, kind, sizes(more.clone())) {
                ModelConfig::Bert(config) => EncoderConfig::Bert(config),
                ModelConfig::Roberta(config) => EncoderConfig::Roberta(config),
                ModelConfig::Albert(config) => EncoderConfig::Albert(config),
                _ => unreachable!("an encoder"),
            };
            MaskedLanguageModelling::new(MaskedLm::new(&config, 0, &device()).expect("a model"))
        };
        compare(kind, make, &batches);
    }
}

#[test]
fn a_decoder_has_the_same_gradients_when_its_layers_are_checkpointed() {
    let rows = ragged();
    let batch = |rows: &[(Vec<u32>, Vec<u32>)]| {
        let ids: Vec<&[u32]> = rows.iter().map(|(text, _)| &text[..]).collect();
        let input = pad(&ids, 0, PadSide::Right);
        let positions = input.flat_positions();
        CausalLmBatch {
            labels: positions.iter().map(|p| 5 + p % 30).collect(),
            positions,
            input,
        }
    };
    let make = || {
        let ModelConfig::Gpt2(config) = config("gpt2", "gpt", sizes(json!({"max_positions": 32})))
        else {
            unreachable!("gpt2")
        };
        let model = CausalLm::new(&DecoderConfig::Gpt2(config), 0, &device()).expect("a model");
        CausalLanguageModelling::new(model)
    };
    compare("gpt2", make, &[batch(&rows[..3]), batch(&rows[3..])]);
}

#[test]
fn an_encoder_decoder_has_the_same_gradients_when_its_layers_are_checkpointed() {
    let rows = ragged();
    let batches = [pairs(&rows[..3], 0), pairs(&rows[3..], 2)];
    for (kind, preset) in [("marian", "mt"), ("bart", "bart"), ("t5", "t5")] {
        let make = || {
            let more = json!({"max_positions": 32});
            let config = match kind {
                "t5" => t5(),
                _ => config(kind, preset, sizes(more)),
            };
            let config = match config {
                ModelConfig::Marian(config) => Seq2SeqConfig::Marian(config),
                ModelConfig::Bart(config) => Seq2SeqConfig::Bart(config),
                ModelConfig::T5(config) => Seq2SeqConfig::T5(config),
                _ => unreachable!("an encoder-decoder"),
            };
            let model = Seq2SeqLm::new(&config, 0, &device()).expect("a model");
            SequenceToSequence::new(model, 0.1)
        };
        compare(kind, make, &batches);
    }
}
