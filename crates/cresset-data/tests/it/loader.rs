//! Batches made ahead of time are the batches made on the spot.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cresset_data::{
    BatchPlan, BatchSize, Bucketing, Collate, DataError, Dataset, Length, Loader, Order,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Items with a random number each.
struct Numbered;

impl Collate for Numbered {
    type Item = usize;
    type Batch = Vec<(usize, u32)>;

    fn collate(&self, items: Vec<usize>, rng: &mut ChaCha8Rng) -> Result<Self::Batch, DataError> {
        Ok(items.into_iter().map(|item| (item, rng.random())).collect())
    }
}

/// Counts how often an item was asked for.
struct Counted(Arc<AtomicUsize>);

impl Dataset for Counted {
    type Item = usize;

    fn len(&self) -> usize {
        50
    }

    fn get(&self, index: usize) -> Result<usize, DataError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        if index == 49 {
            Err(DataError::Files("broken".to_owned()))
        } else {
            Ok(index)
        }
    }
}

fn plan() -> BatchPlan {
    BatchPlan::new(
        vec![Length::One(1); 50],
        BatchSize::Examples(7),
        Bucketing::None,
        Order::Shuffled { seed: 4 },
    )
}

fn loader(seed: u64) -> Arc<Loader<Numbered>> {
    Arc::new(Loader::new(
        (0..50).collect::<Vec<usize>>(),
        Numbered,
        plan(),
        seed,
    ))
}

#[test]
fn a_batch_is_a_function_of_seed_and_index() {
    let (a, b) = (loader(1), loader(1));
    let forwards: Vec<_> = (0..20).map(|i| a.batch(i).unwrap()).collect();
    let mut backwards: Vec<_> = (0..20).rev().map(|i| b.batch(i).unwrap()).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    assert_ne!(loader(2).batch(0).unwrap(), forwards[0]);
    assert_ne!(forwards[0], forwards[8], "the next epoch draws anew");
}

#[test]
fn prefetching_gives_the_same_batches_in_order() {
    let loader = loader(1);
    let direct: Vec<_> = (5..25).map(|i| (i, loader.batch(i).unwrap())).collect();
    for depth in [0, 1, 4] {
        let ahead: Vec<_> = Arc::clone(&loader)
            .prefetch(5..25, depth)
            .map(|(i, b)| (i, b.unwrap()))
            .collect();
        assert_eq!(ahead, direct);
    }
}

#[test]
fn prefetching_is_bounded_and_stops_when_dropped() {
    let count = Arc::new(AtomicUsize::new(0));
    let loader = Arc::new(Loader::new(
        Counted(Arc::clone(&count)),
        Numbered,
        plan(),
        0,
    ));
    let mut ahead = loader.prefetch(0..1_000_000, 2);
    ahead.next();
    drop(ahead);
    // One taken, two waiting, one in the making and one more that found its place taken.
    assert!(count.load(Ordering::SeqCst) <= 5 * 7);
}

#[test]
fn an_item_that_cannot_be_read_is_an_error_of_its_batch() {
    let loader = Arc::new(Loader::new(Counted(Arc::default()), Numbered, plan(), 0));
    let batches: Vec<_> = loader.prefetch(0..8, 2).collect();
    assert_eq!(batches.len(), 8);
    assert_eq!(
        batches.iter().filter(|(_, batch)| batch.is_err()).count(),
        1
    );
}
