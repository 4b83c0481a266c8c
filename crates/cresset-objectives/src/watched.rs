//! Passes of whatever model, watched: the hidden states of every layer, the attention of every head.

use std::borrow::Cow;

use burn::tensor::{Int, Tensor};
use cresset_model::xlnet::{XlnetInput, XlnetLmHead};
use cresset_model::{
    CausalLm, Encoder, EncoderInput, HfModel, MaskedLm, PreTraining, QuestionAnswering, Seq2SeqLm,
    SharedModel, TextClassifier, TokenClassifier,
};
use cresset_ops::{KeepMask, Run, Seen, Watched};

/// What a pass reads.
#[derive(Clone, Debug)]
pub struct WatchedInput {
    /// What the encoder reads.
    pub encoder: Option<EncoderInput>,
    /// What the decoder reads, with its mask where rows are of different lengths and nothing else says so.
    pub decoder: Option<(Tensor<2, Int>, Option<KeepMask>)>,
}

/// What a pass showed, stack by stack.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Of the encoder.
    pub encoder: Option<Seen>,
    /// Of the decoder, its attention to itself.
    pub decoder: Option<Seen>,
    /// Its attention to the encoder's output, layer by layer.
    pub cross: Vec<Tensor<4>>,
}

/// A model whose passes can be watched.
pub trait Watchable: HfModel {
    /// Runs a pass without dropout and gives what it showed.
    ///
    /// # Panics
    /// If the model reads something that is not there.
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace;

    /// What the decoder reads beside an encoder's text, where the model makes it itself.
    fn decoder_input<'a>(&self, _encoder: &[u32], decoder: &'a [u32]) -> Cow<'a, [u32]> {
        Cow::Borrowed(decoder)
    }
}

impl WatchedInput {
    fn source(self) -> EncoderInput {
        self.encoder.expect("an encoder reads something")
    }
}

impl Trace {
    /// Of an encoder alone.
    fn of_encoder(seen: Seen) -> Trace {
        Trace {
            encoder: Some(seen),
            ..Trace::default()
        }
    }

    /// Of both halves. The layers of the decoder look at themselves, then at the encoder.
    fn of_both(encoder: Seen, mut decoder: Seen) -> Trace {
        let blocks = std::mem::take(&mut decoder.attentions).into_iter();
        let (own, cross): (Vec<_>, Vec<_>) = blocks.enumerate().partition(|(at, _)| at % 2 == 0);
        let tensors = |blocks: Vec<(usize, Tensor<4>)>| blocks.into_iter().map(|(_, t)| t);
        decoder.attentions = tensors(own).collect();
        Trace {
            encoder: Some(encoder),
            decoder: Some(decoder),
            cross: tensors(cross).collect(),
        }
    }
}

impl Watchable for Encoder {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        let pass = |run: &Run| self.forward(input.source(), run);
        Trace::of_encoder(Run::inference().watch(what, pass).1)
    }
}

impl Watchable for MaskedLm {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        self.encoder().watch(input, what)
    }
}

impl Watchable for PreTraining {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        self.encoder().watch(input, what)
    }
}

impl Watchable for TokenClassifier {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        self.encoder().watch(input, what)
    }
}

impl Watchable for QuestionAnswering {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        self.encoder().watch(input, what)
    }
}

/// Watched as it reads a whole text, no position hidden from another.
impl Watchable for XlnetLmHead {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        let text = XlnetInput::from(input.source());
        let pass = |run: &Run| self.encoder().two_stream(text, run);
        Trace::of_encoder(Run::inference().watch(what, pass).1)
    }
}

impl Watchable for TextClassifier {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        let model = match self {
            TextClassifier::Encoder(model) => return model.encoder().watch(input, what),
            TextClassifier::EncoderDecoder(model) => model,
        };
        let (source, run) = (input.source(), Run::inference());
        let (ids, keep) = (source.ids.clone(), source.keep.clone());
        let (memory, reading) = run.watch(what, |run| model.encode(source, run));
        let (_, writing) = run.watch(what, |run| model.decode(ids, memory, keep, run));
        Trace::of_both(reading, writing)
    }

    fn decoder_input<'a>(&self, encoder: &[u32], decoder: &'a [u32]) -> Cow<'a, [u32]> {
        match self {
            TextClassifier::Encoder(_) => Cow::Borrowed(decoder),
            TextClassifier::EncoderDecoder(model) => Cow::Owned(model.shifted_ids(encoder)),
        }
    }
}

impl Watchable for CausalLm {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        let (ids, keep) = input.decoder.expect("a decoder reads something");
        let pass = |run: &Run| self.hidden(ids, keep, run);
        Trace {
            decoder: Some(Run::inference().watch(what, pass).1),
            ..Trace::default()
        }
    }
}

impl Watchable for Seq2SeqLm {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        let (ids, _) = input.decoder.clone().expect("a decoder reads something");
        let (source, run) = (input.source(), Run::inference());
        let keep = source.keep.clone();
        let (memory, reading) = run.watch(what, |run| self.encode(source, run));
        let (_, writing) = run.watch(what, |run| self.decode(ids, memory, keep, run));
        Trace::of_both(reading, writing)
    }
}

impl Watchable for SharedModel {
    fn watch(&self, input: WatchedInput, what: Watched) -> Trace {
        match self {
            SharedModel::Encoder(model) => model.encoder().watch(input, what),
            SharedModel::EncoderDecoder(model) => model.watch(input, what),
        }
    }
}
