//! Conventions on tokenizers that were not made for them.

use cresset_data::{
    Convention, Overrides, PadSide, Tokenizer, TokenizerKind, TokenizerTrainConfig,
};

use crate::show::{letters, spell};

#[test]
fn an_unknown_convention_names_the_known_ones() {
    let (tokenizer, _) = letters("bert");
    let error = Convention::preset("brt", &tokenizer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no convention \"brt\"; choose one of bert, bert-without-cls, bert2bert, roberta, albert, xlnet, t5, t5-s, bart, mt, marian, gpt, plain"
    );
}

#[test]
fn a_missing_special_token_is_named_with_its_role() {
    let (tokenizer, _) = letters("t5");
    let error = Convention::preset("t5-s", &tokenizer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "convention t5-s needs a bos token, but the tokenizer has no <s>; set special.overrides.bos to a token it has, choose another convention or train a tokenizer for this one"
    );
    let added = tokenizer.with_special_tokens(&["<s>"]).unwrap();
    let convention = Convention::preset("t5-s", &added).unwrap();
    assert_eq!(
        convention.generation().unwrap().start,
        [added.vocab_size() as u32 - 1]
    );
}

#[test]
fn an_override_that_is_not_in_the_tokenizer_is_named() {
    let (tokenizer, _) = letters("t5");
    let overrides = Overrides {
        decoder_start: Some("<go>".to_owned()),
        ..Overrides::default()
    };
    let error = Convention::with_overrides("t5", &overrides, &tokenizer).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "convention t5 needs a decoder_start token, but the tokenizer has no <go>;"
        )
    );
}

#[test]
fn any_role_can_be_overridden() {
    let config = TokenizerTrainConfig {
        special_tokens: ["<fr>", "<go>", "<end>"].map(str::to_owned).to_vec(),
        ..TokenizerTrainConfig::new(TokenizerKind::Characters)
    };
    let tokenizer = Tokenizer::train(&config, ["abc"], "mt").unwrap();
    let overrides = Overrides {
        eos: Some("<end>".to_owned()),
        decoder_start: Some("<go>".to_owned()),
        decoder_prefix: Some(vec!["<fr>".to_owned()]),
        pad_side: Some(PadSide::Left),
        ..Overrides::default()
    };
    let convention = Convention::with_overrides("mt", &overrides, &tokenizer).unwrap();
    let (input, labels) = convention
        .decoder_pair(&tokenizer.encode("ab"), 16)
        .unwrap();
    assert_eq!(spell(&tokenizer, &input), "<go> <fr> ab");
    assert_eq!(spell(&tokenizer, &labels), "<fr> ab <end>");
    assert_eq!(convention.pad_side(), PadSide::Left);
    let framed = convention
        .encoder_input(&tokenizer.encode("ab"), None, 16)
        .unwrap();
    assert_eq!(spell(&tokenizer, &framed.ids), "ab <end>");
}

#[test]
fn a_text_may_begin_with_an_ordinary_start_token_but_not_with_a_special_one() {
    let (tokenizer, _) = letters("mt");
    let starting = |token: &str| {
        let overrides = Overrides {
            decoder_start: Some(token.to_owned()),
            ..Overrides::default()
        };
        let convention = Convention::with_overrides("mt", &overrides, &tokenizer).unwrap();
        let own = tokenizer.token_to_id(token).unwrap();
        convention.decoder_pair(&[own, own], 16)
    };
    let (input, labels) = starting("a").unwrap();
    assert_eq!(spell(&tokenizer, &input), "aaa");
    assert_eq!(spell(&tokenizer, &labels), "aa <eos>");
    let refused = starting("<pad>").unwrap_err().to_string();
    assert!(refused.contains("starts with <pad>"), "{refused}");
}

#[test]
fn gpt_2_spellings_are_found_and_pad_with_the_end_token() {
    let config = TokenizerTrainConfig {
        special_tokens: vec!["<|endoftext|>".to_owned()],
        ..TokenizerTrainConfig::new(TokenizerKind::Characters)
    };
    let tokenizer = Tokenizer::train(&config, ["abc"], "plain").unwrap();
    let convention = Convention::preset("gpt", &tokenizer).unwrap();
    let (input, labels) = convention
        .decoder_pair(&tokenizer.encode("ab"), 16)
        .unwrap();
    assert_eq!(spell(&tokenizer, &input), "<|endoftext|> ab");
    assert_eq!(spell(&tokenizer, &labels), "ab <|endoftext|>");
    assert_eq!(convention.roles().pad.token, "<|endoftext|>");
}

#[test]
fn a_side_that_the_convention_lacks_is_refused() {
    let (_, bert) = letters("bert");
    assert_eq!(
        bert.generation().unwrap_err().to_string(),
        "the convention bert has no decoder; choose one that has, such as gpt or t5"
    );
    let (_, gpt) = letters("gpt");
    assert_eq!(
        gpt.encoder_input(&[], None, 8).unwrap_err().to_string(),
        "the convention gpt has no encoder input; choose one that has, such as bert or t5"
    );
    let (_, mt) = letters("mt");
    assert!(
        mt.mask_id()
            .unwrap_err()
            .to_string()
            .starts_with("the convention mt has no mask token")
    );
}

#[test]
fn descriptions_say_the_frames() {
    let lines = |preset| letters(preset).1.describe();
    assert_eq!(
        lines("bert"),
        "encoder input: [CLS] A [SEP] | [CLS] A [SEP] B [SEP]\npadding: [PAD] on the right"
    );
    assert_eq!(
        lines("bart"),
        "encoder input: <s> A </s> | <s> A </s></s> B </s>\ndecoder input: </s> <s> B\nlabels: <s> B </s>\npadding: <pad> on the right"
    );
    assert_eq!(
        lines("gpt"),
        "decoder input: <bos> A\nlabels: A <eos>\npadding: <pad> on the right"
    );
    assert_eq!(
        lines("plain"),
        "decoder input: A\nlabels: A, shifted by one"
    );
}

#[test]
fn special_ids_hold_every_special_token_once() {
    let (tokenizer, t5) = letters("t5");
    assert_eq!(t5.special_ids().len(), 3 + 100);
    let (_, bart) = letters("bart");
    assert_eq!(bart.special_ids().len(), 5);
    assert_eq!(
        tokenizer.token_to_id("<extra_id_0>"),
        Some(tokenizer.vocab_size() as u32 - 1)
    );
    assert_eq!(t5.roles().sentinels[99].token, "<extra_id_99>");
}

#[test]
fn several_tokens_can_stand_for_the_text() {
    let config = TokenizerTrainConfig {
        special_tokens: ["<c2>", "<c3>"].map(str::to_owned).to_vec(),
        ..TokenizerTrainConfig::new(TokenizerKind::Characters)
    };
    let overrides = Overrides {
        more_cls: Some(vec!["<c2>".to_owned(), "<c3>".to_owned()]),
        ..Overrides::default()
    };
    for (preset, framed, pair) in [
        (
            "bert",
            "[CLS] <c2> <c3> ab [SEP]",
            "[CLS] <c2> <c3> ab [SEP] b [SEP]",
        ),
        (
            "xlnet",
            "ab <sep> <c2> <c3> <cls>",
            "ab <sep> b <sep> <c2> <c3> <cls>",
        ),
    ] {
        let tokenizer = Tokenizer::train(&config, ["abc"], preset).unwrap();
        let convention = Convention::with_overrides(preset, &overrides, &tokenizer).unwrap();
        let text = tokenizer.encode("ab");
        let second = tokenizer.encode("b");
        let found = convention.encoder_input(&text, None, 16).unwrap();
        assert_eq!(spell(&tokenizer, &found.ids), framed);
        assert_eq!(found.special.iter().filter(|s| **s).count(), 4);
        let found = convention.encoder_input(&text, Some(&second), 16).unwrap();
        assert_eq!(spell(&tokenizer, &found.ids), pair);

        let folder = tempfile::tempdir().unwrap();
        tokenizer.save(folder.path(), &convention).unwrap();
        convention.save(folder.path()).unwrap();
        let read = Tokenizer::load(folder.path()).unwrap();
        assert_eq!(Convention::load(folder.path(), &read).unwrap(), convention);
        // Python frames a text as the tokenizer's own file says.
        let own = read.encode_in_own_frame("ab", None).unwrap();
        assert_eq!(spell(&read, &own), framed);
    }
    let tokenizer = Tokenizer::train(&config, ["abc"], "mt").unwrap();
    let error = Convention::with_overrides("mt", &overrides, &tokenizer).unwrap_err();
    assert!(error.to_string().contains("more_cls"), "{error}");
}
