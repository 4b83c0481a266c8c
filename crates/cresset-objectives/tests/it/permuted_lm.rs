//! Tokens predicted in a random order.

use burn::tensor::Device;
use cresset_data::{PadSide, pad};
use cresset_model::EncoderConfig;
use cresset_model::xlnet::XlnetLmHead;
use cresset_objectives::permuted_lm::{PermutedLanguageModelling, PermutedLmBatch};
use cresset_train::Objective;
use serde_json::json;

use crate::{config, loss};

fn objective() -> PermutedLanguageModelling {
    let sizes = json!({"n_layers": 2, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "dropout": 0.0, "initializer_range": 0.3});
    let EncoderConfig::Xlnet(config) = config("xlnet", "xlnet", sizes)
        .encoder()
        .expect("an encoder")
    else {
        unreachable!("xlnet")
    };
    let device = Device::flex().autodiff();
    PermutedLanguageModelling::new(XlnetLmHead::new(&config, 0, &device).expect("a model"))
}

/// Rows with their targets in the order of prediction, padded on the left `extra` positions further than needed.
fn batch(rows: &[(Vec<u32>, Vec<usize>)], extra: usize) -> PermutedLmBatch {
    let width = rows.iter().map(|(ids, _)| ids.len()).max().unwrap_or(0) + extra;
    let stretched: Vec<Vec<u32>> = rows
        .iter()
        .map(|(ids, _)| [vec![0; width - ids.len()], ids.clone()].concat())
        .collect();
    let mut input = pad(&stretched, 0, PadSide::Left);
    input.lengths = rows.iter().map(|(ids, _)| ids.len()).collect();
    let mut hidden = vec![false; rows.len() * width * width];
    let (mut positions, mut targets) = (Vec::new(), Vec::new());
    for (row, (ids, order)) in rows.iter().enumerate() {
        let before = width - ids.len();
        let rank = |at: usize| order.iter().position(|&target| target == at);
        for from in 0..ids.len() {
            for (rank_of_other, &other) in order.iter().enumerate() {
                let at = (row * width + before + from) * width + before + other;
                hidden[at] = rank(from).is_none_or(|mine| mine <= rank_of_other);
            }
        }
        let mut ascending = order.clone();
        ascending.sort_unstable();
        positions.extend(
            ascending
                .iter()
                .map(|at| (row * width + before + at) as u32),
        );
        targets.extend(ascending.iter().map(|&at| ids[at]));
    }
    PermutedLmBatch {
        segments: vec![0; input.ids.len()],
        hidden,
        weights: vec![1.0; targets.len()],
        positions,
        targets,
        input,
    }
}

fn rows() -> Vec<(Vec<u32>, Vec<usize>)> {
    vec![
        (vec![20, 21, 22, 23, 24, 25, 5, 4], vec![4, 1]),
        (vec![30, 31, 32, 5, 4], vec![2]),
    ]
}

#[test]
fn bug_class_03_the_permuted_loss_does_not_change_when_the_batch_is_padded_further() {
    let objective = objective();
    let [tight, loose] = [0, 3].map(|extra| loss(&objective, &batch(&rows(), extra)));
    assert!(tight > 0.0);
    assert!((tight - loose).abs() < 1e-4 * tight, "{tight} and {loose}");
}

#[test]
fn a_target_is_predicted_from_those_before_it_and_not_from_itself() {
    let objective = objective();
    let plain = batch(&rows()[..1], 0);
    let of_changed = |at: usize| {
        let mut changed = plain.clone();
        changed.input.ids[at] = 90;
        loss(&objective, &changed)
    };
    let before = loss(&objective, &plain);
    let (first, last, context) = (of_changed(4), of_changed(1), of_changed(2));
    assert!((last - before).abs() < 1e-5 * before, "{last} and {before}");
    assert!((first - before).abs() > 1e-3, "{first} and {before}");
    assert!((context - before).abs() > 1e-3, "{context} and {before}");
}

#[test]
fn bug_class_23_a_permuted_batch_without_a_target_contributes_zero() {
    let mut batch = batch(&[(vec![5, 4], vec![])], 0);
    (batch.positions, batch.targets, batch.weights) = (vec![0], vec![0], vec![0.0]);
    assert_eq!(loss(&objective(), &batch), 0.0);
    let denominators = PermutedLanguageModelling::denominators(&batch);
    assert_eq!(denominators.get("plm"), Some(0.0));
}
