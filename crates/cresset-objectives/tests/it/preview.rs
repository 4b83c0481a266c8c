//! What is shown of a batch is what the model is told.

use burn::tensor::Device;
use cresset_data::{PadSide, PaddedIds, pad};
use cresset_model::bert::Pooler;
use cresset_model::{Encoder, EncoderInput};
use cresset_objectives::{PositionIds, Reader, Role, Targets, upload};
use cresset_ops::Run;
use serde_json::json;

use crate::{config, tokenizer};

/// Two rows of different lengths.
fn rows(side: PadSide) -> PaddedIds {
    pad(&[vec![4, 5, 6], vec![4, 5, 6, 7, 8]], 0, side)
}

#[test]
fn positions_are_those_that_the_model_counts() {
    let device = Device::flex();
    for (kind, preset) in [
        ("bert", "bert"),
        ("roberta", "roberta"),
        ("albert", "albert"),
    ] {
        let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16, "max_positions": 16});
        let config = config(kind, preset, sizes);
        let encoder = config.encoder().expect("an encoder");
        let model = Encoder::new(&encoder, Pooler::Without, 0, &device).expect("a model");
        for side in [PadSide::Left, PadSide::Right] {
            let input = rows(side);
            let shown = |row| {
                PositionIds::of(&config)
                    .of_row(&input, row)
                    .expect("positions")
            };
            let positions = [shown(0), shown(1)].concat();
            let run = |positions: Option<&[u32]>| {
                let input = EncoderInput {
                    positions: positions.map(|p| upload::matrix(p, 2, input.width, &device)),
                    ..upload::encoder_input(&input, None, &device)
                };
                upload::read_floats(model.forward(input, &Run::inference()))
            };
            assert_eq!(run(None), run(Some(&positions)), "{kind} {side:?}");
            // Others would be noticed.
            let others: Vec<u32> = positions.iter().map(|p| p + 1).collect();
            assert_ne!(run(None), run(Some(&others)), "{kind} {side:?}");
        }
    }
    let sizes = json!({"n_layers": 1, "hidden_size": 16, "n_heads": 2, "intermediate_size": 16});
    let xlnet = config("xlnet", "xlnet", sizes);
    assert_eq!(
        PositionIds::of(&xlnet).of_row(&rows(PadSide::Right), 0),
        None
    );
}

#[test]
fn a_row_is_shown_with_its_padding_and_its_text_without() {
    let (tokenizer, convention) = tokenizer("marian");
    let reader = Reader::new(&tokenizer, &convention);
    let (input, labels) = convention
        .decoder_pair(&tokenizer.encode("a"), 8)
        .expect("fits");
    let longer = vec![convention.pad_id(); input.len() + 2];
    let padded = pad(&[input, longer], convention.pad_id(), PadSide::Right);
    let targets = Targets {
        input: &padded,
        positions: &[0, 1],
        ids: &labels,
        weights: None,
    };
    let [read, written] = targets.read_and_written("decoder input", 0, &reader);
    assert_eq!(
        (read.text.as_str(), written.text.as_str()),
        ("<pad> a", "a </s>")
    );
    assert!(written.places.is_none());
    let places = read.places.as_ref().expect("the model reads it");
    // The token that starts and the one that fills are the same.
    let roles = [Role::Special, Role::Text, Role::Pad, Role::Pad];
    assert_eq!(places.roles, roles);
    assert_eq!(places.attention_mask, [1, 1, 0, 0]);
    assert_eq!(places.loss_mask.as_deref(), Some(&[1, 1, 0, 0][..]));
    assert_eq!(read.labels_in_line(), "a </s>");
}

#[test]
fn hidden_tokens_are_told_from_random_ones_and_from_those_left_as_they_are() {
    let (tokenizer, convention) = tokenizer("bert");
    let reader = Reader::new(&tokenizer, &convention);
    let mask = convention.mask_id().expect("bert has one");
    let cls = convention.roles().cls.as_ref().expect("bert has one").id;
    let input = pad(&[vec![cls, mask, 200, 201, mask]], 0, PadSide::Right);
    let shown =
        reader
            .input("encoder input", &input, 0)
            .with_originals(&[(1, 200), (2, 202), (3, 201)]);
    let places = shown.places.expect("the model reads it");
    // The last mask stands in the text itself.
    let roles = [
        Role::Special,
        Role::Mask,
        Role::Replaced,
        Role::Target,
        Role::Mask,
    ];
    assert_eq!(places.roles, roles);
}

#[test]
fn targets_without_weight_are_not_shown() {
    let input = rows(PadSide::Left);
    let targets = Targets {
        input: &input,
        positions: &[2, 4, 9],
        ids: &[7, 8, 9],
        weights: Some(&[1.0, 0.0, 1.0]),
    };
    assert_eq!(targets.of_row(0), [(2, 7)]);
    assert_eq!(targets.of_row(1), [(4, 9)]);
}
