//! Noise functions beyond token masking: spans, infilling, permutations, prefixes and pairs.

use std::ops::Range;

use cresset_data::{
    InfillOptions, MaskOptions, PairOptions, PairTask, PermutationOptions, PrefixLength,
    SentencePair, Sentences, SpanCorruptionOptions, SpanLengths, TokenizerKind,
    corrupt_random_spans, corrupt_spans, delete_tokens, infill, mask_spans, mask_whole_words,
    permute, permute_sentences, restore, rotate_document, sentence_pairs, split_prefix,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::tokenizers::train;

const MASK: u32 = 3;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

fn options(rate: f64) -> MaskOptions {
    MaskOptions {
        rate,
        mask_share: 0.8,
        random_share: 0.1,
        mask_id: MASK,
        vocab: 5000..6000,
    }
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/noise.json")).unwrap()
}

fn figure(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap()
}

/// Words of 1, 2 and 3 tokens between two special ones, as in the golden file.
fn words_of_three_lengths(n_tokens: usize) -> Vec<Option<u32>> {
    let words = (0_u32..).flat_map(|word| std::iter::repeat_n(Some(word), 1 + word as usize % 3));
    let inner: Vec<_> = words.take(n_tokens).collect();
    [vec![None], inner, vec![None]].concat()
}

fn sentinels() -> Vec<u32> {
    (9000..9100).collect()
}

/// Texts with places that are special; ids name their places, so that every move shows.
fn text() -> impl Strategy<Value = (Vec<u32>, Vec<bool>)> {
    proptest::collection::vec(proptest::bool::weighted(0.1), 0..80).prop_map(|special| {
        (
            (0..special.len() as u32).map(|i| 100 + i).collect(),
            special,
        )
    })
}

/// The tokens at special places, in order; whatever is not among the text's special tokens is left out.
fn specials_of(out: &[u32], ids: &[u32], special: &[bool]) -> (Vec<u32>, Vec<u32>) {
    let at = ids.iter().zip(special).filter(|(_, s)| **s);
    let wanted: Vec<u32> = at.map(|(id, _)| *id).collect();
    let found = out.iter().copied().filter(|id| wanted.contains(id));
    (found.collect(), wanted)
}

#[test]
fn whole_words_are_masked_at_the_rate_of_the_reference() {
    let reference = &golden()["whole_word"];
    let indices = words_of_three_lengths(120);
    let ids: Vec<u32> = (0..122).map(|i| 100 + i).collect();
    let mut rng = rng(1);
    let mut n_targets = 0;
    let draws = 2000;
    for _ in 0..draws {
        let masked = mask_whole_words(&ids, &indices, &options(0.15), &mut rng);
        n_targets += masked.positions.len();
        let is_target = |p: &usize| masked.positions.contains(p);
        for word in indices.chunk_by(|a, b| a == b).map(|w| w[0]) {
            let mut places = (0..122).filter(|&p| indices[p] == word);
            match word {
                None => assert!(!places.any(|p| is_target(&p))),
                Some(_) => {
                    let first = places.next().unwrap();
                    assert!(places.all(|p| is_target(&p) == is_target(&first)));
                }
            }
        }
    }
    assert_eq!(figure(reference, "words_partly_masked"), 0.0);
    let rate = n_targets as f64 / (120 * draws) as f64;
    // The reference draws each word by itself: 0.001 is three standard deviations of its mean over 2000 draws.
    assert!((rate - figure(reference, "rate")).abs() < 0.003, "{rate}");
}

#[test]
fn masked_spans_are_3_8_words_long_and_share_one_fate() {
    let n = 4000;
    let ids: Vec<u32> = (0..n).map(|i| 100 + i).collect();
    let indices: Vec<Option<u32>> = (0..n).map(Some).collect();
    let all_masks = MaskOptions {
        mask_share: 0.5,
        random_share: 0.0,
        ..options(0.02)
    };
    let (mut n_targets, mut n_spans, mut n_changes) = (0, 0, 0);
    for seed in 0..200 {
        let masked = mask_spans(
            &ids,
            &indices,
            &all_masks,
            SpanLengths::default(),
            &mut rng(seed),
        );
        assert_eq!(masked.positions.len(), 80);
        for span in masked.positions.chunk_by(|a, b| a + 1 == *b) {
            n_spans += 1;
            n_targets += span.len();
            let is_mask = |place: usize| masked.ids[place] == MASK;
            n_changes += span
                .windows(2)
                .filter(|w| is_mask(w[0]) != is_mask(w[1]))
                .count();
        }
    }
    // Mean 3.80 of the distribution; neighbouring spans merge (longer), the last of each text is cut (shorter).
    let mean = n_targets as f64 / f64::from(n_spans);
    assert!((mean - 3.8).abs() < 0.25, "{mean}");
    // Only where two spans touch; half of the neighbours if each token had its own fate.
    assert!((n_changes as f64) < 0.02 * n_targets as f64, "{n_changes}");
}

#[test]
fn the_published_example_of_span_corruption() {
    let words: Vec<&str> = "Thank you for inviting me to your party last week ."
        .split(' ')
        .collect();
    let ids: Vec<u32> = (0..words.len() as u32).collect();
    let out = corrupt_spans(&ids, &[2..4, 8..9], &[100, 101, 102]);
    let spell = |ids: &[u32]| {
        let words = ids.iter().map(|&id| match id {
            100 => "<X>",
            101 => "<Y>",
            102 => "<Z>",
            _ => words[id as usize],
        });
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        spell(&out.input),
        "Thank you <X> me to your party <Y> week ."
    );
    assert_eq!(spell(&out.target), "<X> for inviting <Y> last <Z>");
}

#[test]
fn a_target_that_does_not_fit_restores_nothing() {
    let sentinels = [100, 101, 102];
    assert_eq!(
        restore(&[1, 100, 2], &[100, 7, 8, 101], &sentinels),
        Some(vec![1, 7, 8, 2])
    );
    for target in [
        &[][..],
        &[100, 7],
        &[101, 7, 100],
        &[100, 7, 101, 8],
        &[100, 7, 102],
    ] {
        assert_eq!(
            restore(&[1, 100, 2], target, &sentinels),
            None,
            "{target:?}"
        );
    }
}

#[test]
fn span_corruption_takes_out_the_share_and_the_spans_of_the_paper() {
    let ids: Vec<u32> = (0..512).collect();
    let out = corrupt_random_spans(
        &ids,
        &[false; 512],
        &SpanCorruptionOptions::default(),
        &sentinels(),
        &mut rng(4),
    );
    // round(512 x 0.15) = 77 tokens in round(77 / 3) = 26 spans.
    assert_eq!(out.target.len(), 77 + 26 + 1);
    assert_eq!(out.input.len(), 512 - 77 + 26);
}

#[test]
fn infilling_hides_30_percent_in_spans_with_one_mask_each() {
    let ids: Vec<u32> = (0..1000).map(|i| 100 + i).collect();
    let mut n_masks = 0;
    for seed in 0..50 {
        let out = infill(
            &ids,
            &[false; 1000],
            &InfillOptions::new(MASK),
            &mut rng(seed),
        );
        let kept: Vec<u32> = out.iter().copied().filter(|id| *id != MASK).collect();
        assert_eq!(kept.len(), 700);
        assert!(kept.is_sorted());
        n_masks += out.len() - kept.len();
    }
    // About 300 / 3 masks a text, a half more for the cut of the last; five standard deviations of the mean are 4.
    let mean = n_masks as f64 / 50.0;
    assert!((mean - 100.5).abs() < 5.0, "{mean}");
}

#[test]
fn permutation_targets_come_at_the_rate_and_with_the_structure_of_the_reference() {
    let reference = &golden()["permutation"];
    let mut rng = rng(2);
    for length in [12, 60, 256] {
        let ids: Vec<u32> = (0..length as u32).map(|i| 100 + i).collect();
        let mut special = vec![false; length];
        special[length - 2..].fill(true);
        let draws = 1000;
        let n_targets: usize = (0..draws)
            .map(|_| permute(&ids, &special, &PermutationOptions::default(), &mut rng))
            .map(|permuted| permuted.positions.len())
            .sum();
        let rate = n_targets as f64 / (draws * length) as f64;
        let theirs = figure(&reference["rates"], &length.to_string());
        // Five standard deviations of a mean over 1000 draws: targets vary by about 2.5 a text of any of these lengths.
        let tolerance = 0.4 / length as f64 + 0.002;
        assert!(
            (rate - theirs).abs() < tolerance,
            "{length}: {rate} {theirs}"
        );
    }
    // What `permutations_are_consistent` holds ours to, the reference does too.
    assert_eq!(figure(reference, "targets_that_see_themselves"), 0.0);
    assert_eq!(figure(reference, "context_that_sees_targets"), 0.0);
    assert_eq!(figure(reference, "pairs_of_targets_seen_one_way"), 1.0);
}

#[test]
fn a_prefix_may_end_anywhere() {
    let ids: Vec<u32> = (0..5).collect();
    let mut counts = [0; 5];
    let mut rng = rng(3);
    for _ in 0..4000 {
        let (prefix, rest) = split_prefix(&ids, PrefixLength::Uniform, &mut rng);
        assert_eq!([prefix, rest].concat(), ids);
        counts[prefix.len()] += 1;
    }
    assert_eq!(counts[0], 0);
    // Five standard deviations of a binomial of 4000 at 1/4.
    assert!(
        counts[1..].iter().all(|n: &i32| (n - 1000).abs() < 140),
        "{counts:?}"
    );
    let half = split_prefix(&ids, PrefixLength::Ratio(0.6), &mut rng);
    assert_eq!(half.0.len(), 3);
    let all = split_prefix(&ids, PrefixLength::Ratio(1.0), &mut rng);
    assert_eq!(all.0.len(), 4);
}

/// Documents in which a token says where it stands: document, sentence, place.
fn documents(n: usize) -> Vec<Sentences> {
    let sentence = |d: u32, s: u32| {
        (0..3 + (d + s) % 5)
            .map(|t| d * 10_000 + s * 100 + t)
            .collect()
    };
    (0..n as u32)
        .map(|d| (0..1 + d % 9).map(|s| sentence(d, s)).collect())
        .collect()
}

fn share_of_ones(pairs: &[SentencePair]) -> f64 {
    pairs.iter().filter(|p| p.label == 1).count() as f64 / pairs.len() as f64
}

#[test]
fn half_of_the_next_sentence_pairs_follow_and_half_are_from_another_document() {
    let documents = documents(3000);
    let options = PairOptions::new(PairTask::NextSentence, 20);
    let pairs = sentence_pairs(&documents, &options, 1);
    for pair in &pairs {
        assert!(pair.first.len() + pair.second.len() <= 20);
        let document = |ids: &[u32]| ids[0] / 10_000;
        assert_eq!(
            document(&pair.first) == document(&pair.second),
            pair.label == 0
        );
        if pair.label == 0 {
            assert!(pair.first.last() < pair.second.first());
        }
    }
    // Five standard deviations of a binomial of this size.
    let tolerance = 2.5 / (pairs.len() as f64).sqrt();
    assert!((share_of_ones(&pairs) - 0.5).abs() < tolerance);
    assert_eq!(pairs, sentence_pairs(&documents, &options, 1));
    assert_ne!(pairs, sentence_pairs(&documents, &options, 2));
}

#[test]
fn half_of_the_sentence_order_pairs_are_swapped_and_none_leaves_its_document() {
    let documents = documents(3000);
    let pairs = sentence_pairs(
        &documents,
        &PairOptions::new(PairTask::SentenceOrder, 20),
        1,
    );
    for pair in &pairs {
        assert_eq!(pair.first[0] / 10_000, pair.second[0] / 10_000);
        assert_eq!(pair.first[0] > pair.second[0], pair.label == 1);
    }
    let tolerance = 2.5 / (pairs.len() as f64).sqrt();
    assert!((share_of_ones(&pairs) - 0.5).abs() < tolerance);
}

#[test]
fn documents_of_one_sentence_make_pairs_too_and_empty_ones_none() {
    let documents = vec![vec![vec![1, 2, 3, 4]], vec![], vec![vec![]], vec![vec![5]]];
    for task in [PairTask::NextSentence, PairTask::SentenceOrder] {
        for seed in 0..20 {
            let pairs = sentence_pairs(&documents, &PairOptions::new(task, 8), seed);
            assert_eq!(pairs.len(), 1);
            assert!(!pairs[0].first.is_empty() && !pairs[0].second.is_empty());
        }
    }
    let alone = vec![vec![vec![1, 2], vec![3]]];
    let pairs = sentence_pairs(&alone, &PairOptions::new(PairTask::NextSentence, 8), 0);
    assert_eq!((pairs.len(), pairs[0].label), (1, 0));
}

#[test]
fn words_are_those_of_the_tokenizer_at_white_space_and_in_chinese_characters() {
    for (kind, preset, size) in [
        (TokenizerKind::Wordpiece, "bert", 250),
        (TokenizerKind::Bpe, "mt", 400),
    ] {
        let tokenizer = train(kind, preset, size);
        let text = "The riverdog dog ran";
        let encoded = tokenizer.encode_words(text);
        assert_eq!(encoded.ids, tokenizer.encode(text));
        let of_words: Vec<String> = encoded
            .words
            .chunk_by(|a, b| a == b)
            .scan(0, |start, run| {
                let ids = &encoded.ids[*start..*start + run.len()];
                *start += run.len();
                Some(tokenizer.decode(ids).trim().to_lowercase())
            })
            .collect();
        assert_eq!(of_words, ["the", "riverdog", "dog", "ran"], "{kind:?}");
    }
    // Three bytes, three tokens each.
    let tokenizer = train(TokenizerKind::Bpe, "mt", 400);
    let words = tokenizer.encode_words("世界").words;
    assert_eq!(words, [0, 0, 0, 1, 1, 1]);
    assert_eq!(tokenizer.encode_segments(&["世界"]).words, [0; 6]);
    let two = tokenizer.encode_segments(&["世界", "世"]);
    assert_eq!(two.words, [0, 0, 0, 0, 0, 0, 1, 1, 1]);
    assert!(tokenizer.encode_words("").ids.is_empty());
}

proptest! {
    #[test]
    fn span_corruption_is_invertible((ids, special) in text(), seed: u64, density in 0.0..1.0, mean in 0.5..6.0, n in 2..100_usize) {
        let options = SpanCorruptionOptions { noise_density: density, mean_span_length: mean };
        let sentinels = &sentinels()[..n];
        let out = corrupt_random_spans(&ids, &special, &options, sentinels, &mut rng(seed));
        prop_assert_eq!(restore(&out.input, &out.target, sentinels), Some(ids.clone()));
        let (found, wanted) = specials_of(&out.input, &ids, &special);
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn special_tokens_are_never_corrupted((ids, special) in text(), seed: u64, rate in 0.0..=1.0) {
        let rng = &mut rng(seed);
        let words: Vec<Option<u32>> = special.iter().enumerate().map(|(i, s)| (!s).then_some(i as u32 / 2)).collect();
        let sentences: Vec<Range<usize>> = words
            .chunk_by(|a, b| a.is_some() == b.is_some())
            .scan(0, |start, run| { let at = *start; *start += run.len(); Some((at..*start, run[0])) })
            .filter_map(|(range, word)| word.map(|_| range))
            .collect();
        let infilling = InfillOptions { rate, ..InfillOptions::new(MASK) };
        for out in [
            mask_whole_words(&ids, &words, &options(rate), rng).ids,
            mask_spans(&ids, &words, &options(rate), SpanLengths::default(), rng).ids,
            infill(&ids, &special, &infilling, rng),
            delete_tokens(&ids, &special, rate, rng),
            permute_sentences(&ids, &sentences, rng),
            rotate_document(&ids, &special, rng),
        ] {
            let (found, wanted) = specials_of(&out, &ids, &special);
            prop_assert_eq!(found, wanted);
        }
        let moved = [permute_sentences(&ids, &sentences, rng), rotate_document(&ids, &special, rng)];
        for mut out in moved {
            out.sort_unstable();
            prop_assert_eq!(&out, &ids);
        }
    }

    #[test]
    fn permutations_are_consistent((ids, special) in text(), seed: u64) {
        let n = ids.len();
        let p = permute(&ids, &special, &PermutationOptions::default(), &mut rng(seed));
        let hidden = |row: usize, column: usize| p.perm_mask[row * n + column] == 1.0;
        for (target, &position) in p.positions.iter().enumerate() {
            prop_assert!(!special[position] && p.targets[target] == ids[position]);
            prop_assert!(hidden(position, position));
            let row = &p.target_mapping[target * n..][..n];
            prop_assert!(row.iter().enumerate().all(|(c, x)| *x == f32::from(c == position)));
        }
        let is_target = |place: usize| p.positions.contains(&place);
        for row in 0..n {
            for column in 0..n {
                let expected = match (is_target(row), is_target(column)) {
                    (_, false) => false,
                    (false, true) => true,
                    (true, true) => row == column || !hidden(column, row),
                };
                prop_assert_eq!(hidden(row, column), expected);
            }
        }
    }
}
