//! How often the rows of weighted sources are drawn.

use cresset_data::{BatchPlan, BatchSize, Bucketing, Length, Order, WeightedRows};

const SHUFFLED: Order = Order::Shuffled { seed: 5 };

/// Two sources of 40 and 30 rows of many lengths.
fn lengths() -> Vec<Length> {
    (0..70).map(|i| Length::One(1 + (i * 17) % 23)).collect()
}

fn sources(weights: [f64; 2]) -> [WeightedRows; 2] {
    [(40, weights[0]), (30, weights[1])].map(|(n_rows, weight)| WeightedRows { n_rows, weight })
}

fn plan(weights: [f64; 2], size: BatchSize, bucketing: Bucketing) -> BatchPlan {
    BatchPlan::new(lengths(), size, bucketing, SHUFFLED).weighted(&sources(weights))
}

fn every_plan(weights: [f64; 2]) -> Vec<BatchPlan> {
    let mut plans = Vec::new();
    for bucketing in [Bucketing::ByLength, Bucketing::None] {
        for size in [BatchSize::Examples(8), BatchSize::Tokens(64)] {
            plans.push(plan(weights, size, bucketing));
        }
    }
    plans
}

/// How often each row is drawn in these epochs.
fn counts(plan: &BatchPlan, epochs: std::ops::Range<u64>) -> Vec<usize> {
    let mut counts = vec![0; 70];
    let n = plan.batches_per_epoch();
    for batch in epochs.start * n..epochs.end * n {
        for row in plan.batch(batch) {
            counts[row] += 1;
        }
    }
    counts
}

#[test]
fn whole_weights_draw_every_row_so_often() {
    for plan in every_plan([1.0, 3.0]) {
        let counts = counts(&plan, 2..3);
        assert!(counts[..40].iter().all(|n| *n == 1));
        assert!(counts[40..].iter().all(|n| *n == 3));
    }
}

#[test]
fn half_a_weight_draws_half_of_the_rows_and_the_other_half_in_the_next_epoch() {
    for plan in every_plan([0.5, 1.0]) {
        let (first, second) = (counts(&plan, 0..1), counts(&plan, 1..2));
        assert_eq!(first[..40].iter().sum::<usize>(), 20);
        for row in 0..40 {
            assert_eq!(first[row] + second[row], 1);
        }
        assert!(first[40..].iter().all(|n| *n == 1));
    }
}

#[test]
fn over_many_epochs_a_row_is_drawn_its_weight_times_that_rounded_up_or_down() {
    for weights in [[0.3, 2.7], [0.05, 1.0], [1.25, 0.9]] {
        for plan in every_plan(weights) {
            for epochs in [1, 2, 7, 30] {
                let counts = counts(&plan, 0..epochs);
                for (source, rows) in [(0, 0..40), (1, 40..70)] {
                    // The rows of a source that an epoch draws are a whole number.
                    let n = rows.len() as f64;
                    let per_epoch = (weights[source] * n).round() / n;
                    let drawn = per_epoch * epochs as f64;
                    for row in rows {
                        let off = (counts[row] as f64 - drawn).abs();
                        assert!(off < 1.0, "{weights:?}: {} of {drawn}", counts[row]);
                    }
                }
            }
        }
    }
}

#[test]
fn the_shares_of_an_epoch_are_as_weight_times_rows() {
    for plan in every_plan([0.3, 2.7]) {
        for epoch in 0..5 {
            let counts = counts(&plan, epoch..epoch + 1);
            assert_eq!(counts[..40].iter().sum::<usize>(), 12);
            assert_eq!(counts[40..].iter().sum::<usize>(), 81);
        }
    }
}

#[test]
fn the_token_budget_holds_in_every_epoch() {
    for bucketing in [Bucketing::ByLength, Bucketing::None] {
        for weights in [[0.3, 2.7], [0.5, 0.5], [0.05, 0.9]] {
            let plan = plan(weights, BatchSize::Tokens(64), bucketing);
            let lengths = lengths();
            for batch in 0..40 * plan.batches_per_epoch() {
                let rows = plan.batch(batch);
                let longest = rows.iter().map(|row| lengths[*row].longest()).max();
                assert!(!rows.is_empty());
                assert!(longest.unwrap() * rows.len() <= 64);
            }
        }
    }
}

#[test]
fn a_batch_is_the_same_whatever_was_asked_for_before() {
    for (a, b) in every_plan([0.4, 1.5]).iter().zip(&every_plan([0.4, 1.5])) {
        let n = 4 * a.batches_per_epoch();
        let forwards: Vec<_> = (0..n).map(|i| a.batch(i)).collect();
        let mut backwards: Vec<_> = (0..n).rev().map(|i| b.batch(i)).collect();
        backwards.reverse();
        assert_eq!(forwards, backwards);
        let (first, second) = forwards.split_at(n as usize / 4);
        assert_ne!(first, &second[..first.len()]);
    }
}

#[test]
fn weights_of_one_and_sequential_plans_change_nothing() {
    let size = BatchSize::Examples(8);
    for (order, weights) in [(SHUFFLED, [1.0, 1.0]), (Order::Sequential, [2.0, 0.1])] {
        let plain = BatchPlan::new(lengths(), size, Bucketing::ByLength, order);
        let weighted =
            BatchPlan::new(lengths(), size, Bucketing::ByLength, order).weighted(&sources(weights));
        assert_eq!(plain.batches_per_epoch(), weighted.batches_per_epoch());
        for batch in 0..2 * plain.batches_per_epoch() {
            assert_eq!(plain.batch(batch), weighted.batch(batch));
        }
    }
}

#[test]
fn a_source_is_drawn_from_however_small_its_weight_and_an_empty_one_is_nothing() {
    let rows = [(0, 2.0), (70, 0.001)].map(|(n_rows, weight)| WeightedRows { n_rows, weight });
    let plan = BatchPlan::new(
        lengths(),
        BatchSize::Examples(8),
        Bucketing::ByLength,
        SHUFFLED,
    )
    .weighted(&rows);
    assert_eq!(plan.batches_per_epoch(), 1);
    assert_eq!(plan.batch(0).len(), 1);
    assert_ne!(plan.batch(0), plan.batch(1));
}
