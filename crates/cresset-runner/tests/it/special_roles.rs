//! Which rows of which table a policy is about, in models of two tables, of sentinels, and of decoders alone.

use std::fs;

use safetensors::SafeTensors;
use serde_json::Value;

use crate::workplace::{Workplace, config};

const WIDTH: usize = 32;

fn train(place: &Workplace, name: &str, settings: &[&str]) {
    let config = config(&format!("tiny/{name}.toml"));
    let mut args = vec!["train", &config, "--quiet", "--set", "train.out=run"];
    for setting in settings {
        args.extend(["--set", setting]);
    }
    place.succeeds(&args);
}

/// The rows of a table of the trained model whose name ends so.
fn rows(place: &Workplace, name: &str) -> Vec<Vec<f32>> {
    let bytes = fs::read(place.path("run/model/model.safetensors")).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let names = file.names();
    let name = names.iter().find(|n| n.ends_with(name)).expect("the table");
    let view = file.tensor(name).expect("a tensor");
    let words = view.data().as_chunks::<4>().0.iter();
    let values: Vec<f32> = words.map(|word| f32::from_le_bytes(*word)).collect();
    values.chunks(WIDTH).map(<[f32]>::to_vec).collect()
}

fn zero_rows(rows: &[Vec<f32>]) -> Vec<usize> {
    let is_zero = |row: &[f32]| row.iter().all(|v| *v == 0.0);
    (0..rows.len()).filter(|&i| is_zero(&rows[i])).collect()
}

fn tokens(place: &Workplace) -> Vec<(String, usize)> {
    let bytes = fs::read(place.path("run/model/tokenizer.json")).expect("tokenizer.json");
    let tokenizer: Value = serde_json::from_slice(&bytes).expect("JSON");
    let added = tokenizer["added_tokens"].as_array().expect("a list").iter();
    let entry = |entry: &Value| {
        let id = entry["id"].as_u64().expect("an id") as usize;
        (entry["content"].as_str().expect("a token").to_owned(), id)
    };
    added.map(entry).collect()
}

#[test]
fn of_two_tables_cls_is_the_encoders_and_the_start_the_decoders() {
    let place = Workplace::with_sample_data();
    let policies = [
        "special.policy.cls.init=zeros",
        "special.policy.cls.train=frozen",
        "special.policy.decoder_start.lr_factor=2.0",
        "special.policy.mask.init=zeros",
        "special.policy.mask.train=frozen",
        "train.steps=12",
    ];
    train(&place, "seq2seq-bert2bert", &policies);
    let tokens = tokens(&place);
    let id = |token: &str| {
        let found = tokens.iter().find(|(t, _)| t == token);
        found.expect("the token").1
    };
    let table = |half: &str| {
        let name = format!("{half}embeddings.word_embeddings.weight");
        zero_rows(&rows(&place, &name))
    };
    assert_eq!(table("encoder."), [id("[CLS]"), id("[MASK]")]);
    assert_eq!(table("decoder.bert."), [id("[MASK]")]);
}

#[test]
fn sentinels_are_all_of_them() {
    let place = Workplace::with_sample_data();
    let policies = [
        "special.policy.sentinels.init=zeros",
        "special.policy.sentinels.train=frozen",
        "train.steps=12",
    ];
    train(&place, "span-corruption", &policies);
    let sentinels = tokens(&place)
        .into_iter()
        .filter(|(token, _)| token.starts_with("<extra_id_"));
    let mut ids: Vec<usize> = sentinels.map(|(_, id)| id).collect();
    ids.sort_unstable();
    assert_eq!(ids.len(), 100);
    assert_eq!(zero_rows(&rows(&place, "shared.weight")), ids);
}

#[test]
fn a_decoder_alone_has_policies_too() {
    let place = Workplace::with_sample_data();
    let policies = [
        "special.policy.token:e.init=zeros",
        "special.policy.token:e.train=frozen",
        "train.steps=12",
    ];
    train(&place, "causal-lm", &policies);
    assert_eq!(zero_rows(&rows(&place, "wte.weight")).len(), 1);
}
