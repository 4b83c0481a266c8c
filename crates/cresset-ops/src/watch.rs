//! What a forward pass computes on the way, kept for whoever watches it.

use std::cell::RefCell;
use std::rc::Rc;

use burn::tensor::Tensor;

use crate::{AttentionInput, Run, SoftmaxInput, masked_softmax};

/// What is kept of a watched pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Hidden states.
    HiddenStates,
    /// Hidden states and attention probabilities, which are computed a second time for it.
    Attention,
}

/// What was kept of a watched pass.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The embeddings' output and every layer's, as Hugging Face's `hidden_states`: where a stack ends in a norm, the last is its output.
    /// `[batch, seq, hidden]` each.
    pub hidden_states: Vec<Tensor<3>>,
    /// The probabilities of every attention block in the order in which they are computed, before dropout. A query that sees no key has
    /// zeros. `[batch, heads, queries, keys]` each.
    pub attentions: Vec<Tensor<4>>,
}

/// The watch over a pass, if there is one; shared with the parts of the pass that are run by themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch(Rc<RefCell<Option<(Watched, Seen)>>>);

impl Run {
    /// Runs a part of the pass, or all of it, and keeps what it computes on the way. A watch inside a watch keeps from the outer one
    /// what it sees itself.
    pub fn watch<T>(&self, what: Watched, pass: impl FnOnce(&Run) -> T) -> (T, Seen) {
        let outer = self.watch.0.replace(Some((what, Seen::default())));
        let result = pass(self);
        let seen = self.watch.0.replace(outer);
        (result, seen.map(|(_, seen)| seen).unwrap_or_default())
    }

    /// Shows the output of the embeddings or of a layer to whoever watches. Architectures call it.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`
    pub fn show(&self, hidden: &Tensor<3>) {
        if let Some((_, seen)) = &mut *self.watch.0.borrow_mut() {
            seen.hidden_states.push(hidden.clone());
        }
    }

    /// Shows the probabilities of an attention block.
    pub(crate) fn show_attention(&self, input: &AttentionInput) {
        if let Some((Watched::Attention, seen)) = &mut *self.watch.0.borrow_mut() {
            seen.attentions.push(probabilities(input.clone()));
        }
    }
}

/// # Shapes
/// out: `[batch, heads, queries, keys]`
fn probabilities(input: AttentionInput) -> Tensor<4> {
    let [q, k, _] = input.qkv.apart();
    masked_softmax(SoftmaxInput {
        scores: q.swap_dims(1, 2).matmul(k.permute([0, 2, 3, 1])),
        scale: input.scale,
        bias: input.bias,
        keep: input.keep,
        causality: input.causality,
    })
}
