//! Corruption.

use cresset_data::{MaskOptions, mask_tokens};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const MASK: u32 = 3;

fn options(rate: f64) -> MaskOptions {
    MaskOptions {
        rate,
        mask_share: 0.8,
        random_share: 0.1,
        mask_id: MASK,
        vocab: 1000..2000,
    }
}

#[test]
fn of_the_masked_80_percent_are_hidden_10_random_and_10_stay() {
    let n = 200_000;
    let ids: Vec<u32> = (0..n).map(|i| 10 + i % 500).collect();
    let masked = mask_tokens(
        &ids,
        &vec![false; ids.len()],
        &options(0.15),
        &mut ChaCha8Rng::seed_from_u64(1),
    );
    let targets = masked.positions.len() as f64;
    // Five standard deviations of a binomial of this size.
    assert!((targets / f64::from(n) - 0.15).abs() < 0.004, "{targets}");
    let share = |condition: &dyn Fn(u32, u32) -> bool| {
        let at = masked.positions.iter().zip(&masked.targets);
        at.filter(|(p, t)| condition(masked.ids[**p], **t)).count() as f64 / targets
    };
    assert!((share(&|now, _| now == MASK) - 0.8).abs() < 0.012);
    assert!((share(&|now, _| now >= 1000) - 0.1).abs() < 0.009);
    assert!((share(&|now, was| now == was) - 0.1).abs() < 0.009);
}

#[test]
fn tokens_are_masked_at_the_rates_of_the_reference() {
    let golden: Value = serde_json::from_str(include_str!("../golden/noise.json")).unwrap();
    let theirs = |key: &str| golden["tokens"][key].as_f64().unwrap();
    // As there: 120 tokens between two special ones, 2000 times.
    let ids = vec![10; 122];
    let special = [&[true][..], &[false; 120], &[true]].concat();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let (mut n_targets, mut n_masked, mut n_kept) = (0, 0, 0);
    for _ in 0..2000 {
        let masked = mask_tokens(&ids, &special, &options(0.15), &mut rng);
        n_targets += masked.positions.len();
        let now = || {
            masked
                .positions
                .iter()
                .map(|&position| masked.ids[position])
        };
        n_masked += now().filter(|id| *id == MASK).count();
        n_kept += now().filter(|id| *id == 10).count();
    }
    // Five standard deviations of the difference of two such draws: of 240,000 places, and of their 36,000 targets.
    let rate = n_targets as f64 / 240_000.0;
    assert!((rate - theirs("rate")).abs() < 0.0052, "{rate}");
    let share = |n: usize| n as f64 / n_targets as f64;
    assert!((share(n_masked) - theirs("masked")).abs() < 0.015);
    assert!((share(n_kept) - theirs("kept")).abs() < 0.012);
}

#[test]
fn targets_are_the_original_tokens_and_nothing_else_changes() {
    let ids: Vec<u32> = (10..110).collect();
    let masked = mask_tokens(
        &ids,
        &[false; 100],
        &options(0.3),
        &mut ChaCha8Rng::seed_from_u64(2),
    );
    for (&position, &target) in masked.positions.iter().zip(&masked.targets) {
        assert_eq!(ids[position], target);
    }
    let kept = (0..100).filter(|p| !masked.positions.contains(p));
    assert!(kept.into_iter().all(|p| masked.ids[p] == ids[p]));
    assert!(masked.positions.is_sorted());
}

#[test]
fn special_tokens_are_never_masked() {
    let ids = [1, 10, 11, 2];
    let special = [true, false, false, true];
    let masked = mask_tokens(
        &ids,
        &special,
        &options(1.0),
        &mut ChaCha8Rng::seed_from_u64(3),
    );
    assert_eq!(masked.positions, [1, 2]);
    assert_eq!((masked.ids[0], masked.ids[3]), (1, 2));
}

#[test]
fn the_same_generator_state_gives_the_same_mask() {
    let ids: Vec<u32> = (10..110).collect();
    let draw = |seed| {
        mask_tokens(
            &ids,
            &[false; 100],
            &options(0.15),
            &mut ChaCha8Rng::seed_from_u64(seed),
        )
    };
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
}
