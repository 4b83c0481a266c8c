//! What a classifier of texts reads.

use burn::tensor::{Int, Tensor, TensorData};
use cresset_model::{
    EncoderConfig, EncoderInput, ModelConfig, SequenceClassifier, TextClassifier, TextHead,
    TextPooling, TokenTable, load_weights, named_parameters, save_weights,
};
use cresset_ops::{KeepMask, PadSide, Run};
use serde_json::json;

use crate::device::{device, tolerance};
use crate::reference::{distance, floats};

const LABELS: usize = 3;
const SIZE: usize = 6;

fn config(kind: &str) -> ModelConfig {
    let sizes = json!({
        "vocab_size": 11, "n_layers": 2, "hidden_size": SIZE, "n_heads": 3, "intermediate_size": 8, "pad_token_id": 0,
    });
    let mut sizes = sizes.as_object().unwrap().clone();
    if ["t5", "bart"].contains(&kind) {
        sizes.insert("decoder_start_token_id".into(), json!(0));
        sizes.insert("eos_token_id".into(), json!(1));
    }
    ModelConfig::from_toml_table(kind, sizes).unwrap()
}

fn encoder(kind: &str) -> EncoderConfig {
    config(kind).encoder().unwrap()
}

fn head(poolings: &[TextPooling]) -> TextHead {
    TextHead {
        n_labels: LABELS,
        poolings: poolings.to_vec(),
        n_cls: 2,
    }
}

fn classifier(kind: &str, poolings: &[TextPooling]) -> SequenceClassifier {
    SequenceClassifier::with_head(&encoder(kind), &head(poolings), 5, &device()).unwrap()
}

/// Two texts, padded to `width`.
fn input(width: usize) -> EncoderInput {
    let rows = [vec![2, 5, 6, 7, 3], vec![2, 9, 3]];
    let ids: Vec<i64> = rows
        .iter()
        .flat_map(|row| (0..width).map(|i| row.get(i).copied().unwrap_or(0)))
        .collect();
    let lengths = rows.each_ref().map(Vec::len);
    EncoderInput {
        ids: Tensor::<2, Int>::from_data(TensorData::new(ids, [2, width]), &device()),
        keep: KeepMask::from_lengths(&lengths, width, PadSide::Right, &device()),
        segments: None,
        positions: None,
    }
}

fn logits(model: &SequenceClassifier, width: usize) -> Tensor<2> {
    model.forward(input(width), &Run::inference())
}

fn names(model: &SequenceClassifier) -> Vec<String> {
    let parameters = named_parameters(model).into_iter();
    parameters
        .map(|parameter| parameter.name.unwrap())
        .collect()
}

#[test]
fn scores_do_not_depend_on_the_padding_whatever_is_read() {
    let several = [
        TextPooling::ClsWithoutPooler,
        TextPooling::Mean,
        TextPooling::Attentive,
    ];
    let alone = TextPooling::OF_ENCODERS.map(|pooling| vec![pooling]);
    for poolings in alone.into_iter().chain([several.to_vec()]) {
        for kind in ["bert", "roberta", "albert"] {
            let model = classifier(kind, &poolings);
            let (tight, loose) = (logits(&model, 5), logits(&model, 9));
            assert_eq!(tight.dims(), [2, LABELS]);
            assert!(distance(tight, loose) < tolerance(), "{kind}, {poolings:?}");
        }
    }
}

#[test]
fn an_attentive_pooling_begins_as_the_mean_and_follows_its_query() {
    let mean = classifier("bert", &[TextPooling::Mean]);
    let attentive = classifier("bert", &[TextPooling::Attentive]);
    let difference = distance(logits(&mean, 5), logits(&attentive, 5));
    assert!(difference < tolerance(), "{difference}");

    // A query that asks for one token alone: the vector of [CLS], a hundred times.
    let run = Run::inference();
    let hidden = attentive.encoder().forward(input(5), &run);
    let first = floats(hidden.clone().narrow(0, 0, 1).narrow(1, 0, 1));
    let query: Vec<f32> = first.iter().map(|v| v * 1e4).collect();
    let folder = tempfile::tempdir().unwrap();
    save_weights(&attentive, folder.path()).unwrap();
    write_query(folder.path(), &query);
    let (asked, report) = load_weights(attentive, folder.path()).unwrap();
    assert!(
        report.new.is_empty() && report.unused.is_empty(),
        "{report:?}"
    );
    let scores = |row: &[f32]| -> f32 { first.iter().zip(row).map(|(a, b)| a * b).sum() };
    let vectors = floats(hidden.narrow(0, 0, 1));
    let best = vectors.chunks(SIZE).map(scores).enumerate();
    let best = best.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0;
    assert_eq!(best, 0, "a layer norm's vectors are equally long");
    let cls = classifier("bert", &[TextPooling::ClsWithoutPooler]);
    let rows = |model| logits(model, 5).narrow(0, 0, 1);
    let difference = distance(rows(&asked), rows(&cls));
    assert!(difference < tolerance(), "{difference}");
}

/// Puts another query into a saved model.
fn write_query(folder: &std::path::Path, query: &[f32]) {
    let path = folder.join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let query: Vec<u8> = query.iter().flat_map(|v| v.to_le_bytes()).collect();
    let tensors: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let data = if name == "pooling_query" {
                &query[..]
            } else {
                view.data()
            };
            let shape = view.shape().to_vec();
            let view = safetensors::tensor::TensorView::new(view.dtype(), shape, data).unwrap();
            (name, view)
        })
        .collect();
    std::fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

#[test]
fn the_head_of_the_class_is_the_class() {
    for kind in ["bert", "roberta", "albert", "xlnet"] {
        let plain = SequenceClassifier::new(&encoder(kind), LABELS, 5, &device()).unwrap();
        let head = classifier(kind, &[TextPooling::Cls]);
        assert_eq!(names(&plain), names(&head), "{kind}");
        assert_eq!(
            floats(logits(&plain, 5)),
            floats(logits(&head, 5)),
            "{kind}"
        );
    }
}

#[test]
fn there_is_a_pooler_where_it_is_read_and_a_query_where_there_is_attention() {
    let has = |poolings: &[TextPooling], part: &str| {
        let names = names(&classifier("bert", poolings));
        names.iter().any(|name| name.contains(part))
    };
    assert!(has(&[TextPooling::Cls, TextPooling::Mean], "bert.pooler."));
    assert!(!has(&[TextPooling::ClsWithoutPooler], "pooler"));
    assert!(has(&[TextPooling::Attentive], "pooling_query"));
    assert!(!has(&[TextPooling::Mean], "pooling_query"));
    let two = classifier("bert", &[TextPooling::Mean, TextPooling::Max]);
    let shape = named_parameters(&two)
        .into_iter()
        .find(|p| p.name.as_deref() == Some("classifier.weight"))
        .unwrap()
        .shape;
    assert_eq!(shape, [2 * SIZE, LABELS]);
}

#[test]
fn several_tokens_that_stand_for_the_text_are_read_one_behind_the_other() {
    for (kind, places) in [("bert", [0, 1]), ("xlnet", [3, 4])] {
        let model = classifier(kind, &[TextPooling::AllCls]);
        let hidden = model.encoder().forward(input(5), &Run::inference());
        let rows = floats(hidden.clone());
        let found = floats(model.encoder().cls(hidden, 2));
        for text in 0..2 {
            for (at, place) in places.into_iter().enumerate() {
                let from = (text * 5 + place) * SIZE;
                let to = (text * 2 + at) * SIZE;
                assert_eq!(rows[from..from + SIZE], found[to..to + SIZE], "{kind}");
            }
        }
    }
}

#[test]
fn heads_that_make_no_sense_are_refused() {
    let refused = |kind: &str, poolings: &[TextPooling]| {
        TextClassifier::with_head(&config(kind), &head(poolings), 0, &device())
            .unwrap_err()
            .to_string()
    };
    assert!(refused("bert", &[]).contains("at least 1"));
    assert!(refused("bert", &[TextPooling::Mean; 2]).contains("mean stands there twice"));
    for pooling in [TextPooling::ClsWithoutPooler, TextPooling::AllCls] {
        let message = refused("t5", &[pooling]);
        assert!(
            message.contains("on an encoder-decoder has no"),
            "{message}"
        );
    }
    let message = refused("bert", &[TextPooling::DecoderStart]);
    assert!(
        message.contains("on an encoder has no decoder-start"),
        "{message}"
    );
    let same = refused("bart", &[TextPooling::Cls, TextPooling::Last]);
    assert!(same.contains("the same vector"), "{same}");
}

fn of_decoder(kind: &str, poolings: &[TextPooling]) -> TextClassifier {
    TextClassifier::with_head(&config(kind), &head(poolings), 5, &device()).unwrap()
}

fn scores(model: &TextClassifier, width: usize) -> Tensor<2> {
    model.forward(input(width), &Run::inference())
}

#[test]
fn scores_of_encoder_decoders_do_not_depend_on_the_padding_whatever_is_read() {
    let alone = TextPooling::OF_ENCODER_DECODERS.map(|pooling| vec![pooling]);
    let several = vec![
        TextPooling::Cls,
        TextPooling::EncoderMean,
        TextPooling::Attentive,
    ];
    for poolings in alone.into_iter().chain([several]) {
        for kind in ["t5", "bart"] {
            let model = of_decoder(kind, &poolings);
            let (tight, loose) = (scores(&model, 5), scores(&model, 9));
            assert_eq!(tight.dims(), [2, LABELS]);
            assert!(distance(tight, loose) < tolerance(), "{kind}, {poolings:?}");
        }
    }
}

#[test]
fn an_encoder_decoder_reads_the_same_by_cls_and_last_and_begins_attention_as_the_mean() {
    for kind in ["t5", "bart"] {
        let by = |pooling| scores(&of_decoder(kind, &[pooling]), 5);
        let plain = TextClassifier::new(&config(kind), LABELS, 5, &device()).unwrap();
        assert_eq!(floats(scores(&plain, 5)), floats(by(TextPooling::Cls)));
        assert_eq!(floats(by(TextPooling::Last)), floats(by(TextPooling::Cls)));
        let apart = distance(by(TextPooling::Attentive), by(TextPooling::Mean));
        assert!(apart < tolerance(), "{kind}: {apart}");
        // A text of one token has one vector of each stack.
        let one = |pooling| {
            let input = EncoderInput {
                ids: Tensor::<2, Int>::from_ints([[7]], &device()),
                keep: KeepMask::all(1, 1, &device()),
                segments: None,
                positions: None,
            };
            of_decoder(kind, &[pooling]).forward(input, &Run::inference())
        };
        use TextPooling::{
            Cls, DecoderStart, EncoderFirst, EncoderLast, EncoderMax, EncoderMean, Max, Mean,
        };
        for (first, others) in [
            (Cls, vec![Mean, Max, DecoderStart]),
            (EncoderFirst, vec![EncoderLast, EncoderMean, EncoderMax]),
        ] {
            for other in others {
                let apart = distance(one(first), one(other));
                assert!(apart < tolerance(), "{kind}, {other:?}: {apart}");
            }
        }
        assert!(distance(one(Cls), one(EncoderFirst)) > 1e-3, "{kind}");
    }
}

#[test]
fn the_start_token_matters_to_what_the_decoder_is_read_for_alone() {
    for kind in ["t5", "bart"] {
        for pooling in TextPooling::OF_ENCODER_DECODERS {
            let model = of_decoder(kind, &[pooling]);
            // The start token is none of the texts' own.
            let changed = model.with_row(0, &[3.0, -2.0, 1.0, 0.5, -1.0, 2.0]);
            let apart = distance(scores(&model, 5), scores(&changed, 5));
            let of_encoder = pooling.name().starts_with("encoder-");
            assert_eq!(apart == 0.0, of_encoder, "{kind}, {pooling}: {apart}");
        }
    }
}

#[test]
fn what_an_encoder_decoder_reads_is_saved_and_loaded_with_its_query() {
    for kind in ["t5", "bart"] {
        let poolings = [TextPooling::Attentive, TextPooling::EncoderMax];
        let model = of_decoder(kind, &poolings);
        let place = tempfile::tempdir().unwrap();
        save_weights(&model, place.path()).unwrap();
        write_query(place.path(), &[1.0, 2.0, -1.0, 0.5, 3.0, -2.0]);
        let other = TextClassifier::with_head(&config(kind), &head(&poolings), 9, &device());
        let (other, report) = load_weights(other.unwrap(), place.path()).unwrap();
        assert!(
            report.new.is_empty() && report.unused.is_empty(),
            "{report:?}"
        );
        assert!(
            report.loaded.contains(&"pooling_query".to_owned()),
            "{kind}"
        );
        let apart = distance(scores(&model, 5), scores(&other, 5));
        assert!(apart > 1e-5, "the query is another: {kind}, {apart}");
    }
}
