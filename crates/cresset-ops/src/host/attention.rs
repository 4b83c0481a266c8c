//! Scaled dot-product attention, one (text, head) at a time and in it one block of queries: the scores of a block stay in the
//! cache, q, k and v are read in their own layout, and the dropout is hashed again in the backward pass.

use rayon::prelude::*;

use super::array::Array;
use super::math::{exp, largest, sum_of, sum_of_pairs, vectorised};
use super::matrix::{Matrix, Product, Shared, Start};
use crate::fused::{Keep, Kernel};
use crate::run::DropoutKey;

/// See [`crate::attention`]. Inputs: q, k and v as `layout` says and, if there is one, the bias.
#[derive(Debug)]
pub(crate) struct Attention {
    pub(crate) layout: Layout,
    /// `[batch, keys]`, true = attend.
    pub(crate) keep: Option<Vec<bool>>,
    /// `[batch, keys]`, the number of the text at each position, where rows hold several: a query sees its own text only.
    pub(crate) texts: Option<Vec<i32>>,
    pub(crate) causal: bool,
    pub(crate) scale: f32,
    pub(crate) dropout: Option<DropoutKey>,
}

/// Where queries, keys and values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// In an array each, `[batch, seq, heads, width]`.
    Apart,
    /// In one array `[batch, seq, 3, heads, width]`.
    Packed,
    /// Queries in an array of their own, keys and values in one, `[batch, keys, 2, heads, width]`.
    PackedPair,
}

impl Layout {
    /// Inputs before the bias.
    fn arrays(self) -> usize {
        match self {
            Layout::Apart => 3,
            Layout::Packed => 1,
            Layout::PackedPair => 2,
        }
    }
}

/// Where the vectors of one kind stand among the inputs.
#[derive(Clone, Copy, Debug)]
struct Place {
    input: usize,
    /// Of the first vector.
    offset: usize,
    /// Distance between positions.
    stride: usize,
    /// Positions of a text.
    rows: usize,
    /// Width of a head.
    width: usize,
}

impl Place {
    /// Where a head of a text starts.
    fn start(self, text: usize, head: usize) -> usize {
        text * self.rows * self.stride + self.offset + head * self.width
    }

    /// A head of a text from its row `first` on.
    fn rows<'a>(self, inputs: &'a [Array<'_>], start: usize, first: usize) -> Matrix<'a> {
        Matrix {
            values: &inputs[self.input].values[start + first * self.stride..],
            row: self.stride,
            column: 1,
        }
    }
}

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    batch: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
    pub(super) heads: usize,
    width: usize,
    /// Texts in the bias: 1 or `batch`; 0 without bias.
    pub(super) biases: usize,
    q: Place,
    k: Place,
    v: Place,
}

impl Sizes {
    /// Of scores `[batch, heads, queries, keys]` that come from elsewhere.
    pub(super) fn of_scores([batch, heads, queries, keys]: [usize; 4], biases: usize) -> Self {
        let nowhere = Place {
            input: 0,
            offset: 0,
            stride: 0,
            rows: 0,
            width: 0,
        };
        Sizes {
            batch,
            queries,
            keys,
            heads,
            width: 0,
            biases,
            q: nowhere,
            k: nowhere,
            v: nowhere,
        }
    }
}

/// Some queries of one head, and how many keys the last of them sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) rows: usize,
    pub(super) seen: usize,
}

/// Scores of a block, at most: half a megabyte.
const BLOCK_SCORES: usize = 128 * 1024;
/// Queries of a block under a causal mask, which hides more keys of a smaller block.
const CAUSAL_ROWS: usize = 64;
/// Up to so many keys the probabilities are kept for the backward pass; beyond, it makes them again from each row's normaliser.
const KEPT_KEYS: usize = 256;

impl Attention {
    fn sizes(&self, inputs: &[Array<'_>]) -> Sizes {
        let shape = &inputs[0].shape;
        let (batch, queries) = (shape[0], shape[1]);
        let (heads, width) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        let inner = heads * width;
        let bias = inputs.get(self.layout.arrays());
        let keys = match self.layout {
            Layout::Packed => queries,
            Layout::Apart | Layout::PackedPair => inputs[1].shape[1],
        };
        let place = |input: usize, (part, parts): (usize, usize), rows: usize| Place {
            input,
            offset: part * inner,
            stride: parts * inner,
            rows,
            width,
        };
        let [q, k, v] = match self.layout {
            Layout::Apart => [
                place(0, (0, 1), queries),
                place(1, (0, 1), keys),
                place(2, (0, 1), keys),
            ],
            Layout::Packed => [0, 1, 2].map(|part| place(0, (part, 3), keys)),
            Layout::PackedPair => [
                place(0, (0, 1), queries),
                place(1, (0, 2), keys),
                place(1, (1, 2), keys),
            ],
        };
        Sizes {
            batch,
            queries,
            keys,
            heads,
            width,
            biases: bias.map_or(0, |bias| bias.shape[0]),
            q,
            k,
            v,
        }
    }

    /// Keys that no query of the text sees stand behind these.
    fn kept_keys(&self, sizes: Sizes, text: usize) -> usize {
        let Some(keep) = &self.keep else {
            return sizes.keys;
        };
        let row = &keep[text * sizes.keys..(text + 1) * sizes.keys];
        row.iter()
            .rposition(|&keep| keep)
            .map_or(0, |last| last + 1)
    }

    pub(super) fn blocks(&self, sizes: Sizes, text: usize) -> impl Iterator<Item = Block> + use<> {
        let Sizes { queries, keys, .. } = sizes;
        let kept = self.kept_keys(sizes, text);
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
    fn seen_by(&self, sizes: Sizes, query: usize, block: Block) -> usize {
        match self.causal {
            true => (sizes.keys - sizes.queries + query + 1).min(block.seen),
            false => block.seen,
        }
    }

    /// Adds the bias to a row of scores and hides what is not kept or belongs to another text.
    #[inline(always)]
    fn masked(&self, row: &mut [f32], bias: Option<&[f32]>, at: (Sizes, usize, usize)) {
        let (sizes, text, query) = at;
        let keys = sizes.keys;
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
    pub(super) fn probabilities(
        &self,
        scores: &mut [f32],
        bias: Option<&[f32]>,
        (sizes, text, block): (Sizes, usize, Block),
        mut normalisers: Normalisers<'_>,
    ) {
        vectorised(
            #[inline(always)]
            || {
                let rows = scores.chunks_mut(sizes.keys).take(block.rows);
                for (query, row) in (block.first..).zip(rows) {
                    let seen = self.seen_by(sizes, query, block);
                    row[seen..block.seen].fill(0.0);
                    let row = &mut row[..seen];
                    self.masked(row, bias, (sizes, text, query));
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

    /// Multiplies a block by the dropout factors; `first` is the number of the first element of the text and head.
    fn drop(&self, values: &mut [f32], (sizes, block): (Sizes, Block), first: usize) {
        let Some(key) = &self.dropout else { return };
        vectorised(
            #[inline(always)]
            || {
                let rows = values.chunks_mut(sizes.keys).take(block.rows);
                for (query, row) in (block.first..).zip(rows) {
                    let first = (first + query * sizes.keys) as u32;
                    for (i, value) in (first..).zip(row[..block.seen].iter_mut()) {
                        *value *= key.factor(i);
                    }
                }
            },
        );
    }

    /// The scores of a block.
    fn score(
        &self,
        (scores, first): (&Shared, usize),
        inputs: &[Array<'_>],
        (sizes, block): (Sizes, Block),
        [q, k]: [usize; 2],
    ) {
        let product = Product {
            first,
            row: sizes.keys,
            ..Product::of([block.rows, sizes.width, block.seen])
        };
        let keys = sizes.k.rows(inputs, k, 0).transposed();
        scores.product(
            product.times(self.scale),
            sizes.q.rows(inputs, q, block.first),
            keys,
        );
    }
}

/// What becomes of the logarithms of the softmax's denominators.
pub(super) enum Normalisers<'a> {
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

/// A dense matrix with rows of this length.
fn in_rows(values: &[f32], row: usize) -> Matrix<'_> {
    Matrix {
        values,
        row,
        column: 1,
    }
}

/// Part of the bias that a head of a text sees.
pub(super) fn bias_of<'a>(
    bias: Option<&'a Array<'_>>,
    sizes: Sizes,
    text: usize,
    head: usize,
) -> Option<&'a [f32]> {
    let area = sizes.queries * sizes.keys;
    let index = match sizes.biases {
        1 => head,
        _ => text * sizes.heads + head,
    };
    Some(&bias?.values[index * area..(index + 1) * area])
}

impl Kernel for Attention {
    fn forward(&self, inputs: &[Array<'_>], keep: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let sizes = self.sizes(inputs);
        let Sizes {
            batch,
            queries,
            keys,
            heads,
            width,
            ..
        } = sizes;
        let bias = inputs.get(self.layout.arrays());
        let area = queries * keys;
        let (shape, per_head) = match keep {
            Keep::Nothing => (vec![0], 0),
            Keep::ForBackward if keys <= KEPT_KEYS => (vec![batch, heads, queries, keys], area),
            Keep::ForBackward => (vec![batch, heads, queries], queries),
        };
        let mut out = vec![0.0; batch * queries * heads * width];
        let mut kept = vec![0.0; batch * heads * per_head];
        let (to_out, to_kept) = (Shared::of(&mut out), Shared::of(&mut kept));
        let task = |(scratch, normalisers): &mut (Vec<f32>, Vec<f32>), index: usize| {
            let (text, head) = (index / heads, index % heads);
            let starts = [sizes.q.start(text, head), sizes.k.start(text, head)];
            let v_start = sizes.v.start(text, head);
            normalisers.resize(queries, 0.0);
            for block in self.blocks(sizes, text) {
                if block.seen == 0 {
                    normalisers[block.first..block.first + block.rows].fill(f32::INFINITY);
                    continue;
                }
                scratch.resize(block.rows * keys, 0.0);
                let scores = Shared::of(scratch);
                self.score((&scores, 0), inputs, (sizes, block), starts);
                self.probabilities(
                    scratch,
                    bias_of(bias, sizes, text, head),
                    (sizes, text, block),
                    Normalisers::Written(normalisers),
                );
                if per_head == area && area > 0 {
                    for (row, p) in (block.first..).zip(scratch.chunks(keys).take(block.rows)) {
                        to_kept.copy(index * area + row * keys, &p[..block.seen]);
                    }
                }
                self.drop(scratch, (sizes, block), index * area);
                let used = in_rows(scratch, keys);
                let product = Product {
                    first: (text * queries + block.first) * heads * width + head * width,
                    row: heads * width,
                    ..Product::of([block.rows, block.seen, width])
                };
                to_out.product(product, used, sizes.v.rows(inputs, v_start, 0));
            }
            if per_head == queries && per_head != area {
                to_kept.copy(index * queries, normalisers);
            }
        };
        (0..batch * heads)
            .into_par_iter()
            .for_each_init(Default::default, task);
        (
            Array::new(out, &[batch, queries, heads, width]),
            vec![Array::new(kept, &shape)],
        )
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        kept: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let sizes = self.sizes(inputs);
        let Sizes {
            batch,
            queries,
            keys,
            heads,
            width,
            biases,
            q,
            k,
            v,
        } = sizes;
        let n_arrays = self.layout.arrays();
        let bias = inputs.get(n_arrays);
        let area = queries * keys;
        let kept = &kept[0];
        let are_probabilities = kept.shape.len() == 4;
        let mut gradients: Vec<Vec<f32>> = inputs[..n_arrays]
            .iter()
            .map(|input| vec![0.0; input.values.len()])
            .collect();
        let mut d_scores = vec![0.0; if biases > 0 { batch * heads * area } else { 0 }];
        let to: Vec<Shared> = gradients.iter_mut().map(|g| Shared::of(g)).collect();
        let to_scores = Shared::of(&mut d_scores);
        let task = |scratch: &mut Scratch, index: usize| {
            let (text, head) = (index / heads, index % heads);
            let starts = [q.start(text, head), k.start(text, head)];
            let v_start = v.start(text, head);
            let mut start = Start::Overwritten;
            let bias = bias_of(bias, sizes, text, head);
            // The widest block comes first, so that it may overwrite what the others are added to.
            let blocks: Vec<Block> = self.blocks(sizes, text).collect();
            for &block in blocks.iter().rev().filter(|block| block.seen > 0) {
                let at = (sizes, block);
                let n = block.rows * keys;
                let grad = Matrix {
                    values: &grad.values
                        [(text * queries + block.first) * heads * width + head * width..],
                    row: heads * width,
                    column: 1,
                };
                let first = index * area + block.first * keys;
                let Scratch { p, work } = scratch;
                let p: &[f32] = match are_probabilities {
                    true => &kept.values[first..first + n],
                    false => {
                        p.resize(n, 0.0);
                        self.score((&Shared::of(p), 0), inputs, at, starts);
                        let normalisers = &kept.values[index * queries..(index + 1) * queries];
                        let normalisers = Normalisers::Read(normalisers);
                        self.probabilities(p, bias, (sizes, text, block), normalisers);
                        p
                    }
                };
                // The gradient of the values, from the probabilities after dropout.
                work.clear();
                work.extend_from_slice(p);
                self.drop(work, at, index * area);
                let product = Product {
                    first: v_start,
                    row: v.stride,
                    ..Product::of([block.seen, block.rows, width]).start(start)
                };
                to[v.input].product(product, in_rows(work, keys).transposed(), grad);
                // From here `work` is the gradient of the probabilities, then of the scores.
                let product = Product {
                    row: keys,
                    ..Product::of([block.rows, width, block.seen])
                };
                let values = v.rows(inputs, v_start, 0).transposed();
                Shared::of(work).product(product, grad, values);
                self.drop(work, at, index * area);
                to_the_scores(work, p, at);
                if biases > 0 {
                    for (row, work) in (block.first..).zip(work.chunks(keys)) {
                        to_scores.copy(index * area + row * keys, &work[..block.seen]);
                    }
                }
                let product = Product {
                    first: starts[0] + block.first * q.stride,
                    row: q.stride,
                    ..Product::of([block.rows, block.seen, width])
                };
                let work = in_rows(work, keys);
                to[q.input].product(
                    product.times(self.scale),
                    work,
                    k.rows(inputs, starts[1], 0),
                );
                let product = Product {
                    first: starts[1],
                    row: k.stride,
                    ..Product::of([block.seen, block.rows, width]).start(start)
                };
                to[k.input].product(
                    product.times(self.scale),
                    work.transposed(),
                    q.rows(inputs, starts[0], block.first),
                );
                start = Start::Added;
            }
        };
        (0..batch * heads)
            .into_par_iter()
            .for_each_init(Scratch::default, task);
        let mut results: Vec<Array<'static>> = gradients
            .into_iter()
            .zip(inputs)
            .map(|(gradient, input)| Array::new(gradient, &input.shape))
            .collect();
        if let Some(bias) = bias {
            let d_bias = match biases {
                1 => over_texts(&d_scores, heads * area),
                _ => d_scores,
            };
            results.push(Array::new(d_bias, &bias.shape));
        }
        results
    }
}

/// Two blocks of scores.
#[derive(Default)]
struct Scratch {
    p: Vec<f32>,
    work: Vec<f32>,
}

/// The gradient of probabilities becomes that of their scores.
pub(super) fn to_the_scores(work: &mut [f32], p: &[f32], (sizes, block): (Sizes, Block)) {
    vectorised(
        #[inline(always)]
        || {
            let rows = work.chunks_mut(sizes.keys).zip(p.chunks(sizes.keys));
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
pub(super) fn over_texts(values: &[f32], size: usize) -> Vec<f32> {
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
