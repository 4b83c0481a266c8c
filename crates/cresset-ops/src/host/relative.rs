//! The shift of relative attention: a row of distances becomes a row of keys.

use std::sync::Arc;

use rayon::prelude::*;

use super::array::Array;
use super::math::{sum_of, vectorised};
use crate::fused::{Keep, Kernel};

/// The score of a key that is not seen: far below every other, yet finite, so that sums stay numbers.
const HIDDEN: f32 = -1e30;

/// See [`crate::relative_scores`]. Inputs: the distances and, if there is a mask for it, the step.
#[derive(Debug)]
pub(crate) struct Shift {
    /// `[batch, queries, keys]`, true = attend.
    pub(crate) sees: Arc<[bool]>,
    /// `[batch, queries, keys]`, true = the step is added.
    pub(crate) at: Option<Arc<[bool]>>,
}

/// The sizes of one call.
#[derive(Clone, Copy)]
struct Sizes {
    heads: usize,
    batch: usize,
    queries: usize,
}

impl Sizes {
    fn of(distances: &Array<'_>) -> Self {
        let [heads, batch, queries, _] = distances.shape[..] else {
            unreachable!("four dimensions")
        };
        Sizes {
            heads,
            batch,
            queries,
        }
    }

    /// Elements of one text and head by distance, and by key.
    fn areas(self) -> (usize, usize) {
        (2 * self.queries * self.queries, self.queries * self.queries)
    }

    /// Where the keys of a query begin among the distances of its text and head.
    fn window(self, query: usize) -> std::ops::Range<usize> {
        let first = query * 2 * self.queries + self.queries - query;
        first..first + self.queries
    }

    /// Where the step of a query stands.
    fn step(self, text: usize, query: usize, head: usize) -> usize {
        (text * self.queries + query) * self.heads + head
    }
}

impl Shift {
    /// The rows of both masks for one query.
    fn masks(&self, sizes: Sizes, text: usize, query: usize) -> (&[bool], Option<&[bool]>) {
        let first = (text * sizes.queries + query) * sizes.queries;
        let row = first..first + sizes.queries;
        (
            &self.sees[row.clone()],
            self.at.as_ref().map(|at| &at[row.clone()]),
        )
    }
}

impl Kernel for Shift {
    fn forward(&self, inputs: &[Array<'_>], _: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let distances = &inputs[0];
        let sizes = Sizes::of(distances);
        let (by_distance, by_key) = sizes.areas();
        let mut out = vec![0.0; sizes.batch * sizes.heads * by_key];
        let task = |(index, out): (usize, &mut [f32])| {
            let (text, head) = (index / sizes.heads, index % sizes.heads);
            let from = &distances.values[(head * sizes.batch + text) * by_distance..];
            vectorised(
                #[inline(always)]
                || {
                    for (query, out) in out.chunks_exact_mut(sizes.queries).enumerate() {
                        let (sees, at) = self.masks(sizes, text, query);
                        out.copy_from_slice(&from[sizes.window(query)]);
                        if let Some(at) = at {
                            let step = inputs[1].values[sizes.step(text, query, head)];
                            for (out, &at) in out.iter_mut().zip(at) {
                                *out += if at { step } else { 0.0 };
                            }
                        }
                        for (out, &sees) in out.iter_mut().zip(sees) {
                            *out = if sees { *out } else { HIDDEN };
                        }
                    }
                },
            );
        };
        out.par_chunks_exact_mut(by_key).enumerate().for_each(task);
        let shape = [sizes.batch, sizes.heads, sizes.queries, sizes.queries];
        (Array::new(out, &shape), Vec::new())
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        _: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let sizes = Sizes::of(&inputs[0]);
        let (by_distance, by_key) = sizes.areas();
        let mut d_distances = vec![0.0; inputs[0].values.len()];
        let task = |(index, into): (usize, &mut [f32])| {
            let (head, text) = (index / sizes.batch, index % sizes.batch);
            let grad = &grad.values[(text * sizes.heads + head) * by_key..][..by_key];
            let mut steps = vec![0.0; sizes.queries];
            let mut stepped = vec![0.0; sizes.queries];
            vectorised(
                #[inline(always)]
                || {
                    for (query, grad) in grad.chunks_exact(sizes.queries).enumerate() {
                        let (sees, at) = self.masks(sizes, text, query);
                        let into = &mut into[sizes.window(query)];
                        for ((into, &grad), &sees) in into.iter_mut().zip(grad).zip(sees) {
                            *into = if sees { grad } else { 0.0 };
                        }
                        let Some(at) = at else { continue };
                        for ((stepped, &grad), &at) in stepped.iter_mut().zip(&*into).zip(at) {
                            *stepped = if at { grad } else { 0.0 };
                        }
                        steps[query] = sum_of(
                            &stepped,
                            #[inline(always)]
                            |v| v,
                        );
                    }
                },
            );
            steps
        };
        let steps: Vec<Vec<f32>> = d_distances
            .par_chunks_exact_mut(by_distance)
            .enumerate()
            .map(task)
            .collect();
        let mut gradients = vec![Array::new(d_distances, &inputs[0].shape)];
        if let Some(step) = inputs.get(1) {
            let mut d_step = vec![0.0; step.values.len()];
            for (index, steps) in steps.into_iter().enumerate() {
                let (head, text) = (index / sizes.batch, index % sizes.batch);
                for (query, value) in steps.into_iter().enumerate() {
                    d_step[sizes.step(text, query, head)] = value;
                }
            }
            gradients.push(Array::new(d_step, &step.shape));
        }
        gradients
    }
}
