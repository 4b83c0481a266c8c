//! Questions with answers in a text: how they are read, and where tokens stand in it.

use std::fs;

use cresset_data::{
    AnswerSpan, Example, FieldNames, Format, SourceConfig, Tokenizer, TokenizerKind,
    TokenizerTrainConfig, read_examples,
};

fn read(format: Format, fields: FieldNames, content: &str) -> Result<Vec<Example>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q");
    fs::write(&path, content).unwrap();
    let config = SourceConfig {
        format,
        files: vec![path],
        fields,
    };
    let strip = format!("{}/", folder.path().display());
    read_examples(&config).map_err(|e| e.to_string().replace(&strip, ""))
}

fn lines(content: &str) -> Result<Vec<Example>, String> {
    let fields = FieldNames {
        text: Some("question".into()),
        pair: Some("context".into()),
        ..FieldNames::default()
    };
    read(Format::Jsonl, fields, content)
}

fn span(text: &str, start: usize) -> AnswerSpan {
    AnswerSpan {
        text: text.into(),
        start,
    }
}

#[test]
fn answers_are_read_as_a_list_or_as_columns_and_count_characters() {
    let content = "{\"question\": \"谁？\", \"context\": \"昨天😀张三来了\", \"answers\": [{\"text\": \"张三\", \"answer_start\": 3, \"x\": 1}]}\n\
                   {\"question\": \"q\", \"context\": \"a b\", \"answers\": {\"text\": [\"b\", \"a b\"], \"answer_start\": [2, 0]}}\n\
                   {\"question\": \"q\", \"context\": \"a b\", \"answers\": []}\n\
                   {\"question\": \"q\", \"context\": \"a b\"}\n";
    let examples = lines(content).unwrap();
    assert_eq!(examples[0].text, "谁？");
    assert_eq!(examples[0].pair.as_deref(), Some("昨天😀张三来了"));
    assert_eq!(examples[0].answers, Some(vec![span("张三", 3)]));
    assert_eq!(
        examples[1].answers,
        Some(vec![span("b", 2), span("a b", 0)])
    );
    assert_eq!(examples[2].answers, Some(Vec::new()));
    assert_eq!(examples[3].answers, None);
}

#[test]
fn an_answer_marked_as_standing_nowhere_is_left_out_beside_one_that_stands_somewhere() {
    let answers = "[{\"text\": \"in his own words\", \"answer_start\": -1}, {\"text\": \"b\", \"answer_start\": 2}]";
    let line = format!("{{\"question\": \"q\", \"context\": \"a b\", \"answers\": {answers}}}");
    assert_eq!(lines(&line).unwrap()[0].answers, Some(vec![span("b", 2)]));
}

#[test]
fn an_answer_that_stands_elsewhere_is_refused_with_what_stands_there() {
    let line = |answer: &str, start: i64| {
        let answers = format!("[{{\"text\": \"{answer}\", \"answer_start\": {start}}}]");
        let good = "{\"question\": \"q\", \"context\": \"x\"}";
        let bad =
            format!("{{\"question\": \"q\", \"context\": \"né in Rome\", \"answers\": {answers}}}");
        lines(&format!("{good}\n{bad}\n")).unwrap_err()
    };
    // Counted in bytes it would stand at 7.
    let message = line("Rome", 7);
    for part in [
        "q, line 2",
        "\"Rome\"",
        "character 7",
        "\"ome\" stands there",
        "first stands at 6",
    ] {
        assert!(message.contains(part), "{part:?} in {message}");
    }
    assert!(line("Rome", 40).contains("ends after 10 characters"));
    assert!(line("Paris", 6).contains("nowhere in the context"));
    assert!(line("Rome", -1).contains("is -1 but must be 0 or more"));
    assert!(line("", 0).contains("an answer is empty"));
    let message =
        lines("{\"question\": \"q\", \"context\": \"x\", \"answers\": \"x\"}").unwrap_err();
    assert!(message.contains("answer_start"), "{message}");
    let columns = "{\"text\": [\"x\"], \"answer_start\": []}";
    let message = lines(&format!(
        "{{\"question\": \"q\", \"context\": \"x\", \"answers\": {columns}}}"
    ));
    assert!(message.unwrap_err().contains("answer_start"));
}

#[test]
fn squads_files_give_an_example_per_question() {
    let content = r#"{"version": "1.1", "data": [{"title": "t", "paragraphs": [
        {"qas": [{"id": "one", "question": "Where?", "answers": [{"answer_start": 6, "text": "Rome"}]},
                 {"id": 2, "question": "Who?", "answers": [], "is_impossible": true}],
         "context": "né in Rome"}]}, {"paragraphs": [{"context": "x", "qas": []}]}]}"#;
    let examples = read(Format::Squad, FieldNames::default(), content).unwrap();
    assert_eq!(examples.len(), 2);
    assert_eq!(examples[0].id.as_deref(), Some("one"));
    assert_eq!(examples[0].text, "Where?");
    assert_eq!(examples[0].pair.as_deref(), Some("né in Rome"));
    assert_eq!(examples[0].answers, Some(vec![span("Rome", 6)]));
    assert_eq!(examples[1].answers, Some(Vec::new()));
    assert!(
        examples[1].place().ends_with("q, \"2\""),
        "{}",
        examples[1].place()
    );
}

#[test]
fn squads_files_are_refused_with_line_and_question() {
    let content = "{\"data\": [{\"paragraphs\": [\n{\"context\": \"né in Rome\", \"qas\": [{\"id\": \"one\", \"question\": \"Where?\",\n\"answers\": [{\"text\": \"Rome\", \"answer_start\": 7}]}]}]}]}";
    let message = read(Format::Squad, FieldNames::default(), content).unwrap_err();
    for part in ["q, line 3", "question \"one\"", "\"ome\" stands there"] {
        assert!(message.contains(part), "{part:?} in {message}");
    }
    let message = read(Format::Squad, FieldNames::default(), "{\"data\": [{}]}").unwrap_err();
    assert!(message.contains("paragraphs"), "{message}");
}

#[test]
fn tokens_know_their_characters_whatever_the_tokenizer() {
    let text = "Ein  Ca\u{301}fe\u{301} 😀𝓐 kostet 5 €,  北京市 naïve";
    let chars: Vec<char> = text.chars().collect();
    for (kind, preset) in [
        (TokenizerKind::Wordpiece, "bert"),
        (TokenizerKind::Bpe, "roberta"),
        (TokenizerKind::Unigram, "t5"),
        (TokenizerKind::Characters, "gpt"),
    ] {
        let config = TokenizerTrainConfig {
            vocab_size: 400,
            lowercase: kind == TokenizerKind::Wordpiece,
            min_frequency: 1,
            ..TokenizerTrainConfig::new(kind)
        };
        let tokenizer = Tokenizer::train(&config, [text, "Ein Cafe kostet"], preset).unwrap();
        let tokens = tokenizer.encode_with_places(text);
        let ids: Vec<u32> = tokens.iter().map(|t| t.id).collect();
        assert_eq!(ids, tokenizer.encode(text), "{kind:?}");
        let mut covered = vec![false; chars.len()];
        for token in &tokens {
            let place = &chars[token.chars.clone()];
            assert!(
                place.first().is_none_or(|c| !c.is_whitespace()),
                "{kind:?} {place:?}"
            );
            assert!(
                place.last().is_none_or(|c| !c.is_whitespace()),
                "{kind:?} {place:?}"
            );
            token.chars.clone().for_each(|at| covered[at] = true);
        }
        // Lower-casing strips accents: a combining one may belong to no token.
        for (at, c) in chars.iter().enumerate() {
            let expected = !c.is_whitespace();
            assert!(
                covered[at] == expected || *c == '\u{301}',
                "{kind:?}: {c:?} at {at}"
            );
        }
        // The starts never go back.
        let starts: Vec<usize> = tokens
            .iter()
            .filter(|t| !t.chars.is_empty())
            .map(|t| t.chars.start)
            .collect();
        assert!(starts.is_sorted(), "{kind:?} {starts:?}");
    }
}

#[test]
fn a_character_of_several_bytes_belongs_to_all_its_tokens() {
    let config = TokenizerTrainConfig {
        vocab_size: 300,
        ..TokenizerTrainConfig::new(TokenizerKind::Bpe)
    };
    let tokenizer = Tokenizer::train(&config, ["a b c"], "roberta").unwrap();
    let tokens = tokenizer.encode_with_places("a 😀 b");
    let emoji: Vec<_> = tokens.iter().filter(|t| t.chars == (2..3)).collect();
    assert!(emoji.len() >= 4, "{tokens:?}");
    assert_eq!(tokens.last().map(|t| t.chars.clone()), Some(4..5));
}
