//! Every noise function on one sentence, as a person reads it: what a change of the functions changes.

use cresset_data::{
    InfillOptions, MaskOptions, Masked, PairOptions, PairTask, PermutationOptions, PrefixLength,
    SentencePair, Sentences, SpanCorrupted, SpanCorruptionOptions, SpanLengths,
    corrupt_random_spans, corrupt_spans, delete_tokens, document_pairs, infill, mask_spans,
    mask_tokens, mask_whole_words, permute, permute_sentences, restore, rotate_document,
    sentence_pairs, split_prefix,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// `##` goes on with the word before.
const TEXT: &str = "[CLS] thank you for in ##vit ##ing me to your par ##ty last week . it was ver ##y nice . [SEP]";

/// Ids from here on spell themselves.
const MASK: u32 = 500;
const SENTINELS: [u32; 4] = [600, 601, 602, 603];

fn words() -> Vec<&'static str> {
    TEXT.split(' ').collect()
}

fn ids() -> Vec<u32> {
    (0..words().len() as u32).collect()
}

fn special() -> Vec<bool> {
    words().iter().map(|word| word.starts_with('[')).collect()
}

/// The word of each token.
fn word_indices() -> Vec<Option<u32>> {
    let mut word = 0;
    let index = |token: &str| {
        word += u32::from(!token.starts_with("##"));
        (!token.starts_with('[')).then_some(word)
    };
    words().into_iter().map(index).collect()
}

fn spell(ids: &[u32]) -> String {
    let words = words();
    let token = |&id: &u32| match id {
        MASK => "[MASK]".to_owned(),
        600.. => format!("<{}>", ["X", "Y", "Z", "W"][id as usize - 600]),
        id if (id as usize) < words.len() => words[id as usize].to_owned(),
        random => format!("~{random}"),
    };
    ids.iter().map(token).collect::<Vec<_>>().join(" ")
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(7)
}

fn options() -> MaskOptions {
    MaskOptions {
        rate: 0.4,
        mask_share: 0.6,
        random_share: 0.2,
        mask_id: MASK,
        vocab: 100..200,
    }
}

fn masked(masked: Masked) -> Vec<String> {
    vec![
        spell(&masked.ids),
        format!("targets {}", spell(&masked.targets)),
    ]
}

fn spans(corrupted: &SpanCorrupted) -> Vec<String> {
    vec![
        spell(&corrupted.input),
        format!("target {}", spell(&corrupted.target)),
    ]
}

/// Three documents out of the sentence's own words.
fn documents() -> Vec<Sentences> {
    let ids = &ids()[1..21];
    let parts = |from: usize, to: usize| ids[from..to].chunks(3).map(<[u32]>::to_vec).collect();
    vec![parts(0, 9), parts(9, 14), parts(14, 20)]
}

fn pairs(pairs: &[SentencePair]) -> Vec<String> {
    let line = |pair: &SentencePair| {
        format!(
            "{} | {} | {}",
            pair.label,
            spell(&pair.first),
            spell(&pair.second)
        )
    };
    pairs.iter().map(line).collect()
}

/// Who sees which target: `x` where the row must not see the column.
fn seen(rows: &[usize], mask: &[f32], seq: usize) -> Vec<String> {
    let hidden = |row: usize, column: usize| match mask[row * seq + column] {
        0.0 => '.',
        _ => 'x',
    };
    rows.iter()
        .map(|&row| rows.iter().map(|&column| hidden(row, column)).collect())
        .collect()
}

fn snapshots() -> Vec<(&'static str, Vec<String>)> {
    let (ids, special, words) = (ids(), special(), word_indices());
    let corrupted = corrupt_random_spans(
        &ids,
        &special,
        &SpanCorruptionOptions {
            noise_density: 0.3,
            ..SpanCorruptionOptions::default()
        },
        &SENTINELS,
        &mut rng(),
    );
    let published = corrupt_spans(&ids[1..14], &[2..6, 11..12], &SENTINELS);
    let restored = restore(&published.input, &published.target, &SENTINELS);
    let permuted = permute(
        &ids,
        &special,
        &PermutationOptions {
            rate: 0.4,
            max_span_length: 3,
        },
        &mut rng(),
    );
    let (prefix, rest) = split_prefix(&ids, PrefixLength::Uniform, &mut rng());
    let next = PairOptions::new(PairTask::NextSentence, 8);
    let order = PairOptions::new(PairTask::SentenceOrder, 8);
    let one = |out: Vec<u32>| vec![spell(&out)];
    vec![
        (
            "mask_tokens",
            masked(mask_tokens(&ids, &special, &options(), &mut rng())),
        ),
        (
            "mask_whole_words",
            masked(mask_whole_words(&ids, &words, &options(), &mut rng())),
        ),
        (
            "mask_spans",
            masked(mask_spans(
                &ids,
                &words,
                &options(),
                SpanLengths::default(),
                &mut rng(),
            )),
        ),
        ("corrupt_random_spans", spans(&corrupted)),
        ("corrupt_spans", spans(&published)),
        ("restore", one(restored.expect("it fits"))),
        (
            "infill",
            one(infill(
                &ids,
                &special,
                &InfillOptions::new(MASK),
                &mut rng(),
            )),
        ),
        (
            "delete_tokens",
            one(delete_tokens(&ids, &special, 0.3, &mut rng())),
        ),
        (
            "permute_sentences",
            one(permute_sentences(&ids, &[1..4, 4..15, 15..21], &mut rng())),
        ),
        (
            "rotate_document",
            one(rotate_document(&ids, &special, &mut rng())),
        ),
        (
            "permute",
            [
                vec![format!("targets {}", spell(&permuted.targets))],
                seen(&permuted.positions, &permuted.perm_mask, ids.len()),
            ]
            .concat(),
        ),
        ("split_prefix", vec![spell(prefix), spell(rest)]),
        (
            "document_pairs",
            pairs(&document_pairs(&documents(), 0, &next, &mut rng())),
        ),
        (
            "sentence_pairs",
            [
                vec!["next sentence".to_owned()],
                pairs(&sentence_pairs(&documents(), &next, 1)),
                vec!["sentence order".to_owned()],
                pairs(&sentence_pairs(&documents(), &order, 1)),
            ]
            .concat(),
        ),
    ]
}

#[test]
fn every_noise_function_gives_what_it_gave() {
    let lines = snapshots().into_iter().map(|(name, lines)| {
        let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
        format!("{name}\n{lines}")
    });
    let now = format!("{TEXT}\n\n{}", lines.collect::<Vec<_>>().join("\n"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/noise.txt");
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(now == kept, "tests/golden/noise.txt should be\n{now}");
}

#[test]
fn every_noise_function_has_a_snapshot() {
    let exports = include_str!("../../src/lib.rs")
        .split("pub use noise::")
        .skip(1)
        .filter_map(|export| export.split(';').next())
        .flat_map(|export| export.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    let modules = [
        "mask",
        "pairs",
        "prefix",
        "span_corruption",
        "span_mask",
        "whole_word",
    ];
    // `pair_places` gives the places that `sentence_pairs` spells.
    let spelled_elsewhere = ["pair_places"];
    // Types begin with a capital, `infill` and `permute` are modules and functions.
    let functions: Vec<&str> = exports
        .filter(|name| name.starts_with(char::is_lowercase) && !modules.contains(name))
        .filter(|name| !spelled_elsewhere.contains(name))
        .collect();
    assert!(functions.len() >= 14, "{functions:?}");
    let kept: Vec<&str> = snapshots().into_iter().map(|(name, _)| name).collect();
    for function in functions {
        assert!(kept.contains(&function), "{function} has no snapshot");
    }
}
