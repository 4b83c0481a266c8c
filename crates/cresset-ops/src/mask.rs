//! Which positions hold something to attend to.

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
