//! Configurations: names, suggestions, checks.

use cresset_model::{ModelConfig, ModelError, Seq2SeqConfig, check_vocabulary};
use serde_json::{Value, json};

fn table(kind: &str, values: Value) -> Result<ModelConfig, ModelError> {
    ModelConfig::from_toml_table(kind, values.as_object().unwrap().clone())
}

fn message(result: Result<ModelConfig, ModelError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn short_names_work_for_every_architecture() {
    let common = json!({ "vocab_size": 50, "n_layers": 3, "hidden_size": 24, "n_heads": 3, "intermediate_size": 60, "dropout": 0.2 });
    for kind in [
        "bert", "roberta", "albert", "xlnet", "t5", "marian", "bart", "gpt2",
    ] {
        let config = table(kind, common.clone()).unwrap();
        assert_eq!((config.kind(), config.vocab_size()), (kind, 50));
    }
    let ModelConfig::Marian(marian) = table("marian", common).unwrap() else {
        panic!()
    };
    assert_eq!(
        (marian.encoder_layers, marian.decoder_layers, marian.d_model),
        (3, 3, 24)
    );
    assert_eq!(
        (
            marian.encoder_ffn_dim,
            marian.decoder_ffn_dim,
            marian.dropout
        ),
        (60, 60, 0.2)
    );
    assert_eq!(
        (marian.pad_token_id, marian.decoder_start_token_id),
        (None, None)
    );
    let narrowed = json!({ "n_layers": 3, "n_decoder_layers": 1, "hidden_size": 24, "n_heads": 3, "max_positions": 30 });
    let ModelConfig::Bart(bart) = table("bart", narrowed).unwrap() else {
        panic!()
    };
    assert_eq!(
        (bart.encoder_layers, bart.decoder_layers, bart.d_model),
        (3, 1, 24)
    );
    assert_eq!(
        (bart.max_position_embeddings, bart.forced_bos_token_id),
        (30, None)
    );
}

#[test]
fn hugging_face_names_work_beside_short_ones_and_narrow_them() {
    let config = table("marian", json!({ "n_layers": 3, "decoder_layers": 1, "d_model": 24, "n_heads": 3, "activation": "swish" })).unwrap();
    let Ok(Seq2SeqConfig::Marian(config)) = config.encoder_decoder() else {
        panic!()
    };
    assert_eq!((config.encoder_layers, config.decoder_layers), (3, 1));
    let ModelConfig::Bert(bert) =
        table("bert", json!({ "attention_dropout": 0.0, "dropout": 0.3 })).unwrap()
    else {
        panic!()
    };
    assert_eq!(
        (bert.hidden_dropout_prob, bert.attention_probs_dropout_prob),
        (0.3, 0.0)
    );
}

#[test]
fn bug_class_20_an_unknown_key_is_refused_with_a_suggestion() {
    assert_eq!(
        message(table("bert", json!({ "n_layer": 3 }))),
        "bert has no key n_layer; did you mean n_layers?"
    );
    assert_eq!(
        message(table("t5", json!({ "dropuot": 0.1 }))),
        "t5 has no key dropuot; did you mean dropout?"
    );
    assert!(message(table("gpt2", json!({ "flux": 1 }))).contains("known keys are n_layers, "));
}

#[test]
fn bad_values_are_refused_by_the_name_the_user_wrote() {
    assert_eq!(
        message(table("bert", json!({ "n_layers": "three" }))),
        "bert.n_layers: invalid type: string \"three\", expected usize"
    );
    let indivisible = message(table("bert", json!({ "hidden_size": 100, "n_heads": 3 })));
    assert_eq!(
        indivisible,
        "hidden_size 100 is not divisible by num_attention_heads 3; choose a multiple of 3"
    );
    assert_eq!(
        message(table("bert", json!({ "dropout": 1.5 }))),
        "hidden_dropout_prob is 1.5 but must be at least 0 and below 1"
    );
    assert!(
        message(table(
            "bert",
            json!({ "n_layers": 3, "num_hidden_layers": 2 })
        ))
        .contains("keep one of them")
    );
    assert_eq!(
        message(table("llama", json!({}))),
        "architecture llama is not supported; supported are bert, roberta, albert, xlnet, t5, marian, bart, encoder-decoder, gpt2"
    );
    assert_eq!(
        message(table("bart", json!({ "tie_word_embeddings": false }))),
        "tie_word_embeddings = false is not supported: the output layer is always tied"
    );
    assert!(
        message(table("bart", json!({ "decoder_attention_heads": 7 })))
            .starts_with("d_model 1024 is not divisible by decoder_attention_heads 7")
    );
    assert!(
        message(table("marian", json!({ "activation": "step" })))
            .starts_with("marian.activation: unknown variant `step`")
    );
}

#[test]
fn bug_class_13_too_long_a_sequence_is_refused_before_training() {
    let config = table("gpt2", json!({ "max_positions": 64 })).unwrap();
    assert!(config.check_length(64).is_ok());
    let error = config.check_length(65).unwrap_err().to_string();
    assert!(
        error.starts_with("sequence length 65 exceeds the model's 64 positions"),
        "{error}"
    );
    assert_eq!(table("t5", json!({})).unwrap().max_positions(), None);
}

#[test]
fn a_tokenizer_larger_than_the_embedding_is_refused() {
    let config = table("bert", json!({ "vocab_size": 100 })).unwrap();
    assert!(check_vocabulary(&config, 90).is_ok());
    assert!(
        check_vocabulary(&config, 101)
            .unwrap_err()
            .to_string()
            .starts_with("the tokenizer has 101 tokens but the model's vocab_size is 100")
    );
}

#[test]
fn a_position_table_of_bart_counts_the_positions_of_texts() {
    let config = table("bart", json!({ "max_positions": 64 })).unwrap();
    assert!(config.check_length(64).is_ok());
    assert!(config.check_length(65).is_err());
}

#[test]
fn a_shape_is_made_of_its_own_architectures_only() {
    let error = table("gpt2", json!({}))
        .unwrap()
        .encoder()
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "an encoder needs a model of type bert, roberta, albert or xlnet, but the configuration is of type gpt2"
    );
}
