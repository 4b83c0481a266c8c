//! What the special tokens mean: the one place that frames encoder inputs, decoder inputs, labels and generation.
//!
//! ```text
//! preset          encoder input                        decoder input   labels
//! bert, albert    [CLS] A [SEP] (B [SEP])              -               -
//! bert2bert       [CLS] A [SEP]                        [CLS] B         B [SEP]
//! roberta         <s> A </s> (</s> B </s>)             -               -
//! xlnet           A <sep> (B <sep>) <cls>              -               -
//! t5, marian      A </s>                               <pad> B         B </s>
//! t5-s            A </s>                               <s> B           B </s>
//! bart            <s> A </s>                           </s> <s> B      <s> B </s>
//! mt              A <eos>                              <bos> B         B <eos>
//! gpt             -                                    <bos> A         A <eos>
//! plain           -                                    A               A, shifted
//! ```

mod frame;
mod overrides;
mod presets;
mod resolve;
mod store;

pub use frame::{
    DecoderFrame, EncoderFrame, Framed, GenerationFrame, LEARNED_START, LEARNED_START_SHOWN,
    NO_STOP, Piece, Slot,
};
pub use overrides::Overrides;
pub(crate) use presets::{Preset, find};

use crate::{DataError, PadSide, Tokenizer};

/// The preset of plain streams, which has no special tokens: nothing to pad with either.
const PLAIN: &str = "plain";

/// A special token: its spelling and its id in the tokenizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialToken {
    /// As the tokenizer spells it.
    pub token: String,
    /// Its id.
    pub id: u32,
}

/// The token of each role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Fills short rows.
    pub pad: SpecialToken,
    /// Stands for what the vocabulary cannot spell.
    pub unk: Option<SpecialToken>,
    /// Its vector stands for the whole text.
    pub cls: Option<SpecialToken>,
    /// Stand beside it in every frame of the encoder.
    pub more_cls: Vec<SpecialToken>,
    /// Ends a text of the encoder.
    pub sep: Option<SpecialToken>,
    /// Hides a token.
    pub mask: Option<SpecialToken>,
    /// Starts a text.
    pub bos: Option<SpecialToken>,
    /// Ends a text.
    pub eos: Option<SpecialToken>,
    /// Stand for spans of text: `<extra_id_0>`, `<extra_id_1>`, ...
    pub sentinels: Vec<SpecialToken>,
}

impl Roles {
    /// All tokens that have a role, sentinels among them.
    pub fn tokens(&self) -> impl Iterator<Item = &SpecialToken> {
        let optional = [
            &self.unk, &self.cls, &self.sep, &self.mask, &self.bos, &self.eos,
        ];
        std::iter::once(&self.pad)
            .chain(optional.into_iter().flatten())
            .chain(&self.more_cls)
            .chain(&self.sentinels)
    }
}

/// The frame of everything a model reads and writes, for one tokenizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convention {
    name: String,
    roles: Roles,
    encoder: Option<EncoderFrame>,
    decoder: Option<DecoderFrame>,
    pad_side: PadSide,
}

impl Convention {
    /// The names of all presets.
    pub const PRESETS: &'static [&'static str] = &[
        "bert",
        "bert-without-cls",
        "bert2bert",
        "roberta",
        "albert",
        "xlnet",
        "t5",
        "t5-s",
        "bart",
        "mt",
        "marian",
        "gpt",
        "plain",
    ];

    /// A preset with the tokenizer's ids.
    ///
    /// # Errors
    /// A name that is none of [`Convention::PRESETS`]; a special token that the tokenizer does not have.
    pub fn preset(name: &str, tokenizer: &Tokenizer) -> Result<Self, DataError> {
        Self::with_overrides(name, &Overrides::default(), tokenizer)
    }

    /// A preset in which some roles have other tokens.
    ///
    /// # Errors
    /// As [`Convention::preset`].
    pub fn with_overrides(
        name: &str,
        overrides: &Overrides,
        tokenizer: &Tokenizer,
    ) -> Result<Self, DataError> {
        resolve::resolve(find(name)?, overrides, tokenizer)
    }

    /// The same convention in which some roles have other tokens.
    ///
    /// # Errors
    /// A token that the tokenizer does not have.
    pub fn changed(&self, overrides: &Overrides, tokenizer: &Tokenizer) -> Result<Self, DataError> {
        let tokens = overrides.clone().over(self.as_overrides());
        Self::with_overrides(&self.name, &tokens, tokenizer)
    }

    /// The preset it was made from.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The token of each role.
    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The frame of encoder inputs, if the convention has one.
    pub fn encoder_frame(&self) -> Option<&EncoderFrame> {
        self.encoder.as_ref()
    }

    /// Whether every encoder input has the token that stands for the text.
    pub fn encoder_input_has_cls(&self) -> bool {
        let is_cls = |slot: &Slot| match &slot.piece {
            Piece::Special(token) => Some(token) == self.roles.cls.as_ref(),
            Piece::Text | Piece::Pair => false,
        };
        self.encoder
            .as_ref()
            .is_some_and(|frame| frame.single.iter().any(is_cls))
    }

    /// The frame of decoder inputs and labels, if the convention has one.
    pub fn decoder_frame(&self) -> Option<&DecoderFrame> {
        self.decoder.as_ref()
    }

    /// The id that fills short rows.
    pub fn pad_id(&self) -> u32 {
        self.roles.pad.id
    }

    /// Where short rows are filled.
    pub fn pad_side(&self) -> PadSide {
        self.pad_side
    }

    /// The id that hides a token.
    ///
    /// # Errors
    /// A convention without a mask token.
    pub fn mask_id(&self) -> Result<u32, DataError> {
        self.roles
            .mask
            .as_ref()
            .map(|mask| mask.id)
            .ok_or_else(|| DataError::MissingRole {
                convention: self.name.clone(),
                role: "mask",
                needed_by: "masked language modelling",
            })
    }

    /// The ids that stand for spans, in their order.
    ///
    /// # Errors
    /// A convention with fewer than two: a span needs one, and one ends the target.
    pub fn sentinel_ids(&self) -> Result<Vec<u32>, DataError> {
        let ids: Vec<u32> = self.roles.sentinels.iter().map(|token| token.id).collect();
        if ids.len() < 2 {
            return Err(DataError::MissingSentinels {
                convention: self.name.clone(),
                found: ids.len(),
            });
        }
        Ok(ids)
    }

    /// The ids of all roles and sentinels, ascending.
    pub fn special_ids(&self) -> Vec<u32> {
        // A plain stream has no pad token: what stands for it is a character.
        let n_without = usize::from(self.name == PLAIN);
        let mut tokens: Vec<&SpecialToken> = self.roles.tokens().skip(n_without).collect();
        if let Some(decoder) = &self.decoder {
            tokens.extend(
                decoder
                    .start
                    .iter()
                    .chain(&decoder.prefix)
                    .chain(&decoder.stop),
            );
        }
        let mut ids: Vec<u32> = tokens.into_iter().map(|t| t.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The encoder input of a text or a pair of texts, at most `max` tokens long. Too long texts lose their ends, of a
    /// pair the longer text first.
    ///
    /// # Errors
    /// A convention without encoder; a `max` that the special tokens alone exceed; a text that already starts or ends
    /// with the special token of its place.
    pub fn encoder_input(
        &self,
        text: &[u32],
        pair: Option<&[u32]>,
        max: usize,
    ) -> Result<Framed, DataError> {
        self.encoder()?.frame(&self.name, text, pair, max)
    }

    /// Decoder input and labels of a target, each at most `max` tokens long and equally long: the labels are the
    /// decoder input one step on.
    ///
    /// # Errors
    /// A convention without decoder; a `max` that the special tokens alone exceed; a target that already starts or ends
    /// with the special token of its place.
    pub fn decoder_pair(
        &self,
        target: &[u32],
        max: usize,
    ) -> Result<(Vec<u32>, Vec<u32>), DataError> {
        self.decoder()?.pair(&self.name, target, max)
    }

    /// A document as the input of a decoder-only model: `<bos> A`. Its labels are the same, shifted, with the stop token
    /// last; [`Convention::decoder_pair`] gives both.
    pub fn document(&self, text: &[u32]) -> Vec<u32> {
        let start = self.decoder.iter().flat_map(DecoderFrame::head);
        start.chain(text.iter().copied()).collect()
    }

    /// How generation starts and stops: the same tokens as in training.
    ///
    /// # Errors
    /// A convention without decoder.
    pub fn generation(&self) -> Result<GenerationFrame, DataError> {
        let decoder = self.decoder()?;
        Ok(GenerationFrame {
            start: decoder.head().collect(),
            stop: decoder.stop.as_ref().map_or(NO_STOP, |token| token.id),
            pad: self.pad_id(),
        })
    }

    /// The frames in words, a line each:
    /// ```text
    /// encoder input: [CLS] A [SEP] | [CLS] A [SEP] B [SEP]
    /// ```
    pub fn describe(&self) -> String {
        let mut lines = Vec::new();
        if let Some(encoder) = &self.encoder {
            lines.push(format!("encoder input: {}", encoder.describe()));
        }
        if let Some(decoder) = &self.decoder {
            let text = if self.encoder.is_some() { "B" } else { "A" };
            lines.push(format!("decoder input: {}", decoder.describe_input(text)));
            lines.push(format!("labels: {}", decoder.describe_labels(text)));
        }
        let side = match self.pad_side {
            PadSide::Left => "left",
            PadSide::Right => "right",
        };
        if self.name != PLAIN {
            lines.push(format!("padding: {} on the {side}", self.roles.pad.token));
        }
        lines.join("\n")
    }

    fn encoder(&self) -> Result<&EncoderFrame, DataError> {
        self.encoder.as_ref().ok_or_else(|| DataError::NoFrame {
            convention: self.name.clone(),
            side: "encoder input",
            examples: "bert or t5",
        })
    }

    fn decoder(&self) -> Result<&DecoderFrame, DataError> {
        self.decoder.as_ref().ok_or_else(|| DataError::NoFrame {
            convention: self.name.clone(),
            side: "decoder",
            examples: "gpt or t5",
        })
    }
}
