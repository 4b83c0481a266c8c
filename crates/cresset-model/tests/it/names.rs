//! Parameter names are a contract: models on disk live longer than this code.

use burn::tensor::Device;
use cresset_model::bert::Pooler;
use cresset_model::{
    CausalLm, Encoder, HfModel, MaskedLm, ModelConfig, Seq2SeqClassifier, Seq2SeqLm,
    SequenceClassifier, parameter_names,
};
use serde_json::{Map, Value, json};

fn config(kind: &str, more: Value) -> ModelConfig {
    let mut sizes = json!({ "vocab_size": 11, "n_layers": 1, "hidden_size": 6, "n_heads": 3, "intermediate_size": 8 });
    sizes
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().cloned().unwrap_or_else(Map::new));
    ModelConfig::from_toml_table(kind, sizes.as_object().unwrap().clone()).unwrap()
}

fn assert_names<M: HfModel>(model: &M, class: &str, expected: &[&str]) {
    let mut names = parameter_names(model);
    names.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(model.architecture(), class);
    assert_eq!(names, expected);
}

const BERT_LAYERS: &[&str] = &[
    "embeddings.LayerNorm.bias",
    "embeddings.LayerNorm.weight",
    "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight",
    "embeddings.word_embeddings.weight",
    "encoder.layer.0.attention.output.LayerNorm.bias",
    "encoder.layer.0.attention.output.LayerNorm.weight",
    "encoder.layer.0.attention.output.dense.bias",
    "encoder.layer.0.attention.output.dense.weight",
    "encoder.layer.0.attention.self.key.bias",
    "encoder.layer.0.attention.self.key.weight",
    "encoder.layer.0.attention.self.query.bias",
    "encoder.layer.0.attention.self.query.weight",
    "encoder.layer.0.attention.self.value.bias",
    "encoder.layer.0.attention.self.value.weight",
    "encoder.layer.0.intermediate.dense.bias",
    "encoder.layer.0.intermediate.dense.weight",
    "encoder.layer.0.output.LayerNorm.bias",
    "encoder.layer.0.output.LayerNorm.weight",
    "encoder.layer.0.output.dense.bias",
    "encoder.layer.0.output.dense.weight",
];

fn prefixed(names: &[&str], more: &[&str]) -> Vec<String> {
    names
        .iter()
        .map(|name| format!("bert.{name}"))
        .chain(more.iter().map(|&name| name.to_owned()))
        .collect()
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

#[test]
fn bert_names_are_those_of_hugging_face() {
    let device = Device::flex();
    let config = config("bert", json!({ "max_positions": 16 }))
        .encoder()
        .unwrap();
    let model = [BERT_LAYERS, &["pooler.dense.bias", "pooler.dense.weight"]].concat();
    assert_names(
        &Encoder::new(&config, Pooler::With, 0, &device).unwrap(),
        "BertModel",
        &model,
    );
    let classifier = prefixed(&model, &["classifier.bias", "classifier.weight"]);
    assert_names(
        &SequenceClassifier::new(&config, 3, 0, &device).unwrap(),
        "BertForSequenceClassification",
        &borrowed(&classifier),
    );
    let head = [
        "cls.predictions.bias",
        "cls.predictions.transform.LayerNorm.bias",
        "cls.predictions.transform.LayerNorm.weight",
        "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.dense.weight",
    ];
    let masked_lm = prefixed(BERT_LAYERS, &head);
    assert_names(
        &MaskedLm::new(&config, 0, &device).unwrap(),
        "BertForMaskedLM",
        &borrowed(&masked_lm),
    );
}

/// Names of the layers that Marian and BART share, below `model.`.
fn post_norm_layers() -> Vec<String> {
    let attention = |block: &str| {
        ["k_proj", "out_proj", "q_proj", "v_proj"]
            .map(|part| format!("{block}.{part}"))
            .into_iter()
            .chain([format!("{block}_layer_norm")])
            .collect::<Vec<_>>()
    };
    let feed_forward = ["fc1", "fc2", "final_layer_norm"].map(str::to_owned);
    let encoder = [attention("self_attn"), feed_forward.to_vec()].concat();
    let decoder = [encoder.clone(), attention("encoder_attn")].concat();
    [("encoder", encoder), ("decoder", decoder)]
        .into_iter()
        .flat_map(|(stack, parts)| {
            parts.into_iter().flat_map(move |part| {
                ["weight", "bias"].map(|end| format!("model.{stack}.layers.0.{part}.{end}"))
            })
        })
        .collect()
}

#[test]
fn marian_names_are_those_of_hugging_face() {
    let config = config("marian", json!({ "max_positions": 16 }))
        .encoder_decoder()
        .unwrap();
    let layers = post_norm_layers();
    let names = [
        borrowed(&layers),
        vec!["final_logits_bias", "model.shared.weight"],
    ]
    .concat();
    assert_names(
        &Seq2SeqLm::new(&config, 0, &Device::flex()).unwrap(),
        "MarianMTModel",
        &names,
    );
}

#[test]
fn bart_names_are_those_of_hugging_face() {
    let sizes = json!({ "max_positions": 16, "decoder_start_token_id": 2 });
    let config = config("bart", sizes).encoder_decoder().unwrap();
    let layers = post_norm_layers();
    let body = [
        borrowed(&layers),
        vec![
            "model.decoder.embed_positions.weight",
            "model.decoder.layernorm_embedding.bias",
            "model.decoder.layernorm_embedding.weight",
            "model.encoder.embed_positions.weight",
            "model.encoder.layernorm_embedding.bias",
            "model.encoder.layernorm_embedding.weight",
            "model.shared.weight",
        ],
    ]
    .concat();
    assert_names(
        &Seq2SeqLm::new(&config, 0, &Device::flex()).unwrap(),
        "BartForConditionalGeneration",
        &[&body[..], &["final_logits_bias"]].concat(),
    );
    assert_names(
        &Seq2SeqClassifier::new(&config, 3, 0, &Device::flex()).unwrap(),
        "BartForSequenceClassification",
        &[&body[..], CLASSIFICATION_HEAD].concat(),
    );
}

const CLASSIFICATION_HEAD: &[&str] = &[
    "classification_head.dense.bias",
    "classification_head.dense.weight",
    "classification_head.out_proj.bias",
    "classification_head.out_proj.weight",
];

const T5_ATTENTION: &[&str] = &[
    "decoder.block.0.layer.0.SelfAttention.k.weight",
    "decoder.block.0.layer.0.SelfAttention.o.weight",
    "decoder.block.0.layer.0.SelfAttention.q.weight",
    "decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
    "decoder.block.0.layer.0.SelfAttention.v.weight",
    "decoder.block.0.layer.0.layer_norm.weight",
    "decoder.block.0.layer.1.EncDecAttention.k.weight",
    "decoder.block.0.layer.1.EncDecAttention.o.weight",
    "decoder.block.0.layer.1.EncDecAttention.q.weight",
    "decoder.block.0.layer.1.EncDecAttention.v.weight",
    "decoder.block.0.layer.1.layer_norm.weight",
    "decoder.block.0.layer.2.layer_norm.weight",
    "decoder.final_layer_norm.weight",
    "encoder.block.0.layer.0.SelfAttention.k.weight",
    "encoder.block.0.layer.0.SelfAttention.o.weight",
    "encoder.block.0.layer.0.SelfAttention.q.weight",
    "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
    "encoder.block.0.layer.0.SelfAttention.v.weight",
    "encoder.block.0.layer.0.layer_norm.weight",
    "encoder.block.0.layer.1.layer_norm.weight",
    "encoder.final_layer_norm.weight",
    "shared.weight",
];

#[test]
fn t5_names_are_those_of_hugging_face() {
    let device = Device::flex();
    let plain = config("t5", json!({})).encoder_decoder().unwrap();
    let feed_forward = [
        "decoder.block.0.layer.2.DenseReluDense.wi.weight",
        "decoder.block.0.layer.2.DenseReluDense.wo.weight",
        "encoder.block.0.layer.1.DenseReluDense.wi.weight",
        "encoder.block.0.layer.1.DenseReluDense.wo.weight",
    ];
    let names = [T5_ATTENTION, &feed_forward].concat();
    assert_names(
        &Seq2SeqLm::new(&plain, 0, &device).unwrap(),
        "T5ForConditionalGeneration",
        &names,
    );

    let gated = json!({ "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false, "pad_token_id": 0 });
    let gated = config("t5", gated).encoder_decoder().unwrap();
    let feed_forward = [
        "decoder.block.0.layer.2.DenseReluDense.wi_0.weight",
        "decoder.block.0.layer.2.DenseReluDense.wi_1.weight",
        "decoder.block.0.layer.2.DenseReluDense.wo.weight",
        "encoder.block.0.layer.1.DenseReluDense.wi_0.weight",
        "encoder.block.0.layer.1.DenseReluDense.wi_1.weight",
        "encoder.block.0.layer.1.DenseReluDense.wo.weight",
    ];
    let body = [T5_ATTENTION, &feed_forward].concat();
    assert_names(
        &Seq2SeqLm::new(&gated, 0, &device).unwrap(),
        "T5ForConditionalGeneration",
        &[&body[..], &["lm_head.weight"]].concat(),
    );
    let body: Vec<String> = body
        .iter()
        .map(|name| format!("transformer.{name}"))
        .collect();
    assert_names(
        &Seq2SeqClassifier::new(&gated, 3, 0, &device).unwrap(),
        "T5ForSequenceClassification",
        &[&borrowed(&body)[..], CLASSIFICATION_HEAD].concat(),
    );
}

#[test]
fn gpt2_names_are_those_of_hugging_face() {
    let names = [
        "transformer.h.0.attn.c_attn.bias",
        "transformer.h.0.attn.c_attn.weight",
        "transformer.h.0.attn.c_proj.bias",
        "transformer.h.0.attn.c_proj.weight",
        "transformer.h.0.ln_1.bias",
        "transformer.h.0.ln_1.weight",
        "transformer.h.0.ln_2.bias",
        "transformer.h.0.ln_2.weight",
        "transformer.h.0.mlp.c_fc.bias",
        "transformer.h.0.mlp.c_fc.weight",
        "transformer.h.0.mlp.c_proj.bias",
        "transformer.h.0.mlp.c_proj.weight",
        "transformer.ln_f.bias",
        "transformer.ln_f.weight",
        "transformer.wpe.weight",
        "transformer.wte.weight",
    ];
    let config = config("gpt2", json!({ "max_positions": 16 }))
        .decoder()
        .unwrap();
    assert_names(
        &CausalLm::new(&config, 0, &Device::flex()).unwrap(),
        "GPT2LMHeadModel",
        &names,
    );
}
