//! What masked language modelling hides as a whole, seen in previews.

use serde_json::Value;

use crate::workplace::Workplace;

/// A token as it stands in a row, and whether it is a target.
type Token = (String, bool);

/// The rows of a batch under a config with this objective; hidden tokens stay what they are, so that they can be read.
fn rows(corpus: &str, objective: &str) -> Vec<Vec<Token>> {
    let place = Workplace::empty();
    place.write("corpus.txt", corpus);
    place.write(
        "c.toml",
        format!(
            "[data]\ntrain = [\"corpus.txt\"]\nformat = \"paragraphs\"\nmax_length = 64\nbatch_size = 8\n\
             [tokenizer.train]\nkind = \"wordpiece\"\nvocab_size = 60\n\
             [model.bert]\nn_layers = 1\nhidden_size = 16\nn_heads = 2\nintermediate_size = 16\n\
             [objective]\n{objective}\n[train]\nsteps = 1\nout = \"run\"\n"
        ),
    );
    let preview: Value =
        serde_json::from_str(&place.succeeds(&["preview", "c.toml", "--rows", "8", "--json"]))
            .expect("JSON");
    let row = |row: &Value| {
        let of = |name: &str| {
            let sequences = row.as_array().expect("sequences").iter();
            sequences
                .clone()
                .find(|s| s["name"] == name)
                .expect("there")
                .clone()
        };
        let tokens: Vec<String> =
            serde_json::from_value(of("encoder input")["tokens"].clone()).expect("tokens");
        let labels = of("labels")["text"].as_str().expect("text").to_owned();
        tokens
            .into_iter()
            .zip(labels.split(' ').map(|label| label != "-"))
            .collect()
    };
    let examples = preview["examples"].as_array().expect("rows");
    examples.iter().map(row).collect()
}

const WORDS: &str = "abandon banana cabin dandelion elephant fantastic garden\nhabit island jacket kingdom lemon\n\n\
                     mountain narrow orange pelican quarrel\nrabbit salmon tiger umbrella valley window\n\n";

fn keeps(options: &str) -> String {
    format!("{{ rate = 0.4, mask_share = 0.0, random_share = 0.0, {options} }}")
}

/// Of the pieces that go on with a word, how many share its fate, and how many do not.
fn shared(rows: &[Vec<Token>]) -> (usize, usize) {
    let pairs = rows.iter().flat_map(|row| row.windows(2));
    let pieces: Vec<bool> = pairs
        // A segment may begin inside of a word, behind a special token.
        .filter(|pair| pair[1].0.starts_with("##") && !pair[0].0.starts_with('['))
        .map(|pair| pair[0].1 == pair[1].1)
        .collect();
    let same = pieces.iter().filter(|same| **same).count();
    (same, pieces.len() - same)
}

#[test]
fn words_are_hidden_whole_and_tokens_are_not() {
    let masking = keeps("unit = \"words\"");
    for objective in [
        format!("masked-lm = {masking}"),
        format!("bert-pretraining = {{ masking = {masking} }}"),
        format!("albert-pretraining = {{ masking = {masking} }}"),
    ] {
        let rows = rows(&WORDS.repeat(4), &objective);
        let (same, apart) = shared(&rows);
        assert!(same > 20 && apart == 0, "{objective}: {rows:?}");
        let n_hidden = rows.iter().flatten().filter(|(_, hidden)| *hidden).count();
        assert!(n_hidden > 10, "{objective}");
    }
    let rows = rows(
        &WORDS.repeat(4),
        &format!("masked-lm = {}", keeps("unit = \"tokens\"")),
    );
    assert!(shared(&rows).1 > 0, "{rows:?}");
}

#[test]
fn spans_are_longer_with_a_smaller_chance_to_end() {
    // The mean number of tokens that are hidden in a row.
    let length = |p: f64| {
        let options = format!("unit = \"spans\", spans = {{ p = {p}, max_length = 10 }}");
        let rows = rows(
            &WORDS.repeat(4),
            &format!("masked-lm = {}", keeps(&options)),
        );
        assert_eq!(shared(&rows).1, 0, "spans are of whole words: {rows:?}");
        let runs = |row: &Vec<Token>| {
            let runs = row.chunk_by(|a, b| a.1 == b.1);
            runs.filter(|run| run[0].1).count()
        };
        let n_runs: usize = rows.iter().map(runs).sum();
        let n_hidden = rows.iter().flatten().filter(|(_, hidden)| *hidden).count();
        n_hidden as f64 / n_runs as f64
    };
    let (short, long) = (length(1.0), length(0.1));
    assert!(long > 1.5 * short, "{short} and {long}");
}

#[test]
fn given_words_of_chinese_are_hidden_whole_and_read_without_spaces() {
    let corpus = "使用 语言 模型 来 预测 下一个 词\n\n我们 喜欢 自然 语言 处理\n\n".repeat(4);
    let options = keeps("unit = \"words\", segmentation = \"given\"");
    let mut n_whole = 0;
    for row in rows(&corpus, &format!("masked-lm = {options}")) {
        for word in [
            "语言",
            "模型",
            "预测",
            "下一个",
            "我们",
            "喜欢",
            "自然",
            "处理",
        ] {
            let tokens: Vec<String> = word.chars().map(String::from).collect();
            let found = row
                .windows(tokens.len())
                .filter(|part| part.iter().map(|(token, _)| token).eq(tokens.iter()));
            for part in found {
                assert!(
                    part.iter().all(|(_, hidden)| *hidden == part[0].1),
                    "{row:?}"
                );
                n_whole += usize::from(part[0].1);
            }
        }
    }
    assert!(n_whole > 3, "{n_whole}");
}

#[test]
fn options_of_masking_without_use_are_refused() {
    let place = Workplace::with_sample_data();
    let config = crate::workplace::config("tiny/masked-lm.toml");
    for (set, said) in [
        ("objective.masked-lm.spans.p=0.5", "unit = \"spans\""),
        ("objective.masked-lm.segmentation=given", "unit = \"words\""),
        ("objective.masked-lm.unit=word", "did you mean `words`?"),
    ] {
        let message = place.is_refused(&["preview", &config, "--set", set]);
        assert!(message.contains(said), "{message}");
    }
    let sets = [
        "objective.masked-lm.unit=spans",
        "objective.masked-lm.spans.p=0.0",
    ];
    let message = place.is_refused(&["preview", &config, "--set", sets[0], "--set", sets[1]]);
    assert!(message.contains("spans.p is 0"), "{message}");
}
