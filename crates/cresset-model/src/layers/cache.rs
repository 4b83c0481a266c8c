//! What a decoder reads besides its input: the encoder's output, and keys and values kept between decoding steps.

use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Qkv, Run, beside};

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
        own: Option<Kept>,
        /// Those of the encoder's output.
        memory: Option<KeyValues>,
    },
}

impl Memory {
    /// The same memory on the side of autodiff that a device is on.
    pub(crate) fn beside(self, device: &Device) -> Memory {
        Memory {
            vectors: beside(self.vectors, device),
            keep: self.keep.beside(device),
        }
    }

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
        for layer in &mut self.layers {
            if let LayerCache::On { own, memory } = layer {
                *own = own.take().map(|kept| kept.rows(rows));
                *memory = memory.take().map(|kept| kept.rows(rows));
            }
        }
    }
}

/// Keys and values with room for positions to come, so that a step writes its own and copies no others.
#[derive(Clone, Debug)]
pub struct Kept {
    /// `[batch, room, heads, head_size]` each.
    room: KeyValues,
    /// Positions that hold something.
    length: usize,
}

/// Positions that there is room for at first.
const FIRST_ROOM: usize = 64;

impl LayerCache {
    /// The queries of new positions, over the positions kept so far and the new ones, which are kept with them.
    pub(crate) fn join(own: &mut Option<Kept>, q: Tensor<4>, new: KeyValues) -> Qkv {
        let kept = own.take().unwrap_or_else(|| Kept::empty(&new));
        let Kept { room, length } = own.insert(kept.followed_by(new));
        Qkv::Cached {
            q,
            k: room.keys.clone(),
            v: room.values.clone(),
            length: *length,
        }
    }
}

impl Kept {
    fn empty(like: &KeyValues) -> Kept {
        let [batch, new, heads, size] = like.keys.dims();
        let zeros = || {
            let shape = [batch, new.max(FIRST_ROOM), heads, size];
            Tensor::zeros(shape, &like.keys.device())
        };
        Kept {
            room: KeyValues {
                keys: zeros(),
                values: zeros(),
            },
            length: 0,
        }
    }

    /// These positions followed by new ones: written in place where nothing else holds the tensors.
    fn followed_by(self, new: KeyValues) -> Kept {
        let length = self.length + new.length();
        let put = |room: Tensor<4>, new: Tensor<4>| {
            let [batch, size, heads, width] = room.dims();
            let room = if length <= size {
                room
            } else {
                // Twice the room each time, so that a position is copied twice at most on the average.
                let more = [batch, length.max(2 * size) - size, heads, width];
                Tensor::cat(vec![room.clone(), Tensor::zeros(more, &room.device())], 1)
            };
            room.slice_assign([0..batch, self.length..length, 0..heads, 0..width], new)
        };
        Kept {
            room: KeyValues {
                keys: put(self.room.keys, new.keys),
                values: put(self.room.values, new.values),
            },
            length,
        }
    }

    fn rows(self, rows: &Tensor<1, Int>) -> Kept {
        Kept {
            room: self.room.rows(rows),
            ..self
        }
    }
}

impl KeyValues {
    fn rows(self, rows: &Tensor<1, Int>) -> KeyValues {
        KeyValues {
            keys: self.keys.select(0, rows.clone()),
            values: self.values.select(0, rows.clone()),
        }
    }
}
