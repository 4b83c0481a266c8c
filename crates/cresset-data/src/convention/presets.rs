//! The presets as tables.

use super::Convention;
use crate::{DataError, PadSide};

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
    pub(super) fn name(self) -> &'static str {
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
pub(super) enum Place {
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
pub(super) struct Decoder {
    pub(super) start: Role,
    pub(super) prefix: &'static [Role],
    pub(super) stop: Role,
}

/// A preset. Tokens are listed in the order of their ids in a trained tokenizer; of a role with several spellings the
/// first is the one that is trained.
#[derive(Debug)]
pub(crate) struct Preset {
    pub(super) name: &'static str,
    /// Spellings and the roles they play.
    tokens: &'static [(&'static [&'static str], &'static [Role])],
    pub(super) single: &'static [(Place, u32)],
    pub(super) pair: &'static [(Place, u32)],
    pub(super) decoder: Option<Decoder>,
    pub(super) pad_side: PadSide,
    /// Sentinels in a trained tokenizer.
    n_sentinels: usize,
}

const BERT: Preset = Preset {
    name: "bert",
    tokens: &[
        (&["[PAD]"], &[Pad]),
        (&["[UNK]"], &[Unk]),
        (&["[CLS]"], &[Cls]),
        (&["[SEP]"], &[Sep]),
        (&["[MASK]"], &[Mask]),
    ],
    single: &[(R(Cls), 0), (A, 0), (R(Sep), 0)],
    pair: &[(R(Cls), 0), (A, 0), (R(Sep), 0), (B, 1), (R(Sep), 1)],
    decoder: None,
    pad_side: PadSide::Right,
    n_sentinels: 0,
};

/// BERT without the token that stands for the text, which the vocabulary still has: to learn what pre-training does for it.
const BERT_WITHOUT_CLS: Preset = Preset {
    name: "bert-without-cls",
    single: &[(A, 0), (R(Sep), 0)],
    pair: &[(A, 0), (R(Sep), 0), (B, 1), (R(Sep), 1)],
    ..BERT
};

/// BERT reads and BERT writes: the token that stands for a text starts decoding, the one that ends a text stops it, as in
/// Rothe et al. (2020).
const BERT2BERT: Preset = Preset {
    name: "bert2bert",
    decoder: Some(Decoder {
        start: Cls,
        prefix: &[],
        stop: Sep,
    }),
    ..BERT
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
    pair: &[
        (R(Cls), 0),
        (A, 0),
        (R(Sep), 0),
        (R(Sep), 0),
        (B, 0),
        (R(Sep), 0),
    ],
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
    tokens: &[
        (&["<pad>"], &[Pad]),
        (&["</s>"], &[Eos]),
        (&["<unk>"], &[Unk]),
    ],
    single: &[(A, 0), (R(Eos), 0)],
    pair: &[(A, 0), (R(Eos), 0), (B, 0), (R(Eos), 0)],
    decoder: Some(Decoder {
        start: Pad,
        prefix: &[],
        stop: Eos,
    }),
    pad_side: PadSide::Right,
    n_sentinels: 100,
};

const T5_S: Preset = Preset {
    name: "t5-s",
    tokens: &[
        (&["<pad>"], &[Pad]),
        (&["</s>"], &[Eos]),
        (&["<unk>"], &[Unk]),
        (&["<s>"], &[Bos]),
    ],
    decoder: Some(Decoder {
        start: Bos,
        prefix: &[],
        stop: Eos,
    }),
    ..T5
};

const MARIAN: Preset = Preset {
    name: "marian",
    n_sentinels: 0,
    ..T5
};

const BART: Preset = Preset {
    name: "bart",
    decoder: Some(Decoder {
        start: Eos,
        prefix: &[Bos],
        stop: Eos,
    }),
    ..ROBERTA
};

const MT: Preset = Preset {
    name: "mt",
    tokens: &[
        (&["<pad>"], &[Pad]),
        (&["<bos>"], &[Bos]),
        (&["<eos>"], &[Eos]),
        (&["<unk>"], &[Unk]),
    ],
    decoder: Some(Decoder {
        start: Bos,
        prefix: &[],
        stop: Eos,
    }),
    n_sentinels: 0,
    ..T5
};

const GPT: Preset = Preset {
    name: "gpt",
    tokens: &[
        (&["<bos>", "<|endoftext|>"], &[Bos]),
        (&["<eos>", "<|endoftext|>"], &[Eos]),
        (&["<pad>"], &[Pad]),
    ],
    single: &[],
    pair: &[],
    ..MT
};

const PLAIN: Preset = Preset {
    name: "plain",
    tokens: &[],
    decoder: None,
    ..GPT
};

/// All presets, in the order of [`Convention::PRESETS`].
const ALL: &[Preset] = &[
    BERT,
    BERT_WITHOUT_CLS,
    BERT2BERT,
    ROBERTA,
    ALBERT,
    XLNET,
    T5,
    T5_S,
    BART,
    MT,
    MARIAN,
    GPT,
    PLAIN,
];

/// The preset of this name.
pub(crate) fn find(name: &str) -> Result<&'static Preset, DataError> {
    ALL.iter()
        .find(|preset| preset.name == name)
        .ok_or_else(|| DataError::UnknownConvention {
            name: name.to_owned(),
            known: Convention::PRESETS.to_vec(),
        })
}

impl Preset {
    /// The special tokens of a tokenizer trained for this preset, in the order of their ids; sentinels not counted.
    pub(crate) fn trained_tokens(&self) -> Vec<&'static str> {
        self.tokens
            .iter()
            .map(|(spellings, _)| spellings[0])
            .collect()
    }

    /// The token that stands for unknown text, where the preset has one.
    pub(crate) fn unk_token(&self) -> Option<&'static str> {
        self.tokens
            .iter()
            .find(|(_, roles)| roles.contains(&Unk))
            .map(|(spellings, _)| spellings[0])
    }

    /// The token that hides another, where the preset has one.
    pub(crate) fn mask_token(&self) -> Option<&'static str> {
        self.tokens
            .iter()
            .find(|(_, roles)| roles.contains(&Mask))
            .map(|(spellings, _)| spellings[0])
    }

    /// Sentinels of a tokenizer trained for this preset.
    pub(crate) fn n_sentinels(&self) -> usize {
        self.n_sentinels
    }

    pub(super) fn spellings(&self, role: Role) -> &'static [&'static str] {
        match self.tokens.iter().find(|(_, roles)| roles.contains(&role)) {
            Some((spellings, _)) => spellings,
            // Kinds that cannot spell everything have such a token under any preset.
            None if role == Unk => &["<unk>"],
            None => &[],
        }
    }

    /// Whether the preset cannot do without this role.
    pub(super) fn needs(&self, role: Role) -> bool {
        let in_frame = |slots: &[(Place, u32)]| {
            slots
                .iter()
                .any(|(place, _)| matches!(place, R(r) if *r == role))
        };
        let in_decoder = self
            .decoder
            .as_ref()
            .is_some_and(|d| d.start == role || d.stop == role || d.prefix.contains(&role));
        in_frame(self.single) || in_frame(self.pair) || in_decoder
    }
}
