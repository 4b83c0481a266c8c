//! XLNet: parity, names, both streams.

use std::collections::BTreeSet;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use cresset_model::xlnet::{Xlnet, XlnetConfig, XlnetInput, XlnetLmHead};
use cresset_model::{
    EncoderInput, HfModel, ModelConfig, load_weights, parameter_names, read_config, save_weights,
    write_config,
};
use cresset_ops::{KeepMask, PadSide, Run};
use safetensors::SafeTensors;
use serde_json::{Map, Value, json};

use crate::device::{device, tolerance};
use crate::initial::weights;
use crate::masks::matrix;
use crate::parity::load;
use crate::reference::{Reference, all_positions, distance, floats, folder};

fn config_of(case: &str) -> XlnetConfig {
    match read_config(&folder(case)).unwrap().0 {
        ModelConfig::Xlnet(config) => config,
        other => panic!("{case} is a {}", other.kind()),
    }
}

fn lm(case: &str) -> XlnetLmHead {
    let blank = XlnetLmHead::new(&config_of(case), 0, &device()).unwrap();
    load(blank, case)
}

fn small(more: Value) -> Result<XlnetConfig, String> {
    let mut table = json!({ "vocab_size": 50, "n_layers": 2, "hidden_size": 12, "n_heads": 3, "intermediate_size": 20 });
    table
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    match ModelConfig::from_toml_table("xlnet", table.as_object().unwrap().clone()) {
        Ok(ModelConfig::Xlnet(config)) => Ok(config),
        Ok(other) => panic!("{}", other.kind()),
        Err(error) => Err(error.to_string()),
    }
}

/// A row padded on the left.
fn padded(ids: &[u32], segments: &[u32], padding: usize, pad: u32) -> EncoderInput {
    let width = padding + ids.len();
    let filled = |values: &[u32], fill: u32| [vec![fill; padding], values.to_vec()].concat();
    EncoderInput {
        ids: matrix(&[filled(ids, pad)], &device()),
        keep: KeepMask::from_lengths(&[ids.len()], width, PadSide::Left, &device()),
        segments: Some(matrix(&[filled(segments, 3)], &device())),
        positions: None,
    }
}

/// Zeros with ones at the given places.
fn ones(shape: [usize; 3], places: &[[usize; 3]]) -> Tensor<3> {
    let mut values = vec![0.0f32; shape.iter().product()];
    for [a, b, c] in places {
        values[(a * shape[1] + b) * shape[2] + c] = 1.0;
    }
    Tensor::from_data(TensorData::new(values, shape), &device())
}

/// Place 1 is predicted first and place 3 second; nobody sees place 3, and place 1 is seen by 3 alone.
fn permuted(ids: &[u32]) -> XlnetInput {
    let n = ids.len();
    let hidden: Vec<[usize; 3]> = (0..n)
        .flat_map(|query| [(query != 3).then_some([0, query, 1]), Some([0, query, 3])])
        .flatten()
        .collect();
    XlnetInput {
        perm_mask: Some(ones([1, n, n], &hidden)),
        target_mapping: Some(ones([1, 2, n], &[[0, 0, 1], [0, 1, 3]])),
        ..padded(ids, &vec![0; n], 0, 5).into()
    }
}

fn at(hidden: &Tensor<3>, position: usize) -> Tensor<3> {
    hidden.clone().narrow(1, position, 1)
}

#[test]
fn xlnet_equals_transformers() {
    let reference = Reference::read("xlnet_model");
    let model = load(
        Xlnet::new(&config_of("xlnet_model"), 0, &device()).unwrap(),
        "xlnet_model",
    );
    let hidden = model.forward(reference.encoder_input(&device()), &Run::inference());
    reference.assert_close("last_hidden_state", hidden, |_| true);
}

#[test]
fn xlnet_language_model_equals_transformers() {
    let reference = Reference::read("xlnet_lm");
    let model = lm("xlnet_lm");
    let hidden = model.hidden(reference.encoder_input(&device()), &Run::inference());
    let positions = all_positions(&hidden);
    reference.assert_close(
        "logits",
        model.scores_at(hidden, positions).logits(),
        |_| true,
    );
}

#[test]
fn xlnet_permutation_language_model_equals_transformers() {
    let reference = Reference::read("xlnet_lm_permuted");
    let model = lm("xlnet_lm_permuted");
    let input = XlnetInput {
        perm_mask: Some(reference.cube("perm_mask", &device())),
        target_mapping: Some(reference.cube("target_mapping", &device())),
        ..reference.encoder_input(&device()).into()
    };
    let (_, query) = model.encoder().two_stream(input, &Run::inference());
    let query = query.unwrap();
    let positions = all_positions(&query);
    reference.assert_close("last_hidden_state", query.clone(), |_| true);
    reference.assert_close("logits", model.scores_at(query, positions).logits(), |_| {
        true
    });
}

#[test]
fn xlnet_names_are_those_of_hugging_face() {
    let config = small(json!({ "n_layers": 1 })).unwrap();
    let layer = [
        "ff.layer_1.bias",
        "ff.layer_1.weight",
        "ff.layer_2.bias",
        "ff.layer_2.weight",
        "ff.layer_norm.bias",
        "ff.layer_norm.weight",
        "rel_attn.k",
        "rel_attn.layer_norm.bias",
        "rel_attn.layer_norm.weight",
        "rel_attn.o",
        "rel_attn.q",
        "rel_attn.r",
        "rel_attn.r_r_bias",
        "rel_attn.r_s_bias",
        "rel_attn.r_w_bias",
        "rel_attn.seg_embed",
        "rel_attn.v",
    ];
    let mut names: Vec<String> = layer.iter().map(|name| format!("layer.0.{name}")).collect();
    names.extend(["mask_emb".to_owned(), "word_embedding.weight".to_owned()]);
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let model = Xlnet::new(&config, 0, &Device::flex()).unwrap();
    assert_eq!(model.architecture(), "XLNetModel");
    assert_eq!(sorted(parameter_names(&model)), names);
    let mut names: Vec<String> = names
        .iter()
        .map(|name| format!("transformer.{name}"))
        .collect();
    names.push("lm_loss.bias".to_owned());
    let model = XlnetLmHead::new(&config, 0, &Device::flex()).unwrap();
    assert_eq!(model.architecture(), "XLNetLMHeadModel");
    assert_eq!(sorted(parameter_names(&model)), sorted(names));
}

#[test]
fn xlnet_starts_with_normal_attention_biases_and_zero_others() {
    let config = small(json!({ "hidden_size": 60, "intermediate_size": 120 })).unwrap();
    let mut different = BTreeSet::new();
    for (name, values) in weights(&XlnetLmHead::new(&config, 1, &device()).unwrap()) {
        let mean_square = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        if name.contains("layer_norm.weight") {
            assert!(values.iter().all(|&v| v == 1.0), "{name}");
        } else if name.ends_with(".bias") {
            assert!(values.iter().all(|&v| v == 0.0), "{name}");
        } else {
            let share = mean_square.sqrt() / 0.02;
            // 60 numbers are the fewest here.
            assert!((0.7..1.3).contains(&share), "{name}: {share}");
            assert!(different.insert(values[0].to_bits()), "{name}");
        }
    }
}

#[test]
fn bug_class_03_padding_xlnet_further_on_the_left_changes_nothing() {
    let model = lm("xlnet_lm");
    let run = Run::inference();
    let (ids, segments) = ([7, 9, 4, 11, 3], [0, 0, 1, 1, 2]);
    let alone = model.hidden(padded(&ids, &segments, 0, 5), &run);
    for padding in [1, 6] {
        let hidden = model.hidden(padded(&ids, &segments, padding, 8), &run);
        let kept = hidden.narrow(1, padding, ids.len());
        assert!(distance(alone.clone(), kept) < tolerance());
    }
}

#[test]
fn only_the_equality_of_segments_matters_to_xlnet() {
    let model = lm("xlnet_lm");
    let hidden =
        |segments: &[u32]| model.hidden(padded(&[7, 9, 4, 11], segments, 0, 5), &Run::inference());
    assert!(distance(hidden(&[0, 0, 1, 2]), hidden(&[2, 2, 0, 1])) < tolerance());
    assert!(distance(hidden(&[0, 0, 1, 1]), hidden(&[0, 0, 0, 1])) > 1e-2);
    let without = model.hidden(
        EncoderInput {
            segments: None,
            ..padded(&[7, 9, 4, 11], &[0; 4], 0, 5)
        },
        &Run::inference(),
    );
    assert!(distance(hidden(&[1; 4]), without) < tolerance());
}

#[test]
fn the_query_stream_knows_neither_its_own_token_nor_hidden_ones() {
    let model = lm("xlnet_lm_permuted");
    let both = |ids: &[u32]| {
        let (content, query) = model.encoder().two_stream(permuted(ids), &Run::inference());
        (content, query.unwrap())
    };
    let (content, query) = both(&[7, 9, 4, 11, 3]);
    // Place 3 is the last of the order: it changes its own content and nothing else.
    let (other_content, other_query) = both(&[7, 9, 4, 30, 3]);
    assert_eq!(distance(query.clone(), other_query), 0.0);
    for position in [0, 1, 2, 4] {
        assert_eq!(
            distance(at(&content, position), at(&other_content, position)),
            0.0
        );
    }
    assert!(distance(at(&content, 3), at(&other_content, 3)) > 1e-2);
    // Place 1 comes before it: its own target does not see it, the later one does.
    let (_, other_query) = both(&[7, 30, 4, 11, 3]);
    assert_eq!(distance(at(&query, 0), at(&other_query, 0)), 0.0);
    assert!(distance(at(&query, 1), at(&other_query, 1)) > 1e-2);
    // Place 0 is seen by all.
    let (_, other_query) = both(&[30, 9, 4, 11, 3]);
    assert!(distance(at(&query, 0), at(&other_query, 0)) > 1e-2);
}

#[test]
fn a_target_that_sees_nothing_learns_nothing_from_the_text() {
    let model = lm("xlnet_lm_permuted");
    let query = |ids: &[u32]| {
        let everywhere: Vec<[usize; 3]> = (0..9).map(|pair| [0, pair / 3, pair % 3]).collect();
        let input = XlnetInput {
            perm_mask: Some(ones([1, 3, 3], &everywhere)),
            target_mapping: Some(ones([1, 1, 3], &[[0, 0, 1]])),
            ..padded(ids, &[0; 3], 0, 5).into()
        };
        model
            .encoder()
            .two_stream(input, &Run::inference())
            .1
            .unwrap()
    };
    assert_eq!(distance(query(&[7, 9, 4]), query(&[20, 30, 10])), 0.0);
}

#[test]
fn the_content_stream_is_the_same_with_and_without_targets() {
    let model = lm("xlnet_lm_permuted");
    let input = permuted(&[7, 9, 4, 11, 3]);
    let alone = XlnetInput {
        target_mapping: None,
        ..input.clone()
    };
    let (with, _) = model.encoder().two_stream(input, &Run::inference());
    let (without, none) = model.encoder().two_stream(alone, &Run::inference());
    assert!(none.is_none());
    assert_eq!(distance(with, without), 0.0);
}

#[test]
fn every_parameter_of_xlnet_gets_a_gradient_from_permutation_training() {
    let device = device().autodiff();
    let config = config_of("xlnet_lm_permuted");
    let (model, _) = load_weights(
        XlnetLmHead::new(&config, 0, &device).unwrap(),
        &folder("xlnet_lm_permuted"),
    )
    .unwrap();
    let reference = Reference::read("xlnet_lm_permuted");
    let input = XlnetInput {
        perm_mask: Some(reference.cube("perm_mask", &device)),
        target_mapping: Some(reference.cube("target_mapping", &device)),
        ..reference.encoder_input(&device).into()
    };
    let run = Run::training(1, 2, 3);
    let (_, query) = model.encoder().two_stream(input, &run);
    let query = query.unwrap();
    let positions: Tensor<1, Int> = all_positions(&query);
    let logits = model.scores_at(query, positions).logits();
    let grads = (logits.clone() * logits).sum().backward();
    let mut found = Found {
        grads: &grads,
        missing: Vec::new(),
        path: Vec::new(),
    };
    model.visit(&mut found);
    assert!(found.missing.is_empty(), "{:?}", found.missing);
}

/// Parameters without a gradient, or with nothing but zeros.
struct Found<'a> {
    grads: &'a Gradients,
    missing: Vec<String>,
    path: Vec<String>,
}

impl ModuleVisitor for Found<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let grad = param.val().grad(self.grads);
        if !grad.is_some_and(|grad| floats(grad).iter().any(|&value| value != 0.0)) {
            self.missing.push(self.path.join("."));
        }
    }
}

#[test]
fn xlnet_folders_are_read_back_as_they_were_written() {
    let model = lm("xlnet_lm");
    let place = tempfile::tempdir().unwrap();
    save_weights(&model, place.path()).unwrap();
    let config = ModelConfig::Xlnet(config_of("xlnet_lm"));
    write_config(&config, model.architecture(), Map::new(), place.path()).unwrap();
    let (read, whole) = read_config(place.path()).unwrap();
    let ModelConfig::Xlnet(read) = read else {
        panic!("{}", read.kind())
    };
    assert_eq!(
        (&whole["model_type"], &whole["d_head"]),
        (&json!("xlnet"), &json!(6))
    );
    assert_eq!(read, config_of("xlnet_lm"));
    let blank = XlnetLmHead::new(&read, 1, &device()).unwrap();
    let (again, report) = load_weights(blank, place.path()).unwrap();
    assert!(
        report.new.is_empty() && report.unused.is_empty(),
        "{report:?}"
    );
    assert_eq!(weights(&again), weights(&model));
}

#[test]
fn xlnet_files_hold_projections_by_head() {
    let place = tempfile::tempdir().unwrap();
    save_weights(&lm("xlnet_lm"), place.path()).unwrap();
    let shapes = |folder: &std::path::Path| -> Vec<(String, Vec<usize>)> {
        let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
        let parsed = SafeTensors::deserialize(&bytes).unwrap();
        let mut shapes: Vec<_> = parsed
            .tensors()
            .into_iter()
            .map(|(name, view)| (name, view.shape().to_vec()))
            .collect();
        shapes.sort();
        shapes
    };
    assert_eq!(shapes(place.path()), shapes(&folder("xlnet_lm")));
}

#[test]
fn variants_of_xlnet_that_are_not_here_are_refused() {
    for (key, value) in [
        ("attn_type", json!("uni")),
        ("bi_data", json!(true)),
        ("d_head", json!(5)),
        ("tie_word_embeddings", json!(false)),
        ("untie_r", json!(false)),
    ] {
        let mut config = serde_json::to_value(small(json!({})).unwrap()).unwrap();
        config[key] = value;
        let config: XlnetConfig = serde_json::from_value(config).unwrap();
        let error = config.validate().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{key} = ")), "{error}");
    }
    let odd = small(json!({ "hidden_size": 15 })).unwrap_err();
    assert!(odd.starts_with("d_model = 15 is not supported"), "{odd}");
    assert_eq!(small(json!({ "head_size": 4 })).unwrap().head_size(), 4);
}

#[test]
fn clamped_distances_count_as_equally_far() {
    let blank = |clamp: i64| {
        let config = XlnetConfig {
            clamp_len: clamp,
            ..config_of("xlnet_lm")
        };
        load(XlnetLmHead::new(&config, 0, &device()).unwrap(), "xlnet_lm")
    };
    let input = || padded(&[7, 9, 4, 11, 3], &[0; 5], 0, 5);
    let hidden = |clamp| blank(clamp).hidden(input(), &Run::inference());
    assert_eq!(distance(hidden(-1), hidden(4)), 0.0);
    assert!(distance(hidden(-1), hidden(2)) > 1e-3);
}
