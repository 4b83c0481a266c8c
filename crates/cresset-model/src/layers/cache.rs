//! What a decoder reads besides its input: the encoder's output, and keys and values kept between decoding steps.

use burn::tensor::{Int, Tensor};
use cresset_ops::KeepMask;

use super::KeyValues;

/// The encoder's output, as the decoder sees it.
#[derive(Clone, Debug)]
pub struct Memory {
    /// `[batch, source, hidden]`
    pub vectors: Tensor<3>,
    /// Which positions hold text, `[batch, source]`.
    pub keep: KeepMask,
}

/// The state of a decoder that has read some positions.
#[derive(Clone, Debug)]
pub struct Cache {
    /// One per layer.
    pub layers: Vec<LayerCache>,
    length: usize,
}

/// The state of one layer.
#[derive(Clone, Debug, Default)]
pub struct LayerCache {
    own: Option<KeyValues>,
    memory: Option<KeyValues>,
}

impl Cache {
    /// A decoder that has read nothing.
    pub fn new(n_layers: usize) -> Cache {
        Cache {
            layers: vec![LayerCache::default(); n_layers],
            length: 0,
        }
    }

    /// Positions read.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Counts positions as read, once every layer has them.
    pub fn advance(&mut self, positions: usize) {
        self.length += positions;
    }

    /// Keeps only the given rows of the batch.
    ///
    /// # Shapes
    /// rows: `[kept]`, indices into the batch
    pub fn keep_rows(&mut self, rows: &Tensor<1, Int>) {
        let kept = |kv: KeyValues| KeyValues {
            keys: kv.keys.select(0, rows.clone()),
            values: kv.values.select(0, rows.clone()),
        };
        for layer in &mut self.layers {
            layer.own = layer.own.take().map(kept);
            layer.memory = layer.memory.take().map(kept);
        }
    }
}

impl LayerCache {
    /// Adds new positions of self-attention and returns all.
    pub fn extend(&mut self, new: KeyValues) -> KeyValues {
        let all = match self.own.take() {
            None => new,
            Some(old) => old.followed_by(new),
        };
        self.own = Some(all.clone());
        all
    }

    /// The keys and values of the encoder's output, computed by `compute` the first time.
    pub fn memory(&mut self, compute: impl FnOnce() -> KeyValues) -> KeyValues {
        self.memory.get_or_insert_with(compute).clone()
    }
}
