//! The rows of single tokens, in models and in files.

use burn::tensor::Device;
use cresset_model::bert::Pooler;
use cresset_model::{
    CausalLm, Encoder, HfModel, ModelConfig, Seq2SeqLm, normal, read_token_table, read_vector,
    save_weights, token_tables,
};
use serde_json::json;

const VOCABULARY: usize = 11;
const SIZE: usize = 6;

fn config(kind: &str) -> ModelConfig {
    let sizes = json!({
        "vocab_size": VOCABULARY, "n_layers": 1, "hidden_size": SIZE, "n_heads": 3, "intermediate_size": 8,
        "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0,
    });
    let mut sizes = sizes.as_object().unwrap().clone();
    if ["bert", "roberta", "albert", "gpt2", "xlnet"].contains(&kind) {
        sizes.retain(|key, _| !key.ends_with("_token_id"));
        sizes.insert("pad_token_id".into(), json!(0));
    }
    if kind == "gpt2" {
        sizes.remove("pad_token_id");
    }
    if kind == "albert" {
        sizes.insert("embedding_size".into(), json!(SIZE));
    }
    ModelConfig::from_toml_table(kind, sizes).unwrap()
}

/// Name and height of each table.
fn tables<M: HfModel>(model: &M) -> Vec<(String, usize)> {
    let found = token_tables(model).into_iter();
    found
        .map(|table| (table.name.unwrap(), table.shape[0]))
        .collect()
}

#[test]
fn every_architecture_has_one_table_of_token_vectors_and_two_encoders_have_two() {
    let device = Device::flex();
    let one = |name: &str| vec![(name.to_owned(), VOCABULARY)];
    for (kind, name) in [
        ("bert", "embeddings.word_embeddings.weight"),
        ("roberta", "embeddings.word_embeddings.weight"),
        ("albert", "embeddings.word_embeddings.weight"),
        ("xlnet", "word_embedding.weight"),
    ] {
        let config = config(kind).encoder().unwrap();
        let model = Encoder::new(&config, Pooler::Without, 0, &device).unwrap();
        assert_eq!(tables(&model), one(name), "{kind}");
    }
    for (kind, name) in [
        ("t5", "shared.weight"),
        ("bart", "model.shared.weight"),
        ("marian", "model.shared.weight"),
    ] {
        let config = config(kind).encoder_decoder().unwrap();
        let model = Seq2SeqLm::new(&config, 0, &device).unwrap();
        assert_eq!(tables(&model), one(name), "{kind}");
    }
    let gpt = CausalLm::new(&config("gpt2").decoder().unwrap(), 0, &device).unwrap();
    assert_eq!(tables(&gpt), one("transformer.wte.weight"));
    let config = config("encoder-decoder").encoder_decoder().unwrap();
    let two = tables(&Seq2SeqLm::new(&config, 0, &device).unwrap());
    let halves: Vec<&str> = two
        .iter()
        .map(|(n, _)| n.split('.').next().unwrap())
        .collect();
    assert_eq!(halves, ["encoder", "decoder"], "{two:?}");
}

#[test]
fn the_table_of_a_folder_is_that_of_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("bert").encoder().unwrap();
    let model = Encoder::new(&config, Pooler::Without, 3, &Device::flex()).unwrap();
    save_weights(&model, folder.path()).unwrap();
    let (values, size) = read_token_table(folder.path()).unwrap();
    assert_eq!((values.len(), size), (VOCABULARY * SIZE, SIZE));
    let drawn = normal(3, "bert.embeddings.word.weight", 0.02, VOCABULARY * SIZE);
    assert_eq!(values, drawn);

    let empty = tempfile::tempdir().unwrap();
    let message = read_token_table(empty.path()).unwrap_err().to_string();
    assert!(message.contains("holds no weights"), "{message}");
}

#[test]
fn a_vector_is_read_from_json_or_from_the_only_tensor_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    std::fs::write(&path, "[0.5, -1, 2e-3]").unwrap();
    assert_eq!(read_vector(&path).unwrap(), [0.5, -1.0, 2e-3]);
    std::fs::write(&path, "{\"a\": 1}").unwrap();
    let message = read_vector(&path).unwrap_err().to_string();
    assert!(
        message.contains("a.json") && message.contains("JSON list"),
        "{message}"
    );

    let bytes: Vec<u8> = [1.0f32, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let view =
        || safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2], &bytes).unwrap();
    let path = folder.path().join("a.safetensors");
    let write = |names: &[&str]| {
        let tensors = names.iter().map(|name| (*name, view()));
        std::fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
    };
    write(&["any"]);
    assert_eq!(read_vector(&path).unwrap(), [1.0, 2.0]);
    write(&["one", "two"]);
    let message = read_vector(&path).unwrap_err().to_string();
    assert!(message.contains("it has 2 tensors"), "{message}");
}
