//! Sinusoidal positions.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

/// Fixed positions (Vaswani et al. 2017, section 3.5) in Marian's layout: the sines fill the first half of a vector, the cosines the
/// second, where the paper has them in turn. Never saved, never trained.
#[derive(Module, Debug)]
pub struct Sinusoids {
    #[module(skip)]
    table: Arc<Vec<f32>>,
    #[module(skip)]
    n_positions: usize,
    #[module(skip)]
    hidden_size: usize,
}

impl Sinusoids {
    /// The table of the first positions.
    pub fn new(n_positions: usize, hidden_size: usize) -> Sinusoids {
        let half = hidden_size.div_ceil(2);
        let mut table = vec![0.0; n_positions * hidden_size];
        for (position, row) in table.chunks_exact_mut(hidden_size).enumerate() {
            for dim in 0..hidden_size {
                let angle =
                    position as f64 / 10_000f64.powf(2.0 * (dim / 2) as f64 / hidden_size as f64);
                if dim % 2 == 0 {
                    row[dim / 2] = angle.sin() as f32;
                } else {
                    row[half + dim / 2] = angle.cos() as f32;
                }
            }
        }
        Sinusoids {
            table: Arc::new(table),
            n_positions,
            hidden_size,
        }
    }

    /// Positions of the table.
    pub fn n_positions(&self) -> usize {
        self.n_positions
    }

    /// The vectors of `length` positions from `start` on.
    ///
    /// # Shapes
    /// out: `[1, length, hidden]`
    ///
    /// # Panics
    /// If the positions go beyond the table; check lengths with `ModelConfig::check_length`.
    pub fn forward(&self, start: usize, length: usize, device: &Device) -> Tensor<3> {
        assert!(
            start + length <= self.n_positions,
            "positions {start}..{} exceed the table of {}",
            start + length,
            self.n_positions
        );
        let rows =
            self.table[start * self.hidden_size..(start + length) * self.hidden_size].to_vec();
        Tensor::from_data(TensorData::new(rows, [1, length, self.hidden_size]), device)
    }
}

/// Vectors of the distances from `length` down to `1 - length` (Dai et al. 2019), the sines in the first half, distances beyond
/// `farthest` counting as that far. In 32-bit arithmetic, as Hugging Face's.
///
/// # Shapes
/// out: `[2 * length, hidden]`
pub fn relative_sinusoids(
    length: usize,
    farthest: Option<usize>,
    hidden_size: usize,
    device: &Device,
) -> Tensor<2> {
    let half = hidden_size / 2;
    let rates: Vec<f32> = (0..half)
        .map(|i| 1.0 / 10_000f32.powf(2.0 * i as f32 / hidden_size as f32))
        .collect();
    let mut table = vec![0.0; 2 * length * hidden_size];
    let (ahead, behind) = table.split_at_mut((length + 1) * hidden_size);
    for (row, distance) in ahead.chunks_exact_mut(hidden_size).zip((0..=length).rev()) {
        let distance = farthest.map_or(distance, |farthest| distance.min(farthest)) as f32;
        let (sines, cosines) = row.split_at_mut(half);
        for ((sine, cosine), rate) in sines.iter_mut().zip(cosines).zip(&rates) {
            (*sine, *cosine) = (distance * rate).sin_cos();
        }
    }
    // The other side is the mirror image.
    let mirrored = ahead.chunks_exact(hidden_size).rev().skip(1);
    for (row, opposite) in behind.chunks_exact_mut(hidden_size).zip(mirrored) {
        let (sines, cosines) = row.split_at_mut(half);
        for (sine, opposite) in sines.iter_mut().zip(opposite) {
            *sine = -opposite;
        }
        cosines.copy_from_slice(&opposite[half..]);
    }
    Tensor::from_data(TensorData::new(table, [2 * length, hidden_size]), device)
}
