//! Outputs equal to transformers', from the folders transformers saved.

use cresset_model::bert::Pooler;
use cresset_model::{
    CausalInput, CausalLm, Encoder, GreedyOptions, HfModel, MaskedLm, Seq2SeqLm,
    SequenceClassifier, greedy_causal, greedy_seq2seq, load_weights, parameter_names, read_config,
};
use cresset_ops::Run;

use crate::device::device;
use crate::reference::{Reference, all_positions, folder, tensor_names};

/// Loads a golden folder and holds the report to nothing new, nothing unused, and the names we write to those transformers wrote.
pub(crate) fn load<M: HfModel>(model: M, case: &str) -> M {
    let mut names = parameter_names(&model);
    names.sort();
    assert_eq!(names, tensor_names(case), "{case}");
    let (model, report) = load_weights(model, &folder(case)).unwrap();
    assert!(
        report.new.is_empty() && report.unused.is_empty(),
        "{report:?}"
    );
    model
}

pub(crate) fn seq2seq(case: &str) -> Seq2SeqLm {
    let config = read_config(&folder(case))
        .unwrap()
        .0
        .encoder_decoder()
        .unwrap();
    load(Seq2SeqLm::new(&config, 0, &device()).unwrap(), case)
}

pub(crate) fn gpt2() -> CausalLm {
    let config = read_config(&folder("gpt2")).unwrap().0.decoder().unwrap();
    load(CausalLm::new(&config, 0, &device()).unwrap(), "gpt2")
}

pub(crate) fn masked_lm() -> MaskedLm {
    let config = read_config(&folder("bert_masked_lm"))
        .unwrap()
        .0
        .encoder()
        .unwrap();
    load(
        MaskedLm::new(&config, 0, &device()).unwrap(),
        "bert_masked_lm",
    )
}

#[test]
fn bert_masked_lm_equals_transformers() {
    let reference = Reference::read("bert_masked_lm");
    let model = masked_lm();
    let hidden = model.hidden(reference.encoder_input(&device()), &Run::inference());
    let positions = all_positions(&hidden);
    reference.assert_close(
        "logits",
        model.scores_at(hidden, positions).logits(),
        |_| true,
    );
}

#[test]
fn bert_classifier_equals_transformers() {
    let reference = Reference::read("bert_classifier");
    let (config, whole) = read_config(&folder("bert_classifier")).unwrap();
    let n_labels = whole["id2label"].as_object().unwrap().len();
    let model =
        SequenceClassifier::new(&config.encoder().unwrap(), n_labels, 0, &device()).unwrap();
    let logits = load(model, "bert_classifier")
        .forward(reference.encoder_input(&device()), &Run::inference());
    reference.assert_close("logits", logits, |_| true);
}

#[test]
fn bert_encoder_and_pooler_equal_transformers() {
    let reference = Reference::read("bert_model");
    let config = read_config(&folder("bert_model"))
        .unwrap()
        .0
        .encoder()
        .unwrap();
    let model = load(
        Encoder::new(&config, Pooler::With, 0, &device()).unwrap(),
        "bert_model",
    );
    let hidden = model.forward(reference.encoder_input(&device()), &Run::inference());
    reference.assert_close("last_hidden_state", hidden.clone(), |_| true);
    reference.assert_close("pooler_output", model.pooled(hidden), |_| true);
}

pub(crate) fn seq2seq_equals_transformers(case: &str) {
    let reference = Reference::read(case);
    let model = seq2seq(case);
    let run = Run::inference();
    let source = reference.encoder_input(&device());
    let keep = source.keep.clone();
    let memory = model.encode(source, &run);
    reference.assert_close("encoder_last_hidden_state", memory.clone(), |_| true);
    let hidden = model.decode(
        reference.ids("decoder_input_ids", &device()),
        memory,
        keep,
        &run,
    );
    let positions = all_positions(&hidden);
    reference.assert_close("last_hidden_state", hidden.clone(), |_| true);
    reference.assert_close(
        "logits",
        model.scores_at(hidden, positions).logits(),
        |_| true,
    );
}

#[test]
fn marian_with_swish_and_scaled_embeddings_equals_transformers() {
    seq2seq_equals_transformers("marian_swish");
}

#[test]
fn marian_of_odd_width_equals_transformers() {
    seq2seq_equals_transformers("marian_odd");
}

#[test]
fn bart_with_scaled_embeddings_equals_transformers() {
    seq2seq_equals_transformers("bart");
}

#[test]
fn bart_equals_transformers() {
    seq2seq_equals_transformers("bart_plain");
}

#[test]
fn t5_equals_transformers() {
    seq2seq_equals_transformers("t5_relu");
}

#[test]
fn gated_t5_with_unscaled_outputs_equals_transformers() {
    seq2seq_equals_transformers("t5_gated");
}

#[test]
fn two_berts_as_an_encoder_decoder_equal_transformers() {
    seq2seq_equals_transformers("bert2bert");
    seq2seq_equals_transformers("bert2bert_same");
}

#[test]
fn gpt2_padded_on_the_left_equals_transformers() {
    let reference = Reference::read("gpt2");
    let model = gpt2();
    let kept = reference.values("attention_mask");
    let input = CausalInput {
        ids: reference.ids("input_ids", &device()),
        keep: Some(reference.keep(&device())),
        positions: Some(reference.ids("position_ids", &device())),
    };
    let explicit = model.hidden_on(input.clone(), &mut model.cache());
    let hidden = model.hidden(input.ids, input.keep, &Run::inference());
    let positions = all_positions(&hidden);
    reference.assert_close("last_hidden_state", explicit, |row| kept[row] == 1.0);
    reference.assert_close("last_hidden_state", hidden.clone(), |row| kept[row] == 1.0);
    reference.assert_close(
        "logits",
        model.scores_at(hidden, positions).logits(),
        |row| kept[row] == 1.0,
    );
}

/// What transformers generated, up to the stop token.
fn continuations(reference: &Reference, start: usize, stop: u32) -> Vec<Vec<u32>> {
    let until_stop = |row: Vec<u32>| {
        row.into_iter()
            .skip(start)
            .take_while(|&id| id != stop)
            .collect()
    };
    reference
        .rows("generated")
        .into_iter()
        .map(until_stop)
        .collect()
}

#[test]
fn greedy_translation_equals_transformers() {
    for (case, start, stop) in [
        ("marian_swish", 40, 0),
        ("marian_odd", 40, 0),
        ("bart", 2, 2),
        ("bart_plain", 2, 2),
        ("t5_relu", 0, 1),
        ("t5_gated", 0, 1),
        ("bert2bert", 1, 2),
        ("bert2bert_same", 1, 2),
        ("t5_v1_1", 0, 1),
    ] {
        let reference = Reference::read(case);
        let options = GreedyOptions {
            start: vec![start],
            stop,
            pad: start,
            max_new_tokens: 12,
        };
        let ours = greedy_seq2seq(&seq2seq(case), reference.encoder_input(&device()), &options);
        assert_eq!(ours, continuations(&reference, 1, stop), "{case}");
    }
}

#[test]
fn greedy_continuation_equals_transformers() {
    let reference = Reference::read("gpt2");
    let lengths = [9, 3, 6];
    let prompts: Vec<Vec<u32>> = reference
        .rows("input_ids")
        .iter()
        .zip(lengths)
        .map(|(row, n)| row[row.len() - n..].to_vec())
        .collect();
    let options = GreedyOptions {
        start: vec![],
        stop: 2,
        pad: 0,
        max_new_tokens: 12,
    };
    assert_eq!(
        greedy_causal(&gpt2(), &prompts, &options),
        continuations(&reference, 0, 2)
    );
}
