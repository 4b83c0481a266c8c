//! Roles that differ from a preset's.

use serde::{Deserialize, Serialize};

use crate::PadSide;

/// Tokens for roles, where they differ from the preset's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// Fills short rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pad: Option<String>,
    /// Stands for what the vocabulary cannot spell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unk: Option<String>,
    /// Its vector stands for the whole text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cls: Option<String>,
    /// Stand beside the first and may stand for the text with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_cls: Option<Vec<String>>,
    /// Ends a text of the encoder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sep: Option<String>,
    /// Hides a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// Starts a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bos: Option<String>,
    /// Ends a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eos: Option<String>,
    /// The first decoder input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoder_start: Option<String>,
    /// Whether a vector of its own, which is no token's, stands where the decoder start would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned_start: Option<bool>,
    /// What always follows the decoder start and is also a label, such as a target language's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoder_prefix: Option<Vec<String>>,
    /// Where short rows are filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pad_side: Option<PadSide>,
}

impl Overrides {
    /// The tokens that are named.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        let roles = [
            &self.pad,
            &self.unk,
            &self.cls,
            &self.sep,
            &self.mask,
            &self.bos,
            &self.eos,
            &self.decoder_start,
        ];
        let lists = [&self.more_cls, &self.decoder_prefix];
        roles
            .into_iter()
            .flatten()
            .chain(lists.into_iter().flatten().flatten())
            .map(String::as_str)
    }

    /// These where they are given, the others elsewhere. A start token that is named starts, whatever started before.
    pub fn over(self, others: Overrides) -> Overrides {
        let before = others
            .learned_start
            .filter(|_| self.decoder_start.is_none());
        Overrides {
            learned_start: self.learned_start.or(before),
            pad: self.pad.or(others.pad),
            unk: self.unk.or(others.unk),
            cls: self.cls.or(others.cls),
            more_cls: self.more_cls.or(others.more_cls),
            sep: self.sep.or(others.sep),
            mask: self.mask.or(others.mask),
            bos: self.bos.or(others.bos),
            eos: self.eos.or(others.eos),
            decoder_start: self.decoder_start.or(others.decoder_start),
            decoder_prefix: self.decoder_prefix.or(others.decoder_prefix),
            pad_side: self.pad_side.or(others.pad_side),
        }
    }
}
