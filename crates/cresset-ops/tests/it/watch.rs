//! A pass that is watched computes what it would have computed, and shows it.

use burn::tensor::Tensor;
use cresset_ops::{AttentionInput, Causality, KeepMask, PadSide, Qkv, Run, Watched, attention};

use crate::device::{constant, device, values};

fn input(causality: Causality) -> AttentionInput {
    let numbers = |seed: u64| constant([2, 5, 3, 4], seed, 1.0);
    AttentionInput {
        qkv: Qkv::Apart {
            q: numbers(1),
            k: numbers(2),
            v: numbers(3),
        },
        bias: None,
        keep: Some(KeepMask::from_lengths(
            &[5, 3],
            5,
            PadSide::Right,
            &device(),
        )),
        causality,
        scale: 0.5,
        dropout: 0.4,
    }
}

#[test]
fn what_attention_gives_is_the_values_weighted_by_what_it_shows() {
    for causality in [Causality::Bidirectional, Causality::Causal] {
        let given = input(causality);
        let [_, _, v] = given.qkv.clone().apart();
        let run = Run::inference();
        let (mixed, seen) = run.watch(Watched::Attention, |run| attention(given, run));
        let [probabilities] = &seen.attentions[..] else {
            panic!("one block")
        };
        assert_eq!(probabilities.dims(), [2, 3, 5, 5]);
        let expected = probabilities
            .clone()
            .matmul(v.swap_dims(1, 2))
            .swap_dims(1, 2);
        for (a, b) in values(mixed).iter().zip(values(expected)) {
            // Two ways of adding up five products of 32-bit numbers.
            assert!((a - b).abs() < 1e-5, "{a} and {b}");
        }
    }
}

#[test]
fn watching_a_training_pass_changes_nothing_of_it() {
    let pass = |run: &Run| {
        attention(input(Causality::Causal), run) + attention(input(Causality::Causal), run)
    };
    let alone = values(pass(&Run::training(1, 2, 3)));
    let run = Run::training(1, 2, 3);
    let (watched, seen) = run.watch(Watched::Attention, pass);
    assert_eq!(values(watched), alone);
    // What is shown has no dropout.
    let [first, second] = &seen.attentions[..] else {
        panic!("two blocks")
    };
    assert_eq!(values(first.clone()), values(second.clone()));
}

#[test]
fn nothing_is_kept_unwatched_or_unasked_and_an_inner_watch_keeps_its_own() {
    let run = Run::inference();
    let hidden = Tensor::<3>::zeros([1, 2, 3], &device());
    run.show(&hidden);
    let ((), outer) = run.watch(Watched::HiddenStates, |run| {
        run.show(&hidden);
        let (_, inner) = run.watch(Watched::Attention, |run| {
            run.show(&hidden);
            run.show(&hidden);
            attention(input(Causality::Causal), run)
        });
        assert_eq!((inner.hidden_states.len(), inner.attentions.len()), (2, 1));
        attention(input(Causality::Causal), run);
    });
    assert_eq!((outer.hidden_states.len(), outer.attentions.len()), (1, 0));
    let ((), later) = run.watch(Watched::Attention, |_| ());
    assert!(later.hidden_states.is_empty() && later.attentions.is_empty());
}
