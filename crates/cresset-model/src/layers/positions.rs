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
