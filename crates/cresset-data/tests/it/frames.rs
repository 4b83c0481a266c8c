//! The frames of all presets, written out.

use cresset_data::{
    Convention, DataError, Overrides, PadSide, Tokenizer, TokenizerKind, TokenizerTrainConfig, pad,
};

use crate::show::{letters, spell};

/// Preset, single frame, its segments, pair frame, its segments.
const ENCODER: &[(&str, &str, &str, &str, &str)] = &[
    (
        "bert",
        "[CLS] abc [SEP]",
        "00000",
        "[CLS] abc [SEP] de [SEP]",
        "00000111",
    ),
    (
        "bert-without-cls",
        "abc [SEP]",
        "0000",
        "abc [SEP] de [SEP]",
        "0000111",
    ),
    (
        "bert2bert",
        "[CLS] abc [SEP]",
        "00000",
        "[CLS] abc [SEP] de [SEP]",
        "00000111",
    ),
    (
        "albert",
        "[CLS] abc [SEP]",
        "00000",
        "[CLS] abc [SEP] de [SEP]",
        "00000111",
    ),
    (
        "roberta",
        "<s> abc </s>",
        "00000",
        "<s> abc </s> </s> de </s>",
        "000000000",
    ),
    (
        "xlnet",
        "abc <sep> <cls>",
        "00002",
        "abc <sep> de <sep> <cls>",
        "00001112",
    ),
    ("t5", "abc </s>", "0000", "abc </s> de </s>", "0000000"),
    ("t5-s", "abc </s>", "0000", "abc </s> de </s>", "0000000"),
    ("marian", "abc </s>", "0000", "abc </s> de </s>", "0000000"),
    (
        "bart",
        "<s> abc </s>",
        "00000",
        "<s> abc </s> </s> de </s>",
        "000000000",
    ),
    ("mt", "abc <eos>", "0000", "abc <eos> de <eos>", "0000000"),
];

/// Preset, decoder input, labels.
const DECODER: &[(&str, &str, &str)] = &[
    ("t5", "<pad> de", "de </s>"),
    ("t5-s", "<s> de", "de </s>"),
    ("marian", "<pad> de", "de </s>"),
    ("bart", "</s> <s> de", "<s> de </s>"),
    ("mt", "<bos> de", "de <eos>"),
    ("gpt", "<bos> de", "de <eos>"),
    ("bert2bert", "[CLS] de", "de [SEP]"),
];

fn digits(segments: &[u32]) -> String {
    segments.iter().map(u32::to_string).collect()
}

#[test]
fn every_preset_is_written_out() {
    for &preset in Convention::PRESETS {
        let (_, convention) = letters(preset);
        let encoder = ENCODER.iter().any(|row| row.0 == preset);
        let decoder = DECODER.iter().any(|row| row.0 == preset);
        // `a_plain_stream_has_no_special_tokens` has the other one.
        let plain = preset == "plain";
        assert_eq!(encoder, convention.encoder_frame().is_some(), "{preset}");
        assert_eq!(
            decoder || plain,
            convention.decoder_frame().is_some(),
            "{preset}"
        );
    }
}

#[test]
fn encoder_frames_are_the_documented_ones() {
    for &(preset, single, single_segments, pair, pair_segments) in ENCODER {
        let (tokenizer, convention) = letters(preset);
        let (a, b) = (tokenizer.encode("abc"), tokenizer.encode("de"));
        let framed = convention.encoder_input(&a, None, 512).unwrap();
        assert_eq!(spell(&tokenizer, &framed.ids), single, "{preset}");
        assert_eq!(digits(&framed.segments), single_segments, "{preset}");
        let framed = convention.encoder_input(&a, Some(&b), 512).unwrap();
        assert_eq!(spell(&tokenizer, &framed.ids), pair, "{preset}");
        assert_eq!(digits(&framed.segments), pair_segments, "{preset}");
        assert_eq!(framed.truncated, 0);
        for (&id, &special) in framed.ids.iter().zip(&framed.special) {
            assert_eq!(special, !a.contains(&id) && !b.contains(&id), "{preset}");
        }
    }
}

#[test]
fn decoder_frames_are_the_documented_ones() {
    for &(preset, input, labels) in DECODER {
        let (tokenizer, convention) = letters(preset);
        let pair = convention
            .decoder_pair(&tokenizer.encode("de"), 512)
            .unwrap();
        assert_eq!(spell(&tokenizer, &pair.0), input, "{preset}");
        assert_eq!(spell(&tokenizer, &pair.1), labels, "{preset}");
    }
}

#[test]
fn bug_class_01_worked_example_of_every_family_comes_out_literally() {
    let source = "translate English to French: I love NLP";
    let target = "J'aime le NLP";
    for (preset, input, labels) in [
        ("t5", "<pad> J'aime le NLP", "J'aime le NLP </s>"),
        ("t5-s", "<s> J'aime le NLP", "J'aime le NLP </s>"),
        ("mt", "<bos> J'aime le NLP", "J'aime le NLP <eos>"),
        ("bart", "</s> <s> J'aime le NLP", "<s> J'aime le NLP </s>"),
        ("gpt", "<bos> J'aime le NLP", "J'aime le NLP <eos>"),
    ] {
        let (tokenizer, convention) = letters(preset);
        let (decoder_input, decoder_labels) = convention
            .decoder_pair(&tokenizer.encode(target), 64)
            .unwrap();
        assert_eq!(spell(&tokenizer, &decoder_input), input);
        assert_eq!(spell(&tokenizer, &decoder_labels), labels);
        // Generation starts with the tokens that training starts with, and stops where labels stop.
        let generation = convention.generation().unwrap();
        assert!(decoder_input.starts_with(&generation.start), "{preset}");
        assert_eq!(decoder_labels.last(), Some(&generation.stop), "{preset}");
    }
    for (preset, framed) in [
        (
            "bert",
            "[CLS] translate English to French: I love NLP [SEP] J'aime le NLP [SEP]",
        ),
        (
            "roberta",
            "<s> translate English to French: I love NLP </s> </s> J'aime le NLP </s>",
        ),
    ] {
        let (tokenizer, convention) = letters(preset);
        let pair = tokenizer.encode(target);
        let input = convention
            .encoder_input(&tokenizer.encode(source), Some(&pair), 512)
            .unwrap();
        assert_eq!(spell(&tokenizer, &input.ids), framed);
    }
    let (tokenizer, gpt) = letters("gpt");
    assert_eq!(
        spell(&tokenizer, &gpt.document(&tokenizer.encode("a b"))),
        "<bos> a b"
    );
}

#[test]
fn bug_class_02_labels_are_the_decoder_input_one_step_on_and_hold_only_token_ids() {
    for &(preset, ..) in DECODER {
        let (tokenizer, convention) = letters(preset);
        let (input, labels) = convention
            .decoder_pair(&tokenizer.encode("hello"), 64)
            .unwrap();
        assert_eq!(input[1..], labels[..labels.len() - 1], "{preset}");
        assert!(
            labels
                .iter()
                .all(|&id| (id as usize) < tokenizer.vocab_size()),
            "{preset}"
        );
    }
}

#[test]
fn bug_class_04_an_end_token_that_also_pads_stays_a_target() {
    let config = TokenizerTrainConfig::new(TokenizerKind::Characters);
    let tokenizer = Tokenizer::train(&config, ["abc"], "gpt").unwrap();
    let overrides = Overrides {
        pad: Some("<eos>".to_owned()),
        ..Overrides::default()
    };
    let convention = Convention::with_overrides("gpt", &overrides, &tokenizer).unwrap();
    assert_eq!(convention.pad_id(), convention.generation().unwrap().stop);

    let short = convention.decoder_pair(&tokenizer.encode("a"), 8).unwrap();
    let long = convention
        .decoder_pair(&tokenizer.encode("abc"), 8)
        .unwrap();
    let labels = pad(&[&short.1, &long.1], convention.pad_id(), PadSide::Right);
    assert_eq!(labels.lengths, [2, 4]);
    let targets: Vec<u32> = labels
        .flat_positions()
        .iter()
        .map(|&p| labels.ids[p as usize])
        .collect();
    assert_eq!(spell(&tokenizer, &targets), "a <eos> abc <eos>");
}

#[test]
fn truncation_shortens_the_text_and_never_the_special_tokens() {
    let (tokenizer, bert) = letters("bert");
    let text = tokenizer.encode("abcdefgh");
    let framed = bert.encoder_input(&text, None, 6).unwrap();
    assert_eq!(spell(&tokenizer, &framed.ids), "[CLS] abcd [SEP]");
    assert_eq!(framed.truncated, 4);
    let (tokenizer, bart) = letters("bart");
    let (input, labels) = bart.decoder_pair(&tokenizer.encode("abcdefgh"), 5).unwrap();
    assert_eq!(spell(&tokenizer, &input), "</s> <s> abc");
    assert_eq!(spell(&tokenizer, &labels), "<s> abc </s>");
}

#[test]
fn of_a_pair_the_longer_text_is_shortened_first() {
    let (tokenizer, bert) = letters("bert");
    for (a, b, max, expected) in [
        ("abcdefgh", "xyz", 12, "[CLS] abcdef [SEP] xyz [SEP]"),
        ("abcdefgh", "xyz", 9, "[CLS] abc [SEP] xyz [SEP]"),
        ("abcdefgh", "xyz", 8, "[CLS] abc [SEP] xy [SEP]"),
        ("xyz", "abcdefgh", 8, "[CLS] xy [SEP] abc [SEP]"),
        ("xyz", "abcdefgh", 10, "[CLS] xyz [SEP] abcd [SEP]"),
        ("abc", "xyz", 3, "[CLS] [SEP] [SEP]"),
    ] {
        let framed = bert
            .encoder_input(&tokenizer.encode(a), Some(&tokenizer.encode(b)), max)
            .unwrap();
        assert_eq!(spell(&tokenizer, &framed.ids), expected);
        assert_eq!(framed.ids.len() + framed.truncated, a.len() + b.len() + 3);
    }
}

#[test]
fn a_length_without_room_for_the_special_tokens_is_refused() {
    let (tokenizer, bert) = letters("bert");
    let text = tokenizer.encode("abc");
    let error = bert.encoder_input(&text, Some(&text), 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a maximal length of 2 leaves no room for text: the frame [CLS] A [SEP] B [SEP] has 3 special tokens; raise data.max_length"
    );
    let (tokenizer, bart) = letters("bart");
    assert!(matches!(
        bart.decoder_pair(&tokenizer.encode("a"), 1),
        Err(DataError::NoRoom { .. })
    ));
    assert_eq!(
        bart.decoder_pair(&tokenizer.encode("a"), 2)
            .unwrap()
            .0
            .len(),
        2
    );
}

#[test]
fn empty_texts_give_the_bare_frame() {
    let (tokenizer, bert) = letters("bert");
    assert_eq!(
        spell(&tokenizer, &bert.encoder_input(&[], None, 8).unwrap().ids),
        "[CLS] [SEP]"
    );
    let (tokenizer, mt) = letters("mt");
    let (input, labels) = mt.decoder_pair(&[], 8).unwrap();
    assert_eq!(
        (spell(&tokenizer, &input), spell(&tokenizer, &labels)),
        ("<bos>".to_owned(), "<eos>".to_owned())
    );
}

#[test]
fn bug_class_10_a_text_that_is_framed_already_is_refused() {
    let (tokenizer, bert) = letters("bert");
    let error = bert
        .encoder_input(&tokenizer.encode("[CLS]abc"), None, 64)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the text already starts with [CLS], which the convention bert adds by itself; remove it from the data, or it would be there twice"
    );
    let (tokenizer, mt) = letters("mt");
    let double = |text: &str| {
        matches!(
            mt.decoder_pair(&tokenizer.encode(text), 64),
            Err(DataError::DoubleSpecial { .. })
        )
    };
    assert!(double("<bos>abc"));
    assert!(double("abc<eos>"));
    assert!(!double("abc"));
    // Encoding by itself never adds special tokens, though the saved tokenizer has a post-processor that does.
    for &preset in Convention::PRESETS {
        let (tokenizer, _) = letters(preset);
        assert_eq!(
            spell(&tokenizer, &tokenizer.encode("abc")),
            "abc",
            "{preset}"
        );
    }
}

#[test]
fn a_plain_stream_has_no_special_tokens() {
    let (tokenizer, plain) = letters("plain");
    let text = tokenizer.encode("abcd");
    assert_eq!(plain.document(&text), text);
    assert_eq!(
        plain.special_ids(),
        [tokenizer.token_to_id("<unk>").unwrap()]
    );
    let generation = plain.generation().unwrap();
    assert_eq!(
        (generation.start, generation.stop),
        (Vec::new(), cresset_data::NO_STOP)
    );
    let (input, labels) = plain.decoder_pair(&text, 3).unwrap();
    assert_eq!(
        (spell(&tokenizer, &input), spell(&tokenizer, &labels)),
        ("abc".to_owned(), "bcd".to_owned())
    );
}
