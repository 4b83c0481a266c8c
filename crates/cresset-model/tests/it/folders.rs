//! Model folders: what is written, what is read, what is refused.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Device, bf16, f16};
use cresset_model::bert::Pooler;
use cresset_model::{
    CausalLm, Encoder, HfModel, LoadReport, MaskedLm, ModelConfig, ModelError, Seq2SeqLm,
    SequenceClassifier, load_weights, read_config, save_weights, write_config,
};
use cresset_ops::Run;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Map, json};

use crate::initial::weights;
use crate::parity::{gpt2, masked_lm, seq2seq};
use crate::reference::{Reference, all_positions, folder};

/// Name, shape and bytes of every tensor of a file.
pub(crate) type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn read_tensors(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).unwrap();
    let parsed = SafeTensors::deserialize(&bytes).unwrap();
    let owned = |(name, view): (String, TensorView<'_>)| {
        (
            name,
            (view.dtype(), view.shape().to_vec(), view.data().to_vec()),
        )
    };
    parsed.tensors().into_iter().map(owned).collect()
}

pub(crate) fn write_tensors(path: &Path, tensors: &Tensors) {
    let view = |(name, (dtype, shape, bytes)): (&String, &(Dtype, Vec<usize>, Vec<u8>))| {
        (
            name.clone(),
            TensorView::new(*dtype, shape.clone(), bytes)
                .unwrap()
                .data()
                .to_vec(),
            shape.clone(),
            *dtype,
        )
    };
    let owned: Vec<_> = tensors.iter().map(view).collect();
    let views = owned.iter().map(|(name, bytes, shape, dtype)| {
        (
            name.as_str(),
            TensorView::new(*dtype, shape.clone(), bytes).unwrap(),
        )
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

pub(crate) fn golden(case: &str) -> Tensors {
    read_tensors(&folder(case).join("model.safetensors"))
}

/// A blank model of the golden case, filled from tensors that were changed first.
pub(crate) fn load_changed<M: HfModel>(
    blank: M,
    case: &str,
    change: impl FnOnce(&mut Tensors),
) -> Result<(M, LoadReport), ModelError> {
    let mut tensors = golden(case);
    change(&mut tensors);
    let place = tempfile::tempdir().unwrap();
    write_tensors(&place.path().join("model.safetensors"), &tensors);
    load_weights(blank, place.path())
}

pub(crate) fn blank_bert() -> MaskedLm {
    MaskedLm::new(
        &read_config(&folder("bert_masked_lm"))
            .unwrap()
            .0
            .encoder()
            .unwrap(),
        0,
        &Device::flex(),
    )
    .unwrap()
}

fn blank_gpt2() -> CausalLm {
    CausalLm::new(
        &read_config(&folder("gpt2")).unwrap().0.decoder().unwrap(),
        0,
        &Device::flex(),
    )
    .unwrap()
}

pub(crate) fn blank_seq2seq(case: &str) -> Seq2SeqLm {
    Seq2SeqLm::new(
        &read_config(&folder(case))
            .unwrap()
            .0
            .encoder_decoder()
            .unwrap(),
        0,
        &Device::flex(),
    )
    .unwrap()
}

pub(crate) fn assert_saves_what_was_loaded<M: HfModel>(model: &M, case: &str) {
    let place = tempfile::tempdir().unwrap();
    save_weights(model, place.path()).unwrap();
    let path = place.path().join("model.safetensors");
    assert_eq!(read_tensors(&path), golden(case), "{case}");
    let bytes = std::fs::read(&path).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt");
    assert_eq!(
        std::fs::read_dir(place.path()).unwrap().count(),
        1,
        "nothing but the file is left"
    );
}

#[test]
fn a_folder_is_saved_with_the_very_tensors_that_transformers_wrote() {
    assert_saves_what_was_loaded(&masked_lm(), "bert_masked_lm");
    for case in [
        "marian_swish",
        "marian_odd",
        "bart",
        "bart_plain",
        "t5_relu",
        "t5_gated",
    ] {
        assert_saves_what_was_loaded(&seq2seq(case), case);
    }
    assert_saves_what_was_loaded(&gpt2(), "gpt2");
}

#[test]
fn bug_class_07_tied_weights_are_written_once_and_read_in_either_spelling() {
    let rename = |from: &'static str, to: &'static str| {
        move |tensors: &mut Tensors| {
            let tensor = tensors.remove(from).unwrap();
            tensors.insert(to.to_owned(), tensor);
        }
    };
    let expected = weights(&blank_loaded_bert());
    let (bert, report) = load_changed(
        blank_bert(),
        "bert_masked_lm",
        rename(
            "bert.embeddings.word_embeddings.weight",
            "cls.predictions.decoder.weight",
        ),
    )
    .unwrap();
    assert!(
        report.new.is_empty() && report.unused.is_empty(),
        "{report:?}"
    );
    assert_eq!(weights(&bert), expected);
    let expected = weights(&gpt2());
    let (model, report) = load_changed(
        blank_gpt2(),
        "gpt2",
        rename("transformer.wte.weight", "lm_head.weight"),
    )
    .unwrap();
    assert!(
        report.new.is_empty() && report.unused.is_empty(),
        "{report:?}"
    );
    assert_eq!(weights(&model), expected);
    for (case, from, to) in [
        ("t5_relu", "shared.weight", "decoder.embed_tokens.weight"),
        (
            "marian_odd",
            "model.shared.weight",
            "model.encoder.embed_tokens.weight",
        ),
    ] {
        let expected = weights(&seq2seq(case));
        let (model, report) = load_changed(blank_seq2seq(case), case, rename(from, to)).unwrap();
        assert!(
            report.new.is_empty() && report.unused.is_empty(),
            "{report:?}"
        );
        assert_eq!(weights(&model), expected);
    }
}

fn blank_loaded_bert() -> MaskedLm {
    load_changed(blank_bert(), "bert_masked_lm", |_| {})
        .unwrap()
        .0
}

#[test]
fn bug_class_07_tied_weights_with_different_values_are_refused() {
    let error = load_changed(blank_gpt2(), "gpt2", |tensors| {
        let mut head = tensors["transformer.wte.weight"].clone();
        head.2[0] ^= 1;
        tensors.insert("lm_head.weight".to_owned(), head);
    })
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("transformer.wte.weight and lm_head.weight with different values"),
        "{error}"
    );
}

#[test]
fn names_without_prefix_and_old_norm_names_are_read() {
    let expected = weights(&blank_loaded_bert());
    let (model, report) = load_changed(blank_bert(), "bert_masked_lm", |tensors| {
        let old = |name: String| {
            let name = name.strip_prefix("bert.").unwrap_or(&name).to_owned();
            if !name.contains("LayerNorm") {
                return name;
            }
            name.replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta")
        };
        *tensors = std::mem::take(tensors)
            .into_iter()
            .map(|(name, tensor)| (old(name), tensor))
            .collect();
    })
    .unwrap();
    assert!(
        report.new.is_empty() && report.unused.is_empty(),
        "{report:?}"
    );
    assert_eq!(weights(&model), expected);
}

#[test]
fn a_base_model_is_read_from_a_model_with_a_head_and_the_report_names_the_rest() {
    let config = read_config(&folder("bert_masked_lm"))
        .unwrap()
        .0
        .encoder()
        .unwrap();
    let (_, report) = load_weights(
        Encoder::new(&config, Pooler::With, 0, &Device::flex()).unwrap(),
        &folder("bert_masked_lm"),
    )
    .unwrap();
    assert_eq!(report.new, ["pooler.dense.weight", "pooler.dense.bias"]);
    assert_eq!(report.unused.len(), 5);
    assert!(
        report
            .unused
            .iter()
            .all(|name| name.starts_with("cls.predictions."))
    );
    assert_eq!(report.loaded.len(), 5 + 2 * 16);
    let classifier = SequenceClassifier::new(&config, 3, 0, &Device::flex()).unwrap();
    let (_, report) = load_weights(classifier, &folder("bert_model")).unwrap();
    assert_eq!(report.new, ["classifier.weight", "classifier.bias"]);
    assert_eq!(report.unused, Vec::<String>::new());
}

#[test]
fn buffers_of_older_files_are_not_reported() {
    let (_, report) = load_changed(blank_gpt2(), "gpt2", |tensors| {
        tensors.insert(
            "transformer.h.0.attn.bias".to_owned(),
            (Dtype::U8, vec![1, 1, 2, 2], vec![1, 0, 1, 1]),
        );
    })
    .unwrap();
    assert_eq!(report.unused, Vec::<String>::new());
}

#[test]
fn a_marian_file_without_logits_bias_is_whole() {
    let (_, report) = load_changed(blank_seq2seq("marian_odd"), "marian_odd", |tensors| {
        tensors.remove("final_logits_bias");
    })
    .unwrap();
    assert_eq!(report.new, Vec::<String>::new());
}

#[test]
fn half_precision_becomes_single_precision() {
    let halve = |dtype: Dtype| {
        move |tensors: &mut Tensors| {
            for (tensor_type, _, bytes) in tensors.values_mut() {
                *tensor_type = dtype;
                let floats = bytes
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|&word| f32::from_le_bytes(word));
                *bytes = match dtype {
                    Dtype::F16 => floats
                        .flat_map(|x| f16::from_f32(x).to_le_bytes())
                        .collect(),
                    _ => floats
                        .flat_map(|x| bf16::from_f32(x).to_le_bytes())
                        .collect(),
                };
            }
        }
    };
    let exact = weights(&gpt2());
    for (dtype, precision) in [(Dtype::F16, 1.0 / 1024.0), (Dtype::BF16, 1.0 / 128.0)] {
        let (model, _) = load_changed(blank_gpt2(), "gpt2", halve(dtype)).unwrap();
        for (name, values) in weights(&model) {
            let near = values
                .iter()
                .zip(&exact[&name])
                .all(|(a, b)| (a - b).abs() <= precision * b.abs() + 1e-6);
            assert!(near, "{name} as {dtype:?}");
        }
    }
}

#[test]
fn shards_are_read_by_their_index() {
    let place = tempfile::tempdir().unwrap();
    let mut first = golden("gpt2");
    let second = first.split_off("transformer.h.1");
    let files = [
        ("model-00001-of-00002.safetensors", first),
        ("model-00002-of-00002.safetensors", second),
    ];
    let mut map = Map::new();
    for (file, tensors) in &files {
        write_tensors(&place.path().join(file), tensors);
        map.extend(tensors.keys().map(|name| (name.clone(), json!(file))));
    }
    let index = json!({ "metadata": { "total_size": 1 }, "weight_map": map });
    std::fs::write(
        place.path().join("model.safetensors.index.json"),
        index.to_string(),
    )
    .unwrap();
    let (model, report) = load_weights(blank_gpt2(), place.path()).unwrap();
    assert!(report.new.is_empty() && report.unused.is_empty());
    assert_eq!(weights(&model), weights(&gpt2()));
    std::fs::remove_file(place.path().join(files[1].0)).unwrap();
    let error = load_weights(blank_gpt2(), place.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("model.safetensors.index.json names model-00002-of-00002.safetensors, which is not there"),
        "{error}"
    );
}

#[test]
fn a_truncated_file_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("model.safetensors");
    let whole = std::fs::read(folder("gpt2").join("model.safetensors")).unwrap();
    for length in [0, 5, 300, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = load_weights(blank_gpt2(), place.path()).unwrap_err();
        assert!(
            matches!(error, ModelError::BrokenWeights { .. }),
            "{length}: {error}"
        );
        assert!(
            error
                .to_string()
                .contains("model.safetensors is truncated or damaged"),
            "{error}"
        );
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        load_weights(blank_gpt2(), place.path()).unwrap_err(),
        ModelError::NoWeights { .. }
    ));
}

#[test]
fn a_tensor_of_the_wrong_shape_is_named() {
    let config = json!({ "vocab_size": 39, "n_layers": 3, "hidden_size": 24, "n_heads": 3, "max_positions": 23 });
    let config = ModelConfig::from_toml_table("gpt2", config.as_object().unwrap().clone()).unwrap();
    let model = CausalLm::new(&config.decoder().unwrap(), 0, &Device::flex()).unwrap();
    let error = load_weights(model, &folder("gpt2"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("tensor transformer.wte.weight in "),
        "{error}"
    );
    assert!(
        error.contains("has shape [39, 21], but the configuration needs [39, 24]"),
        "{error}"
    );
}

#[test]
fn a_saved_config_is_read_back_and_keeps_what_is_given_beside_it() {
    for case in ["bert_masked_lm", "marian_swish", "bart", "t5_gated", "gpt2"] {
        let (config, whole) = read_config(&folder(case)).unwrap();
        let architecture = whole["architectures"][0].as_str().unwrap();
        let place = tempfile::tempdir().unwrap();
        let extra = json!({ "id2label": { "0": "no", "1": "yes" } })
            .as_object()
            .unwrap()
            .clone();
        write_config(&config, architecture, extra, place.path()).unwrap();
        let (again, written) = read_config(place.path()).unwrap();
        assert_eq!(again.vocab_size(), config.vocab_size());
        assert_eq!(written["architectures"], whole["architectures"]);
        assert_eq!(written["id2label"]["1"], "yes");
        for (key, value) in &written {
            let is_ours = ["id2label", "classifier_dropout"].contains(&key.as_str());
            assert!(
                is_ours || whole.get(key) == Some(value) || is_close(whole.get(key), value),
                "{case}: {key} = {value}"
            );
        }
        let generates = place.path().join("generation_config.json").exists();
        assert_eq!(generates, case != "bert_masked_lm");
    }
}

/// Numbers that JSON writes differently, and activations with two names.
fn is_close(theirs: Option<&serde_json::Value>, ours: &serde_json::Value) -> bool {
    match (theirs, ours) {
        (Some(a), b) if a.is_number() => a.as_f64() == b.as_f64(),
        (Some(a), b) => (a.as_str(), b.as_str()) == (Some("swish"), Some("silu")),
        (None, b) => b.is_null() || b == &json!(false),
    }
}

#[test]
fn broken_configs_are_named() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("config.json");
    let error = read_config(place.path()).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read ") && error.contains("config.json"),
        "{error}"
    );
    for (text, expected) in [
        ("{", "config.json is not valid"),
        ("{}", "there is no model_type"),
        (
            r#"{"model_type": "llama"}"#,
            "architecture llama is not supported",
        ),
        (
            r#"{"model_type": "bert", "hidden_size": 10, "num_attention_heads": 3}"#,
            "hidden_size 10 is not divisible",
        ),
        (
            r#"{"model_type": "bert", "position_embedding_type": "relative_key"}"#,
            "only absolute positions are",
        ),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = read_config(place.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn unknown_keys_of_a_config_file_are_tolerated() {
    let place = tempfile::tempdir().unwrap();
    let text = r#"{"model_type": "gpt2", "n_embd": 6, "n_head": 3, "eos_token_id": [4, 5], "task_specific_params": {"x": 1}}"#;
    std::fs::write(place.path().join("config.json"), text).unwrap();
    let ModelConfig::Gpt2(config) = read_config(place.path()).unwrap().0 else {
        panic!()
    };
    assert_eq!((config.n_embd, config.eos_token_id), (6, Some(4)));
}

#[test]
fn weights_survive_a_round_trip_through_another_seed() {
    let reference = Reference::read("gpt2");
    let model = gpt2();
    let place = tempfile::tempdir().unwrap();
    save_weights(&model, place.path()).unwrap();
    let (again, _) = load_weights(blank_gpt2(), place.path()).unwrap();
    let ids = reference.ids("input_ids", &Device::flex());
    let hidden = again.hidden(
        ids,
        Some(reference.keep(&Device::flex())),
        &Run::inference(),
    );
    let positions = all_positions(&hidden);
    let kept = reference.values("attention_mask");
    reference.assert_close(
        "logits",
        again.scores_at(hidden, positions).logits(),
        |row| kept[row] == 1.0,
    );
}
