//! Contrast of pairs.

use burn::module::Module;
use burn::tensor::Device;
use cresset_data::{PadSide, pad};
use cresset_losses::Distance;
use cresset_model::bert::Pooler;
use cresset_model::{Encoder, EncoderConfig, Pooling};
use cresset_objectives::contrastive::{Contrast, Contrastive, ContrastiveBatch};
use cresset_objectives::{Task, upload};
use cresset_ops::Run;
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
    with_negatives((pairs, &[]), scores, extra)
}

type Pairs<'a> = &'a [[&'a [u32]; 2]];

/// The same with texts that are no match for the pairs with these numbers.
fn with_negatives(
    (pairs, negatives): (Pairs<'_>, &[(u32, &[u32])]),
    scores: &[Option<f64>],
    extra: usize,
) -> ContrastiveBatch {
    let texts = || {
        [0, 1]
            .into_iter()
            .flat_map(|side| pairs.iter().map(move |pair| pair[side]))
            .chain(negatives.iter().map(|(_, text)| *text))
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
        owners: negatives.iter().map(|(owner, _)| *owner).collect(),
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

const NEGATIVES: [(u32, &[u32]); 2] = [(0, &[5, 6, 40]), (2, &[31, 41])];

/// The vectors of texts, each by itself.
fn vectors(texts: &[&[u32]]) -> Vec<Vec<f64>> {
    let objective = objective(0.0);
    let model = objective.valid();
    let one = |text: &&[u32]| {
        let padded = pad(&[text.to_vec()], 0, PadSide::Right);
        let segments = vec![0; padded.ids.len()];
        let input = upload::encoder_input(&padded, Some(&segments), &Device::flex());
        let keep = input.keep.clone();
        let hidden = model.network().forward(input, &Run::inference());
        let vector = upload::read_floats(Pooling::Mean.pool(&[hidden], &keep));
        vector.into_iter().map(f64::from).collect()
    };
    texts.iter().map(one).collect()
}

fn length(a: &[f64]) -> f64 {
    a.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / (length(a) * length(b))
}

#[test]
fn hard_negatives_of_all_pairs_are_candidates_for_every_text() {
    let batch = with_negatives((&PAIRS, &NEGATIVES), &[None; 3], 0);
    let first = vectors(&PAIRS.map(|pair| pair[0]));
    let mut candidates = vectors(&PAIRS.map(|pair| pair[1]));
    candidates.extend(vectors(&NEGATIVES.map(|(_, text)| text)));
    let of_text = |(row, text): (usize, &Vec<f64>)| {
        let scores: Vec<f64> = candidates.iter().map(|c| cosine(text, c) / 0.05).collect();
        scores.iter().map(|s| s.exp()).sum::<f64>().ln() - scores[row]
    };
    let expected: f64 = first.iter().enumerate().map(of_text).sum();
    let found = loss(&objective(0.0), &batch);
    assert!(
        (found - expected).abs() < 1e-3 * expected,
        "{found} and {expected}"
    );
    let wider = with_negatives((&PAIRS, &NEGATIVES), &[None; 3], 3);
    let padded = loss(&objective(0.0), &wider);
    assert!(
        (padded - found).abs() < 1e-4 * found,
        "{padded} and {found}"
    );
    let denominators = Contrastive::denominators(&batch);
    assert_eq!(denominators.get("contrastive"), Some(3.0));
    assert_eq!(denominators.get("triplet"), Some(2.0));
}

#[test]
fn a_loss_of_triplets_is_that_of_each_text_with_its_own_negatives() {
    let contrast = Contrast::Triplet {
        margin: 0.5,
        distance: Distance::Euclidean,
    };
    let objective = objective(0.0).with_contrast(contrast);
    let batch = with_negatives((&PAIRS, &NEGATIVES), &[None; 3], 0);
    let apart = |a: &[u32], b: &[u32]| {
        let both = vectors(&[a, b]);
        let between: Vec<f64> = both[0].iter().zip(&both[1]).map(|(a, b)| a - b).collect();
        length(&between)
    };
    let expected: f64 = NEGATIVES
        .iter()
        .map(|(owner, negative)| {
            let [text, pair] = PAIRS[*owner as usize];
            (apart(text, pair) - apart(text, negative) + 0.5).max(0.0)
        })
        .sum();
    let found = loss(&objective, &batch);
    assert!(expected > 0.0);
    assert!(
        (found - expected).abs() < 1e-4 * (1.0 + expected),
        "{found} and {expected}"
    );
    let mut report = Report::new();
    objective.valid().observe(&batch, &mut report);
    assert_eq!(report.sum("accuracy").expect("counted").1, 2.0);
    let without = super::contrastive::batch(&PAIRS, &[None; 3], 0);
    assert_eq!(loss(&objective, &without), 0.0);
}
