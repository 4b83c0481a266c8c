//! Texts that share a row are as if each had a row of its own.

use burn::tensor::{Device, Tensor};
use cresset_data::{PadSide, PaddedIds, pad};
use cresset_model::{CausalLm, DecoderConfig, EncoderConfig, MaskedLm, ModelConfig};
use cresset_objectives::causal_lm::{CausalLanguageModelling, CausalLmBatch};
use cresset_objectives::masked_lm::{MaskedLanguageModelling, MaskedLmBatch};
use cresset_objectives::{ObjectiveConfig, Pack, upload};
use cresset_ops::Run;
use serde_json::json;

use crate::{config, loss};

const LENGTHS: [usize; 5] = [3, 6, 1, 4, 5];
const TEXTS_PER_ROW: [usize; 2] = [3, 2];

/// Texts without two equal tokens.
fn texts() -> Vec<Vec<u32>> {
    let mut next = 10;
    let mut text = |length: usize| {
        next += length as u32;
        (next - length as u32..next).collect()
    };
    LENGTHS.iter().map(|&length| text(length)).collect()
}

fn encoders() -> Vec<(&'static str, MaskedLm)> {
    let sizes = json!({
        "n_layers": 2, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "dropout": 0.0,
        "attention_dropout": 0.0, "max_positions": 20,
    });
    let device = Device::flex().autodiff();
    [
        ("bert", "bert"),
        ("roberta", "roberta"),
        ("albert", "albert"),
    ]
    .map(|(kind, preset)| {
        let config = match config(kind, preset, sizes.clone()) {
            ModelConfig::Bert(config) => EncoderConfig::Bert(config),
            ModelConfig::Roberta(config) => EncoderConfig::Roberta(config),
            ModelConfig::Albert(config) => EncoderConfig::Albert(config),
            other => panic!("{other:?}"),
        };
        (kind, MaskedLm::new(&config, 3, &device).expect("a model"))
    })
    .into()
}

/// Every token hidden, or not: the targets are all positions.
fn masked(input: PaddedIds) -> MaskedLmBatch {
    let positions = input.flat_positions();
    MaskedLmBatch {
        segments: vec![0; input.ids.len()],
        targets: positions.iter().map(|&p| input.ids[p as usize]).collect(),
        weights: vec![1.0; positions.len()],
        positions,
        input,
    }
}

fn causal(input: PaddedIds) -> CausalLmBatch {
    let positions = input.flat_positions();
    CausalLmBatch {
        labels: positions
            .iter()
            .map(|&p| 255 - input.ids[p as usize])
            .collect(),
        positions,
        input,
    }
}

fn close(what: &str, packed: Tensor<2>, alone: Tensor<2>) {
    let (packed, alone) = (upload::read_floats(packed), upload::read_floats(alone));
    assert_eq!(packed.len(), alone.len());
    for (a, b) in packed.iter().zip(&alone) {
        // The same sums in another grouping.
        assert!((a - b).abs() < 1e-5, "{what}: {a} and {b}");
    }
}

#[test]
fn an_encoder_gives_packed_texts_the_logits_that_they_have_alone() {
    for (kind, model) in encoders() {
        let logits = |batch: &MaskedLmBatch| {
            let device = upload::device_of(&model);
            let input = upload::encoder_input(&batch.input, Some(&batch.segments), &device);
            let hidden = model.hidden(input, &Run::inference());
            model
                .scores_at(hidden, upload::indices(&batch.positions, &device))
                .logits()
        };
        let packed = masked(pad(&texts(), 0, PadSide::Right)).pack(&TEXTS_PER_ROW, 0);
        let alone = texts()
            .into_iter()
            .map(|text| logits(&masked(pad(&[text], 0, PadSide::Right))));
        close(kind, logits(&packed), Tensor::cat(alone.collect(), 0));
    }
}

fn decoder() -> CausalLm {
    let sizes =
        json!({"n_layers": 2, "hidden_size": 16, "n_heads": 2, "dropout": 0.0, "n_positions": 20});
    let ModelConfig::Gpt2(config) = config("gpt2", "gpt", sizes) else {
        unreachable!("gpt2")
    };
    let device = Device::flex().autodiff();
    CausalLm::new(&DecoderConfig::Gpt2(config), 3, &device).expect("a model")
}

#[test]
fn a_decoder_gives_packed_documents_the_logits_that_they_have_alone() {
    let model = decoder();
    let device = upload::device_of(&model);
    let logits = |batch: &CausalLmBatch| {
        let keep = Some(upload::keep(&batch.input, &device));
        let hidden = model.hidden(upload::ids(&batch.input, &device), keep, &Run::inference());
        model
            .scores_at(hidden, upload::indices(&batch.positions, &device))
            .logits()
    };
    let packed = causal(pad(&texts(), 0, PadSide::Right)).pack(&TEXTS_PER_ROW, 0);
    let alone = texts()
        .into_iter()
        .map(|text| logits(&causal(pad(&[text], 0, PadSide::Right))));
    close("gpt2", logits(&packed), Tensor::cat(alone.collect(), 0));
}

#[test]
fn the_loss_of_packed_texts_is_that_of_a_row_for_each() {
    let equal = |what: &str, packed: f64, apart: f64| {
        assert!(
            (packed - apart).abs() < 1e-5 * apart,
            "{what}: {packed} and {apart}"
        );
    };
    for (kind, model) in encoders() {
        let objective = MaskedLanguageModelling::new(model);
        let batch = masked(pad(&texts(), 0, PadSide::Right));
        let apart = loss(&objective, &batch);
        equal(
            kind,
            loss(&objective, &batch.pack(&TEXTS_PER_ROW, 0)),
            apart,
        );
    }
    let objective = CausalLanguageModelling::new(decoder());
    let batch = causal(pad(&texts(), 0, PadSide::Right));
    let apart = loss(&objective, &batch);
    equal(
        "gpt2",
        loss(&objective, &batch.pack(&TEXTS_PER_ROW, 0)),
        apart,
    );
}

#[test]
fn a_text_does_not_see_the_others_of_its_row() {
    let objective = MaskedLanguageModelling::new(encoders().remove(0).1);
    let of_last = |texts: Vec<Vec<u32>>| {
        let mut batch = masked(pad(&texts, 0, PadSide::Right)).pack(&TEXTS_PER_ROW, 0);
        let keep = batch.weights.len() - LENGTHS[4];
        batch.weights[..keep].fill(0.0);
        loss(&objective, &batch)
    };
    let mut changed = texts();
    changed[3][1] = 250;
    assert_eq!(of_last(texts()), of_last(changed.clone()));
    changed[4][1] = 250;
    assert_ne!(of_last(texts()), of_last(changed));
}

#[test]
fn packed_rows_have_no_padding_but_behind_their_last_text() {
    let batch = masked(pad(&texts(), 0, PadSide::Left)).pack(&TEXTS_PER_ROW, 0);
    assert_eq!(
        (batch.input.width, &batch.input.lengths),
        (10, &vec![10, 9])
    );
    assert_eq!(batch.input.ids[..19], texts().concat());
    assert_eq!(batch.positions, batch.input.flat_positions());
}

#[test]
fn objectives_that_need_a_row_for_each_text_refuse_to_share_them() {
    let check = |objective: &str| {
        let objective: ObjectiveConfig = serde_json::from_str(objective).expect("an objective");
        objective.check_packing().map_err(|error| error.to_string())
    };
    for taken in [r#"{"masked-lm": {}}"#, r#"{"causal-lm": {}}"#] {
        assert_eq!(check(taken), Ok(()));
    }
    for (refused, why) in [
        (r#"{"causal-lm": {"rows": "stream"}}"#, "full already"),
        (r#"{"span-corruption": {}}"#, "two sides"),
        (r#"{"denoise": {}}"#, "two sides"),
        (r#"{"permuted-lm": {}}"#, "a row for each text"),
        (r#"{"bert-pretraining": {}}"#, "a row for each text"),
        (r#"{"classify": {}}"#, "a row for each text"),
    ] {
        let message = check(refused).expect_err(refused);
        assert!(
            message.contains(why) && message.contains("data.packing"),
            "{message}"
        );
    }
}
