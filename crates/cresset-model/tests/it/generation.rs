//! Cached decoding.

use burn::tensor::Tensor;
use cresset_model::{CausalInput, GreedyOptions, greedy_causal, greedy_seq2seq};
use cresset_ops::Run;

use crate::device::{device, tolerance};
use crate::masks::{matrix, padded};
use crate::parity::{gpt2, seq2seq};
use crate::reference::{all_positions, distance};

#[test]
fn bug_class_21_cached_steps_of_an_encoder_decoder_equal_teacher_forcing() {
    let target = vec![vec![1, 5, 6, 7, 8, 4], vec![1, 9, 3, 5, 2, 2]];
    for case in [
        "marian_swish",
        "marian_odd",
        "bart",
        "bart_plain",
        "t5_relu",
        "t5_gated",
    ] {
        let model = seq2seq(case);
        let source = padded(&[vec![5, 9, 3, 7], vec![4, 8]], 4, 0);
        let memory = model.encode(source.clone(), &Run::inference());
        let whole = model.decode(
            matrix(&target, &device()),
            memory.clone(),
            source.keep.clone(),
            &Run::inference(),
        );
        let mut cache = model.cache();
        // A prefix of two, then single tokens.
        let steps = [0..2, 2..3, 3..4, 4..5, 5..6].map(|part| {
            let ids: Vec<Vec<u32>> = target
                .iter()
                .map(|row| row[part.clone()].to_vec())
                .collect();
            model.decode_on(
                matrix(&ids, &device()),
                memory.clone(),
                source.keep.clone(),
                &mut cache,
            )
        });
        let stepwise = Tensor::cat(steps.to_vec(), 1);
        let positions = all_positions(&whole);
        assert!(
            distance(
                model.scores_at(whole, positions.clone()).logits(),
                model.scores_at(stepwise, positions).logits()
            ) < tolerance(),
            "{case}"
        );
    }
}

#[test]
fn bug_class_21_cached_steps_of_a_decoder_equal_teacher_forcing() {
    let ids = [vec![1, 5, 6, 7, 8, 4], vec![1, 9, 3, 5, 2, 2]];
    let model = gpt2();
    let whole = model.hidden(matrix(&ids, &device()), None, &Run::inference());
    let mut cache = model.cache();
    let steps = [0..3, 3..4, 4..5, 5..6].map(|part| {
        let ids: Vec<Vec<u32>> = ids.iter().map(|row| row[part.clone()].to_vec()).collect();
        model.hidden_on(
            CausalInput {
                ids: matrix(&ids, &device()),
                keep: None,
                positions: None,
            },
            &mut cache,
        )
    });
    let stepwise = Tensor::cat(steps.to_vec(), 1);
    let positions = all_positions(&whole);
    assert!(
        distance(
            model.scores_at(whole, positions.clone()).logits(),
            model.scores_at(stepwise, positions).logits()
        ) < tolerance()
    );
}

#[test]
fn bug_class_08_generation_from_prompts_of_mixed_lengths_equals_one_by_one() {
    let model = gpt2();
    let prompts = [
        vec![5, 9, 3, 7, 6, 11],
        vec![4],
        vec![6, 7, 8],
        vec![],
        vec![30, 21],
    ];
    // Each stop token ends the rows at other steps, so ended rows leave the batch at different times.
    for stop in 0..39 {
        let options = GreedyOptions {
            start: vec![1],
            stop,
            pad: 0,
            max_new_tokens: 9,
        };
        let together = greedy_causal(&model, &prompts, &options);
        let alone: Vec<Vec<u32>> = prompts
            .iter()
            .flat_map(|prompt| greedy_causal(&model, std::slice::from_ref(prompt), &options))
            .collect();
        assert_eq!(together, alone, "stop {stop}");
    }
}

#[test]
fn bug_class_08_translation_of_sources_of_mixed_lengths_equals_one_by_one() {
    let sources = [
        vec![5, 9, 3, 7, 6, 11],
        vec![4],
        vec![6, 7, 8],
        vec![30, 21],
    ];
    for case in ["marian_odd", "bart", "t5_gated"] {
        let model = seq2seq(case);
        for stop in 0..41 {
            let options = GreedyOptions {
                start: vec![1],
                stop,
                pad: 0,
                max_new_tokens: 9,
            };
            let together = greedy_seq2seq(&model, padded(&sources, 6, 0), &options);
            let alone: Vec<Vec<u32>> = sources
                .iter()
                .flat_map(|s| {
                    greedy_seq2seq(
                        &model,
                        padded(std::slice::from_ref(s), s.len(), 0),
                        &options,
                    )
                })
                .collect();
            assert_eq!(together, alone, "{case}, stop {stop}");
        }
    }
}

#[test]
fn generation_ends_where_the_positions_end() {
    let options = GreedyOptions {
        start: vec![1],
        stop: 1000,
        pad: 0,
        max_new_tokens: 100,
    };
    // 23 positions: the start token and a prompt of 5 leave room to read 17 more, and one more can be written.
    assert_eq!(
        greedy_causal(&gpt2(), &[vec![5, 6, 7, 8, 9], vec![5]], &options)
            .iter()
            .map(Vec::len)
            .collect::<Vec<_>>(),
        [18, 22]
    );
    for case in ["marian_swish", "bart"] {
        let written = greedy_seq2seq(&seq2seq(case), padded(&[vec![5, 6]], 2, 0), &options);
        assert_eq!(written[0].len(), 19, "{case}");
    }
}

#[test]
fn an_empty_prompt_without_a_start_token_has_no_continuation() {
    let options = GreedyOptions {
        start: vec![],
        stop: 2,
        pad: 0,
        max_new_tokens: 3,
    };
    assert_eq!(
        greedy_causal(&gpt2(), &[vec![]], &options),
        [Vec::<u32>::new()]
    );
}
