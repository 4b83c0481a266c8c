//! Tokenized texts are the tokenizer's ids, and prepared ones are the same from a file.

use std::fs;
use std::path::{Path, PathBuf};

use cresset_data::{
    DataError, Example, Format, Preparation, PreparedEntry, SourceConfig, TextForm, TokenizedTexts,
    Tokenizer, TokenizerKind, TokenizerTrainConfig, Unit, Words, read_examples,
};

const TEXTS: [&str; 5] = [
    "The old cats sleep.\nThey are tired.",
    "",
    "A dog",
    "\n\nno, two dogs\n",
    "and the cats' riverdogs",
];

fn tokenizer(vocab_size: usize) -> Tokenizer {
    let config = TokenizerTrainConfig {
        vocab_size,
        min_frequency: 1,
        ..TokenizerTrainConfig::new(TokenizerKind::Wordpiece)
    };
    Tokenizer::train(&config, TEXTS, "bert").unwrap()
}

fn forms() -> impl Iterator<Item = TextForm> {
    [Unit::Text, Unit::Line]
        .into_iter()
        .flat_map(|unit| [Words::Dropped, Words::Kept].map(|words| TextForm { unit, words }))
}

/// A file with a document a paragraph, its source, and the folder they lie in.
fn source() -> (tempfile::TempDir, SourceConfig) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("data.txt");
    fs::write(&file, "The old cats\nsleep.\n\nA dog\n\nno, two dogs\n").unwrap();
    let source = SourceConfig {
        format: Format::Paragraphs,
        files: vec![file],
        ..SourceConfig::default()
    };
    (folder, source)
}

fn preparation<'a>(source: &'a SourceConfig, tokenizer: &'a Tokenizer) -> Preparation<'a> {
    Preparation {
        source,
        tokenizer,
        form: TextForm::default(),
        selection: "",
    }
}

fn write(
    entry: &PreparedEntry,
    source: &SourceConfig,
    tokenizer: &Tokenizer,
    form: TextForm,
) -> Result<TokenizedTexts, DataError> {
    let examples = read_examples(source)?.into_iter().map(Ok);
    entry.write(examples, tokenizer, form)
}

/// The one entry of a folder that was just prepared with the default form.
fn prepared() -> (tempfile::TempDir, PreparedEntry) {
    let (folder, source) = source();
    let tokenizer = tokenizer(120);
    let entry = preparation(&source, &tokenizer)
        .entry(&folder.path().join("prepared"))
        .unwrap();
    write(&entry, &source, &tokenizer, TextForm::default()).unwrap();
    (folder, entry)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn tokenized_texts_are_what_the_tokenizer_says_text_by_text() {
    let tokenizer = tokenizer(120);
    for form in forms() {
        let texts = TokenizedTexts::encode(&TEXTS, &tokenizer, form);
        assert_eq!(texts.len(), TEXTS.len());
        for (i, text) in TEXTS.iter().enumerate() {
            let pieces: Vec<&str> = match form.unit {
                Unit::Text => vec![text],
                Unit::Line => text.lines().collect(),
            };
            let places = texts.pieces(i);
            assert_eq!(places.len(), pieces.len());
            for (places, piece) in places.into_iter().zip(pieces) {
                let encoded = tokenizer.encode_words(piece);
                assert_eq!(texts.ids(places.clone()), encoded.ids);
                let words = (form.words == Words::Kept).then_some(encoded.words);
                assert_eq!(texts.words(places), words);
            }
            let whole: Vec<u32> = texts.ids(texts.places(i));
            assert_eq!(whole.len(), texts.places(i).len());
        }
    }
}

#[test]
fn parts_are_numbered_anew_and_share_their_places() {
    let texts = TokenizedTexts::encode(&TEXTS, &tokenizer(120), TextForm::default());
    let part = texts.part(2..5);
    assert_eq!((part.len(), part.places(0)), (3, texts.places(2)));
    let rest = texts.part(0..2).n_tokens();
    assert_eq!(part.n_tokens() + rest, texts.n_tokens());
    assert_eq!(part.tokens_before(1), texts.places(2).len());

    let odd = texts.filtered(|text| text % 2 == 1);
    assert_eq!((odd.len(), odd.places(1)), (2, texts.places(3)));
    assert_eq!(
        odd.n_tokens(),
        texts.places(1).len() + texts.places(3).len()
    );
    assert_eq!(odd.tokens_before(1), texts.places(1).len());
    assert_eq!(odd.part(1..2).places(0), texts.places(3));
    assert!(texts.filtered(|_| false).is_empty());
}

#[test]
fn wide_vocabularies_are_kept_whole() {
    let mut tokenizer = tokenizer(120);
    let added: Vec<String> = (0..70_000).map(|n| format!("<{n}>")).collect();
    let added: Vec<&str> = added.iter().map(String::as_str).collect();
    tokenizer = tokenizer.with_special_tokens(&added).unwrap();
    let texts = TokenizedTexts::encode(&["<69999>"], &tokenizer, TextForm::default());
    assert_eq!(texts.ids(texts.places(0)), tokenizer.encode("<69999>"));
    assert!(texts.ids(texts.places(0))[0] > 1 << 16);
}

#[test]
fn prepared_texts_are_those_in_memory() {
    let (folder, source) = source();
    let tokenizer = tokenizer(120);
    for form in forms() {
        let entry = Preparation {
            form,
            ..preparation(&source, &tokenizer)
        }
        .entry(&folder.path().join("prepared"))
        .unwrap();
        assert!(entry.open().unwrap().is_none(), "nothing is there yet");
        let written = write(&entry, &source, &tokenizer, form).unwrap();
        let examples = read_examples(&source).unwrap();
        let texts: Vec<&str> = examples.iter().map(|e| e.text.as_str()).collect();
        let memory = TokenizedTexts::encode(&texts, &tokenizer, form);
        for again in [written, entry.open().unwrap().unwrap()] {
            assert_eq!(again.len(), memory.len());
            for text in 0..memory.len() {
                assert_eq!(again.pieces(text), memory.pieces(text));
                let places = memory.places(text);
                assert_eq!(again.ids(places.clone()), memory.ids(places.clone()));
                assert_eq!(again.words(places.clone()), memory.words(places));
            }
        }
    }
    assert_eq!(
        names(&folder.path().join("prepared")).len(),
        4,
        "nothing else is left behind"
    );
}

#[test]
fn the_key_follows_content_reading_and_tokenizer_but_not_the_files_names() {
    let (folder, source) = source();
    let small = tokenizer(120);
    let large = small.clone().with_special_tokens(&["<more>"]).unwrap();
    let entry = |preparation: Preparation<'_>| preparation.entry(folder.path()).unwrap();
    let same = entry(preparation(&source, &small));
    let moved = folder.path().join("moved.txt");
    fs::copy(&source.files[0], &moved).unwrap();
    let renamed = SourceConfig {
        files: vec![moved.clone()],
        ..source.clone()
    };
    assert_eq!(same, entry(preparation(&renamed, &small)));

    let lines = SourceConfig {
        format: Format::Text,
        ..source.clone()
    };
    let form = TextForm {
        unit: Unit::Line,
        ..TextForm::default()
    };
    fs::write(&moved, "other").unwrap();
    let others = [
        preparation(&source, &large),
        preparation(&lines, &small),
        preparation(&renamed, &small),
        Preparation {
            form,
            ..preparation(&source, &small)
        },
        Preparation {
            selection: "some",
            ..preparation(&source, &small)
        },
    ];
    for other in others {
        assert_ne!(same, entry(other));
    }
}

#[test]
fn an_error_in_the_middle_leaves_nothing_behind() {
    let (folder, source) = source();
    let tokenizer = tokenizer(120);
    let prepared = folder.path().join("prepared");
    let entry = preparation(&source, &tokenizer).entry(&prepared).unwrap();
    let broken = DataError::Files("broken".to_owned());
    let examples = [Ok(Example::default()), Err(broken)].into_iter();
    let error = entry
        .write(examples, &tokenizer, TextForm::default())
        .unwrap_err();
    assert_eq!(error.to_string(), "broken");
    assert!(names(&prepared).is_empty());
}

/// What is said of the entry after something was done to its folder.
fn complaint(harm: impl Fn(&Path)) -> String {
    let (_folder, entry) = prepared();
    harm(&entry.path());
    entry.open().expect_err("refused").to_string()
}

#[test]
fn damaged_and_foreign_folders_are_named_with_the_way_out() {
    let cut = |path: &Path| {
        let bytes = fs::read(path.join("ids.bin")).unwrap();
        fs::write(path.join("ids.bin"), &bytes[1..]).unwrap();
    };
    let flipped = |path: &Path| {
        let mut bytes = fs::read(path.join("pieces.bin")).unwrap();
        bytes[8] ^= 1;
        fs::write(path.join("pieces.bin"), bytes).unwrap();
    };
    let change = |from: &'static str, to: &'static str| {
        move |path: &Path| {
            let text = fs::read_to_string(path.join("index.json")).unwrap();
            assert!(text.contains(from));
            fs::write(path.join("index.json"), text.replace(from, to)).unwrap();
        }
    };
    let remove = |name: &'static str| move |path: &Path| fs::remove_file(path.join(name)).unwrap();
    let key = |path: &Path| {
        let other: PathBuf = path.with_file_name("0123");
        fs::rename(path, &other).unwrap();
        fs::create_dir(path).unwrap();
        let index = fs::read_to_string(other.join("index.json")).unwrap();
        let own = path.file_name().unwrap().to_str().unwrap();
        fs::write(path.join("index.json"), index.replace(own, "0123")).unwrap();
    };
    for (message, part) in [
        (complaint(cut), "ids.bin has"),
        (complaint(flipped), "content of pieces.bin"),
        (complaint(remove("pieces.bin")), "pieces.bin cannot be read"),
        (complaint(remove("index.json")), "no readable index.json"),
        (
            complaint(change("\"layout\":1", "\"layout\":2")),
            "layout is 2",
        ),
        (complaint(change("{", "")), "index.json is broken"),
        (
            complaint(change("\"n_tokens\":", "\"n_tokens\":1")),
            "contradicts itself",
        ),
        (complaint(key), "renamed"),
    ] {
        assert!(message.contains(part), "{part:?} in: {message}");
        assert!(
            message.contains("remove it") && message.contains("data.prepared"),
            "{message}"
        );
    }
}
