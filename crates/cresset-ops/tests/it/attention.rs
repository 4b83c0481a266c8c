use burn::tensor::Tensor;
use cresset_ops::{
    AttentionInput, Causality, KeepMask, PadSide, Qkv, Run, SoftmaxInput, attention,
    masked_softmax, reference,
};

use crate::device::{assert_close, constant, device, leaf, same, values};

/// Attention written out over numbers in f64, and its inputs.
struct Case {
    lengths: Option<Vec<usize>>,
    /// Lengths of the texts in each row, instead of `lengths`.
    texts: Option<Vec<Vec<usize>>>,
    side: PadSide,
    causality: Causality,
    queries: usize,
    keys: usize,
    bias: Option<usize>,
}

const BATCH: usize = 2;
const HEADS: usize = 3;
const WIDTH: usize = 5;
const SCALE: f64 = 0.4;

fn apart(leaves: &[Tensor<4>]) -> Qkv {
    Qkv::Apart {
        q: leaves[0].clone(),
        k: leaves[1].clone(),
        v: leaves[2].clone(),
    }
}

impl Case {
    fn plain() -> Self {
        Case {
            lengths: None,
            texts: None,
            side: PadSide::Right,
            causality: Causality::Bidirectional,
            queries: 6,
            keys: 6,
            bias: None,
        }
    }

    fn leaves(&self) -> Vec<Tensor<4>> {
        let mut leaves = vec![
            leaf([BATCH, self.queries, HEADS, WIDTH], 1, 2.0),
            leaf([BATCH, self.keys, HEADS, WIDTH], 2, 2.0),
            leaf([BATCH, self.keys, HEADS, WIDTH], 3, 2.0),
        ];
        leaves.extend(
            self.bias
                .map(|texts| leaf([texts, HEADS, self.queries, self.keys], 4, 1.0)),
        );
        leaves
    }

    fn run(&self, leaves: &[Tensor<4>], dropout: f64, run: &Run) -> Tensor<4> {
        let input = AttentionInput {
            qkv: apart(leaves),
            bias: leaves.get(3).cloned(),
            keep: self.keep(),
            causality: self.causality,
            scale: SCALE,
            dropout,
        };
        attention(input, run)
    }

    fn keep(&self) -> Option<KeepMask> {
        let device = device().autodiff();
        match (&self.texts, &self.lengths) {
            (Some(texts), _) => Some(KeepMask::from_texts(texts, self.keys, &device)),
            (None, Some(lengths)) => {
                let mask = KeepMask::from_lengths(lengths, self.keys, self.side, &device);
                Some(mask)
            }
            (None, None) => None,
        }
    }

    fn sees(&self, text: usize, query: usize, key: usize) -> bool {
        let kept = self.lengths.as_ref().is_none_or(|l| match self.side {
            PadSide::Right => key < l[text],
            PadSide::Left => key >= self.keys - l[text],
        });
        let kept = kept
            && self.texts.as_ref().is_none_or(|texts| {
                let text_at = |place: usize| {
                    let mut end = 0;
                    texts[text].iter().position(|length| {
                        end += length;
                        place < end
                    })
                };
                text_at(key).is_some() && text_at(key) == text_at(query)
            });
        kept && (self.causality == Causality::Bidirectional
            || key <= query + self.keys - self.queries)
    }

    /// The sum of the output times fixed weights, in f64.
    fn written_out(&self, inputs: &[Vec<f64>], weights: &[f32]) -> f64 {
        let at = |values: &[f64], rows: usize, text: usize, row: usize, head: usize, i: usize| {
            values[((text * rows + row) * HEADS + head) * WIDTH + i]
        };
        let mut total = 0.0;
        for text in 0..BATCH {
            for head in 0..HEADS {
                for query in 0..self.queries {
                    let score = |key: usize| {
                        let dot: f64 = (0..WIDTH)
                            .map(|i| {
                                at(&inputs[0], self.queries, text, query, head, i)
                                    * at(&inputs[1], self.keys, text, key, head, i)
                            })
                            .sum();
                        let bias = self.bias.map_or(0.0, |texts| {
                            let t = if texts == 1 { 0 } else { text };
                            inputs[3][((t * HEADS + head) * self.queries + query) * self.keys + key]
                        });
                        (dot * SCALE + bias).exp()
                    };
                    let seen: Vec<(usize, f64)> = (0..self.keys)
                        .filter(|&k| self.sees(text, query, k))
                        .map(|k| (k, score(k)))
                        .collect();
                    let sum: f64 = seen.iter().map(|(_, s)| s).sum();
                    for i in 0..WIDTH {
                        let value: f64 = seen
                            .iter()
                            .map(|(k, s)| s / sum * at(&inputs[2], self.keys, text, *k, head, i))
                            .sum();
                        let index = ((text * self.queries + query) * HEADS + head) * WIDTH + i;
                        total += value * f64::from(weights[index]);
                    }
                }
            }
        }
        total
    }

    /// Holds value and gradients against the written-out version by central differences.
    fn check(&self, what: &str) {
        let leaves = self.leaves();
        let output = self.run(&leaves, 0.0, &Run::inference());
        let weights = constant(output.dims(), 9, 1.0);
        let loss = (output * weights.clone()).sum();
        let grads = loss.clone().backward();
        let weights = values(weights);
        let inputs: Vec<Vec<f64>> = leaves
            .iter()
            .map(|l| values(l.clone()).into_iter().map(f64::from).collect())
            .collect();
        assert_close(
            what,
            &values(loss),
            &[self.written_out(&inputs, &weights) as f32],
        );
        for (which, leaf) in leaves.iter().enumerate() {
            let found = values(leaf.grad(&grads).expect("a gradient"));
            let expected: Vec<f32> = (0..found.len())
                .map(|i| {
                    let moved = |by: f64| {
                        let mut inputs = inputs.clone();
                        inputs[which][i] += by;
                        self.written_out(&inputs, &weights)
                    };
                    ((moved(1e-4) - moved(-1e-4)) / 2e-4) as f32
                })
                .collect();
            assert_close(&format!("{what}, gradient {which}"), &found, &expected);
        }
    }
}

#[test]
fn attention_equals_the_formula() {
    Case::plain().check("plain");
    Case {
        queries: 3,
        keys: 7,
        ..Case::plain()
    }
    .check("cross");
}

#[test]
fn padding_on_either_side_is_not_attended_to() {
    Case {
        lengths: Some(vec![4, 6]),
        ..Case::plain()
    }
    .check("right padding");
    Case {
        lengths: Some(vec![4, 6]),
        side: PadSide::Left,
        ..Case::plain()
    }
    .check("left padding");
}

#[test]
fn causal_attention_equals_the_formula_also_with_a_cache() {
    Case {
        causality: Causality::Causal,
        ..Case::plain()
    }
    .check("causal");
    Case {
        causality: Causality::Causal,
        queries: 2,
        keys: 6,
        ..Case::plain()
    }
    .check("causal, cached");
    Case {
        causality: Causality::Causal,
        lengths: Some(vec![6, 3]),
        ..Case::plain()
    }
    .check("causal, padded");
}

#[test]
fn a_bias_is_added_and_learnt() {
    Case {
        bias: Some(1),
        ..Case::plain()
    }
    .check("shared bias");
    Case {
        bias: Some(BATCH),
        causality: Causality::Causal,
        ..Case::plain()
    }
    .check("own bias");
}

#[test]
fn a_query_that_sees_nothing_gives_zeros() {
    let case = Case {
        lengths: Some(vec![0, 6]),
        ..Case::plain()
    };
    let output = values(case.run(&case.leaves(), 0.0, &Run::inference()));
    let (first, second) = output.split_at(output.len() / 2);
    assert!(first.iter().all(|v| *v == 0.0), "{first:?}");
    assert!(second.iter().any(|v| *v != 0.0));
}

#[test]
fn dropout_falls_on_the_probabilities_and_its_gradient_is_that_of_the_same_draw() {
    let case = Case {
        keys: 40,
        queries: 40,
        ..Case::plain()
    };
    let leaves = case.leaves();
    let run = || Run::training(3, 1, 0);
    let output = case.run(&leaves, 0.5, &run());
    assert_eq!(
        values(output.clone()),
        values(case.run(&leaves, 0.5, &run()))
    );
    let plain = values(case.run(&leaves, 0.5, &Run::inference()));
    assert_ne!(values(output.clone()), plain);
    // The output is linear in the values, so the gradient of the values gives it back: sum(out) = sum(v * dv).
    let grads = output.clone().sum().backward();
    let (v, dv) = (
        values(leaves[2].clone()),
        values(leaves[2].grad(&grads).expect("a gradient")),
    );
    let back: f32 = v.iter().zip(&dv).map(|(v, d)| v * d).sum();
    let total: f32 = values(output).iter().sum();
    assert!(
        (back - total).abs() < 1e-2 * total.abs().max(1.0),
        "{back} and {total}"
    );
}

#[test]
fn attention_does_not_cross_from_one_text_of_a_row_to_another() {
    let texts = Some(vec![vec![2, 3], vec![1, 1, 4]]);
    for causality in [Causality::Bidirectional, Causality::Causal] {
        Case {
            texts: texts.clone(),
            causality,
            ..Case::plain()
        }
        .check("several texts in a row");
    }
}

#[test]
fn attention_with_dropout_equals_the_plain_version() {
    fused_equals_plain(Case {
        lengths: Some(vec![4, 6]),
        causality: Causality::Causal,
        bias: Some(1),
        ..Case::plain()
    });
    fused_equals_plain(Case {
        texts: Some(vec![vec![2, 3], vec![1, 1, 4]]),
        ..Case::plain()
    });
}

#[test]
fn attention_over_many_keys_makes_its_probabilities_again_and_equals_the_plain_version() {
    for (queries, keys, causality) in [
        (300, 300, Causality::Causal),
        (130, 300, Causality::Causal),
        (700, 700, Causality::Bidirectional),
    ] {
        fused_equals_plain(Case {
            queries,
            keys,
            causality,
            lengths: Some(vec![keys - 40, keys]),
            ..Case::plain()
        });
    }
    fused_equals_plain(Case {
        queries: 270,
        keys: 270,
        texts: Some(vec![vec![200, 70], vec![1, 255, 4]]),
        bias: Some(BATCH),
        causality: Causality::Causal,
        ..Case::plain()
    });
}

#[test]
fn packed_vectors_give_the_outputs_and_gradients_of_those_apart() {
    let case = Case {
        lengths: Some(vec![4, 6]),
        bias: Some(1),
        ..Case::plain()
    };
    let leaves = case.leaves();
    let input = |qkv| AttentionInput {
        qkv,
        bias: leaves.get(3).cloned(),
        keep: case.keep(),
        causality: case.causality,
        scale: SCALE,
        dropout: 0.3,
    };
    let stacked = |parts: &[Tensor<4>]| Tensor::stack::<5>(parts.to_vec(), 2);
    let packed = [
        Qkv::Packed(stacked(&leaves[..3])),
        Qkv::PackedPair {
            q: leaves[0].clone(),
            kv: stacked(&leaves[1..3]),
        },
    ];
    let of = |qkv| {
        let output = attention(input(qkv), &Run::training(1, 1, 0));
        let weight = constant(output.dims(), 8, 1.0);
        let grads = (output.clone() * weight).sum().backward();
        let grads = leaves
            .iter()
            .map(|l| values(l.grad(&grads).expect("a gradient")));
        (values(output), grads.collect::<Vec<_>>())
    };
    let expected = of(apart(&leaves));
    for (qkv, name) in packed.into_iter().zip(["packed", "pair"]) {
        let found = of(qkv);
        assert_close(name, &found.0, &expected.0);
        for (i, (f, e)) in found.1.iter().zip(&expected.1).enumerate() {
            assert_close(&format!("{name}, gradient {i}"), f, e);
        }
    }
}

#[test]
fn a_masked_softmax_equals_the_plain_version() {
    for (causality, lengths, texts, bias) in [
        (Causality::Bidirectional, None, None, None),
        (Causality::Causal, Some(vec![4, 0]), None, Some(1)),
        (
            Causality::Bidirectional,
            Some(vec![3, 6]),
            None,
            Some(BATCH),
        ),
        (
            Causality::Causal,
            None,
            Some(vec![vec![2, 3], vec![1, 1, 4]]),
            None,
        ),
    ] {
        let case = Case {
            causality,
            lengths,
            texts,
            bias,
            ..Case::plain()
        };
        let shape = [BATCH, HEADS, case.queries, case.keys];
        let input = |scores: Tensor<4>, bias: Option<Tensor<4>>| SoftmaxInput {
            scores,
            scale: SCALE,
            bias,
            keep: case.keep(),
            causality,
        };
        match bias {
            None => same(
                "softmax",
                [leaf(shape, 1, 2.0)],
                |[scores]| masked_softmax(input(scores, None)),
                |[scores]| reference::masked_softmax(input(scores, None)),
            ),
            Some(texts) => same(
                "softmax with a bias",
                [
                    leaf(shape, 1, 2.0),
                    leaf([texts, HEADS, case.queries, case.keys], 2, 1.0),
                ],
                |[scores, bias]| masked_softmax(input(scores, Some(bias))),
                |[scores, bias]| reference::masked_softmax(input(scores, Some(bias))),
            ),
        }
    }
}

fn fused_equals_plain(case: Case) {
    let leaves = case.leaves();
    let input = || AttentionInput {
        qkv: apart(&leaves),
        bias: leaves.get(3).cloned(),
        keep: case.keep(),
        causality: case.causality,
        scale: SCALE,
        dropout: 0.3,
    };
    let of = |output: Tensor<4>| {
        let grads = (output.clone() * constant(output.dims(), 8, 1.0))
            .sum()
            .backward();
        let grads: Vec<Vec<f32>> = leaves
            .iter()
            .map(|l| values(l.grad(&grads).expect("a gradient")))
            .collect();
        (values(output), grads)
    };
    let (fused, plain) = (
        of(attention(input(), &Run::training(1, 1, 0))),
        of(reference::attention(input(), &Run::training(1, 1, 0))),
    );
    assert_close("output", &fused.0, &plain.0);
    for (i, (f, p)) in fused.1.iter().zip(&plain.1).enumerate() {
        assert_close(&format!("gradient {i}"), f, p);
    }
}
