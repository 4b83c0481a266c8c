//! Hugging Face tokenizer folders.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use tokenizers::processors::template::TemplateProcessing;

use crate::convention::{Piece, Slot};
use crate::{Convention, DataError, Tokenizer};

const TOKENIZER: &str = "tokenizer.json";
const CONFIG: &str = "tokenizer_config.json";
const SPECIAL: &str = "special_tokens_map.json";

pub(super) fn load(path: &Path) -> Result<Tokenizer, DataError> {
    let (file, config) = if path.is_dir() {
        (path.join(TOKENIZER), read_object(&path.join(CONFIG))?)
    } else {
        (path.to_owned(), Map::new())
    };
    if path.is_dir() && !file.exists() {
        return Err(DataError::TokenizerFile {
            path: path.to_owned(),
            reason: format!(
                "there is no {TOKENIZER} in it; save the fast form of the tokenizer there, in Python with AutoTokenizer.from_pretrained(..).save_pretrained(..)"
            ),
        });
    }
    let bytes = fs::read(&file).map_err(|source| DataError::Read {
        path: file.clone(),
        source,
    })?;
    let fail = |reason: String| DataError::TokenizerFile {
        path: file.clone(),
        reason,
    };
    let inner = tokenizers::Tokenizer::from_bytes(&bytes).map_err(|e| {
        fail(format!(
            "it is not a Hugging Face {TOKENIZER} ({e}); save it again, or check that it was copied as a whole"
        ))
    })?;
    // Rare characters of several kinds: one of them is unknown to any vocabulary that leaves something unknown.
    for probe in ["\u{13000}", "\u{2a6d6}", "\u{1f9ff}", "\u{10fffd}", "Ꙟ"] {
        inner.encode_fast(probe, false).map_err(|e| {
            fail(format!(
                "it cannot encode every text ({e}); give its model an unknown token that is in the vocabulary"
            ))
        })?;
    }
    Ok(Tokenizer::new(inner, config))
}

fn read_object(path: &Path) -> Result<Map<String, Value>, DataError> {
    if !path.exists() {
        return Ok(Map::new());
    }
    let text = fs::read_to_string(path).map_err(|source| DataError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|e| DataError::TokenizerFile {
        path: path.to_owned(),
        reason: format!("it is not a JSON object ({e})"),
    })
}

pub(super) fn save(
    tokenizer: &Tokenizer,
    folder: &Path,
    convention: &Convention,
) -> Result<(), DataError> {
    fs::create_dir_all(folder).map_err(|source| DataError::Write {
        path: folder.to_owned(),
        source,
    })?;
    let mut inner = tokenizer.inner.clone();
    set_frame(&mut inner, convention);
    let text = inner
        .to_string(true)
        .map_err(|e| DataError::TokenizerFile {
            path: folder.join(TOKENIZER),
            reason: e.to_string(),
        })?;
    write(folder, TOKENIZER, &text)?;

    let named = named_tokens(convention);
    let mut config = tokenizer.config.clone();
    config.insert(
        "tokenizer_class".to_owned(),
        json!("PreTrainedTokenizerFast"),
    );
    config.insert("clean_up_tokenization_spaces".to_owned(), json!(false));
    config.insert("padding_side".to_owned(), json!(convention.pad_side()));
    config
        .entry("model_input_names")
        .or_insert_with(|| input_names(convention));
    config.extend(named.clone());
    write(folder, CONFIG, &pretty(&config))?;
    write(folder, SPECIAL, &pretty(&named))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), DataError> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(|source| DataError::Write { path, source })
}

fn pretty(object: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(object).expect("a JSON object is plain data") + "\n"
}

/// The roles under Hugging Face's names.
fn named_tokens(convention: &Convention) -> Map<String, Value> {
    let roles = convention.roles();
    let named = [
        ("bos_token", &roles.bos),
        ("eos_token", &roles.eos),
        ("unk_token", &roles.unk),
        ("sep_token", &roles.sep),
        ("cls_token", &roles.cls),
        ("mask_token", &roles.mask),
    ];
    let mut tokens: Map<String, Value> = Map::new();
    for (name, token) in named {
        if let Some(token) = token {
            tokens.insert(name.to_owned(), json!(token.token));
        }
    }
    if convention.name() != "plain" {
        tokens.insert("pad_token".to_owned(), json!(roles.pad.token));
    }
    let additional = roles.more_cls.iter().chain(&roles.sentinels);
    let additional: Vec<&str> = additional.map(|t| t.token.as_str()).collect();
    if !additional.is_empty() {
        tokens.insert("additional_special_tokens".to_owned(), json!(additional));
    }
    tokens
}

fn input_names(convention: &Convention) -> Value {
    let uses_segments = convention
        .encoder_frame()
        .is_some_and(|frame| frame.pair.iter().any(|slot| slot.segment > 0));
    if uses_segments {
        json!(["input_ids", "token_type_ids", "attention_mask"])
    } else {
        json!(["input_ids", "attention_mask"])
    }
}

/// Makes the convention's frame the tokenizer's post-processor: of the encoder, or of documents where there is none.
pub(super) fn set_frame(inner: &mut tokenizers::Tokenizer, convention: &Convention) {
    let (single, pair) = match (convention.encoder_frame(), convention.decoder_frame()) {
        (Some(frame), _) => (frame.single.clone(), frame.pair.clone()),
        (None, Some(decoder)) => {
            let head = decoder
                .start
                .iter()
                .chain(&decoder.prefix)
                .cloned()
                .map(Piece::Special);
            let slots = |texts: &[Piece]| -> Vec<Slot> {
                head.clone()
                    .chain(texts.iter().cloned())
                    .map(|piece| Slot { piece, segment: 0 })
                    .collect()
            };
            (slots(&[Piece::Text]), slots(&[Piece::Text, Piece::Pair]))
        }
        (None, None) => return,
    };
    let special: Map<String, Value> = single
        .iter()
        .chain(&pair)
        .filter_map(|slot| match &slot.piece {
            Piece::Special(t) => Some((
                t.token.clone(),
                json!({"id": t.token, "ids": [t.id], "tokens": [t.token]}),
            )),
            _ => None,
        })
        .collect();
    if special.is_empty() {
        return;
    }
    let template = json!({
        "type": "TemplateProcessing",
        "single": template(&single),
        "pair": template(&pair),
        "special_tokens": special,
    });
    let template: TemplateProcessing =
        serde_json::from_value(template).expect("the template has the library's own form");
    inner.with_post_processor(Some(template));
}

fn template(slots: &[Slot]) -> Vec<Value> {
    let place = |slot: &Slot| match &slot.piece {
        Piece::Special(token) => {
            json!({"SpecialToken": {"id": token.token, "type_id": slot.segment}})
        }
        Piece::Text => json!({"Sequence": {"id": "A", "type_id": slot.segment}}),
        Piece::Pair => json!({"Sequence": {"id": "B", "type_id": slot.segment}}),
    };
    slots.iter().map(place).collect()
}
