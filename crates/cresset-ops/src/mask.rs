//! Which positions hold something to attend to, and which queries see which keys.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::beside;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

/// Where short rows are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadSide {
    /// In front.
    Left,
    /// Behind.
    Right,
}

/// True = attend, `[batch, key length]`. The type carries the sense, so that no mask can be read the other way round.
///
/// Where rows hold several texts it knows them too: attention does not cross from one to the other.
#[derive(Clone, Debug)]
pub struct KeepMask {
    keep: Tensor<2, Bool>,
    several: Option<SeveralTexts>,
}

/// The texts of rows that hold several.
#[derive(Clone, Debug)]
struct SeveralTexts {
    /// Number of the text at each position, `[batch, key length]`.
    numbers: Tensor<2, Int>,
    /// Place of each position in its text, from 0, `[batch, key length]`.
    places: Tensor<2, Int>,
}

/// The number of padding, which belongs to no text: it sees nothing.
const OF_NO_TEXT: i32 = -1;

impl KeepMask {
    /// From a tensor in which true means attend.
    pub fn new(keep: Tensor<2, Bool>) -> Self {
        KeepMask {
            keep,
            several: None,
        }
    }

    /// The same mask on the side of autodiff that a device is on; see [`beside`].
    #[must_use]
    pub fn beside(self, device: &Device) -> Self {
        KeepMask {
            keep: beside(self.keep, device),
            several: self.several.map(|several| SeveralTexts {
                numbers: beside(several.numbers, device),
                places: beside(several.places, device),
            }),
        }
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
        Self::new(Tensor::from_data(
            TensorData::new(keep, [lengths.len(), width]),
            device,
        ))
    }

    /// From the lengths of the texts that stand one behind the other in each row, padding behind the last. No text is attended to
    /// from another.
    ///
    /// # Panics
    /// If the texts of a row exceed the width.
    pub fn from_texts(texts: &[Vec<usize>], width: usize, device: &Device) -> Self {
        let lengths: Vec<usize> = texts.iter().map(|row| row.iter().sum()).collect();
        let matrix = |padding: i32, of_row: &dyn Fn(&Vec<usize>) -> Vec<i32>| {
            let values: Vec<i32> = texts
                .iter()
                .flat_map(|row| {
                    let mut values = of_row(row);
                    values.resize(width, padding);
                    values
                })
                .collect();
            Tensor::from_data(TensorData::new(values, [texts.len(), width]), device)
        };
        let number = |(n, &length): (usize, &usize)| std::iter::repeat_n(n as i32, length);
        let several = SeveralTexts {
            numbers: matrix(OF_NO_TEXT, &|row| {
                row.iter().enumerate().flat_map(number).collect()
            }),
            places: matrix(0, &|row| {
                row.iter().flat_map(|&length| 0..length as i32).collect()
            }),
        };
        KeepMask {
            several: Some(several),
            ..Self::from_lengths(&lengths, width, PadSide::Right, device)
        }
    }

    /// Whether rows hold several texts.
    pub fn holds_several(&self) -> bool {
        self.several.is_some()
    }

    /// Where each kept position stands in its text: how many kept ones of that text are before it. Padding has some place.
    ///
    /// # Shapes
    /// out: `[batch, key length]`
    pub fn places(&self) -> Tensor<2, Int> {
        match &self.several {
            Some(several) => several.places.clone(),
            None => (self.keep.clone().int().cumsum(1) - 1).clamp_min(0),
        }
    }

    /// The tensor; true = attend.
    ///
    /// # Shapes
    /// out: `[batch, key length]`
    pub fn tensor(&self) -> Tensor<2, Bool> {
        self.keep.clone()
    }

    /// Row-major values; waits for the device.
    pub(crate) fn values(&self) -> Vec<bool> {
        self.keep.to_data().iter::<bool>().collect()
    }

    /// Row-major numbers of the texts, where rows hold several; waits for the device.
    pub(crate) fn texts(&self) -> Option<Vec<i32>> {
        let numbers = &self.several.as_ref()?.numbers;
        Some(numbers.to_data().iter::<i32>().collect())
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

    /// True = attend: every position of a text sees the kept ones of that text.
    pub fn kept(keep: &KeepMask) -> Self {
        let [batch, width] = keep.keep.dims();
        let pairs = [batch, width, width];
        let kept = keep.tensor().unsqueeze_dim::<3>(1).expand(pairs);
        Self::new(match &keep.several {
            None => kept,
            Some(several) => {
                let queries = several.numbers.clone().unsqueeze_dim::<3>(2).expand(pairs);
                let keys = several.numbers.clone().unsqueeze_dim::<3>(1).expand(pairs);
                kept.bool_and(queries.equal(keys))
            }
        })
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
