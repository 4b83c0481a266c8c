//! Which positions hold something to attend to, and which queries see which keys.

use std::cell::OnceCell;
use std::sync::Arc;

use burn::tensor::{Bool, Device, Tensor, TensorData};

/// Where short rows are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadSide {
    /// In front.
    Left,
    /// Behind.
    Right,
}

/// True = attend, `[batch, key length]`. The type carries the sense, so that no mask can be read the other way round.
#[derive(Clone, Debug)]
pub struct KeepMask(Tensor<2, Bool>);

impl KeepMask {
    /// From a tensor in which true means attend.
    pub fn new(keep: Tensor<2, Bool>) -> Self {
        KeepMask(keep)
    }

    /// Every position of every row.
    pub fn all(batch: usize, width: usize, device: &Device) -> Self {
        Self::from_lengths(&vec![width; batch], width, PadSide::Right, device)
    }

    /// From the lengths of the rows: padding is known by position, never by comparing ids.
    ///
    /// # Panics
    /// If a length exceeds the width.
    pub fn from_lengths(lengths: &[usize], width: usize, side: PadSide, device: &Device) -> Self {
        let row = |&length: &usize| {
            assert!(length <= width, "a row of {length} in a width of {width}");
            (0..width).map(move |i| match side {
                PadSide::Right => i < length,
                PadSide::Left => i >= width - length,
            })
        };
        let keep: Vec<bool> = lengths.iter().flat_map(row).collect();
        KeepMask(Tensor::from_data(
            TensorData::new(keep, [lengths.len(), width]),
            device,
        ))
    }

    /// The tensor; true = attend.
    ///
    /// # Shapes
    /// out: `[batch, key length]`
    pub fn tensor(&self) -> Tensor<2, Bool> {
        self.0.clone()
    }

    /// Row-major values; waits for the device.
    pub(crate) fn values(&self) -> Vec<bool> {
        self.0.to_data().iter::<bool>().collect()
    }
}

/// One truth per query and key, `[batch, queries, keys]`, made once per forward pass and used in every layer.
#[derive(Clone, Debug)]
pub struct PairMask {
    pairs: Tensor<3, Bool>,
    values: OnceCell<Arc<[bool]>>,
}

impl PairMask {
    /// From a tensor.
    pub fn new(pairs: Tensor<3, Bool>) -> Self {
        PairMask {
            pairs,
            values: OnceCell::new(),
        }
    }

    /// True = attend: every position of a text sees the kept ones.
    pub fn kept(keep: &KeepMask) -> Self {
        let [batch, width] = keep.0.dims();
        Self::new(
            keep.tensor()
                .unsqueeze_dim::<3>(1)
                .expand([batch, width, width]),
        )
    }

    /// The same without the pairs that are true in `hidden`.
    #[must_use]
    pub fn without(&self, hidden: Tensor<3, Bool>) -> Self {
        Self::new(self.tensor().bool_and(hidden.bool_not()))
    }

    /// The same, and every position with itself.
    #[must_use]
    pub fn with_diagonal(&self) -> Self {
        let [_, queries, keys] = self.pairs.dims();
        // burn's diagonal mask says what to hide: everything else.
        let diagonal = Tensor::<2, Bool>::diag_mask([queries, keys], 0, &self.pairs.device());
        let diagonal = diagonal.bool_not().unsqueeze_dim::<3>(0);
        Self::new(self.tensor().bool_or(diagonal.expand(self.pairs.dims())))
    }

    /// The tensor.
    ///
    /// # Shapes
    /// out: `[batch, queries, keys]`
    pub fn tensor(&self) -> Tensor<3, Bool> {
        self.pairs.clone()
    }

    /// Row-major values; waits for the device the first time.
    pub(crate) fn values(&self) -> Arc<[bool]> {
        self.values
            .get_or_init(|| self.pairs.to_data().iter::<bool>().collect())
            .clone()
    }
}
