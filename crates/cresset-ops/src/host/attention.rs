//! Scaled dot-product attention, one (text, head) at a time: the scores of a head stay in the cache, q, k and v are read
//! in their own layout, and the dropout is hashed again in the backward pass.

use rayon::prelude::*;

use super::array::Array;
use super::math::{exp, largest, sum_of, sum_of_pairs, vectorised};
use super::matrix::{Matrix, Shared, product};
use crate::fused::Kernel;
use crate::run::DropoutKey;

/// See [`crate::attention`]. Inputs: q, k, v and, if there is one, the bias.
#[derive(Debug)]
pub(crate) struct Attention {
    /// `[batch, keys]`, true = attend.
    pub(crate) keep: Option<Vec<bool>>,
    /// `[batch, keys]`, the number of the text at each position, where rows hold several: a query sees its own text only.
    pub(crate) texts: Option<Vec<i32>>,
    pub(crate) causal: bool,
    pub(crate) scale: f32,
    pub(crate) dropout: Option<DropoutKey>,
}

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    queries: usize,
    keys: usize,
    heads: usize,
    width: usize,
    /// Texts in the bias: 1 or `batch`; 0 without bias.
    biases: usize,
}

impl Sizes {
    fn of(inputs: &[Array<'_>]) -> Self {
        let [batch, queries, heads, width] = inputs[0].shape[..] else {
            unreachable!("four dimensions")
        };
        let biases = inputs.get(3).map_or(0, |bias| bias.shape[0]);
        Sizes {
            batch,
            queries,
            keys: inputs[1].shape[1],
            heads,
            width,
            biases,
        }
    }

    /// Distance between rows of one head.
    fn stride(self) -> usize {
        self.heads * self.width
    }

    /// Where a head of a text starts in an array of `rows` rows a text.
    fn start(self, text: usize, head: usize, rows: usize) -> usize {
        text * rows * self.stride() + head * self.width
    }
}

impl Attention {
    /// Scores of one head become probabilities, without dropout.
    fn probabilities(&self, scores: &mut [f32], bias: Option<&[f32]>, sizes: Sizes, text: usize) {
        let Sizes { queries, keys, .. } = sizes;
        let keep = self
            .keep
            .as_ref()
            .map(|keep| &keep[text * keys..(text + 1) * keys]);
        let texts = self
            .texts
            .as_ref()
            .map(|texts| &texts[text * keys..(text + 1) * keys]);
        vectorised(
            #[inline(always)]
            || {
                for (query, row) in scores.chunks_exact_mut(keys).enumerate().take(queries) {
                    if let Some(bias) = bias {
                        for (score, bias) in
                            row.iter_mut().zip(&bias[query * keys..(query + 1) * keys])
                        {
                            *score += bias;
                        }
                    }
                    if let Some(keep) = keep {
                        for (score, &keep) in row.iter_mut().zip(keep) {
                            *score = if keep { *score } else { f32::NEG_INFINITY };
                        }
                    }
                    if let Some(texts) = texts {
                        let own = texts[query];
                        for (score, &text) in row.iter_mut().zip(texts) {
                            *score = if text == own {
                                *score
                            } else {
                                f32::NEG_INFINITY
                            };
                        }
                    }
                    let seen = if self.causal {
                        keys - queries + query + 1
                    } else {
                        keys
                    };
                    row[seen..].fill(0.0);
                    softmax(&mut row[..seen]);
                }
            },
        );
    }

    /// Multiplies by the dropout factors; `first` is the number of the first element.
    fn drop(&self, values: &mut [f32], first: usize) {
        let Some(key) = &self.dropout else { return };
        vectorised(
            #[inline(always)]
            || {
                for (i, value) in (first as u32..).zip(values.iter_mut()) {
                    *value *= key.factor(i);
                }
            },
        );
    }
}

/// Softmax in place; a row of negative infinities becomes zeros.
#[inline(always)]
fn softmax(row: &mut [f32]) {
    let most = largest(row);
    if most == f32::NEG_INFINITY {
        row.fill(0.0);
        return;
    }
    for v in row.iter_mut() {
        *v = if *v == f32::NEG_INFINITY {
            0.0
        } else {
            exp(*v - most)
        };
    }
    let scale = 1.0
        / sum_of(
            row,
            #[inline(always)]
            |v| v,
        );
    for v in row.iter_mut() {
        *v *= scale;
    }
}

/// Part of the bias that a head of a text sees.
fn bias_of<'a>(
    inputs: &'a [Array<'_>],
    sizes: Sizes,
    text: usize,
    head: usize,
) -> Option<&'a [f32]> {
    let bias = inputs.get(3)?;
    let area = sizes.queries * sizes.keys;
    let index = if sizes.biases == 1 {
        head
    } else {
        text * sizes.heads + head
    };
    Some(&bias.values[index * area..(index + 1) * area])
}

impl Kernel for Attention {
    fn forward(&self, inputs: &[Array<'_>]) -> (Array<'static>, Vec<Array<'static>>) {
        let sizes = Sizes::of(inputs);
        let Sizes {
            batch,
            queries,
            keys,
            heads,
            width,
            ..
        } = sizes;
        let (q, k, v) = (&inputs[0].values, &inputs[1].values, &inputs[2].values);
        let area = queries * keys;
        let mut out = vec![0.0; q.len()];
        let mut kept = vec![0.0; batch * heads * area];
        let shared = Shared::of(&mut out);
        let stride = sizes.stride();
        kept.par_chunks_exact_mut(area).enumerate().for_each_init(
            Vec::new,
            |dropped, (index, scores)| {
                let (text, head) = (index / heads, index % heads);
                let (q_start, k_start) = (
                    sizes.start(text, head, queries),
                    sizes.start(text, head, keys),
                );
                let q = Matrix {
                    values: &q[q_start..],
                    row: stride,
                    column: 1,
                };
                let k = Matrix {
                    values: &k[k_start..],
                    row: 1,
                    column: stride,
                };
                product(scores, [queries, width, keys], q, k, self.scale);
                self.probabilities(scores, bias_of(inputs, sizes, text, head), sizes, text);
                let v = Matrix {
                    values: &v[k_start..],
                    row: stride,
                    column: 1,
                };
                let used: &[f32] = match self.dropout {
                    None => scores,
                    Some(_) => {
                        dropped.clear();
                        dropped.extend_from_slice(scores);
                        self.drop(dropped, index * area);
                        dropped
                    }
                };
                shared.product(
                    q_start,
                    stride,
                    [queries, keys, width],
                    Matrix {
                        values: used,
                        row: keys,
                        column: 1,
                    },
                    v,
                    1.0,
                );
            },
        );
        (
            Array::new(out, &inputs[0].shape),
            vec![Array::new(kept, &[batch, heads, queries, keys])],
        )
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        kept: &[Array<'_>],
        grad: &Array<'_>,
    ) -> Vec<Array<'static>> {
        let sizes = Sizes::of(inputs);
        let Sizes {
            batch,
            queries,
            keys,
            heads,
            width,
            biases,
        } = sizes;
        let (q, k, v) = (&inputs[0].values, &inputs[1].values, &inputs[2].values);
        let area = queries * keys;
        let stride = sizes.stride();
        let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        let mut d_scores = vec![0.0; if biases > 0 { batch * heads * area } else { 0 }];
        let (to_q, to_k, to_v, to_scores) = (
            Shared::of(&mut dq),
            Shared::of(&mut dk),
            Shared::of(&mut dv),
            Shared::of(&mut d_scores),
        );
        let task = |(work, dropped): &mut (Vec<f32>, Vec<f32>),
                    (index, probabilities): (usize, &[f32])| {
            let (text, head) = (index / heads, index % heads);
            let (q_start, k_start) = (
                sizes.start(text, head, queries),
                sizes.start(text, head, keys),
            );
            let grad = Matrix {
                values: &grad.values[q_start..],
                row: stride,
                column: 1,
            };
            dropped.clear();
            dropped.extend_from_slice(probabilities);
            self.drop(dropped, index * area);
            let transposed = Matrix {
                values: dropped,
                row: 1,
                column: keys,
            };
            to_v.product(
                k_start,
                stride,
                [keys, queries, width],
                transposed,
                grad,
                1.0,
            );
            // From here `work` is the gradient of the probabilities, then of the scores.
            work.resize(area, 0.0);
            let v = Matrix {
                values: &v[k_start..],
                row: 1,
                column: stride,
            };
            product(work, [queries, width, keys], grad, v, 1.0);
            self.drop(work, index * area);
            vectorised(
                #[inline(always)]
                || {
                    for (work, p) in work
                        .chunks_exact_mut(keys)
                        .zip(probabilities.chunks_exact(keys))
                    {
                        let inner = sum_of_pairs(
                            work,
                            p,
                            #[inline(always)]
                            |a, b| a * b,
                        );
                        for (work, &p) in work.iter_mut().zip(p) {
                            *work = p * (*work - inner);
                        }
                    }
                },
            );
            if biases > 0 {
                to_scores.copy(index * area, work);
            }
            let scores = Matrix {
                values: work,
                row: keys,
                column: 1,
            };
            let transposed = Matrix {
                values: work,
                row: 1,
                column: keys,
            };
            let k = Matrix {
                values: &k[k_start..],
                row: stride,
                column: 1,
            };
            let q = Matrix {
                values: &q[q_start..],
                row: stride,
                column: 1,
            };
            to_q.product(
                q_start,
                stride,
                [queries, keys, width],
                scores,
                k,
                self.scale,
            );
            to_k.product(
                k_start,
                stride,
                [keys, queries, width],
                transposed,
                q,
                self.scale,
            );
        };
        kept[0]
            .values
            .par_chunks_exact(area)
            .enumerate()
            .for_each_init(Default::default, task);
        let mut results = vec![
            Array::new(dq, &inputs[0].shape),
            Array::new(dk, &inputs[1].shape),
            Array::new(dv, &inputs[2].shape),
        ];
        match biases {
            0 => {}
            1 => results.push(Array::new(
                over_texts(&d_scores, heads * area),
                &inputs[3].shape,
            )),
            _ => results.push(Array::new(d_scores, &inputs[3].shape)),
        }
        results
    }
}

/// Sum over the texts, in their order.
fn over_texts(values: &[f32], size: usize) -> Vec<f32> {
    const CHUNK: usize = 4096;
    let mut total = vec![0.0; size];
    total
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, total)| {
            for text in values.chunks_exact(size) {
                for (total, v) in total.iter_mut().zip(&text[chunk * CHUNK..]) {
                    *total += v;
                }
            }
        });
    total
}
