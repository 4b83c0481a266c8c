//! Scaled dot-product attention, one (text, head) at a time and in it one block of queries: the scores of a block stay in the
//! cache, q, k and v are read in their own layout, and the dropout is hashed again in the backward pass.

mod sight;

use rayon::prelude::*;

use super::array::Array;
use super::math::vectorised;
use super::matrix::{Matrix, Product, Shared, Start};
use crate::fused::{Keep, Kernel};
use crate::run::DropoutKey;

use sight::Block;
pub(crate) use sight::Sight;
pub(super) use sight::{Extent, Normalisers, bias_of, over_texts, to_the_scores};

/// See [`crate::attention`]. Inputs: q, k and v as `layout` says and, if there is one, the bias.
#[derive(Debug)]
pub(crate) struct Attention {
    pub(crate) layout: Layout,
    /// Keys of a text; what stands behind them is room for more.
    pub(crate) keys: usize,
    pub(crate) sight: Sight,
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
struct Sizes {
    extent: Extent,
    width: usize,
    q: Place,
    k: Place,
    v: Place,
}

/// Up to so many keys the probabilities are kept for the backward pass; beyond, it makes them again from each row's normaliser.
const KEPT_KEYS: usize = 256;

impl Attention {
    fn sizes(&self, inputs: &[Array<'_>]) -> Sizes {
        let shape = &inputs[0].shape;
        let (batch, queries) = (shape[0], shape[1]);
        let (heads, width) = (shape[shape.len() - 2], shape[shape.len() - 1]);
        let inner = heads * width;
        let bias = inputs.get(self.layout.arrays());
        let keys = self.keys;
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
                place(1, (0, 1), inputs[1].shape[1]),
                place(2, (0, 1), inputs[2].shape[1]),
            ],
            Layout::Packed => [0, 1, 2].map(|part| place(0, (part, 3), keys)),
            Layout::PackedPair => [
                place(0, (0, 1), queries),
                place(1, (0, 2), keys),
                place(1, (1, 2), keys),
            ],
        };
        let extent = Extent {
            batch,
            heads,
            queries,
            keys,
            biases: bias.map_or(0, |bias| bias.shape[0]),
        };
        Sizes {
            extent,
            width,
            q,
            k,
            v,
        }
    }

    /// Multiplies a block by the dropout factors; `first` is the number of the first element of the text and head.
    fn drop(&self, values: &mut [f32], (sizes, block): (Sizes, Block), first: usize) {
        let Some(key) = &self.dropout else { return };
        vectorised(
            #[inline(always)]
            || {
                let rows = values.chunks_mut(sizes.extent.keys).take(block.rows);
                for (query, row) in (block.first..).zip(rows) {
                    let first = (first + query * sizes.extent.keys) as u32;
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
            row: sizes.extent.keys,
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

/// A dense matrix with rows of this length.
fn in_rows(values: &[f32], row: usize) -> Matrix<'_> {
    Matrix {
        values,
        row,
        column: 1,
    }
}

impl Kernel for Attention {
    fn forward(&self, inputs: &[Array<'_>], keep: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let sizes = self.sizes(inputs);
        let (extent, width) = (sizes.extent, sizes.width);
        let Extent {
            batch,
            heads,
            queries,
            keys,
            ..
        } = extent;
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
            for block in self.sight.blocks(extent, text) {
                if block.seen == 0 {
                    normalisers[block.first..block.first + block.rows].fill(f32::INFINITY);
                    continue;
                }
                scratch.resize(block.rows * keys, 0.0);
                let scores = Shared::of(scratch);
                self.score((&scores, 0), inputs, (sizes, block), starts);
                self.sight.probabilities(
                    scratch,
                    bias_of(bias, extent, text, head),
                    (extent, text, block),
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
            extent,
            width,
            q,
            k,
            v,
        } = sizes;
        let Extent {
            batch,
            heads,
            queries,
            keys,
            biases,
        } = extent;
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
            let bias = bias_of(bias, extent, text, head);
            // The widest block comes first, so that it may overwrite what the others are added to.
            let blocks: Vec<Block> = self.sight.blocks(extent, text).collect();
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
                        self.sight
                            .probabilities(p, bias, (extent, text, block), normalisers);
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
                to_the_scores(work, p, (extent, block));
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
