//! The presets as tables, and how their roles find tokens.

use super::{Convention, DecoderFrame, EncoderFrame, Overrides, Piece, Roles, Slot, SpecialToken};
use crate::{DataError, PadSide, Tokenizer};

/// A role of a special token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Pad,
    Unk,
    Cls,
    Sep,
    Mask,
    Bos,
    Eos,
}

use Role::{Bos, Cls, Eos, Mask, Pad, Sep, Unk};

impl Role {
    fn name(self) -> &'static str {
        match self {
            Pad => "pad",
            Unk => "unk",
            Cls => "cls",
            Sep => "sep",
            Mask => "mask",
            Bos => "bos",
            Eos => "eos",
        }
    }
}

/// A place in a preset's frame.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// A role's token.
    R(Role),
    /// The text.
    A,
    /// The second text.
    B,
}

use Place::{A, B, R};

/// Decoder start, prefix and stop of a preset.
#[derive(Debug)]
struct Decoder {
    start: Role,
    prefix: &'static [Role],
    stop: Role,
}

/// A preset. Tokens are listed in the order of their ids in a trained tokenizer; of a role with several spellings the
/// first is the one that is trained.
#[derive(Debug)]
pub(crate) struct Preset {
    name: &'static str,
    /// Spellings and the roles they play.
    tokens: &'static [(&'static [&'static str], &'static [Role])],
    single: &'static [(Place, u32)],
    pair: &'static [(Place, u32)],
    decoder: Option<Decoder>,
    pad_side: PadSide,
    /// Sentinels in a trained tokenizer.
    n_sentinels: usize,
}

const BERT: Preset = Preset {
    name: "bert",
    tokens: &[(&["[PAD]"], &[Pad]), (&["[UNK]"], &[Unk]), (&["[CLS]"], &[Cls]), (&["[SEP]"], &[Sep]), (&["[MASK]"], &[Mask])],
    single: &[(R(Cls), 0), (A, 0), (R(Sep), 0)],
    pair: &[(R(Cls), 0), (A, 0), (R(Sep), 0), (B, 1), (R(Sep), 1)],
    decoder: None,
    pad_side: PadSide::Right,
    n_sentinels: 0,
};

const ROBERTA: Preset = Preset {
    name: "roberta",
    tokens: &[
        (&["<s>"], &[Cls, Bos]),
        (&["<pad>"], &[Pad]),
        (&["</s>"], &[Sep, Eos]),
        (&["<unk>"], &[Unk]),
        (&["<mask>"], &[Mask]),
    ],
    single: &[(R(Cls), 0), (A, 0), (R(Sep), 0)],
    pair: &[(R(Cls), 0), (A, 0), (R(Sep), 0), (R(Sep), 0), (B, 0), (R(Sep), 0)],
    ..BERT
};

const ALBERT: Preset = Preset {
    name: "albert",
    tokens: &[
        (&["<pad>", "[PAD]"], &[Pad]),
        (&["<unk>", "[UNK]"], &[Unk]),
        (&["[CLS]"], &[Cls]),
        (&["[SEP]"], &[Sep]),
        (&["[MASK]"], &[Mask]),
    ],
    ..BERT
};

const XLNET: Preset = Preset {
    name: "xlnet",
    tokens: &[
        (&["<unk>"], &[Unk]),
        (&["<s>"], &[Bos]),
        (&["</s>"], &[Eos]),
        (&["<cls>"], &[Cls]),
        (&["<sep>"], &[Sep]),
        (&["<pad>"], &[Pad]),
        (&["<mask>"], &[Mask]),
    ],
    single: &[(A, 0), (R(Sep), 0), (R(Cls), 2)],
    pair: &[(A, 0), (R(Sep), 0), (B, 1), (R(Sep), 1), (R(Cls), 2)],
    pad_side: PadSide::Left,
    ..BERT
};

const T5: Preset = Preset {
    name: "t5",
    tokens: &[(&["<pad>"], &[Pad]), (&["</s>"], &[Eos]), (&["<unk>"], &[Unk])],
    single: &[(A, 0), (R(Eos), 0)],
    pair: &[(A, 0), (R(Eos), 0), (B, 0), (R(Eos), 0)],
    decoder: Some(Decoder { start: Pad, prefix: &[], stop: Eos }),
    pad_side: PadSide::Right,
    n_sentinels: 100,
};

const T5_S: Preset = Preset {
    name: "t5-s",
    tokens: &[(&["<pad>"], &[Pad]), (&["</s>"], &[Eos]), (&["<unk>"], &[Unk]), (&["<s>"], &[Bos])],
    decoder: Some(Decoder { start: Bos, prefix: &[], stop: Eos }),
    ..T5
};

const MARIAN: Preset = Preset { name: "marian", n_sentinels: 0, ..T5 };

const BART: Preset =
    Preset { name: "bart", decoder: Some(Decoder { start: Eos, prefix: &[Bos], stop: Eos }), ..ROBERTA };

const MT: Preset = Preset {
    name: "mt",
    tokens: &[(&["<pad>"], &[Pad]), (&["<bos>"], &[Bos]), (&["<eos>"], &[Eos]), (&["<unk>"], &[Unk])],
    decoder: Some(Decoder { start: Bos, prefix: &[], stop: Eos }),
    n_sentinels: 0,
    ..T5
};

const GPT: Preset = Preset {
    name: "gpt",
    tokens: &[(&["<bos>", "<|endoftext|>"], &[Bos]), (&["<eos>", "<|endoftext|>"], &[Eos]), (&["<pad>"], &[Pad])],
    single: &[],
    pair: &[],
    ..MT
};

const PLAIN: Preset = Preset { name: "plain", tokens: &[], decoder: None, ..GPT };

/// All presets, in the order of [`Convention::PRESETS`].
const ALL: &[Preset] = &[BERT, ROBERTA, ALBERT, XLNET, T5, T5_S, BART, MT, MARIAN, GPT, PLAIN];

/// The preset of this name.
pub(crate) fn find(name: &str) -> Result<&'static Preset, DataError> {
    ALL.iter().find(|preset| preset.name == name).ok_or_else(|| DataError::UnknownConvention {
        name: name.to_owned(),
        known: Convention::PRESETS.to_vec(),
    })
}

impl Preset {
    /// The special tokens of a tokenizer trained for this preset, in the order of their ids; sentinels not counted.
    pub(crate) fn trained_tokens(&self) -> Vec<&'static str> {
        self.tokens.iter().map(|(spellings, _)| spellings[0]).collect()
    }

    /// The token that stands for unknown text, where the preset has one.
    pub(crate) fn unk_token(&self) -> Option<&'static str> {
        self.tokens.iter().find(|(_, roles)| roles.contains(&Unk)).map(|(spellings, _)| spellings[0])
    }

    /// The token that hides another, where the preset has one.
    pub(crate) fn mask_token(&self) -> Option<&'static str> {
        self.tokens.iter().find(|(_, roles)| roles.contains(&Mask)).map(|(spellings, _)| spellings[0])
    }

    /// Sentinels of a tokenizer trained for this preset.
    pub(crate) fn n_sentinels(&self) -> usize {
        self.n_sentinels
    }

    fn spellings(&self, role: Role) -> &'static [&'static str] {
        match self.tokens.iter().find(|(_, roles)| roles.contains(&role)) {
            Some((spellings, _)) => spellings,
            // Kinds that cannot spell everything have such a token under any preset.
            None if role == Unk => &["<unk>"],
            None => &[],
        }
    }

    /// Whether the preset cannot do without this role.
    fn needs(&self, role: Role) -> bool {
        let in_frame = |slots: &[(Place, u32)]| slots.iter().any(|(place, _)| matches!(place, R(r) if *r == role));
        let in_decoder = self.decoder.as_ref().is_some_and(|d| d.start == role || d.stop == role || d.prefix.contains(&role));
        in_frame(self.single) || in_frame(self.pair) || in_decoder
    }
}

/// A preset with the tokenizer's ids.
pub(super) fn resolve(preset: &Preset, overrides: &Overrides, tokenizer: &Tokenizer) -> Result<Convention, DataError> {
    let finder = Finder { preset, overrides, tokenizer };
    let (bos, eos) = (finder.role(Bos)?, finder.role(Eos)?);
    let roles = Roles {
        pad: finder.pad(eos.as_ref())?,
        unk: finder.role(Unk)?,
        cls: finder.role(Cls)?,
        sep: finder.role(Sep)?,
        mask: finder.role(Mask)?,
        bos,
        eos,
        sentinels: finder.sentinels(),
    };
    let slots = |places: &[(Place, u32)]| -> Vec<Slot> {
        places.iter().map(|&(place, segment)| Slot { piece: piece(place, &roles), segment }).collect()
    };
    let encoder = (!preset.single.is_empty()).then(|| EncoderFrame { single: slots(preset.single), pair: slots(preset.pair) });
    let decoder = finder.decoder(&roles)?;
    Ok(Convention {
        name: preset.name.to_owned(),
        encoder,
        decoder,
        pad_side: overrides.pad_side.unwrap_or(preset.pad_side),
        roles,
    })
}

fn piece(place: Place, roles: &Roles) -> Piece {
    match place {
        R(role) => Piece::Special(needed(roles, role)),
        A => Piece::Text,
        B => Piece::Pair,
    }
}

/// The token of a role that a frame needs.
fn needed(roles: &Roles, role: Role) -> SpecialToken {
    let token = match role {
        Pad => Some(&roles.pad),
        Unk => roles.unk.as_ref(),
        Cls => roles.cls.as_ref(),
        Sep => roles.sep.as_ref(),
        Mask => roles.mask.as_ref(),
        Bos => roles.bos.as_ref(),
        Eos => roles.eos.as_ref(),
    };
    token.expect("a role that a frame needs was found before").clone()
}

struct Finder<'a> {
    preset: &'a Preset,
    overrides: &'a Overrides,
    tokenizer: &'a Tokenizer,
}

impl Finder<'_> {
    fn overridden(&self, role: Role) -> Option<&str> {
        let o = self.overrides;
        match role {
            Pad => o.pad.as_deref(),
            Unk => o.unk.as_deref(),
            Cls => o.cls.as_deref(),
            Sep => o.sep.as_deref(),
            Mask => o.mask.as_deref(),
            Bos => o.bos.as_deref(),
            Eos => o.eos.as_deref(),
        }
    }

    /// A token that the user named.
    fn named(&self, role: &'static str, token: &str) -> Result<SpecialToken, DataError> {
        self.token(token).ok_or_else(|| self.missing(role, vec![token.to_owned()]))
    }

    fn token(&self, token: &str) -> Option<SpecialToken> {
        self.tokenizer.token_to_id(token).map(|id| SpecialToken { token: token.to_owned(), id })
    }

    fn missing(&self, role: &'static str, tokens: Vec<String>) -> DataError {
        DataError::MissingToken { convention: self.preset.name.to_owned(), role, tokens }
    }

    fn role(&self, role: Role) -> Result<Option<SpecialToken>, DataError> {
        if let Some(token) = self.overridden(role) {
            return self.named(role.name(), token).map(Some);
        }
        let spellings = self.preset.spellings(role);
        match spellings.iter().find_map(|token| self.token(token)) {
            None if self.preset.needs(role) => {
                Err(self.missing(role.name(), spellings.iter().map(|&s| s.to_owned()).collect()))
            }
            found => Ok(found),
        }
    }

    /// The pad token; where the tokenizer has none, decoder-only conventions pad with the end token, as is usual with
    /// GPT-2, and a plain stream, which is never padded, with id 0.
    fn pad(&self, eos: Option<&SpecialToken>) -> Result<SpecialToken, DataError> {
        let stand_in = match (self.preset.name, eos) {
            ("gpt", Some(eos)) => Some(eos.clone()),
            ("plain", _) => self.tokenizer.id_to_token(0).map(|token| SpecialToken { token, id: 0 }),
            _ => None,
        };
        match (self.role(Pad)?, stand_in) {
            (Some(pad), _) | (None, Some(pad)) => Ok(pad),
            (None, None) => Err(self.missing("pad", self.preset.spellings(Pad).iter().map(|&s| s.to_owned()).collect())),
        }
    }

    fn sentinels(&self) -> Vec<SpecialToken> {
        (0..).map_while(|n| self.token(&format!("<extra_id_{n}>"))).collect()
    }

    fn decoder(&self, roles: &Roles) -> Result<Option<DecoderFrame>, DataError> {
        let start = match &self.overrides.decoder_start {
            Some(token) => Some(self.named("decoder_start", token)?),
            None => self.preset.decoder.as_ref().map(|d| needed(roles, d.start)),
        };
        let prefix = match (&self.overrides.decoder_prefix, &self.preset.decoder) {
            (Some(tokens), _) => tokens.iter().map(|token| self.named("decoder_prefix", token)).collect::<Result<_, _>>()?,
            (None, Some(decoder)) => decoder.prefix.iter().map(|&role| needed(roles, role)).collect(),
            (None, None) => Vec::new(),
        };
        let stop = self.preset.decoder.as_ref().map(|d| needed(roles, d.stop));
        let exists = self.preset.decoder.is_some() || self.preset.name == "plain";
        Ok(exists.then_some(DecoderFrame { start, prefix, stop }))
    }
}
