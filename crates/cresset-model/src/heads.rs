//! Task heads on encoders: one enum per task, one variant per architecture.

mod masked_lm;
mod seq2seq_classifier;
mod sequence_classifier;

pub use masked_lm::MaskedLm;
pub use seq2seq_classifier::Seq2SeqClassifier;
pub use sequence_classifier::SequenceClassifier;

use burn::tensor::{Int, Tensor};

/// The vectors at the given positions, so that a head computes nothing nobody asked for.
///
/// # Shapes
/// hidden: `[batch, seq, hidden]`, flat_positions: `[n]` indices into `batch * seq`, out: `[n, hidden]`
pub(crate) fn rows_at(hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Tensor<2> {
    let [batch, seq, size] = hidden.dims();
    hidden
        .reshape([batch * seq, size])
        .select(0, flat_positions)
}
