//! What a decoder reads besides its input: the encoder's output, and keys and values kept between decoding steps.

use burn::tensor::{Int, Tensor};
use cresset_ops::{KeepMask, Run};

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
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a model has a few dozen of them")]
pub enum LayerCache {
    /// Nothing is kept: a text is read at once.
    Off,
    /// Keys and values are kept for the positions to come.
    On {
        /// Those of the positions read so far.
        own: Option<KeyValues>,
        /// Those of the encoder's output.
        memory: Option<KeyValues>,
    },
}

impl Memory {
    /// The same memory for several layers.
    pub(crate) fn shared(self, run: &Run) -> Memory {
        Memory {
            vectors: run.shared(self.vectors),
            ..self
        }
    }
}

impl Cache {
    /// A decoder that has read nothing.
    pub fn new(n_layers: usize) -> Cache {
        let empty = LayerCache::On {
            own: None,
            memory: None,
        };
        Cache {
            layers: vec![empty; n_layers],
            length: 0,
        }
    }

    /// No cache: for a text that is read at once, as in training.
    pub fn off(n_layers: usize) -> Cache {
        Cache {
            layers: vec![LayerCache::Off; n_layers],
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
            if let LayerCache::On { own, memory } = layer {
                *own = own.take().map(kept);
                *memory = memory.take().map(kept);
            }
        }
    }
}

impl LayerCache {
    /// The positions kept so far followed by new ones; all of them are kept.
    pub(crate) fn join(own: &mut Option<KeyValues>, new: KeyValues) -> KeyValues {
        let all = match own.take() {
            None => new,
            Some(old) => old.followed_by(new),
        };
        own.insert(all).clone()
    }
}
