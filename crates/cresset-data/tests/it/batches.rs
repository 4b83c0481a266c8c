//! Which examples make up batch n, and padding.

use cresset_data::{BatchPlan, BatchSize, Bucketing, Length, Order, PadSide, pad};

fn lengths() -> Vec<usize> {
    (0..203).map(|i| 1 + (i * 37) % 29).collect()
}

fn plans() -> Vec<BatchPlan> {
    let mut plans = Vec::new();
    for size in [BatchSize::Examples(8), BatchSize::Tokens(64)] {
        for bucketing in [Bucketing::ByLength, Bucketing::None] {
            for order in [Order::Shuffled { seed: 7 }, Order::Sequential] {
                plans.push(BatchPlan::new(
                    lengths().into_iter().map(Length::from),
                    size,
                    bucketing,
                    order,
                ));
            }
        }
    }
    plans
}

#[test]
fn every_example_appears_once_an_epoch() {
    for plan in plans() {
        for epoch in 0..3 {
            let n = plan.batches_per_epoch();
            let mut seen: Vec<usize> = (epoch * n..(epoch + 1) * n)
                .flat_map(|i| plan.batch(i))
                .collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..203).collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_batch_does_not_depend_on_the_order_of_asking() {
    for (a, b) in plans().into_iter().zip(plans()) {
        let n = 3 * a.batches_per_epoch();
        let forwards: Vec<_> = (0..n).map(|i| a.batch(i)).collect();
        let mut backwards: Vec<_> = (0..n).rev().map(|i| b.batch(i)).collect();
        backwards.reverse();
        assert_eq!(forwards, backwards);
    }
}

#[test]
fn bucket_boundaries_are_the_same_in_every_epoch() {
    let lengths: Vec<Length> = lengths().iter().map(|&n| Length::Two(n, 30 - n)).collect();
    let plan = BatchPlan::new(
        lengths.clone(),
        BatchSize::Tokens(100),
        Bucketing::ByLength,
        Order::Shuffled { seed: 1 },
    );
    let n = plan.batches_per_epoch();
    let shape = |epoch: u64| {
        let batches = (epoch * n..(epoch + 1) * n).map(|i| plan.batch(i));
        let mut shape: Vec<_> = batches
            .map(|b| (b.len(), b.iter().map(|&i| lengths[i].longest()).max()))
            .collect();
        shape.sort_unstable();
        shape
    };
    assert_eq!(shape(0), shape(1));
    assert_eq!(shape(0), shape(2));
}

#[test]
fn epochs_are_shuffled_and_seeds_differ() {
    let plan = |seed| {
        let lengths = vec![Length::One(5); 100];
        BatchPlan::new(
            lengths,
            BatchSize::Examples(10),
            Bucketing::ByLength,
            Order::Shuffled { seed },
        )
    };
    assert_ne!(plan(0).batch(0), plan(0).batch(10));
    assert_ne!(plan(0).batch(0), plan(1).batch(0));
    assert_eq!(plan(0).batch(3), plan(0).batch(3));
}

#[test]
fn a_token_budget_is_kept() {
    for bucketing in [Bucketing::ByLength, Bucketing::None] {
        let order = Order::Shuffled { seed: 3 };
        let plan = BatchPlan::new(
            lengths().into_iter().map(Length::from),
            BatchSize::Tokens(64),
            bucketing,
            order,
        );
        for i in 0..plan.batches_per_epoch() {
            let batch = plan.batch(i);
            let longest = batch.iter().map(|&e| lengths()[e]).max().unwrap();
            assert!(longest * batch.len() <= 64, "{batch:?}");
        }
    }
    let long = BatchPlan::new(
        vec![Length::One(500), Length::One(3)],
        BatchSize::Tokens(64),
        Bucketing::ByLength,
        Order::Sequential,
    );
    assert_eq!((long.batch(0), long.batch(1)), (vec![1], vec![0]));
}

#[test]
fn sequential_order_keeps_the_data_s_order() {
    let plan = BatchPlan::new(
        vec![Length::One(1); 5],
        BatchSize::Examples(2),
        Bucketing::None,
        Order::Sequential,
    );
    assert_eq!(
        (0..4).map(|i| plan.batch(i)).collect::<Vec<_>>(),
        [vec![0, 1], vec![2, 3], vec![4], vec![0, 1]]
    );
}

#[test]
fn no_examples_make_no_batches() {
    let plan = BatchPlan::new(
        Vec::new(),
        BatchSize::Tokens(10),
        Bucketing::ByLength,
        Order::Sequential,
    );
    assert_eq!(plan.batches_per_epoch(), 0);
    assert!(plan.batch(0).is_empty());
}

#[test]
fn padding_is_known_by_length_and_side() {
    let rows: [&[u32]; 3] = [&[5, 0], &[6, 7, 8], &[]];
    let right = pad(&rows, 0, PadSide::Right);
    assert_eq!(right.ids, [5, 0, 0, 6, 7, 8, 0, 0, 0]);
    assert_eq!(right.flat_positions(), [0, 1, 3, 4, 5]);
    let left = pad(&rows, 0, PadSide::Left);
    assert_eq!(left.ids, [0, 5, 0, 6, 7, 8, 0, 0, 0]);
    assert_eq!(left.flat_positions(), [1, 2, 3, 4, 5]);
    for padded in [left, right] {
        assert_eq!(padded.rows().collect::<Vec<_>>(), rows);
        assert_eq!(
            (padded.n_rows(), padded.n_tokens(), padded.width),
            (3, 5, 3)
        );
    }
}
