//! What must be impossible in an objective, by the numbers of the bug classes.

mod added_losses;
mod checkpointed;
mod classify;
mod contrastive;
mod extract;
mod multi;
mod packed;
mod permuted_lm;
mod preview;
mod tag;
mod training_parity;

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use cresset_data::{Convention, PadSide, Tokenizer, TokenizerKind, TokenizerTrainConfig, pad};
use cresset_model::{EncoderConfig, MaskedLm, ModelConfig, Seq2SeqConfig, Seq2SeqLm};
use cresset_objectives::masked_lm::{MaskedLanguageModelling, MaskedLmBatch};
use cresset_objectives::new_model_config;
use cresset_objectives::seq2seq::{Seq2SeqBatch, SequenceToSequence};
use cresset_train::{Objective, OptimConfig, ScheduleConfig, StepContext, Trainer, TrainerConfig};
use serde_json::{Value, json};

fn tokenizer(preset: &str) -> (Arc<Tokenizer>, Arc<Convention>) {
    let config = TokenizerTrainConfig {
        vocab_size: 300,
        ..TokenizerTrainConfig::new(TokenizerKind::Bpe)
    };
    let tokenizer = Arc::new(Tokenizer::train(&config, ["a b c d e"], preset).expect("trains"));
    let convention = Arc::new(Convention::preset(preset, &tokenizer).expect("fits"));
    (tokenizer, convention)
}

fn config(kind: &str, preset: &str, sizes: Value) -> ModelConfig {
    let (tokenizer, convention) = tokenizer(preset);
    let Value::Object(sizes) = sizes else {
        unreachable!("an object")
    };
    new_model_config(kind, sizes, &tokenizer, &convention).expect("makes sense")
}

fn translator() -> SequenceToSequence {
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "dropout": 0.0});
    let ModelConfig::Marian(config) = config("marian", "mt", sizes) else {
        unreachable!("marian")
    };
    let device = Device::flex().autodiff();
    SequenceToSequence::new(
        Seq2SeqLm::new(&Seq2SeqConfig::Marian(config), 0, &device).expect("a model"),
        0.1,
    )
}

/// Pairs of sources and targets, padded `extra` positions further than needed.
fn pairs(rows: &[(Vec<u32>, Vec<u32>)], extra: usize) -> Seq2SeqBatch {
    let (bos, eos) = (1, 2);
    let stretch = |rows: Vec<Vec<u32>>| {
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let width = lengths.iter().max().copied().unwrap_or(0) + extra;
        let full: Vec<Vec<u32>> = rows
            .into_iter()
            .map(|mut r| {
                r.resize(width, 0);
                r
            })
            .collect();
        let mut padded = pad(&full, 0, PadSide::Right);
        padded.lengths = lengths;
        padded
    };
    let decoder_input = stretch(
        rows.iter()
            .map(|(_, t)| [&[bos], &t[..]].concat())
            .collect(),
    );
    Seq2SeqBatch {
        source: stretch(
            rows.iter()
                .map(|(s, _)| [&s[..], &[eos]].concat())
                .collect(),
        ),
        positions: decoder_input.flat_positions(),
        decoder_input,
        labels: rows
            .iter()
            .flat_map(|(_, t)| [&t[..], &[eos]].concat())
            .collect(),
    }
}

fn loss<O: Objective>(objective: &O, batch: &O::Batch) -> f64 {
    let at = StepContext {
        seed: 0,
        step: 1,
        micro: 0,
        tape: None,
    };
    objective
        .loss(batch, &at)
        .0
        .into_iter()
        .map(|t| f64::from(t.sum.into_scalar::<f32>()))
        .sum()
}

fn ragged() -> Vec<(Vec<u32>, Vec<u32>)> {
    (1..=8u32)
        .map(|n| {
            (
                (0..n).map(|i| 4 + (i * 7 + n) % 200).collect(),
                (0..=n % 5).map(|i| 5 + (i * 3 + n) % 200).collect(),
            )
        })
        .collect()
}

#[test]
fn bug_class_03_the_loss_does_not_change_when_the_batch_is_padded_further() {
    let (model, rows) = (translator(), ragged());
    let (tight, loose) = (
        loss(&model, &pairs(&rows, 0)),
        loss(&model, &pairs(&rows, 5)),
    );
    assert!((tight - loose).abs() < 1e-4 * tight, "{tight} and {loose}");
}

#[test]
fn bug_class_02_labels_are_the_decoder_input_one_step_on_and_hold_real_ids() {
    let batch = pairs(&ragged(), 3);
    let mut start = 0;
    for row in 0..batch.decoder_input.n_rows() {
        let input = batch.decoder_input.row(row);
        let labels = &batch.labels[start..start + input.len()];
        assert_eq!(input[1..], labels[..labels.len() - 1]);
        start += input.len();
    }
    assert!(
        batch.labels.iter().all(|id| *id < 300),
        "no marker stands among the labels"
    );
}

#[test]
fn bug_class_05_accumulation_gives_the_gradient_of_the_whole_batch() {
    let rows = ragged();
    let gradients = |size: usize| {
        let config = TrainerConfig {
            seed: 0,
            steps: 1,
            accumulate: rows.len() / size,
            checkpoint_layers: false,
            optim: OptimConfig::default(),
            schedule: ScheduleConfig::default(),
        };
        let mut trainer = Trainer::new(translator(), config).expect("a trainer");
        let batches: Vec<_> = rows.chunks(size).map(|part| pairs(part, 0)).collect();
        let report = trainer.step(&batches).expect("a step");
        (report.loss, report.grad_norm)
    };
    let whole = gradients(8);
    for size in [4, 2, 1] {
        let split = gradients(size);
        assert!(
            (split.0 - whole.0).abs() < 1e-6 * whole.0,
            "loss {split:?} and {whole:?}"
        );
        assert!(
            (split.1 - whole.1).abs() < 1e-5 * whole.1,
            "gradient norm {split:?} and {whole:?}"
        );
    }
}

#[test]
fn bug_class_23_a_batch_without_a_hidden_token_contributes_zero() {
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "vocab_size": 300});
    let Value::Object(sizes) = sizes else {
        unreachable!("an object")
    };
    let ModelConfig::Bert(config) =
        ModelConfig::from_toml_table("bert", sizes).expect("makes sense")
    else {
        unreachable!("bert")
    };
    let model = MaskedLm::new(&EncoderConfig::Bert(config), 0, &Device::flex().autodiff())
        .expect("a model");
    let objective = MaskedLanguageModelling::new(model);
    let batch = MaskedLmBatch {
        input: pad(&[vec![5u32, 6, 7]], 0, PadSide::Right),
        segments: vec![0; 3],
        positions: vec![0],
        targets: vec![0],
        weights: vec![0.0],
    };
    assert_eq!(loss(&objective, &batch), 0.0);
    assert_eq!(
        MaskedLanguageModelling::denominators(&batch).get("mlm"),
        Some(0.0)
    );
    assert!(objective.num_params() > 0);
}
