//! A row of the token table, put in another's place.

use cresset_model::{SequenceClassifier, TextClassifier, TokenTable, load_weights, read_config};
use cresset_ops::Run;

use crate::device::device;
use crate::parity::{gpt2, seq2seq};
use crate::reference::{Reference, distance, folder};

/// Replaces row 3 and holds that this row alone differs, in the copy alone.
fn replaced<M: TokenTable>(model: &M, name: &str) -> M {
    let before = model.rows();
    let vector: Vec<f32> = before[7].iter().map(|x| x * 2.0 + 1.0).collect();
    let changed = model.with_row(3, &vector);
    let after = changed.rows();
    assert_eq!(after[3], vector, "{name}");
    for (row, own) in before.iter().enumerate().filter(|(row, _)| *row != 3) {
        assert_eq!(&after[row], own, "{name}, row {row}");
    }
    assert_eq!(model.rows(), before, "{name}");
    changed
}

#[test]
fn a_replaced_row_changes_what_is_read_from_it_in_every_shape() {
    let mut n_read = 0;
    let classifier = |case: &str| {
        let (config, whole) = read_config(&folder(case)).unwrap();
        let n_labels = whole["id2label"].as_object().unwrap().len();
        let model = TextClassifier::new(&config, n_labels, 0, &device()).unwrap();
        load_weights(model, &folder(case)).unwrap().0
    };
    for case in [
        "bert_classifier",
        "albert_classifier",
        "roberta_classifier",
        "xlnet_classifier",
        "bart_classifier",
        "t5_classifier",
    ] {
        let model = classifier(case);
        let changed = replaced(&model, case);
        let reference = Reference::read(case);
        let input = reference.encoder_input(&device());
        let ids = reference.rows("input_ids").concat();
        let kept = reference.values("attention_mask");
        let reads = ids
            .iter()
            .zip(kept)
            .any(|(id, kept)| *id == 3 && kept == 1.0);
        let run = Run::inference();
        let apart = distance(
            model.forward(input.clone(), &run),
            changed.forward(input, &run),
        );
        assert_eq!(apart > 0.0, reads, "{case}: {apart}");
        n_read += usize::from(reads);
    }
    assert_eq!(n_read, 5, "RoBERTa's texts alone do not hold the token");
    replaced(&gpt2(), "gpt2");
    for case in ["bart", "t5_gated", "t5_v1_1", "marian_odd", "bert2bert"] {
        replaced(&seq2seq(case), case);
    }
}

#[test]
fn a_replaced_row_of_an_encoder_decoder_of_two_tables_is_the_decoders() {
    let model = seq2seq("bert2bert");
    let changed = replaced(&model, "bert2bert");
    let source = || Reference::read("bert2bert").encoder_input(&device());
    let run = Run::inference();
    let (before, after) = (model.encode(source(), &run), changed.encode(source(), &run));
    assert_eq!(distance(before, after), 0.0);
}

#[test]
#[should_panic(expected = "a vector of the table's width")]
fn a_vector_of_another_width_is_refused() {
    let (config, _) = read_config(&folder("bert_classifier")).unwrap();
    let model = SequenceClassifier::new(&config.encoder().unwrap(), 2, 0, &device()).unwrap();
    let _ = model.encoder().with_row(0, &[1.0]);
}
