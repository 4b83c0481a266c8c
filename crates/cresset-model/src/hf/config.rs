//! `config.json` and `generation_config.json`.

use std::path::Path;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::untied::untied_where_the_weights_are;
use super::write::write_atomically;
use crate::config::{MODEL_TYPES, ModelConfig, unknown_architecture};
use crate::error::ModelError;

/// Reads `config.json`: the model's configuration, and the whole file for the keys that are not the model's business (labels, class).
/// Whether T5's output layer is tied is asked of the weights too, where they lie beside it.
///
/// # Errors
/// A missing or invalid file, an unknown `model_type`, a configuration that does not validate.
pub fn read_config(folder: &Path) -> Result<(ModelConfig, Map<String, Value>), ModelError> {
    let path = folder.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(ModelError::read(&path))?;
    let broken = |reason: String| ModelError::Json {
        path: path.clone(),
        reason,
    };
    let whole: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
    let kind = whole
        .get("model_type")
        .and_then(Value::as_str)
        .ok_or_else(|| broken("there is no model_type".to_owned()))?;
    if !MODEL_TYPES.contains(&kind) {
        return Err(unknown_architecture(kind));
    }
    let config = ModelConfig::from_file(kind, &whole).map_err(|error| broken(error.to_string()))?;
    config.validate()?;
    let config = match config {
        ModelConfig::T5(config) => ModelConfig::T5(untied_where_the_weights_are(config, folder)),
        other => other,
    };
    Ok((config, whole))
}

/// Writes `config.json`, and for models that generate `generation_config.json`. `extra` goes over the model's own keys: labels, ids of
/// special tokens.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_config(
    config: &ModelConfig,
    architecture: &str,
    extra: Map<String, Value>,
    folder: &Path,
) -> Result<(), ModelError> {
    let own = serde_json::to_value(config).expect("a configuration is plain data");
    let Value::Object(mut whole) = own else {
        unreachable!("a configuration is a struct")
    };
    whole.insert("architectures".to_owned(), json!([architecture]));
    whole.insert("dtype".to_owned(), json!("float32"));
    whole.extend(derived(config));
    whole.extend(extra);
    // Hugging Face counts labels by their names and takes no null where its class has a number.
    whole.retain(|key, value| {
        !value.is_null()
            || key.ends_with("_token_id")
            || ["classifier_dropout", "mem_len"].contains(&key.as_str())
    });
    if whole
        .get("decoder_start_token_id")
        .is_some_and(Value::is_null)
    {
        whole.remove("decoder_start_token_id");
    }
    whole.sort_keys();
    if generates(architecture) {
        write_json(folder, "generation_config.json", &generation(&whole))?;
    }
    write_json(folder, "config.json", &Value::Object(whole))
}

/// Keys that follow from others, for readers that do not derive them.
fn derived(config: &ModelConfig) -> Map<String, Value> {
    let pairs = match config {
        ModelConfig::Bert(_)
        | ModelConfig::Roberta(_)
        | ModelConfig::Albert(_)
        | ModelConfig::Gpt2(_) => Vec::new(),
        ModelConfig::Marian(config) => {
            vec![
                ("decoder_vocab_size", json!(config.vocab_size)),
                ("is_encoder_decoder", json!(true)),
                ("decoder_start_token_id", json!(config.start_token_id())),
            ]
        }
        ModelConfig::Bart(config) => vec![
            ("is_encoder_decoder", json!(true)),
            ("decoder_start_token_id", json!(config.start_token_id())),
        ],
        ModelConfig::T5(config) => vec![
            ("num_decoder_layers", json!(config.n_decoder_layers())),
            ("scale_decoder_outputs", json!(config.scales_outputs())),
            ("is_encoder_decoder", json!(true)),
            ("decoder_start_token_id", json!(config.start_token_id())),
        ],
        ModelConfig::EncoderDecoder(_) => vec![("is_encoder_decoder", json!(true))],
        ModelConfig::Xlnet(config) => vec![("d_head", json!(config.head_size()))],
    };
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn generates(architecture: &str) -> bool {
    [
        "LMHeadModel",
        "ForConditionalGeneration",
        "MTModel",
        "EncoderDecoderModel",
    ]
    .iter()
    .any(|ending| architecture.ends_with(ending))
}

fn generation(whole: &Map<String, Value>) -> Value {
    let ids = whole
        .iter()
        .filter(|(key, value)| key.ends_with("_token_id") && !value.is_null());
    let mut generation: Map<String, Value> = ids
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    generation.insert("_from_model_config".to_owned(), json!(true));
    Value::Object(generation)
}

fn write_json(folder: &Path, name: &str, value: &Value) -> Result<(), ModelError> {
    let text = serde_json::to_string_pretty(value).expect("JSON values print") + "\n";
    write_atomically(folder, name, text.as_bytes())
}

/// An id, or the first of a list of ids: Hugging Face allows several end tokens.
pub(crate) fn one_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ids {
        One(u32),
        Many(Vec<u32>),
    }
    Ok(match Option::<Ids>::deserialize(deserializer)? {
        None => None,
        Some(Ids::One(id)) => Some(id),
        Some(Ids::Many(ids)) => ids.first().copied(),
    })
}
