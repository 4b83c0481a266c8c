//! The configuration of any architecture: from `config.json`, or from a table with short names.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::albert::AlbertConfig;
use crate::bart::BartConfig;
use crate::bert::BertConfig;
use crate::decoder::DecoderConfig;
use crate::encoder::EncoderConfig;
use crate::encoder_decoder::Seq2SeqConfig;
use crate::error::ModelError;
use crate::gpt2::Gpt2Config;
use crate::marian::MarianConfig;
use crate::roberta::RobertaConfig;
use crate::t5::T5Config;
use crate::warm_start::EncoderDecoderConfig;
use crate::xlnet::XlnetConfig;

/// The configuration of a model; `model_type` of `config.json` tells which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model_type", rename_all = "lowercase")]
pub enum ModelConfig {
    /// BERT.
    Bert(BertConfig),
    /// RoBERTa.
    Roberta(RobertaConfig),
    /// ALBERT.
    Albert(AlbertConfig),
    /// T5.
    T5(T5Config),
    /// The original Transformer in Marian's layout.
    Marian(MarianConfig),
    /// BART.
    Bart(BartConfig),
    /// Two BERTs.
    #[serde(rename = "encoder-decoder")]
    EncoderDecoder(EncoderDecoderConfig),
    /// GPT-2.
    Gpt2(Gpt2Config),
    /// XLNet.
    Xlnet(XlnetConfig),
}

/// The values of `model_type` that [`ModelConfig`] knows.
pub const MODEL_TYPES: &[&str] = &[
    "bert",
    "roberta",
    "albert",
    "xlnet",
    "t5",
    "marian",
    "bart",
    "encoder-decoder",
    "gpt2",
];

/// Short names, the same for every architecture, and the names they stand for.
type ShortNames = &'static [(&'static str, &'static [&'static str])];

const BERT: ShortNames = &[
    ("n_layers", &["num_hidden_layers"]),
    ("n_heads", &["num_attention_heads"]),
    ("activation", &["hidden_act"]),
    (
        "dropout",
        &["hidden_dropout_prob", "attention_probs_dropout_prob"],
    ),
    ("attention_dropout", &["attention_probs_dropout_prob"]),
    ("max_positions", &["max_position_embeddings"]),
    ("n_segments", &["type_vocab_size"]),
];

/// Marian's and BART's.
const MARIAN: ShortNames = &[
    ("n_layers", &["encoder_layers", "decoder_layers"]),
    ("n_encoder_layers", &["encoder_layers"]),
    ("n_decoder_layers", &["decoder_layers"]),
    ("hidden_size", &["d_model"]),
    (
        "n_heads",
        &["encoder_attention_heads", "decoder_attention_heads"],
    ),
    ("intermediate_size", &["encoder_ffn_dim", "decoder_ffn_dim"]),
    ("activation", &["activation_function"]),
    ("max_positions", &["max_position_embeddings"]),
];

const T5: ShortNames = &[
    ("n_layers", &["num_layers", "num_decoder_layers"]),
    ("n_encoder_layers", &["num_layers"]),
    ("n_decoder_layers", &["num_decoder_layers"]),
    ("hidden_size", &["d_model"]),
    ("n_heads", &["num_heads"]),
    ("head_size", &["d_kv"]),
    ("intermediate_size", &["d_ff"]),
    ("dropout", &["dropout_rate"]),
];

const GPT2: ShortNames = &[
    ("n_layers", &["n_layer"]),
    ("hidden_size", &["n_embd"]),
    ("n_heads", &["n_head"]),
    ("intermediate_size", &["n_inner"]),
    ("activation", &["activation_function"]),
    ("dropout", &["resid_pdrop", "embd_pdrop", "attn_pdrop"]),
    ("attention_dropout", &["attn_pdrop"]),
    ("max_positions", &["n_positions"]),
];

const XLNET: ShortNames = &[
    ("n_layers", &["n_layer"]),
    ("hidden_size", &["d_model"]),
    ("n_heads", &["n_head"]),
    ("head_size", &["d_head"]),
    ("intermediate_size", &["d_inner"]),
    ("activation", &["ff_activation"]),
];

impl ModelConfig {
    /// The configuration of a new model from a table that holds Hugging Face's names or the short ones (`n_layers`, `hidden_size`,
    /// `n_heads`, `intermediate_size`, `dropout`, `max_positions`, ..). What the table does not name has Hugging Face's default, but
    /// for the ids of special tokens, which are left open.
    ///
    /// # Errors
    /// An unknown architecture or key, a value of the wrong kind or outside its range.
    pub fn from_toml_table(
        kind: &str,
        table: Map<String, Value>,
    ) -> Result<ModelConfig, ModelError> {
        let config = match kind {
            "bert" => ModelConfig::Bert(from_table(kind, BERT, table)?),
            "roberta" => ModelConfig::Roberta(from_table(kind, BERT, table)?),
            "albert" => ModelConfig::Albert(from_table(kind, BERT, table)?),
            "t5" => ModelConfig::T5(from_table(kind, T5, table)?),
            "marian" => ModelConfig::Marian(from_table(kind, MARIAN, table)?),
            "bart" => ModelConfig::Bart(from_table(kind, MARIAN, table)?),
            "encoder-decoder" => ModelConfig::EncoderDecoder(halves(table)?),
            "gpt2" => ModelConfig::Gpt2(from_table(kind, GPT2, table)?),
            "xlnet" => ModelConfig::Xlnet(from_table(kind, XLNET, table)?),
            _ => return Err(unknown_architecture(kind)),
        };
        config.validate()?;
        Ok(config)
    }

    /// The configuration in a `config.json` of a known `model_type`. What the file does not name has Hugging Face's default.
    pub(crate) fn from_file(
        kind: &str,
        whole: &Map<String, Value>,
    ) -> Result<ModelConfig, serde_json::Error> {
        Ok(match kind {
            "bert" => ModelConfig::Bert(from_file(whole)?),
            "roberta" => ModelConfig::Roberta(from_file(whole)?),
            "albert" => ModelConfig::Albert(from_file(whole)?),
            "t5" => ModelConfig::T5(from_file(whole)?),
            "marian" => ModelConfig::Marian(from_file(whole)?),
            "bart" => ModelConfig::Bart(from_file(whole)?),
            "encoder-decoder" => ModelConfig::EncoderDecoder(from_file(whole)?),
            "xlnet" => ModelConfig::Xlnet(from_file(whole)?),
            _ => ModelConfig::Gpt2(from_file(whole)?),
        })
    }

    /// Checks the values against each other.
    ///
    /// # Errors
    /// A value outside its range, or a variant that is not supported.
    pub fn validate(&self) -> Result<(), ModelError> {
        match self {
            ModelConfig::Bert(config) => config.validate_as_encoder(),
            ModelConfig::Roberta(config) => config.validate(),
            ModelConfig::Albert(config) => config.validate(),
            ModelConfig::T5(config) => config.validate(),
            ModelConfig::Marian(config) => config.validate(),
            ModelConfig::Bart(config) => config.validate(),
            ModelConfig::EncoderDecoder(config) => config.validate(),
            ModelConfig::Gpt2(config) => config.validate(),
            ModelConfig::Xlnet(config) => config.validate(),
        }
    }

    /// `model_type` of `config.json`.
    pub fn kind(&self) -> &'static str {
        match self {
            ModelConfig::Bert(_) => "bert",
            ModelConfig::Roberta(_) => "roberta",
            ModelConfig::Albert(_) => "albert",
            ModelConfig::T5(_) => "t5",
            ModelConfig::Marian(_) => "marian",
            ModelConfig::Bart(_) => "bart",
            ModelConfig::EncoderDecoder(_) => "encoder-decoder",
            ModelConfig::Gpt2(_) => "gpt2",
            ModelConfig::Xlnet(_) => "xlnet",
        }
    }

    /// Rows of the token embedding.
    pub fn vocab_size(&self) -> usize {
        match self {
            ModelConfig::Bert(config) => config.vocab_size,
            ModelConfig::Roberta(config) => config.bert.vocab_size,
            ModelConfig::Albert(config) => config.vocab_size,
            ModelConfig::T5(config) => config.vocab_size,
            ModelConfig::Marian(config) => config.vocab_size,
            ModelConfig::Bart(config) => config.vocab_size,
            ModelConfig::EncoderDecoder(config) => config.vocab_size(),
            ModelConfig::Gpt2(config) => config.vocab_size,
            ModelConfig::Xlnet(config) => config.vocab_size,
        }
    }

    /// Rows of the embedding of what is written: those of the decoder, where it has its own.
    pub fn target_vocab_size(&self) -> usize {
        match self {
            ModelConfig::EncoderDecoder(config) => config.decoder.bert().vocab_size,
            other => other.vocab_size(),
        }
    }

    /// Longest input in tokens, where the model has a table of positions.
    pub fn max_positions(&self) -> Option<usize> {
        match self {
            ModelConfig::Bert(config) => Some(config.max_position_embeddings),
            ModelConfig::Roberta(config) => Some(config.max_positions()),
            ModelConfig::Albert(config) => Some(config.max_position_embeddings),
            ModelConfig::T5(_) | ModelConfig::Xlnet(_) => None,
            ModelConfig::Marian(config) => Some(config.max_position_embeddings),
            ModelConfig::Bart(config) => Some(config.max_position_embeddings),
            ModelConfig::EncoderDecoder(config) => Some(config.max_positions()),
            ModelConfig::Gpt2(config) => Some(config.n_positions),
        }
    }

    /// Refuses inputs longer than the model's table of positions.
    ///
    /// # Errors
    /// `length` above [`ModelConfig::max_positions`].
    pub fn check_length(&self, length: usize) -> Result<(), ModelError> {
        match self.max_positions() {
            Some(positions) if length > positions => {
                Err(ModelError::SequenceTooLong { length, positions })
            }
            _ => Ok(()),
        }
    }

    /// The configuration as an encoder.
    ///
    /// # Errors
    /// An architecture that is none.
    pub fn encoder(&self) -> Result<EncoderConfig, ModelError> {
        match self {
            ModelConfig::Bert(config) => Ok(EncoderConfig::Bert(config.clone())),
            ModelConfig::Roberta(config) => Ok(EncoderConfig::Roberta(config.clone())),
            ModelConfig::Albert(config) => Ok(EncoderConfig::Albert(config.clone())),
            ModelConfig::Xlnet(config) => Ok(EncoderConfig::Xlnet(config.clone())),
            other => Err(ModelError::WrongArchitecture {
                wanted: "an encoder",
                expected: "bert, roberta, albert or xlnet",
                found: other.kind(),
            }),
        }
    }

    /// The configuration as a decoder.
    ///
    /// # Errors
    /// An architecture that is none.
    pub fn decoder(&self) -> Result<DecoderConfig, ModelError> {
        match self {
            ModelConfig::Gpt2(config) => Ok(DecoderConfig::Gpt2(config.clone())),
            other => Err(ModelError::WrongArchitecture {
                wanted: "a decoder",
                expected: "gpt2",
                found: other.kind(),
            }),
        }
    }

    /// The configuration as an encoder-decoder.
    ///
    /// # Errors
    /// An architecture that is none.
    pub fn encoder_decoder(&self) -> Result<Seq2SeqConfig, ModelError> {
        match self {
            ModelConfig::T5(config) => Ok(Seq2SeqConfig::T5(config.clone())),
            ModelConfig::Marian(config) => Ok(Seq2SeqConfig::Marian(config.clone())),
            ModelConfig::Bart(config) => Ok(Seq2SeqConfig::Bart(config.clone())),
            ModelConfig::EncoderDecoder(config) => {
                Ok(Seq2SeqConfig::EncoderDecoder(config.clone()))
            }
            other => Err(ModelError::WrongArchitecture {
                wanted: "an encoder-decoder",
                expected: "t5, marian, bart or encoder-decoder",
                found: other.kind(),
            }),
        }
    }
}

/// Refuses a tokenizer whose ids reach beyond the model's embedding. A smaller tokenizer is fine: embeddings are often rounded up.
///
/// # Errors
/// `tokenizer_size` above the configuration's `vocab_size`.
pub fn check_vocabulary(config: &ModelConfig, tokenizer_size: usize) -> Result<(), ModelError> {
    let model = config.vocab_size();
    if tokenizer_size > model {
        Err(ModelError::VocabularyMismatch {
            tokenizer: tokenizer_size,
            model,
        })
    } else {
        Ok(())
    }
}

pub(crate) fn unknown_architecture(found: &str) -> ModelError {
    ModelError::UnknownArchitecture {
        found: found.to_owned(),
        known: MODEL_TYPES.join(", "),
    }
}

/// The configuration of two BERTs from a table that holds a table for each, or sizes for both.
fn halves(mut table: Map<String, Value>) -> Result<EncoderDecoderConfig, ModelError> {
    let mut part = |name: &str| match table.remove(name) {
        None => Ok(Map::new()),
        Some(Value::Object(sizes)) => Ok(sizes),
        Some(_) => Err(ModelError::BadValue {
            key: format!("encoder-decoder.{name}"),
            reason: "it must be a table of sizes, as in { n_layers = 4 }".to_owned(),
        }),
    };
    let (encoder, decoder) = (part("encoder")?, part("decoder")?);
    let mut ids = Map::new();
    for key in ["decoder_start_token_id", "eos_token_id", "bos_token_id"] {
        if let Some(id) = table.remove(key) {
            ids.insert(key.to_owned(), id);
        }
    }
    let with = |own: Map<String, Value>| -> Result<BertConfig, ModelError> {
        let mut sizes = table.clone();
        sizes.extend(own);
        from_table("encoder-decoder", BERT, sizes)
    };
    let mut config = EncoderDecoderConfig::of(&with(encoder)?, &with(decoder)?);
    let id = |key: &str| ids.get(key).and_then(Value::as_u64).map(|id| id as u32);
    config.decoder_start_token_id = id("decoder_start_token_id");
    config.eos_token_id = id("eos_token_id");
    Ok(config)
}

/// The defaults of an architecture as a table.
fn defaults<C: Default + Serialize>() -> Map<String, Value> {
    let values = serde_json::to_value(C::default()).expect("a configuration is plain data");
    let Value::Object(values) = values else {
        unreachable!("a configuration is a struct")
    };
    values
}

/// Writes a file's keys over the defaults; what the architecture does not know is the file's own affair.
fn from_file<C>(whole: &Map<String, Value>) -> Result<C, serde_json::Error>
where
    C: Default + Serialize + DeserializeOwned,
{
    let mut values = defaults::<C>();
    values.extend(whole.clone());
    serde_json::from_value(Value::Object(values))
}

/// Writes the table over the defaults, so that a key is known if the defaults have it.
fn from_table<C>(
    kind: &str,
    short_names: ShortNames,
    table: Map<String, Value>,
) -> Result<C, ModelError>
where
    C: Default + Serialize + DeserializeOwned,
{
    let mut values = defaults::<C>();
    for (key, value) in &mut values {
        if key.ends_with("_token_id") {
            *value = Value::Null;
        }
    }
    let mut given: Vec<(String, String)> = Vec::new();
    for (key, value) in table {
        let short = short_names.iter().find(|(short, _)| *short == key);
        let targets: Vec<String> = match short {
            Some((_, names)) => names.iter().map(|&name| name.to_owned()).collect(),
            None if values.contains_key(&key) => vec![key.clone()],
            None => return Err(unknown_key(kind, short_names, &values, &key)),
        };
        for target in targets {
            // A name that stands for one value narrows a name that stands for several, whichever comes first.
            let earlier = given.iter().position(|(name, _)| *name == target);
            let is_narrower = |key: &str| {
                short_names
                    .iter()
                    .all(|(short, names)| *short != key || names.len() == 1)
            };
            match earlier {
                Some(index) => match (is_narrower(&key), is_narrower(&given[index].1)) {
                    (true, false) => given[index].1.clone_from(&key),
                    (false, true) => continue,
                    _ => {
                        let first = given[index].1.clone();
                        return Err(ModelError::DuplicateKey {
                            kind: kind.to_owned(),
                            first,
                            second: key,
                        });
                    }
                },
                None => given.push((target.clone(), key.clone())),
            }
            values.insert(target, value.clone());
        }
    }
    serde_path_to_error::deserialize(Value::Object(values)).map_err(|error| {
        let name = error.path().to_string();
        let key = given
            .iter()
            .find(|(target, _)| *target == name)
            .map_or(name.clone(), |(_, key)| key.clone());
        ModelError::BadValue {
            key: format!("{kind}.{key}"),
            reason: error.into_inner().to_string(),
        }
    })
}

fn unknown_key(
    kind: &str,
    short_names: ShortNames,
    values: &Map<String, Value>,
    key: &str,
) -> ModelError {
    let known: Vec<&str> = short_names
        .iter()
        .map(|(short, _)| *short)
        .chain(values.keys().map(String::as_str))
        .collect();
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, key), *name))
        .min();
    let hint = match nearest {
        Some((distance, name)) if distance <= 1 + key.len() / 3 => format!("did you mean {name}?"),
        _ => format!("known keys are {}", known.join(", ")),
    };
    ModelError::UnknownKey {
        kind: kind.to_owned(),
        key: key.to_owned(),
        hint,
    }
}
