//! The position-wise feed-forward block.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use cresset_ops::{Run, dropout, gated};

use super::{Activation, Bias, Linear};

/// `down(dropout(act(up(x))))`, or with a gate `down(dropout(act(gate(x)) * up(x)))` (Shazeer 2020).
#[derive(Module, Debug)]
pub struct FeedForward {
    /// `[hidden, intermediate]`
    pub up: Linear,
    /// `[hidden, intermediate]`
    pub gate: Option<Linear>,
    /// `[intermediate, hidden]`
    pub down: Linear,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    dropout: f64,
}

impl FeedForward {
    /// A block without dropout between the two matrices.
    pub fn new(
        hidden_size: usize,
        intermediate_size: usize,
        activation: Activation,
        bias: Bias,
        device: &Device,
    ) -> FeedForward {
        FeedForward {
            up: Linear::new(hidden_size, intermediate_size, bias, device),
            gate: None,
            down: Linear::new(intermediate_size, hidden_size, bias, device),
            activation,
            dropout: 0.0,
        }
    }

    /// The same block with a gate.
    #[must_use]
    pub fn with_gate(mut self, device: &Device) -> FeedForward {
        let [hidden_size, intermediate_size] = self.up.weight.dims();
        let bias = if self.up.bias.is_some() {
            Bias::With
        } else {
            Bias::Without
        };
        self.gate = Some(Linear::new(hidden_size, intermediate_size, bias, device));
        self
    }

    /// The same block with dropout after the activation.
    #[must_use]
    pub fn with_dropout(mut self, rate: f64) -> FeedForward {
        self.dropout = rate;
        self
    }

    /// # Shapes
    /// x and out: `[batch, seq, hidden]`
    pub fn forward(&self, x: Tensor<3>, run: &Run) -> Tensor<3> {
        let inner = match &self.gate {
            None => self.up.forward_activated(x, self.activation),
            Some(gate) => gated(
                gate.forward(x.clone()),
                self.up.forward(x),
                self.activation.into(),
            ),
        };
        self.down.forward(dropout(inner, self.dropout, run))
    }
}
