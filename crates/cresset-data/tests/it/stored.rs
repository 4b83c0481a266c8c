//! Folders: what is written is read back the same.

use std::fs;

use cresset_data::{Convention, DataError, Overrides, Tokenizer};

use crate::show::letters;

#[test]
fn a_stored_convention_is_read_back_the_same() {
    for &preset in Convention::PRESETS {
        let folder = tempfile::tempdir().unwrap();
        let (tokenizer, convention) = letters(preset);
        tokenizer.save(folder.path(), &convention).unwrap();
        convention.save(folder.path()).unwrap();
        let loaded = Tokenizer::load(folder.path()).unwrap();
        assert_eq!(
            Convention::load(folder.path(), &loaded).unwrap(),
            convention,
            "{preset}"
        );
        assert_eq!(loaded.vocab_size(), tokenizer.vocab_size());
        assert_eq!(loaded.encode("a bc"), tokenizer.encode("a bc"));
    }
}

#[test]
fn overrides_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let (tokenizer, _) = letters("t5-s");
    let overrides = Overrides {
        decoder_start: Some("<s>".to_owned()),
        ..Overrides::default()
    };
    let convention = Convention::with_overrides("t5", &overrides, &tokenizer).unwrap();
    convention.save(folder.path()).unwrap();
    assert_eq!(
        Convention::load(folder.path(), &tokenizer).unwrap(),
        convention
    );
}

#[test]
fn other_keys_of_cresset_json_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cresset.json");
    fs::write(&path, r#"{"pooling": "cls"}"#).unwrap();
    let (_, convention) = letters("bert");
    convention.save(folder.path()).unwrap();
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .contains("\"pooling\": \"cls\"")
    );
}

#[test]
fn a_broken_cresset_json_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (tokenizer, _) = letters("bert");
    assert!(matches!(
        Convention::load(folder.path(), &tokenizer),
        Err(DataError::Read { .. })
    ));
    fs::write(folder.path().join("cresset.json"), "{}").unwrap();
    let error = Convention::load(folder.path(), &tokenizer)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with(
            "cresset.json: there is no key \"convention\"; set special.convention in the config or restore the file"
        ),
        "{error}"
    );
}

#[test]
fn a_tokenizer_of_another_vocabulary_is_refused_on_load() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bert) = letters("bert");
    bert.save(folder.path()).unwrap();
    let (t5, _) = letters("t5");
    assert!(matches!(
        Convention::load(folder.path(), &t5),
        Err(DataError::MissingToken { .. })
    ));
}

#[test]
fn bug_class_09_a_trained_tokenizer_writes_its_frame() {
    let folder = tempfile::tempdir().unwrap();
    let (tokenizer, convention) = letters("bert");
    tokenizer.save(folder.path(), &convention).unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("tokenizer.json")).unwrap())
            .unwrap();
    let single = &json["post_processor"]["single"];
    assert_eq!(single[0]["SpecialToken"]["id"], "[CLS]");
    assert_eq!(single[1]["Sequence"]["id"], "A");
    assert_eq!(single[2]["SpecialToken"]["id"], "[SEP]");
    for file in ["tokenizer_config.json", "special_tokens_map.json"] {
        let map: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(folder.path().join(file)).unwrap()).unwrap();
        assert_eq!(
            (&map["cls_token"], &map["pad_token"]),
            (&"[CLS]".into(), &"[PAD]".into()),
            "{file}"
        );
    }
}

#[test]
fn folders_without_a_usable_tokenizer_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = Tokenizer::load(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("there is no tokenizer.json in it; save the fast form"),
        "{error}"
    );
    let file = folder.path().join("tokenizer.json");
    fs::write(&file, "{\"version\": \"1.0\"").unwrap();
    let error = Tokenizer::load(&file).unwrap_err().to_string();
    assert!(
        error.contains("it is not a Hugging Face tokenizer.json"),
        "{error}"
    );
    let no_unknown = r#"{"version":"1.0","added_tokens":[],"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"<unk>"}}"#;
    fs::write(&file, no_unknown).unwrap();
    let error = Tokenizer::load(&file).unwrap_err().to_string();
    assert!(error.contains("it cannot encode every text"), "{error}");
    assert!(matches!(
        Tokenizer::load(folder.path().join("no")),
        Err(DataError::Read { .. })
    ));
}
