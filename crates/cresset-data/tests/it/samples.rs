//! The project's own data.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use cresset_data::{
    DataError, Example, FieldNames, Format, Label, SourceConfig, read_examples, write_samples,
};

fn config(folder: &Path, format: Format, files: &[&str]) -> SourceConfig {
    SourceConfig {
        format,
        files: files.iter().map(|f| folder.join(f)).collect(),
        fields: FieldNames::default(),
    }
}

#[test]
fn samples_depend_on_the_seed_only() {
    let (a, b, c) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let files = write_samples(a.path(), 0).unwrap();
    write_samples(b.path(), 0).unwrap();
    write_samples(c.path(), 1).unwrap();
    for file in &files {
        let name = file.strip_prefix(a.path()).unwrap();
        let read = |folder: &Path| fs::read(folder.join(name)).unwrap();
        assert_eq!(read(a.path()), read(b.path()));
        let is_the_same = name.starts_with("frames");
        assert_eq!(read(a.path()) == read(c.path()), is_the_same, "{name:?}");
    }
}

#[test]
fn files_with_other_content_are_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path(), 0).unwrap();
    write_samples(folder.path(), 0).unwrap();
    let corpus = folder.path().join("corpus.txt");
    fs::write(&corpus, "mine").unwrap();
    assert!(
        matches!(write_samples(folder.path(), 0), Err(DataError::Exists { path }) if path == corpus)
    );
    assert_eq!(fs::read_to_string(&corpus).unwrap(), "mine");
}

#[test]
fn sentiment_is_balanced_and_no_single_word_decides() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path(), 0).unwrap();
    let train = read_examples(&config(
        folder.path(),
        Format::Jsonl,
        &["sentiment/train.jsonl"],
    ))
    .unwrap();
    let dev = read_examples(&config(
        folder.path(),
        Format::Jsonl,
        &["sentiment/dev.jsonl"],
    ))
    .unwrap();
    assert_eq!((train.len(), dev.len()), (3000, 500));
    let positive = |e: &&cresset_data::Example| e.label == Some(Label::Name("positive".into()));
    assert_eq!(train.iter().filter(positive).count(), 1500);
    assert_eq!(dev.iter().filter(positive).count(), 250);
    let seen: HashSet<&str> = train.iter().map(|e| e.text.as_str()).collect();
    assert!(dev.iter().all(|e| !seen.contains(e.text.as_str())));

    let mut words: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for example in &train {
        for word in example.text.split(' ').collect::<HashSet<_>>() {
            let count = words.entry(word).or_default();
            count.0 += 1.0;
            count.1 += f64::from(u8::from(positive(&example)));
        }
    }
    for (word, (n, positive)) in words.into_iter().filter(|(_, (n, _))| *n >= 100.0) {
        assert!(
            (positive / n - 0.5).abs() < 0.2,
            "{word}: {positive} of {n}"
        );
    }
}

#[test]
fn reviews_have_labels_in_any_number_and_scores_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path(), 0).unwrap();
    let read = |file: &str| read_examples(&config(folder.path(), Format::Jsonl, &[file])).unwrap();
    let (train, dev) = (read("reviews/train.jsonl"), read("reviews/dev.jsonl"));
    assert_eq!((train.len(), dev.len()), (1200, 300));
    let seen: HashSet<&str> = train.iter().map(|e| e.text.as_str()).collect();
    assert!(dev.iter().all(|e| !seen.contains(e.text.as_str())));

    let n_labels: HashSet<usize> = dev
        .iter()
        .map(|e| e.label.as_ref().expect("a list").names().len())
        .collect();
    assert_eq!(n_labels, HashSet::from([0, 1, 2, 3]));
    let scores: Vec<f64> = train.iter().map(|e| e.score.expect("a score")).collect();
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    assert!(mean.abs() < 0.2, "{mean}");
    let above = scores.iter().filter(|s| **s > 0.5).count();
    let below = scores.iter().filter(|s| **s < -0.5).count();
    assert!(above > 300 && below > 300, "{above} above, {below} below");
}

#[test]
fn no_test_sentence_of_the_translation_set_is_in_its_training_set() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path(), 0).unwrap();
    let read = |split: &str| {
        let (en, lum) = (
            format!("translation/{split}.en"),
            format!("translation/{split}.lum"),
        );
        read_examples(&config(folder.path(), Format::Parallel, &[&en, &lum])).unwrap()
    };
    let (train, dev) = (read("train"), read("dev"));
    assert_eq!((train.len(), dev.len()), (5000, 300));
    let seen: HashSet<&str> = train.iter().map(|e| e.text.as_str()).collect();
    assert_eq!(seen.len(), 5000);
    assert!(dev.iter().all(|e| !seen.contains(e.text.as_str())));
    // The same English sentence never has two translations, and every word of dev is known from train.
    let words = |e: &cresset_data::Example| -> Vec<String> {
        format!("{} {}", e.text, e.target.as_deref().unwrap())
            .split(' ')
            .map(str::to_owned)
            .collect()
    };
    let known: HashSet<String> = train.iter().flat_map(words).collect();
    assert!(dev.iter().flat_map(words).all(|word| known.contains(&word)));
}

#[test]
fn the_corpus_is_documents_of_several_lines() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path(), 0).unwrap();
    let documents =
        read_examples(&config(folder.path(), Format::Paragraphs, &["corpus.txt"])).unwrap();
    assert_eq!(documents.len(), 800);
    assert!(documents.iter().all(|d| d.text.lines().count() >= 3));
}

#[test]
fn pairs_hold_a_sentence_in_both_languages_once() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path(), 0).unwrap();
    let files = ["pairs/train.jsonl", "pairs/dev.jsonl"];
    let pairs = read_examples(&config(folder.path(), Format::Jsonl, &files)).unwrap();
    let texts: HashSet<&str> = pairs.iter().map(|e| e.text.as_str()).collect();
    assert_eq!((pairs.len(), texts.len()), (2200, 2200));
    assert!(pairs.iter().all(|e| e.pair.is_some() && e.score.is_none()));
}

#[test]
fn the_tagging_set_has_names_that_are_of_both_kinds() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path(), 0).unwrap();
    let read = |file: &str| read_examples(&config(folder.path(), Format::Conll, &[file])).unwrap();
    let (train, dev) = (read("tagging/train.conll"), read("tagging/dev.conll"));
    assert_eq!((train.len(), dev.len()), (1500, 300));
    let seen: HashSet<&str> = train.iter().map(|e| e.text.as_str()).collect();
    let known = |e: &&cresset_data::Example| {
        seen.contains(e.text.as_str()) && e.tags.iter().any(|t| t != "O")
    };
    assert_eq!(dev.iter().filter(known).count(), 0);
    let tags_of_jordan: HashSet<&str> = train
        .iter()
        .flat_map(|e| e.words.iter().zip(&e.tags))
        .filter(|(word, _)| *word == "Jordan")
        .map(|(_, tag)| tag.as_str())
        .collect();
    assert_eq!(tags_of_jordan, HashSet::from(["B-PER", "B-LOC", "I-LOC"]));
}

#[test]
fn every_question_has_an_answer_and_a_quarter_of_the_contexts_is_long() {
    let folder = tempfile::tempdir().unwrap();
    write_samples(folder.path(), 0).unwrap();
    let fields = FieldNames {
        text: Some("question".into()),
        pair: Some("context".into()),
        answers: Some("answers".into()),
        ..FieldNames::default()
    };
    let source = SourceConfig {
        fields,
        ..config(folder.path(), Format::Jsonl, &["questions/train.jsonl"])
    };
    // Reading checks that the answers stand where they say.
    let examples = read_examples(&source).unwrap();
    assert!(
        examples
            .iter()
            .all(|e| e.answers.as_ref().is_some_and(|a| a.len() == 1))
    );
    let words = |e: &Example| e.pair.as_deref().unwrap_or_default().split(' ').count();
    let long = examples.iter().filter(|e| words(e) > 60).count();
    let share = long as f64 / examples.len() as f64;
    assert!((0.15..0.35).contains(&share), "{share}");
}
