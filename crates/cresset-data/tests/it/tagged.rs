//! Tagged words: CoNLL and CoNLL-U, and the tokens of words.

use std::fs;

use cresset_data::{
    Convention, Example, FieldNames, Format, SourceConfig, Tokenizer, TokenizerKind,
    TokenizerTrainConfig, read_examples,
};

fn read_with(format: Format, content: &[u8], fields: FieldNames) -> Result<Vec<Example>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, content).unwrap();
    let config = SourceConfig {
        format,
        files: vec![path],
        fields,
    };
    let strip = format!("{}/", folder.path().display());
    read_examples(&config).map_err(|e| e.to_string().replace(&strip, ""))
}

fn read(format: Format, content: &str) -> Result<Vec<Example>, String> {
    read_with(format, content.as_bytes(), FieldNames::default())
}

fn columns(text: &str, label: &str) -> FieldNames {
    FieldNames {
        text: Some(text.to_owned()),
        label: Some(label.to_owned()),
        ..FieldNames::default()
    }
}

const CONLL: &str =
    "-DOCSTART- -X- O O\n\nU.N. NNP  I-NP B-ORG\nofficial NN I-NP O\r\n \nEkeus NNP I-NP B-PER\n";

#[test]
fn conll_has_the_word_first_and_the_tag_last() {
    let examples = read(Format::Conll, CONLL).unwrap();
    assert_eq!(examples.len(), 2);
    assert_eq!(examples[0].words, ["U.N.", "official"]);
    assert_eq!(examples[0].tags, ["B-ORG", "O"]);
    assert_eq!(examples[0].text, "U.N. official");
    assert_eq!((examples[0].line, examples[1].line), (3, 6));
}

#[test]
fn conll_columns_are_named_by_number() {
    let examples = read_with(Format::Conll, CONLL.as_bytes(), columns("1", "2")).unwrap();
    assert_eq!(examples[0].tags, ["NNP", "NN"]);
    for (label, hint) in [
        ("5", "1 to 4"),
        ("0", "numbers from 1"),
        ("ner", "numbers from 1"),
    ] {
        let error = read_with(Format::Conll, CONLL.as_bytes(), columns("1", label)).unwrap_err();
        assert!(
            error.contains(&format!("data.fields.label is \"{label}\"")) && error.contains(hint),
            "{error}"
        );
    }
}

#[test]
fn with_tabs_a_word_may_hold_blanks_and_an_ideographic_space_is_a_word() {
    let examples = read(Format::Conll, "New York\tB-LOC\n\u{3000}\tO\n").unwrap();
    assert_eq!(examples[0].words, ["New York", "\u{3000}"]);
}

#[test]
fn conllu_skips_comments_ranges_and_empty_nodes() {
    let row = |cells: &str| cells.replace(' ', "\t") + "\n";
    let content = [
        "# sent_id = 1\n".to_owned(),
        row("1-2 vámonos _ _ _ _ _ _ _ _"),
        row("1 vamos ir VERB V _ 0 root _ _"),
        row("2 nos nos PRON P _ 1 obj _ _"),
        row("2.1 x x X X _ _ _ _ _"),
    ]
    .concat();
    let examples = read(Format::Conllu, &content).unwrap();
    assert_eq!(examples[0].words, ["vamos", "nos"]);
    assert_eq!(examples[0].tags, ["VERB", "PRON"]);
    let other = read_with(Format::Conllu, content.as_bytes(), columns("lemma", "xpos")).unwrap();
    assert_eq!((&other[0].words[0][..], &other[0].tags[0][..]), ("ir", "V"));
    let error = read_with(Format::Conllu, content.as_bytes(), columns("form", "pos")).unwrap_err();
    assert!(error.contains("data.fields.label is \"pos\""), "{error}");
}

#[test]
fn malformed_tagged_files_are_refused_with_their_line() {
    let cases: [(Format, &[u8], &str); 5] = [
        (
            Format::Conll,
            b"a O\n\nb x O\n",
            "f, line 3: 3 columns where there must be 2; give every word the same columns and separate sentences by a blank line",
        ),
        (
            Format::Conll,
            b"a\nb\n",
            "f, line 1: 1 columns where there must be 2 or more; give every word the same columns and separate sentences by a blank line",
        ),
        (
            Format::Conllu,
            b"1\ta\ta\tX\n",
            "f, line 1: 4 columns where there must be 10; give every word the same columns and separate sentences by a blank line",
        ),
        (
            Format::Conll,
            b"a O\nb\xff O\n",
            "f, line 2: byte 2 of the line is not valid UTF-8; convert the file to UTF-8, for example with iconv",
        ),
        (
            Format::Conll,
            b"\n\n",
            "f holds no example; check that it is the right file and that its format is conll",
        ),
    ];
    for (format, content, message) in cases {
        let error = read_with(format, content, FieldNames::default()).unwrap_err();
        assert_eq!(error, message);
    }
    let fields = FieldNames {
        pair: Some("2".into()),
        ..FieldNames::default()
    };
    let error = read_with(Format::Conll, b"a O\n", fields).unwrap_err();
    assert!(error.starts_with("data.fields.pair is given"), "{error}");
}

fn trained(kind: TokenizerKind, preset: &str) -> Tokenizer {
    let config = TokenizerTrainConfig {
        vocab_size: 300,
        min_frequency: 1,
        ..TokenizerTrainConfig::new(kind)
    };
    Tokenizer::train(&config, ["unhappy people un-do a knot"; 4], preset).unwrap()
}

#[test]
fn bug_class_15_every_token_knows_its_word() {
    let words = ["knot", "", "zzz", "people"].map(str::to_owned);
    for (kind, preset) in [
        (TokenizerKind::Wordpiece, "bert"),
        (TokenizerKind::Bpe, "roberta"),
        (TokenizerKind::Unigram, "xlnet"),
        (TokenizerKind::Characters, "bert"),
    ] {
        let tokenizer = trained(kind, preset);
        Convention::preset(preset, &tokenizer).unwrap();
        let encoded = tokenizer.encode_given_words(&words);
        assert_eq!(encoded.ids.len(), encoded.words.len(), "{preset}");
        assert!(encoded.words.is_sorted(), "{preset}");
        for (i, word) in words.iter().enumerate().filter(|(i, _)| [0, 3].contains(i)) {
            let ids: Vec<u32> = (0..encoded.ids.len())
                .filter(|t| encoded.words[*t] as usize == i)
                .map(|t| encoded.ids[t])
                .collect();
            assert_eq!(tokenizer.decode(&ids).trim(), word, "{preset}");
        }
    }
}

#[test]
fn words_are_cut_as_inside_of_a_text() {
    for (kind, preset) in [
        (TokenizerKind::Wordpiece, "bert"),
        (TokenizerKind::Bpe, "roberta"),
        (TokenizerKind::Unigram, "xlnet"),
    ] {
        let tokenizer = trained(kind, preset);
        let words = ["people", "un-do", "a", "knot"].map(str::to_owned);
        let text = match kind {
            TokenizerKind::Bpe => " people un-do a knot",
            _ => "people un-do a knot",
        };
        let encoded = tokenizer.encode_given_words(&words);
        assert_eq!(encoded.ids, tokenizer.encode(text), "{preset}");
    }
}
