//! Writes a small folder for every Hugging Face class, for `scripts/check_folder.py` to hold against Python:
//! `cargo run --release -p cresset-model --example folders -- OUT_DIR`.

use std::error::Error;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use cresset_model::bert::Pooler;
use cresset_model::xlnet::XlnetLmHead;
use cresset_model::{
    CausalLm, Encoder, EncoderConfig, HfModel, MaskedLm, ModelConfig, PreTraining,
    QuestionAnswering, Seq2SeqLm, TextClassifier, TokenClassifier, save_weights, write_config,
};
use serde_json::{Map, Value, json};

const LABELS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::args().nth(1).ok_or("give an output folder")?);
    let device = Device::flex();
    for (kind, more) in [
        ("bert", json!({ "max_positions": 16, "pad_token_id": 0 })),
        (
            "roberta",
            json!({ "max_positions": 18, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2 }),
        ),
        (
            "albert",
            json!({ "max_positions": 16, "pad_token_id": 0, "embedding_size": 5, "num_hidden_groups": 2 }),
        ),
        ("xlnet", json!({ "pad_token_id": 5 })),
    ] {
        encoders(&out, &config(kind, more)?, &device)?;
    }
    let tokens = json!({ "pad_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 1 });
    for (name, kind, more) in [
        (
            "marian",
            "marian",
            json!({ "max_positions": 16, "bos_token_id": 1, "scale_embedding": true, "activation": "swish" }),
        ),
        (
            "bart",
            "bart",
            json!({ "max_positions": 16, "bos_token_id": 1, "forced_bos_token_id": 1 }),
        ),
        ("t5", "t5", json!({ "head_size": 5 })),
        (
            "t5_gated",
            "t5",
            json!({ "feed_forward_proj": "gated-gelu" }),
        ),
        (
            "t5_untied",
            "t5",
            json!({ "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false }),
        ),
        (
            "bert2bert",
            "encoder-decoder",
            json!({ "max_positions": 16, "decoder": { "hidden_size": 18 } }),
        ),
    ] {
        let config = config(kind, joined(&tokens, &more))?;
        let model = Seq2SeqLm::new(&config.encoder_decoder()?, 3, &device)?;
        write(&out.join(name), &config, &model)?;
    }
    for (kind, more) in [
        ("bart", json!({ "max_positions": 16 })),
        ("t5", json!({ "head_size": 5 })),
    ] {
        let config = config(kind, joined(&tokens, &more))?;
        let model = TextClassifier::new(&config, LABELS, 5, &device)?;
        write(&out.join(format!("{kind}_classifier")), &config, &model)?;
    }
    let gpt2 = config("gpt2", json!({ "max_positions": 16 }))?;
    let model = CausalLm::new(&gpt2.decoder()?, 4, &device)?;
    write(&out.join("gpt2"), &gpt2, &model)
}

/// An encoder alone and under every head it has.
fn encoders(out: &Path, config: &ModelConfig, device: &Device) -> Result<(), Box<dyn Error>> {
    let encoder = config.encoder()?;
    let to = |head: &str| out.join(format!("{}_{head}", config.kind()));
    let model = Encoder::new(&encoder, Pooler::With, 1, device)?;
    write(&to("model"), config, &model)?;
    let model = TextClassifier::new(config, LABELS, 2, device)?;
    write(&to("classifier"), config, &model)?;
    let model = TokenClassifier::new(&encoder, LABELS, 3, device)?;
    write(&to("token"), config, &model)?;
    let model = QuestionAnswering::new(&encoder, 4, device)?;
    write(&to("qa"), config, &model)?;
    if let EncoderConfig::Xlnet(xlnet) = &encoder {
        let model = XlnetLmHead::new(xlnet, 5, device)?;
        return write(&to("lm"), config, &model);
    }
    let model = MaskedLm::new(&encoder, 5, device)?;
    write(&to("masked_lm"), config, &model)?;
    match PreTraining::new(&encoder, 6, device) {
        Ok(model) => write(&to("pretraining"), config, &model),
        // RoBERTa is not pre-trained on pairs.
        Err(_) => Ok(()),
    }
}

fn config(kind: &str, more: Value) -> Result<ModelConfig, Box<dyn Error>> {
    let sizes = json!({ "vocab_size": 31, "n_layers": 2, "hidden_size": 12, "n_heads": 3, "intermediate_size": 20 });
    let Value::Object(table) = joined(&sizes, &more) else {
        unreachable!("joined objects are an object")
    };
    Ok(ModelConfig::from_toml_table(kind, table)?)
}

fn joined(some: &Value, more: &Value) -> Value {
    let parts = [some, more].into_iter().filter_map(Value::as_object);
    parts
        .flatten()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn write<M: HfModel>(folder: &Path, config: &ModelConfig, model: &M) -> Result<(), Box<dyn Error>> {
    let classifies = ["SequenceClassification", "TokenClassification"]
        .iter()
        .any(|ending| model.architecture().ends_with(ending));
    let extra: Map<String, Value> = if classifies {
        let names = (0..LABELS).map(|i| (i.to_string(), json!(format!("class {i}"))));
        Map::from_iter([("id2label".to_owned(), names.collect())])
    } else {
        Map::new()
    };
    std::fs::create_dir_all(folder)?;
    write_config(config, model.architecture(), extra, folder)?;
    save_weights(model, folder)?;
    println!("{}: {}", folder.display(), model.architecture());
    Ok(())
}
