//! Several texts in a row.

use cresset_data::{Order, Packing, PadSide, pad};

fn packed(lengths: &[u32], room: usize) -> Vec<Vec<u32>> {
    let packing = Packing::first_fit(lengths, room, Order::Sequential);
    (0..packing.len())
        .map(|row| packing.row(row).to_vec())
        .collect()
}

#[test]
fn texts_go_into_the_oldest_row_with_room() {
    assert_eq!(packed(&[5, 6, 3, 2, 4], 10), [vec![0, 2, 3], vec![1, 4]]);
    assert_eq!(packed(&[10, 10], 10), [[0], [1]]);
    assert!(packed(&[], 10).is_empty());
}

#[test]
fn every_text_is_in_one_row_no_row_overflows_and_the_order_is_the_seeds() {
    let lengths: Vec<u32> = (0..5000).map(|i| 1 + (i * 37) % 60).collect();
    let pack = |seed| Packing::first_fit(&lengths, 100, Order::Shuffled { seed });
    let packing = pack(3);
    let mut seen: Vec<u32> = Vec::new();
    for row in 0..packing.len() {
        let used: u32 = packing.row(row).iter().map(|&t| lengths[t as usize]).sum();
        assert!(used <= 100);
        seen.extend(packing.row(row));
    }
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..5000));
    let full = lengths.iter().sum::<u32>() as f64 / (100 * packing.len()) as f64;
    assert!(full > 0.97, "{full} of the rows is filled");
    assert_eq!(packing, pack(3));
    assert_ne!(packing, pack(4));
}

#[test]
fn packed_rows_hold_the_texts_one_behind_the_other() {
    for side in [PadSide::Right, PadSide::Left] {
        let before = pad(&[vec![1, 2], vec![3], vec![4, 5, 6], vec![7]], 0, side);
        let packed = before.packed(&[3, 1], 9);
        assert_eq!(packed.ids.ids, [1, 2, 3, 4, 5, 6, 7, 9, 9, 9, 9, 9]);
        assert_eq!(packed.ids.lengths, [6, 1]);
        assert_eq!(packed.ids.texts, Some(vec![vec![2, 1, 3], vec![1]]));
        let moved = packed.moved(&before.ids, &before);
        assert_eq!(moved, [1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0]);
        let places: Vec<u32> = before
            .flat_positions()
            .iter()
            .map(|&place| packed.new_places[place as usize])
            .collect();
        assert_eq!(places, packed.ids.flat_positions());
    }
}
