use burn::tensor::{Bool, Tensor, TensorData};
use cresset_ops::{KeepMask, PadSide, PairMask, RelativeScores, reference, relative_scores};

use crate::device::{constant, device, leaf, same, values};

const HEADS: usize = 3;
const BATCH: usize = 2;
const QUERIES: usize = 5;

/// Pairs that a fixed rule names.
fn pairs(rule: impl Fn(usize, usize, usize) -> bool) -> PairMask {
    let mut flags = Vec::new();
    for text in 0..BATCH {
        for query in 0..QUERIES {
            flags.extend((0..QUERIES).map(|key| rule(text, query, key)));
        }
    }
    let data = TensorData::new(flags, [BATCH, QUERIES, QUERIES]);
    PairMask::new(Tensor::from_data(data, &device().autodiff()))
}

fn some_seen() -> PairMask {
    pairs(|text, query, key| (text + 2 * query + 3 * key) % 4 != 0)
}

fn some_apart() -> PairMask {
    pairs(|text, query, key| (query < 2 + text) != (key < 2 + text))
}

fn flags(mask: &PairMask) -> Vec<bool> {
    let tensor: Tensor<3, Bool> = mask.tensor();
    tensor.into_data().iter::<bool>().collect()
}

#[test]
fn a_row_of_distances_is_shifted_to_its_query() {
    let columns = 2 * QUERIES;
    // Every entry names its own distance between query and key.
    let row: Vec<f32> = (0..columns).map(|c| QUERIES as f32 - c as f32).collect();
    let all = row.repeat(HEADS * BATCH * QUERIES);
    let data = TensorData::new(all, [HEADS, BATCH, QUERIES, columns]);
    let scores = relative_scores(RelativeScores {
        distances: Tensor::from_data(data, &device().autodiff()),
        step: None,
        sees: pairs(|_, _, _| true),
    });
    assert_eq!(scores.dims(), [BATCH, HEADS, QUERIES, QUERIES]);
    for (index, score) in values(scores).into_iter().enumerate() {
        let (query, key) = (index / QUERIES % QUERIES, index % QUERIES);
        assert_eq!(score, query as f32 - key as f32);
    }
}

#[test]
fn relative_scores_equal_the_plain_version() {
    let distances = || leaf([HEADS, BATCH, QUERIES, 2 * QUERIES], 1, 2.0);
    let input = |distances: Tensor<4>, step: Option<Tensor<4>>| RelativeScores {
        distances,
        step: step.map(|step| (step.reshape([BATCH, QUERIES, HEADS]), some_apart())),
        sees: some_seen(),
    };
    // The score of a hidden pair would drown the others in a sum.
    let without_hidden = |scores: Tensor<4>| {
        let hidden = some_seen().tensor().bool_not().unsqueeze_dim::<4>(1);
        let shape = scores.dims();
        scores.mask_fill(hidden.expand(shape), 0.0)
    };
    same(
        "scores",
        [distances()],
        |[d]| without_hidden(relative_scores(input(d, None))),
        |[d]| without_hidden(reference::relative_scores(input(d, None))),
    );
    same(
        "scores with a step",
        [distances(), leaf([BATCH, QUERIES, HEADS, 1], 2, 1.0)],
        |[d, s]| without_hidden(relative_scores(input(d, Some(s)))),
        |[d, s]| without_hidden(reference::relative_scores(input(d, Some(s)))),
    );
}

#[test]
fn hidden_pairs_are_far_below_all_others() {
    let scores = values(relative_scores(RelativeScores {
        distances: constant([HEADS, BATCH, QUERIES, 2 * QUERIES], 1, 2.0),
        step: None,
        sees: some_seen(),
    }));
    let sees = flags(&some_seen());
    for (index, score) in scores.into_iter().enumerate() {
        let (text, pair) = (
            index / (HEADS * QUERIES * QUERIES),
            index % (QUERIES * QUERIES),
        );
        assert_eq!(score > -1e29, sees[text * QUERIES * QUERIES + pair]);
    }
}

#[test]
fn a_pair_mask_hides_and_shows_what_it_is_told() {
    let keep = KeepMask::from_lengths(&[2, 1], 2, PadSide::Left, &device());
    let kept = PairMask::kept(&keep);
    assert_eq!(
        flags(&kept),
        [true, true, true, true, false, true, false, true]
    );
    let data = TensorData::new(
        vec![false, true, false, false, false, false, false, true],
        [2, 2, 2],
    );
    let fewer = kept.without(Tensor::from_data(data, &device()));
    assert_eq!(
        flags(&fewer),
        [true, false, true, true, false, true, false, false]
    );
    assert_eq!(
        flags(&fewer.with_diagonal()),
        [true, false, true, true, true, true, false, true]
    );
}
