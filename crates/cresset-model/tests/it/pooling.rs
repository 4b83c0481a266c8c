//! From the vectors of tokens to the vector of a text.

use burn::tensor::{Tensor, TensorData};
use cresset_model::bert::Pooler;
use cresset_model::{Encoder, Pooling, load_weights, normalize, read_config};
use cresset_ops::{KeepMask, PadSide, Run};

use crate::device::device;
use crate::reference::{Reference, distance, floats, folder};

const LENGTHS: [usize; 3] = [5, 2, 1];

/// Hidden states of two layers and their embeddings; what lies at padding is `filler`.
fn states(side: PadSide, width: usize, filler: f32) -> (Vec<Tensor<3>>, KeepMask) {
    let size = 3;
    let state = |layer: usize| {
        let value = |row: usize, place: usize, unit: usize| -> f32 {
            let token = match side {
                PadSide::Right => Some(place).filter(|&p| p < LENGTHS[row]),
                PadSide::Left => (place + LENGTHS[row]).checked_sub(width),
            };
            token.map_or(filler, |token| {
                ((layer * 31 + row * 17 + token * 7 + unit * 5) % 11) as f32 - 6.0
            })
        };
        let values: Vec<f32> = (0..LENGTHS.len() * width * size)
            .map(|i| value(i / (width * size), i / size % width, i % size))
            .collect();
        Tensor::from_data(
            TensorData::new(values, [LENGTHS.len(), width, size]),
            &device(),
        )
    };
    let keep = KeepMask::from_lengths(&LENGTHS, width, side, &device());
    (vec![state(0), state(1), state(2)], keep)
}

#[test]
fn padding_of_any_width_side_and_content_changes_nothing() {
    for pooling in Pooling::ALL {
        let (plain, keep) = states(PadSide::Right, 5, 0.0);
        let expected = pooling.pool(&plain, &keep);
        for (side, width, filler) in [
            (PadSide::Right, 9, 100.0),
            (PadSide::Right, 6, f32::NAN),
            (PadSide::Left, 5, -100.0),
            (PadSide::Left, 8, f32::NAN),
        ] {
            let (padded, keep) = states(side, width, filler);
            let found = pooling.pool(&padded, &keep);
            assert!(
                distance(found, expected.clone()) < 1e-6,
                "{pooling}, {side:?}"
            );
        }
    }
}

#[test]
fn each_pooling_takes_the_vectors_it_says() {
    let rows = |values: [[f32; 2]; 3]| Tensor::<3>::from_data([values], &device());
    let states = [
        rows([[9.0, 9.0]; 3]),
        rows([[1.0, 0.0], [3.0, -4.0], [7.0, 7.0]]),
        rows([[5.0, -2.0], [-1.0, -6.0], [8.0, 8.0]]),
    ];
    let keep = KeepMask::from_lengths(&[2], 3, PadSide::Right, &device());
    for (pooling, expected) in [
        (Pooling::Cls, [5.0, -2.0]),
        (Pooling::Mean, [2.0, -4.0]),
        (Pooling::Max, [5.0, -2.0]),
        (Pooling::Last, [-1.0, -6.0]),
        (Pooling::FirstLastAvg, [2.0, -3.0]),
    ] {
        assert_eq!(floats(pooling.pool(&states, &keep)), expected, "{pooling}");
        if !pooling.reads_first_layer() {
            assert_eq!(floats(pooling.pool(&states[2..], &keep)), expected);
        }
    }
}

#[test]
fn a_pooling_has_one_name_everywhere() {
    for pooling in Pooling::ALL {
        let written = serde_json::to_value(pooling).unwrap();
        assert_eq!(written, pooling.name());
        assert_eq!(serde_json::from_value::<Pooling>(written).unwrap(), pooling);
    }
}

#[test]
fn normalized_vectors_have_length_one_and_zero_stays_zero() {
    let vectors = Tensor::<2>::from_data([[3.0, -4.0], [0.0, 0.0]], &device());
    let expected = Tensor::<2>::from_data([[0.6, -0.8], [0.0, 0.0]], &device());
    assert!(distance(normalize(vectors), expected) < 1e-6);
}

#[test]
fn hidden_states_begin_with_the_embeddings_and_end_with_the_output() {
    let config = read_config(&folder("bert_model")).unwrap().0;
    let blank = Encoder::new(&config.encoder().unwrap(), Pooler::With, 0, &device()).unwrap();
    let (model, _) = load_weights(blank, &folder("bert_model")).unwrap();
    let input = Reference::read("bert_model").encoder_input(&device());
    let states = model.hidden_states(input.clone(), &Run::inference());
    assert_eq!(states.len(), 1 + 2);
    let output = model.forward(input, &Run::inference());
    assert!(distance(states[2].clone(), output) < 1e-6);
    assert!(distance(states[0].clone(), states[1].clone()) > 0.1);
}
