//! Contrast of pairs.

use burn::module::Module;
use burn::tensor::Device;
use cresset_data::{PadSide, pad};
use cresset_model::bert::Pooler;
use cresset_model::{Encoder, EncoderConfig, Pooling};
use cresset_objectives::Task;
use cresset_objectives::contrastive::{Contrastive, ContrastiveBatch};
use cresset_train::{Objective, Report};
use serde_json::json;

use crate::{config, loss};

fn objective(dropout: f64) -> Contrastive {
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "dropout": dropout});
    let config = config("bert", "bert", sizes);
    let config: EncoderConfig = config.encoder().expect("an encoder");
    let device = Device::flex().autodiff();
    let model = Encoder::new(&config, Pooler::Without, 0, &device).expect("a model");
    Contrastive::new(model, Pooling::Mean, 0.05)
}

/// Pairs of texts, padded `extra` positions further than needed.
fn batch(pairs: &[[&[u32]; 2]], scores: &[Option<f64>], extra: usize) -> ContrastiveBatch {
    let texts = || {
        [0, 1]
            .into_iter()
            .flat_map(|side| pairs.iter().map(move |pair| pair[side]))
    };
    let lengths: Vec<usize> = texts().map(<[u32]>::len).collect();
    let width = lengths.iter().max().copied().unwrap_or(0) + extra;
    let stretched: Vec<Vec<u32>> = texts()
        .map(|text| {
            let mut text = text.to_vec();
            text.resize(width, 0);
            text
        })
        .collect();
    let mut input = pad(&stretched, 0, PadSide::Right);
    input.lengths = lengths;
    ContrastiveBatch {
        segments: vec![0; input.ids.len()],
        input,
        scores: scores.to_vec(),
    }
}

const PAIRS: [[&[u32]; 2]; 3] = [
    [&[5, 6, 7], &[8, 9]],
    [&[20], &[21, 22, 23, 24]],
    [&[30, 31], &[32]],
];

#[test]
fn bug_class_03_contrast_does_not_change_when_the_batch_is_padded_further() {
    let objective = objective(0.0);
    let [tight, loose] = [0, 4].map(|extra| loss(&objective, &batch(&PAIRS, &[None; 3], extra)));
    assert!(tight > 0.0);
    assert!((tight - loose).abs() < 1e-4 * tight, "{tight} and {loose}");
}

#[test]
fn bug_class_23_one_pair_alone_contributes_zero_and_counts_as_one() {
    let batch = batch(&PAIRS[..1], &[None], 0);
    assert_eq!(loss(&objective(0.0), &batch), 0.0);
    let denominators = Contrastive::denominators(&batch);
    assert_eq!(denominators.get("contrastive"), Some(1.0));
}

/// Unsupervised SimCSE, on copies of one text. Without dropout they are all alike, and the loss is that of a guess. With the
/// same dropout in both passes each would find itself and the loss be smaller; with its own it is a worse guess.
#[test]
fn the_same_text_twice_is_seen_through_different_dropout() {
    let copies = [[PAIRS[0][0]; 2]; 32];
    let batch = batch(&copies, &[None; 32], 0);
    let [plain, dropped] = [0.0, 0.3].map(|rate| loss(&objective(rate), &batch));
    let guess = 32.0 * 32f64.ln();
    assert!((plain - guess).abs() < 1e-3, "{plain} and {guess}");
    assert!(dropped > 1.01 * guess, "{dropped} and {guess}");
}

#[test]
fn pairs_with_a_score_are_compared_and_the_others_retrieved() {
    let objective = objective(0.0).valid();
    let observed = |scores: [Option<f64>; 3]| {
        let mut report = Report::new();
        objective.observe(&batch(&PAIRS, &scores, 0), &mut report);
        (Contrastive::metrics(&report), report)
    };
    let (metrics, report) = observed([None; 3]);
    assert!(metrics.contains_key("accuracy") && metrics.contains_key("loss"));
    assert!(!metrics.contains_key("spearman"), "{metrics:?}");
    assert_eq!(report.sum("accuracy").expect("counted").1, 3.0);

    let (metrics, report) = observed([Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!(metrics.keys().collect::<Vec<_>>(), ["spearman"]);
    let cosines = report.numbers("cosines").expect("compared");
    assert!(cosines.predictions.iter().all(|c| c.abs() <= 1.0 + 1e-6));

    let (_, report) = observed([None, Some(2.0), None]);
    assert_eq!(report.sum("accuracy").expect("counted").1, 2.0);
}
