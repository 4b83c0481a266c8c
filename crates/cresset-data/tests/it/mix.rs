//! Batches of several sources as one.

use std::sync::Arc;

use cresset_data::{Batches, Chained, DataError, Mix, Mixed, Sources, Turn};

/// Says which batch of which part was asked for.
struct Source(&'static str, u64);

impl Batches for Source {
    type Batch = (&'static str, u64);

    fn batches_per_epoch(&self) -> u64 {
        self.1
    }

    fn batch(&self, index: u64) -> Result<Self::Batch, DataError> {
        Ok((self.0, index))
    }
}

fn sources() -> Sources<(&'static str, u64)> {
    vec![Arc::new(Source("a", 3)), Arc::new(Source("b", 2))]
}

#[test]
fn every_part_has_its_share_and_sees_all_its_batches_in_order() {
    let mix = Mix::new(&[3.0, 1.0, 0.001], 7);
    let mut next = [0; 3];
    for index in 0..1010 {
        let Turn { part, index } = mix.turn(index);
        assert_eq!(index, next[part], "part {part}");
        next[part] += 1;
    }
    // Ten rounds, each with one batch more for the part that would have none.
    assert_eq!(next, [750, 250, 10]);
}

#[test]
fn the_order_is_drawn_from_the_seed_and_does_not_depend_on_what_was_asked_before() {
    let order = |seed: u64, from: u64| -> Vec<usize> {
        let mix = Mix::new(&[1.0, 1.0], seed);
        (from..100).map(|index| mix.turn(index).part).collect()
    };
    assert_eq!(order(1, 0)[40..], order(1, 40));
    assert_ne!(order(1, 0), order(2, 0));
    let switches = order(1, 0).windows(2).filter(|w| w[0] != w[1]).count();
    assert!(switches > 20, "mixed, not one after the other: {switches}");
}

#[test]
fn mixed_goes_on_without_end_and_chained_has_one_epoch() {
    let mixed = Mixed::new(sources(), &[1.0, 1.0], 0);
    assert_eq!(mixed.batches_per_epoch(), 5);
    let of_a = (0..100).filter(|&i| mixed.batch(i).expect("a batch").0 == "a");
    assert_eq!(of_a.count(), 50);
    let chained = Chained::new(sources());
    let all: Vec<_> = (0..5).map(|i| chained.batch(i).expect("a batch")).collect();
    assert_eq!(all, [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1)]);
}
