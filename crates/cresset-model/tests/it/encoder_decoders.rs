//! Encoder-decoders: T5's ways to be untied, BART's files, classification.

use burn::tensor::Tensor;
use cresset_model::{
    ModelConfig, Seq2SeqClassifier, Seq2SeqLm, load_weights, parameter_names, read_config,
    write_config,
};
use cresset_ops::Run;
use serde_json::{Map, Value, json};

use crate::device::{device, tolerance};
use crate::folders::{Tensors, assert_saves_what_was_loaded, blank_seq2seq, load_changed};
use crate::initial::weights;
use crate::masks::padded;
use crate::parity::{load, seq2seq, seq2seq_equals_transformers};
use crate::reference::{Reference, distance, floats, folder};

fn config(kind: &str, more: Value) -> ModelConfig {
    let mut sizes = json!({ "vocab_size": 40, "n_layers": 1, "hidden_size": 12, "n_heads": 3, "intermediate_size": 8 });
    let more = more.as_object().unwrap().clone();
    sizes.as_object_mut().unwrap().extend(more);
    ModelConfig::from_toml_table(kind, sizes.as_object().unwrap().clone()).unwrap()
}

fn blank_classifier(case: &str) -> Seq2SeqClassifier {
    let (config, whole) = read_config(&folder(case)).unwrap();
    let n_labels = whole["id2label"].as_object().unwrap().len();
    Seq2SeqClassifier::new(&config.encoder_decoder().unwrap(), n_labels, 0, &device()).unwrap()
}

fn classifier(case: &str) -> Seq2SeqClassifier {
    load(blank_classifier(case), case)
}

#[test]
fn untied_t5_equals_transformers_whatever_its_config_says() {
    for case in ["t5_v1_1", "t5_v1_1_resaved", "t5_untied_scaled"] {
        seq2seq_equals_transformers(case);
        assert_saves_what_was_loaded(&seq2seq(case), case);
    }
}

#[test]
fn an_output_layer_of_its_own_is_seen_in_shards_too() {
    let place = tempfile::tempdir().unwrap();
    let from = folder("t5_v1_1_resaved");
    let shard = "model-00001-of-00001.safetensors";
    std::fs::copy(from.join("config.json"), place.path().join("config.json")).unwrap();
    std::fs::copy(from.join("model.safetensors"), place.path().join(shard)).unwrap();
    let names = parameter_names(&seq2seq("t5_v1_1_resaved"));
    let map: Map<String, Value> = names.into_iter().map(|name| (name, json!(shard))).collect();
    let index = json!({ "weight_map": map }).to_string();
    std::fs::write(place.path().join("model.safetensors.index.json"), index).unwrap();
    let ModelConfig::T5(config) = read_config(place.path()).unwrap().0 else {
        panic!()
    };
    assert!(!config.tie_word_embeddings && !config.scales_outputs());
}

#[test]
fn an_output_layer_equal_to_the_embedding_stays_tied() {
    let place = tempfile::tempdir().unwrap();
    let from = folder("t5_relu");
    std::fs::copy(from.join("config.json"), place.path().join("config.json")).unwrap();
    let (_, report) = load_changed(blank_seq2seq("t5_relu"), "t5_relu", |tensors| {
        let shared = tensors["shared.weight"].clone();
        tensors.insert("lm_head.weight".to_owned(), shared);
        crate::folders::write_tensors(&place.path().join("model.safetensors"), tensors);
    })
    .unwrap();
    assert!(report.unused.is_empty(), "{report:?}");
    let ModelConfig::T5(config) = read_config(place.path()).unwrap().0 else {
        panic!()
    };
    assert!(config.tie_word_embeddings && config.scales_outputs());
    // Weights that cannot be read are an error of loading, not of reading the configuration.
    std::fs::write(place.path().join("model.safetensors"), [255; 40]).unwrap();
    assert!(read_config(place.path()).is_ok());
}

#[test]
fn a_t5_config_says_whether_it_is_tied_and_scaled() {
    for (tied, scaled) in [(true, true), (true, false), (false, true), (false, false)] {
        let keys = json!({ "tie_word_embeddings": tied, "scale_decoder_outputs": scaled });
        let place = tempfile::tempdir().unwrap();
        let class = "T5ForConditionalGeneration";
        write_config(&config("t5", keys), class, Map::new(), place.path()).unwrap();
        let (again, written) = read_config(place.path()).unwrap();
        let ModelConfig::T5(again) = again else {
            panic!()
        };
        assert_eq!(again.tie_word_embeddings, tied);
        assert_eq!(again.scales_outputs(), scaled);
        assert_eq!(written["tie_word_embeddings"], tied);
        assert_eq!(written["scale_decoder_outputs"], scaled);
    }
}

#[test]
fn bug_class_01_the_published_decoder_start_is_written_where_none_is_given() {
    let ids = json!({ "pad_token_id": 7, "eos_token_id": 9 });
    for (kind, start) in [("t5", 7), ("marian", 7), ("bart", 9)] {
        let place = tempfile::tempdir().unwrap();
        let class = "ForConditionalGeneration";
        write_config(&config(kind, ids.clone()), class, Map::new(), place.path()).unwrap();
        let (_, written) = read_config(place.path()).unwrap();
        assert_eq!(written["decoder_start_token_id"], start, "{kind}");
        let text = std::fs::read(place.path().join("generation_config.json")).unwrap();
        let generation: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(generation["decoder_start_token_id"], start, "{kind}");
    }
}

#[test]
fn forced_tokens_of_bart_survive_a_round_trip() {
    let place = tempfile::tempdir().unwrap();
    let ids = json!({ "forced_bos_token_id": 0, "forced_eos_token_id": 2, "eos_token_id": 2 });
    let class = "BartForConditionalGeneration";
    write_config(&config("bart", ids), class, Map::new(), place.path()).unwrap();
    let ModelConfig::Bart(again) = read_config(place.path()).unwrap().0 else {
        panic!()
    };
    assert_eq!(again.forced_bos_token_id, Some(0));
    assert_eq!(again.forced_eos_token_id, Some(2));
}

/// Drops the prefix, as files of class `BartModel` have it.
fn as_base_model(tensors: &mut Tensors) {
    tensors.remove("final_logits_bias");
    *tensors = std::mem::take(tensors)
        .into_iter()
        .map(|(name, tensor)| {
            let bare = name.strip_prefix("model.").unwrap_or(&name).to_owned();
            (bare, tensor)
        })
        .collect();
}

#[test]
fn a_file_of_class_bart_model_fills_a_bart_and_its_bias_is_zero() {
    let (model, report) = load_changed(blank_seq2seq("bart"), "bart", |tensors| {
        as_base_model(tensors);
        let shared = tensors["shared.weight"].clone();
        tensors.insert("decoder.embed_tokens.weight".to_owned(), shared);
        let version = tensors["encoder.layernorm_embedding.bias"].clone();
        tensors.insert("encoder.version".to_owned(), version);
    })
    .unwrap();
    assert!(
        report.new.is_empty() && report.unused.is_empty(),
        "{report:?}"
    );
    let mut expected = weights(&seq2seq("bart"));
    expected
        .get_mut("final_logits_bias")
        .unwrap()
        .iter_mut()
        .for_each(|value| *value = 0.0);
    assert_eq!(weights(&model), expected);
}

#[test]
fn a_bart_classifier_takes_its_body_from_a_generator() {
    for change in [|_: &mut Tensors| {}, as_base_model] {
        let (_, report) =
            load_changed(blank_classifier("bart_classifier"), "bart", change).unwrap();
        assert!(
            report
                .new
                .iter()
                .all(|name| name.starts_with("classification_head.")),
            "{report:?}"
        );
        assert_eq!(report.new.len(), 4);
        assert!(report.unused.iter().all(|name| name == "final_logits_bias"));
    }
}

#[test]
fn a_t5_classifier_takes_its_body_from_an_untied_generator() {
    let (config, _) = read_config(&folder("t5_v1_1")).unwrap();
    let config = config.encoder_decoder().unwrap();
    let model = Seq2SeqClassifier::new(&config, 4, 0, &device()).unwrap();
    let (model, report) = load_weights(model, &folder("t5_v1_1")).unwrap();
    assert_eq!(report.new.len(), 4);
    assert_eq!(report.unused, ["lm_head.weight"]);
    let (ours, theirs) = (weights(&model), weights(&seq2seq("t5_v1_1")));
    assert_eq!(ours["transformer.shared.weight"], theirs["shared.weight"]);
}

#[test]
fn classifiers_equal_transformers() {
    for case in ["bart_classifier", "t5_classifier"] {
        let reference = Reference::read(case);
        let (model, run) = (classifier(case), Run::inference());
        let input = reference.encoder_input(&device());
        let memory = model.encode(input.clone(), &run);
        reference.assert_close("encoder_last_hidden_state", memory.clone(), |_| true);
        let hidden = model.decode(input.ids.clone(), memory, input.keep.clone(), &run);
        reference.assert_close("last_hidden_state", hidden, |_| true);
        reference.assert_close("logits", model.forward(input, &run), |_| true);
        assert_saves_what_was_loaded(&model, case);
    }
}

#[test]
fn bug_class_03_padding_further_does_not_change_a_class() {
    let rows = [vec![5, 9, 3, 7, 2], vec![4, 2], vec![6, 8, 2]];
    for case in ["bart_classifier", "t5_classifier"] {
        let (model, run) = (classifier(case), Run::inference());
        let short = model.forward(padded(&rows, 5, 0), &run);
        let long = model.forward(padded(&rows, 11, 33), &run);
        assert!(distance(short.clone(), long) < tolerance(), "{case}");
        let alone = rows
            .iter()
            .map(|row| {
                let single = std::slice::from_ref(row);
                model.forward(padded(single, row.len(), 0), &run)
            })
            .collect();
        assert!(
            distance(short, Tensor::cat(alone, 0)) < tolerance(),
            "{case}"
        );
    }
}

#[test]
fn every_token_of_a_text_has_a_say_in_its_class() {
    for case in ["bart_classifier", "t5_classifier"] {
        let (model, run) = (classifier(case), Run::inference());
        let text = vec![5, 9, 3, 7, 2];
        let before = model.forward(padded(std::slice::from_ref(&text), 5, 0), &run);
        for place in 0..text.len() {
            let mut other = text.clone();
            other[place] = 20;
            let after = model.forward(padded(&[other], 5, 0), &run);
            assert!(distance(before.clone(), after) > 1e-3, "{case}: {place}");
        }
    }
}

#[test]
fn a_classifier_needs_a_start_token_labels_and_an_architecture_with_such_a_class() {
    let message = |kind: &str, ids: Value, n_labels: usize| {
        let config = config(kind, ids).encoder_decoder().unwrap();
        Seq2SeqClassifier::new(&config, n_labels, 0, &device())
            .unwrap_err()
            .to_string()
    };
    let start = message("bart", json!({}), 2);
    assert!(start.starts_with("decoder_start_token_id: "), "{start}");
    let labels = message("t5", json!({ "pad_token_id": 0 }), 0);
    assert_eq!(labels, "num_labels is 0 but must be at least 1");
    let marian = message("marian", json!({ "pad_token_id": 0 }), 2);
    assert!(
        marian.contains("needs a model of type t5 or bart"),
        "{marian}"
    );
}

#[test]
fn a_position_table_of_bart_starts_at_its_third_row() {
    let model = seq2seq("bart");
    assert_eq!(model.max_positions(), Some(19));
    let config = read_config(&folder("bart")).unwrap().0;
    let blank = Seq2SeqLm::new(&config.encoder_decoder().unwrap(), 0, &device()).unwrap();
    let (model, _) = load_changed(blank, "bart", |tensors| {
        for stack in ["encoder", "decoder"] {
            let name = format!("model.{stack}.embed_positions.weight");
            let (_, shape, bytes) = tensors.get_mut(&name).unwrap();
            assert_eq!(shape[0], 21);
            bytes[..2 * 4 * shape[1]].fill(0);
        }
    })
    .unwrap();
    let encode = |model: &cresset_model::Seq2SeqLm| {
        floats(model.encode(padded(&[vec![5, 6, 7]], 3, 0), &Run::inference()))
    };
    assert_eq!(encode(&model), encode(&seq2seq("bart")));
}
