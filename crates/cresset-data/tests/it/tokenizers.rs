//! Training, encoding, decoding.

use cresset_data::{Convention, Tokenizer, TokenizerKind, TokenizerTrainConfig};

use crate::show::letters;

const CORPUS: &str = include_str!("../golden/corpus.txt");

pub fn train(kind: TokenizerKind, preset: &str, vocab_size: usize) -> Tokenizer {
    let config = TokenizerTrainConfig {
        vocab_size,
        ..TokenizerTrainConfig::new(kind)
    };
    Tokenizer::train(&config, CORPUS.lines(), preset).unwrap()
}

fn vocabulary(tokenizer: &Tokenizer) -> Vec<Option<String>> {
    (0..tokenizer.vocab_size())
        .map(|id| tokenizer.id_to_token(id as u32))
        .collect()
}

const KINDS: [(TokenizerKind, &str, usize); 4] = [
    (TokenizerKind::Wordpiece, "bert", 250),
    (TokenizerKind::Bpe, "mt", 400),
    (TokenizerKind::Unigram, "t5", 400),
    (TokenizerKind::Characters, "gpt", 400),
];

#[test]
fn training_is_deterministic() {
    // The trainers below are not: they number pieces in the order of hash maps, which differs from call to call.
    for (kind, preset, size) in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let bytes = |name: &str| {
            let tokenizer = train(kind, preset, size);
            tokenizer
                .save(
                    folder.path().join(name),
                    &Convention::preset(preset, &tokenizer).unwrap(),
                )
                .unwrap();
            std::fs::read(folder.path().join(name).join("tokenizer.json")).unwrap()
        };
        let first = bytes("a");
        for _ in 0..3 {
            assert!(first == bytes("b"), "{kind:?}");
        }
    }
}

#[test]
fn special_tokens_have_the_first_ids_in_the_documented_order() {
    for (preset, tokens) in [
        ("bert", vec!["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        ("roberta", vec!["<s>", "<pad>", "</s>", "<unk>", "<mask>"]),
        ("bart", vec!["<s>", "<pad>", "</s>", "<unk>", "<mask>"]),
        ("t5", vec!["<pad>", "</s>", "<unk>"]),
        ("mt", vec!["<pad>", "<bos>", "<eos>", "<unk>"]),
        ("gpt", vec!["<bos>", "<eos>", "<pad>"]),
    ] {
        for kind in [
            TokenizerKind::Wordpiece,
            TokenizerKind::Bpe,
            TokenizerKind::Unigram,
            TokenizerKind::Characters,
        ] {
            let tokenizer = train(kind, preset, 500);
            for (id, token) in tokens.iter().enumerate() {
                assert_eq!(
                    tokenizer.token_to_id(token),
                    Some(id as u32),
                    "{preset} {kind:?}"
                );
            }
        }
    }
}

#[test]
fn the_vocabulary_has_the_size_asked_for_sentinels_included() {
    for (kind, preset, size) in KINDS.into_iter().take(3) {
        let tokenizer = train(kind, preset, size);
        // Unigram training drops pieces that the text hardly needs, of which a text this small has many.
        let expected = if kind == TokenizerKind::Unigram {
            tokenizer.vocab_size().min(size)
        } else {
            size
        };
        assert_eq!(tokenizer.vocab_size(), expected, "{kind:?}");
        let vocabulary = vocabulary(&tokenizer);
        assert!(vocabulary.iter().all(Option::is_some), "{kind:?} has gaps");
    }
    let t5 = train(TokenizerKind::Bpe, "t5", 450);
    assert_eq!(t5.token_to_id("<extra_id_0>"), Some(449));
    assert_eq!(t5.token_to_id("<extra_id_99>"), Some(350));
}

#[test]
fn a_vocabulary_without_room_for_its_alphabet_is_refused() {
    let config = TokenizerTrainConfig {
        vocab_size: 200,
        ..TokenizerTrainConfig::new(TokenizerKind::Bpe)
    };
    let error = Tokenizer::train(&config, ["abc"], "mt")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "cannot train the tokenizer: a vocabulary of 200 has no room for the 4 special tokens and the alphabet of 256 characters; raise tokenizer.train.vocab_size to at least 260"
    );
    let error = Tokenizer::train(&config, ["", ""], "mt")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "cannot train the tokenizer: there is no text; check that the data files hold texts"
    );
    assert!(Tokenizer::train(&config, ["abc"], "no-such").is_err());
}

#[test]
fn bytes_and_characters_restore_every_text() {
    let text =
        "First Citizen:\nBefore we proceed  any further, \thear me speak.\n\nAll: ça va 世界 🙂 ";
    let bytes = train(TokenizerKind::Bpe, "gpt", 400);
    assert_eq!(bytes.decode(&bytes.encode(text)), text);
    let config = TokenizerTrainConfig::new(TokenizerKind::Characters);
    for preset in ["gpt", "plain"] {
        let characters = Tokenizer::train(&config, [text], preset).unwrap();
        let ids = characters.encode(text);
        assert_eq!(ids.len(), text.chars().count());
        assert_eq!(characters.decode(&ids), text);
    }
}

#[test]
fn a_plain_character_vocabulary_is_the_characters_and_unknown() {
    let config = TokenizerTrainConfig::new(TokenizerKind::Characters);
    let tokenizer = Tokenizer::train(&config, ["b a\n"], "plain").unwrap();
    let tokens: Vec<String> = vocabulary(&tokenizer).into_iter().flatten().collect();
    assert_eq!(tokens, ["<unk>", "\n", " ", "a", "b"]);
    assert_eq!(tokenizer.encode("axb"), [3, 0, 4]);
    assert_eq!(tokenizer.decode(&[3, 0, 4]), "ab");
}

#[test]
fn word_pieces_fold_case_and_accents_when_asked() {
    let config = TokenizerTrainConfig {
        lowercase: true,
        vocab_size: 400,
        ..TokenizerTrainConfig::new(TokenizerKind::Wordpiece)
    };
    let tokenizer = Tokenizer::train(&config, CORPUS.lines(), "bert").unwrap();
    assert_eq!(tokenizer.encode("Café"), tokenizer.encode("cafe"));
    assert_eq!(tokenizer.decode(&tokenizer.encode("the Dog")), "the dog");
    let unk = tokenizer.token_to_id("[UNK]").unwrap();
    assert_eq!(tokenizer.encode("ꙮ"), [unk]);
}

#[test]
fn unigram_pieces_decode_to_the_text() {
    let tokenizer = train(TokenizerKind::Unigram, "t5", 400);
    let text = "the old house near the river";
    assert_eq!(tokenizer.decode(&tokenizer.encode(text)), text);
    assert_eq!(
        tokenizer.decode(&tokenizer.encode("  the   old ")),
        "the old"
    );
}

#[test]
fn spelled_out_special_tokens_become_their_ids_and_are_not_decoded() {
    let tokenizer = train(TokenizerKind::Wordpiece, "bert", 400);
    let mask = tokenizer.token_to_id("[MASK]").unwrap();
    let ids = tokenizer.encode("the [MASK] house");
    assert!(ids.contains(&mask));
    assert_eq!(tokenizer.decode(&ids), "the house");
}

#[test]
fn many_texts_are_encoded_as_one_by_one() {
    let tokenizer = train(TokenizerKind::Bpe, "mt", 500);
    let lines: Vec<&str> = CORPUS.lines().collect();
    let together = tokenizer.encode_batch(&lines);
    assert!(
        lines
            .iter()
            .zip(together)
            .all(|(line, ids)| tokenizer.encode(line) == ids)
    );
}

#[test]
fn characters_beyond_the_vocabulary_are_unknown() {
    let config = TokenizerTrainConfig {
        vocab_size: 6,
        ..TokenizerTrainConfig::new(TokenizerKind::Characters)
    };
    let tokenizer = Tokenizer::train(&config, ["aaabbc"], "mt").unwrap();
    assert_eq!(tokenizer.vocab_size(), 6);
    assert_eq!(tokenizer.encode("abc"), [4, 5, 3]);
}

#[test]
fn lengths_unknown_tokens_and_the_vocabulary_used_are_counted_over_texts() {
    let (tokenizer, convention) = letters("mt");
    let unknown = convention.roles().unk.as_ref().map(|token| token.id);
    let measured = tokenizer.measure(&["abcd", "ab", "x é"], unknown);
    assert_eq!((measured.n_texts, measured.n_tokens), (3, 9));
    assert_eq!((measured.n_words, measured.n_characters), (4, 8));
    // a, b, c, d, x, the space and the unknown one.
    assert_eq!((measured.n_unknown, measured.n_used), (1, 7));
    assert_eq!(measured.lengths, [2, 3, 4]);
    assert_eq!(
        [0.0, 0.33, 0.5, 0.67, 1.0].map(|share| measured.length_of_share(share)),
        [2, 2, 3, 4, 4]
    );
    assert_eq!(measured.share_longer_than(3), 1.0 / 3.0);
    assert_eq!(measured.tokens_per_word(), 2.25);
    let none = tokenizer.measure::<&str>(&[], unknown);
    assert_eq!((none.mean_length(), none.length_of_share(1.0)), (0.0, 0));
    assert_eq!(none.share_longer_than(0), 0.0);
}

#[test]
fn given_words_are_joined_as_they_are_written() {
    let config = TokenizerTrainConfig {
        vocab_size: 300,
        ..TokenizerTrainConfig::new(TokenizerKind::Bpe)
    };
    let tokenizer = Tokenizer::train(&config, ["ab cd"], "gpt").expect("trains");
    let words = ["ab", "使用", "模型", "。", "cd"].map(str::to_owned);
    let encoded = tokenizer.encode_joined(&words);
    assert_eq!(encoded.ids, tokenizer.encode("ab 使用模型。 cd"));
    let mut each = encoded.words.clone();
    each.dedup();
    assert_eq!(each, [0, 1, 2, 3, 4]);
}
