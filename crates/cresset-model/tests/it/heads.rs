//! Every family with every head it has: outputs equal to transformers', from the folders transformers saved.

use cresset_model::bert::Pooler;
use cresset_model::{
    Encoder, EncoderConfig, MaskedLm, PreTraining, QuestionAnswering, SequenceClassifier,
    TokenClassifier, read_config,
};
use cresset_ops::Run;

use crate::device::device;
use crate::parity::load;
use crate::reference::{Reference, all_positions, folder};

fn config(case: &str) -> EncoderConfig {
    read_config(&folder(case)).unwrap().0.encoder().unwrap()
}

fn n_labels(case: &str) -> usize {
    let (_, whole) = read_config(&folder(case)).unwrap();
    whole["id2label"].as_object().unwrap().len()
}

fn encoder_equals_transformers(case: &str, has_pooler: bool) {
    let reference = Reference::read(case);
    let model = Encoder::new(&config(case), Pooler::With, 0, &device()).unwrap();
    let model = load(model, case);
    let hidden = model.forward(reference.encoder_input(&device()), &Run::inference());
    reference.assert_close("last_hidden_state", hidden.clone(), |_| true);
    if has_pooler {
        reference.assert_close("pooler_output", model.pooled(hidden), |_| true);
    }
}

fn masked_lm_equals_transformers(case: &str) {
    let reference = Reference::read(case);
    let model = load(MaskedLm::new(&config(case), 0, &device()).unwrap(), case);
    let hidden = model.hidden(reference.encoder_input(&device()), &Run::inference());
    let positions = all_positions(&hidden);
    reference.assert_close(
        "logits",
        model.scores_at(hidden, positions).logits(),
        |_| true,
    );
}

fn pre_training_equals_transformers(case: &str, pair: &str) {
    let reference = Reference::read(case);
    let model = load(PreTraining::new(&config(case), 0, &device()).unwrap(), case);
    let run = Run::inference();
    let hidden = model.hidden(reference.encoder_input(&device()), &run);
    reference.assert_close(pair, model.pair_logits(hidden.clone(), &run), |_| true);
    let positions = all_positions(&hidden);
    let logits = model.scores_at(hidden, positions).logits();
    reference.assert_close("prediction_logits", logits, |_| true);
}

fn classifier_equals_transformers(case: &str) {
    let reference = Reference::read(case);
    let model = SequenceClassifier::new(&config(case), n_labels(case), 0, &device()).unwrap();
    let input = reference.encoder_input(&device());
    let logits = load(model, case).forward(input, &Run::inference());
    reference.assert_close("logits", logits, |_| true);
}

fn token_classifier_equals_transformers(case: &str) {
    let reference = Reference::read(case);
    let model = TokenClassifier::new(&config(case), n_labels(case), 0, &device()).unwrap();
    let input = reference.encoder_input(&device());
    let logits = load(model, case).forward(input, &Run::inference());
    reference.assert_close("logits", logits, |_| true);
}

fn question_answering_equals_transformers(case: &str) {
    let reference = Reference::read(case);
    let model = QuestionAnswering::new(&config(case), 0, &device()).unwrap();
    let input = reference.encoder_input(&device());
    let span = load(model, case).forward(input, &Run::inference());
    reference.assert_close("start_logits", span.start, |_| true);
    reference.assert_close("end_logits", span.end, |_| true);
}

#[test]
fn bert_pre_training_equals_transformers() {
    pre_training_equals_transformers("bert_pretraining", "seq_relationship_logits");
}

#[test]
fn bert_token_classifier_equals_transformers() {
    token_classifier_equals_transformers("bert_token");
}

#[test]
fn bert_question_answering_equals_transformers() {
    question_answering_equals_transformers("bert_qa");
}

#[test]
fn roberta_encoder_and_pooler_equal_transformers() {
    encoder_equals_transformers("roberta_model", true);
}

#[test]
fn roberta_masked_lm_equals_transformers() {
    masked_lm_equals_transformers("roberta_masked_lm");
}

#[test]
fn roberta_classifier_equals_transformers() {
    classifier_equals_transformers("roberta_classifier");
}

#[test]
fn roberta_token_classifier_equals_transformers() {
    token_classifier_equals_transformers("roberta_token");
}

#[test]
fn roberta_question_answering_equals_transformers() {
    question_answering_equals_transformers("roberta_qa");
}

#[test]
fn albert_encoder_and_pooler_equal_transformers() {
    encoder_equals_transformers("albert_model", true);
}

#[test]
fn albert_pre_training_equals_transformers() {
    pre_training_equals_transformers("albert_pretraining", "sop_logits");
}

#[test]
fn albert_masked_lm_equals_transformers() {
    masked_lm_equals_transformers("albert_masked_lm");
}

#[test]
fn albert_classifier_equals_transformers() {
    classifier_equals_transformers("albert_classifier");
}

#[test]
fn albert_token_classifier_equals_transformers() {
    token_classifier_equals_transformers("albert_token");
}

#[test]
fn albert_question_answering_equals_transformers() {
    question_answering_equals_transformers("albert_qa");
}

#[test]
fn xlnet_classifier_equals_transformers() {
    classifier_equals_transformers("xlnet_classifier");
}

#[test]
fn xlnet_token_classifier_equals_transformers() {
    token_classifier_equals_transformers("xlnet_token");
}

#[test]
fn xlnet_question_answering_equals_transformers() {
    question_answering_equals_transformers("xlnet_qa");
}

#[test]
fn a_head_that_a_family_lacks_is_refused_in_a_sentence() {
    let error = PreTraining::new(&config("roberta_model"), 0, &device()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "RobertaModel has no head for pre-training on pairs of texts; bert and albert have one"
    );
}
