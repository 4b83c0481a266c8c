//! What queries see of keys, and how scores become probabilities under it: block by block of one head.

use rayon::prelude::*;

use crate::host::array::Array;
use crate::host::math::{exp, largest, sum_of, sum_of_pairs, vectorised};

/// What queries see.
#[derive(Debug)]
pub(crate) struct Sight {
    /// `[batch, keys]`, true = attend.
    pub(crate) keep: Option<Vec<bool>>,
    /// `[batch, keys]`, the number of the text at each position, where rows hold several: a query sees its own text only.
    pub(crate) texts: Option<Vec<i32>>,
    pub(crate) causal: bool,
}

/// The extent of the scores.
#[derive(Clone, Copy, Debug)]
pub(in crate::host) struct Extent {
    pub(in crate::host) batch: usize,
    pub(in crate::host) heads: usize,
    pub(in crate::host) queries: usize,
    pub(in crate::host) keys: usize,
    /// Texts in the bias: 1 or `batch`; 0 without bias.
    pub(in crate::host) biases: usize,
}

/// Some queries of one head, and how many keys the last of them sees.
#[derive(Clone, Copy, Debug)]
pub(in crate::host) struct Block {
    pub(in crate::host) first: usize,
    pub(in crate::host) rows: usize,
    pub(in crate::host) seen: usize,
}

/// Scores of a block, at most: half a megabyte.
const BLOCK_SCORES: usize = 128 * 1024;
/// Queries of a block under a causal mask, which hides more keys of a smaller block.
const CAUSAL_ROWS: usize = 64;

impl Sight {
    /// Keys that no query of the text sees stand behind these.
    fn kept_keys(&self, extent: Extent, text: usize) -> usize {
        let Some(keep) = &self.keep else {
            return extent.keys;
        };
        let row = &keep[text * extent.keys..(text + 1) * extent.keys];
        row.iter()
            .rposition(|&keep| keep)
            .map_or(0, |last| last + 1)
    }

    pub(in crate::host) fn blocks(
        &self,
        extent: Extent,
        text: usize,
    ) -> impl Iterator<Item = Block> + use<> {
        let Extent { queries, keys, .. } = extent;
        let kept = self.kept_keys(extent, text);
        let most = (BLOCK_SCORES / keys.max(1)).max(16);
        let size = match self.causal {
            true => most.min(CAUSAL_ROWS),
            false => most,
        };
        let causal = self.causal;
        (0..queries).step_by(size).map(move |first| {
            let rows = size.min(queries - first);
            let seen = match causal {
                true => (keys - queries + first + rows).min(kept),
                false => kept,
            };
            Block { first, rows, seen }
        })
    }

    /// How many keys a query sees at most.
    fn seen_by(&self, extent: Extent, query: usize, block: Block) -> usize {
        match self.causal {
            true => (extent.keys - extent.queries + query + 1).min(block.seen),
            false => block.seen,
        }
    }

    /// Adds the bias to a row of scores and hides what is not kept or belongs to another text.
    #[inline(always)]
    fn masked(&self, row: &mut [f32], bias: Option<&[f32]>, at: (Extent, usize, usize)) {
        let (extent, text, query) = at;
        let keys = extent.keys;
        if let Some(bias) = bias {
            for (score, bias) in row.iter_mut().zip(&bias[query * keys..]) {
                *score += bias;
            }
        }
        if let Some(keep) = &self.keep {
            for (score, &keep) in row.iter_mut().zip(&keep[text * keys..]) {
                *score = if keep { *score } else { f32::NEG_INFINITY };
            }
        }
        if let Some(texts) = &self.texts {
            let texts = &texts[text * keys..(text + 1) * keys];
            let own = texts[query];
            for (score, &text) in row.iter_mut().zip(texts) {
                *score = if text == own {
                    *score
                } else {
                    f32::NEG_INFINITY
                };
            }
        }
    }

    /// Scores of a block become probabilities, without dropout. `normalisers` has one place per query of the text and head: written
    /// in the forward pass, read in the backward pass.
    pub(in crate::host) fn probabilities(
        &self,
        scores: &mut [f32],
        bias: Option<&[f32]>,
        (extent, text, block): (Extent, usize, Block),
        mut normalisers: Normalisers<'_>,
    ) {
        vectorised(
            #[inline(always)]
            || {
                let rows = scores.chunks_mut(extent.keys).take(block.rows);
                for (query, row) in (block.first..).zip(rows) {
                    let seen = self.seen_by(extent, query, block);
                    row[seen..block.seen].fill(0.0);
                    let row = &mut row[..seen];
                    self.masked(row, bias, (extent, text, query));
                    match &mut normalisers {
                        Normalisers::Written(normalisers) => {
                            normalisers[query] = softmax(row);
                        }
                        Normalisers::Read(normalisers) => {
                            exponentials(row, normalisers[query]);
                        }
                    }
                }
            },
        );
    }
}

/// What becomes of the logarithms of the softmax's denominators.
pub(in crate::host) enum Normalisers<'a> {
    Written(&'a mut [f32]),
    Read(&'a [f32]),
}

/// Softmax in place; a row of negative infinities becomes zeros. Returns the logarithm of the denominator.
#[inline(always)]
fn softmax(row: &mut [f32]) -> f32 {
    let most = largest(row);
    if most == f32::NEG_INFINITY {
        row.fill(0.0);
        return f32::INFINITY;
    }
    exponentials(row, most);
    let total = sum_of(
        row,
        #[inline(always)]
        |v| v,
    );
    let scale = 1.0 / total;
    for v in row.iter_mut() {
        *v *= scale;
    }
    most + total.ln()
}

/// `e^(v - less)`, nothing for negative infinity.
#[inline(always)]
fn exponentials(row: &mut [f32], less: f32) {
    if less == f32::INFINITY {
        row.fill(0.0);
        return;
    }
    for v in row.iter_mut() {
        *v = if *v == f32::NEG_INFINITY {
            0.0
        } else {
            exp(*v - less)
        };
    }
}

/// Part of the bias that a head of a text sees.
pub(in crate::host) fn bias_of<'a>(
    bias: Option<&'a Array<'_>>,
    extent: Extent,
    text: usize,
    head: usize,
) -> Option<&'a [f32]> {
    let area = extent.queries * extent.keys;
    let index = match extent.biases {
        1 => head,
        _ => text * extent.heads + head,
    };
    Some(&bias?.values[index * area..(index + 1) * area])
}

/// The gradient of probabilities becomes that of their scores.
pub(in crate::host) fn to_the_scores(
    work: &mut [f32],
    p: &[f32],
    (extent, block): (Extent, Block),
) {
    vectorised(
        #[inline(always)]
        || {
            let rows = work.chunks_mut(extent.keys).zip(p.chunks(extent.keys));
            for (work, p) in rows.take(block.rows) {
                let (work, p) = (&mut work[..block.seen], &p[..block.seen]);
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
}

/// Sum over the texts, in their order.
pub(in crate::host) fn over_texts(values: &[f32], size: usize) -> Vec<f32> {
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
