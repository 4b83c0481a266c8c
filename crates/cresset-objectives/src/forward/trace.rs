//! What a model computes on the way to its outputs: the hidden states of every layer, the attention of every head.

use burn::tensor::Tensor;
use cresset_model::xlnet::XlnetInput;
use cresset_model::{Encoder, EncoderInput, TextClassifier};
use cresset_ops::{Run, Seen, Watched};

use super::{ForwardInput, Network, Output, RawModel, encoder_input};
use crate::RunError;

/// What a stack's tensors are called.
#[derive(Clone, Copy)]
enum Stack {
    /// Alone in its model: `hidden_states`, `attentions`.
    Alone,
    /// `encoder_hidden_states`, `encoder_attentions`.
    Encoder,
    /// `decoder_hidden_states`, `decoder_attentions`, `cross_attentions`; its layers look at themselves, then at the encoder.
    Decoder,
}

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
        let run = Run::inference();
        let of_encoder = |encoder: &Encoder, source: EncoderInput| {
            let (_, seen) = run.watch(what, |run| encoder.forward(source, run));
            named(seen, Stack::Alone)
        };
        Ok(match &self.network {
            Network::Encoder(model) => of_encoder(model, source),
            Network::MaskedLm(model) => of_encoder(model.encoder(), source),
            Network::PreTraining(model, _) => of_encoder(model.encoder(), source),
            Network::Sequence(TextClassifier::Encoder(model)) => {
                of_encoder(model.encoder(), source)
            }
            Network::Token(model) => of_encoder(model.encoder(), source),
            Network::Question(model) => of_encoder(model.encoder(), source),
            Network::Permuted(model) => {
                if input.perm_mask.is_some() || input.target_mapping.is_some() {
                    return Err(RunError::Data(
                        "hidden states and attention are those of the whole text; leave out perm_mask and target_mapping".into(),
                    ));
                }
                let pass = |run: &Run| model.encoder().two_stream(XlnetInput::from(source), run);
                named(run.watch(what, pass).1, Stack::Alone)
            }
            Network::Causal(model) => {
                let keep = input.attention_mask.is_some().then_some(source.keep);
                let (_, seen) = run.watch(what, |run| model.hidden(source.ids, keep, run));
                named(seen, Stack::Alone)
            }
            Network::Sequence(TextClassifier::EncoderDecoder(model)) => {
                let (ids, keep) = (source.ids.clone(), source.keep.clone());
                let (memory, reading) = run.watch(what, |run| model.encode(source, run));
                let (_, writing) = run.watch(what, |run| model.decode(ids, memory, keep, run));
                both(reading, writing)
            }
            Network::Seq2Seq(model) => {
                let ids = self.decoder_ids(input, device)?;
                let keep = source.keep.clone();
                let (memory, reading) = run.watch(what, |run| model.encode(source, run));
                let (_, writing) = run.watch(what, |run| model.decode(ids, memory, keep, run));
                both(reading, writing)
            }
        })
    }
}

fn both(reading: Seen, writing: Seen) -> Vec<Output> {
    let mut outputs = named(reading, Stack::Encoder);
    outputs.extend(named(writing, Stack::Decoder));
    outputs
}

fn named(seen: Seen, stack: Stack) -> Vec<Output> {
    let (own, across): (Vec<_>, Vec<_>) = match stack {
        Stack::Alone | Stack::Encoder => (seen.attentions, Vec::new()),
        Stack::Decoder => {
            let blocks = seen.attentions.into_iter().enumerate();
            let (own, across): (Vec<_>, Vec<_>) = blocks.partition(|(block, _)| block % 2 == 0);
            let tensors = |blocks: Vec<(usize, Tensor<4>)>| blocks.into_iter().map(|(_, t)| t);
            (tensors(own).collect(), tensors(across).collect())
        }
    };
    let prefix = match stack {
        Stack::Alone => "",
        Stack::Encoder => "encoder_",
        Stack::Decoder => "decoder_",
    };
    let mut outputs = numbered(&format!("{prefix}hidden_states"), seen.hidden_states);
    outputs.extend(numbered(&format!("{prefix}attentions"), own));
    outputs.extend(numbered("cross_attentions", across));
    outputs
}

fn numbered<const D: usize>(name: &str, tensors: Vec<Tensor<D>>) -> Vec<Output> {
    let tensors = tensors.into_iter().enumerate();
    tensors
        .map(|(layer, tensor)| Output::of(format!("{name}.{layer}"), tensor))
        .collect()
}
