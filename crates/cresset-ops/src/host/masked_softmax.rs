//! Scores become probabilities: the middle of attention, which has the rest of it.

use rayon::prelude::*;

use super::array::Array;
use super::attention::{Extent, Normalisers, Sight, bias_of, over_texts, to_the_scores};
use crate::fused::{Keep, Kernel};

/// See [`crate::masked_softmax`]. Inputs: the scores and, if there is one, the bias.
#[derive(Debug)]
pub(crate) struct MaskedSoftmax {
    pub(crate) sight: Sight,
    pub(crate) scale: f32,
}

fn extent(inputs: &[Array<'_>]) -> Extent {
    let [batch, heads, queries, keys] = inputs[0].shape[..] else {
        unreachable!("four dimensions")
    };
    Extent {
        batch,
        heads,
        queries,
        keys,
        biases: inputs.get(1).map_or(0, |bias| bias.shape[0]),
    }
}

impl Kernel for MaskedSoftmax {
    fn forward(&self, inputs: &[Array<'_>], keep: Keep) -> (Array<'static>, Vec<Array<'static>>) {
        let extent = extent(inputs);
        let Extent { heads, keys, .. } = extent;
        let area = extent.queries * keys;
        let mut out: Vec<f32> = inputs[0].values.to_vec();
        out.par_chunks_mut(area.max(1)).enumerate().for_each_init(
            Vec::new,
            |normalisers, (index, rows)| {
                let (text, head) = (index / heads, index % heads);
                let bias = bias_of(inputs.get(1), extent, text, head);
                rows.iter_mut().for_each(|v| *v *= self.scale);
                normalisers.resize(extent.queries, 0.0);
                for block in self.sight.blocks(extent, text) {
                    let rows = &mut rows[block.first * keys..][..block.rows * keys];
                    let written = Normalisers::Written(normalisers);
                    self.sight
                        .probabilities(rows, bias, (extent, text, block), written);
                    rows.chunks_mut(keys)
                        .for_each(|row| row[block.seen..].fill(0.0));
                }
            },
        );
        let out = Array::new(out, &inputs[0].shape);
        let kept = match keep {
            Keep::ForBackward => vec![out.clone()],
            Keep::Nothing => Vec::new(),
        };
        (out, kept)
    }

    fn backward(
        &self,
        inputs: &[Array<'_>],
        kept: Vec<Array<'_>>,
        grad: Array<'_>,
    ) -> Vec<Array<'static>> {
        let extent = extent(inputs);
        let Extent { heads, keys, .. } = extent;
        let area = extent.queries * keys;
        let mut work = grad.into_values();
        work.par_chunks_mut(area.max(1))
            .zip(kept[0].values.par_chunks(area.max(1)))
            .enumerate()
            .for_each(|(index, (work, p))| {
                for block in self.sight.blocks(extent, index / heads) {
                    let rows = block.first * keys..(block.first + block.rows) * keys;
                    let work = &mut work[rows.clone()];
                    to_the_scores(work, &p[rows], (extent, block));
                    work.chunks_mut(keys)
                        .for_each(|row| row[block.seen..].fill(0.0));
                }
            });
        let of_bias = inputs.get(1).map(|bias| {
            let values = match extent.biases {
                1 => over_texts(&work, heads * area),
                _ => work.clone(),
            };
            Array::new(values, &bias.shape)
        });
        work.par_chunks_mut(64 * 1024)
            .for_each(|work| work.iter_mut().for_each(|v| *v *= self.scale));
        let mut results = vec![Array::new(work, &inputs[0].shape)];
        results.extend(of_bias);
        results
    }
}
