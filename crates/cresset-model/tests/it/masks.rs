//! Padding and causality.

use burn::tensor::{Device, Int, Tensor, TensorData};
use cresset_model::EncoderInput;
use cresset_ops::{KeepMask, PadSide, Run};

use crate::device::{device, repeated, tolerance};
use crate::parity::{gpt2, masked_lm, seq2seq};
use crate::reference::distance;

pub(crate) fn matrix(rows: &[Vec<u32>], device: &Device) -> Tensor<2, Int> {
    let values: Vec<i32> = rows.iter().flatten().map(|&id| id as i32).collect();
    Tensor::from_data(TensorData::new(values, [rows.len(), rows[0].len()]), device)
}

/// Rows of mixed lengths as a padded input.
pub(crate) fn padded(rows: &[Vec<u32>], width: usize, pad: u32) -> EncoderInput {
    let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let full: Vec<Vec<u32>> = rows
        .iter()
        .map(|row| [row.clone(), vec![pad; width - row.len()]].concat())
        .collect();
    EncoderInput {
        ids: matrix(&full, &device()),
        keep: KeepMask::from_lengths(&lengths, width, PadSide::Right, &device()),
        segments: None,
        positions: None,
    }
}

fn row_of(hidden: &Tensor<3>, row: usize, length: usize) -> Tensor<3> {
    hidden.clone().narrow(0, row, 1).narrow(1, 0, length)
}

#[test]
fn bug_class_03_padding_further_does_not_change_kept_positions() {
    let run = Run::inference();
    let rows = [vec![5, 9, 3, 7], vec![4, 8]];
    let bert = masked_lm();
    let (short, long) = (
        bert.hidden(padded(&rows, 4, 0), &run),
        bert.hidden(padded(&rows, 9, 33), &run),
    );
    for (row, ids) in rows.iter().enumerate() {
        assert!(
            distance(
                row_of(&short, row, ids.len()),
                row_of(&long, row, ids.len())
            ) < tolerance()
        );
    }
    for case in ["marian_swish", "bart", "t5_relu"] {
        let model = seq2seq(case);
        let target = matrix(&[vec![1, 5, 6], vec![1, 7, 0]], &device());
        let decode = |width, pad| {
            let source = padded(&rows, width, pad);
            let keep = source.keep.clone();
            model.decode(target.clone(), model.encode(source, &run), keep, &run)
        };
        assert!(
            distance(decode(4, 0), decode(11, 33)) < tolerance(),
            "{case}"
        );
    }
    let model = gpt2();
    let (short, long) = (
        matrix(&[vec![5, 9, 3]], &device()),
        matrix(&[vec![5, 9, 3, 33, 33]], &device()),
    );
    let (short, long) = (
        model.hidden(short, None, &run),
        model.hidden(long, None, &run),
    );
    assert!(distance(short, row_of(&long, 0, 3)) < tolerance());
}

#[test]
fn bug_class_08_a_batch_of_mixed_lengths_equals_its_rows_one_by_one() {
    let run = Run::inference();
    let rows = [vec![5, 9, 3, 7, 6], vec![4, 8], vec![6, 7, 8]];
    let bert = masked_lm();
    let models = [
        "marian_swish",
        "marian_odd",
        "bart",
        "bart_plain",
        "t5_relu",
        "t5_gated",
    ]
    .map(|case| (case, seq2seq(case)));
    for (row, ids) in rows.iter().enumerate() {
        let single = [ids.clone()];
        let alone = bert.hidden(padded(&single, ids.len(), 0), &run);
        assert!(
            distance(
                alone,
                row_of(&bert.hidden(padded(&rows, 5, 0), &run), row, ids.len())
            ) < tolerance()
        );
        for (case, model) in &models {
            let alone = model.encode(padded(&single, ids.len(), 0), &run);
            let together = model.encode(padded(&rows, 5, 0), &run);
            assert!(
                distance(alone, row_of(&together, row, ids.len())) < tolerance(),
                "{case}"
            );
        }
    }
}

#[test]
fn bug_class_18_the_source_changes_the_decoder() {
    let run = Run::inference();
    for case in ["marian_swish", "bart", "t5_relu"] {
        let model = seq2seq(case);
        let decode = |ids: &[u32]| {
            let source = padded(&[ids.to_vec()], ids.len(), 0);
            let keep = source.keep.clone();
            model.decode(
                matrix(&[vec![1, 5]], &device()),
                model.encode(source, &run),
                keep,
                &run,
            )
        };
        assert!(
            distance(decode(&[5, 9, 3]), decode(&[5, 9, 4])) > 1e-2,
            "{case}"
        );
    }
}

#[test]
fn bug_class_19_a_later_token_never_changes_an_earlier_output() {
    let run = Run::inference();
    let (one, other) = (
        matrix(&[vec![1, 5, 6, 7, 8]], &device()),
        matrix(&[vec![1, 5, 6, 9, 4]], &device()),
    );
    let model = gpt2();
    let (a, b) = (
        model.hidden(one.clone(), None, &run),
        model.hidden(other.clone(), None, &run),
    );
    assert!(distance(row_of(&a, 0, 3), row_of(&b, 0, 3)) <= repeated());
    assert!(distance(a, b) > 1e-2);
    for case in [
        "marian_swish",
        "marian_odd",
        "bart",
        "bart_plain",
        "t5_relu",
        "t5_gated",
    ] {
        let model = seq2seq(case);
        let source = padded(&[vec![5, 9, 3]], 3, 0);
        let memory = model.encode(source.clone(), &run);
        let decode = |ids: &Tensor<2, Int>| {
            model.decode(ids.clone(), memory.clone(), source.keep.clone(), &run)
        };
        let (a, b) = (decode(&one), decode(&other));
        assert!(
            distance(row_of(&a, 0, 3), row_of(&b, 0, 3)) <= repeated(),
            "{case}"
        );
        let later = distance(a, b);
        assert!(later > 1e-2, "{case}: {later}");
    }
}
