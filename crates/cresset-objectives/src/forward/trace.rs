//! What a model computes on the way to its outputs: the hidden states of every layer, the attention of every head.

use burn::tensor::Tensor;
use cresset_model::EncoderInput;
use cresset_ops::{Seen, Watched};

use super::{ForwardInput, Network, Output, RawModel, encoder_input};
use crate::RunError;
use crate::watched::{Trace, Watchable, WatchedInput};

impl RawModel {
    /// The hidden states of the embeddings and every layer, and the attention probabilities of every layer if asked for, under
    /// Hugging Face's names with the layer's number behind: `hidden_states.0`, `attentions.0`, and of an encoder-decoder
    /// `encoder_hidden_states.0`, `decoder_attentions.0`, `cross_attentions.0` and so on. A query that sees no key has zeros.
    ///
    /// # Errors
    /// Rows of different lengths, ids outside the vocabulary, a missing decoder input; targets of a permuted language model.
    pub fn trace(&self, input: &ForwardInput, what: Watched) -> Result<Vec<Output>, RunError> {
        self.check_ids("input_ids", &input.input_ids, self.vocab_size)?;
        let device = &self.device;
        let source = encoder_input(input, device)?;
        let alone = |encoder: EncoderInput| WatchedInput {
            encoder: Some(encoder),
            decoder: None,
        };
        Ok(named(match &self.network {
            Network::Encoder(model) => model.watch(alone(source), what),
            Network::MaskedLm(model) => model.watch(alone(source), what),
            Network::PreTraining(model, _) => model.watch(alone(source), what),
            Network::Sequence(model) => model.watch(alone(source), what),
            Network::Token(model) => model.watch(alone(source), what),
            Network::Question(model) => model.watch(alone(source), what),
            Network::Permuted(model) => {
                if input.perm_mask.is_some() || input.target_mapping.is_some() {
                    return Err(RunError::Data(
                        "hidden states and attention are those of the whole text; leave out perm_mask and target_mapping".into(),
                    ));
                }
                model.watch(alone(source), what)
            }
            Network::Causal(model) => {
                let keep = input.attention_mask.is_some().then_some(source.keep);
                let input = WatchedInput {
                    encoder: None,
                    decoder: Some((source.ids, keep)),
                };
                model.watch(input, what)
            }
            Network::Seq2Seq(model) => {
                let input = WatchedInput {
                    encoder: Some(source),
                    decoder: Some((self.decoder_ids(input, device)?, None)),
                };
                model.watch(input, what)
            }
        }))
    }
}

/// A stack that is alone in its model has no prefix.
fn named(trace: Trace) -> Vec<Output> {
    let is_alone = trace.encoder.is_none() || trace.decoder.is_none();
    let of_stack = |prefix: &str, seen: Option<Seen>| {
        let prefix = if is_alone { "" } else { prefix };
        let seen = seen.unwrap_or_default();
        let mut outputs = numbered(&format!("{prefix}hidden_states"), seen.hidden_states);
        outputs.extend(numbered(&format!("{prefix}attentions"), seen.attentions));
        outputs
    };
    let mut outputs = of_stack("encoder_", trace.encoder);
    outputs.extend(of_stack("decoder_", trace.decoder));
    outputs.extend(numbered("cross_attentions", trace.cross));
    outputs
}

fn numbered<const D: usize>(name: &str, tensors: Vec<Tensor<D>>) -> Vec<Output> {
    let tensors = tensors.into_iter().enumerate();
    tensors
        .map(|(layer, tensor)| Output::of(format!("{name}.{layer}"), tensor))
        .collect()
}
