//! How the roles of a preset find their tokens in a tokenizer.

use super::presets::{Place, Preset, Role};
use super::{Convention, DecoderFrame, EncoderFrame, Overrides, Piece, Roles, Slot, SpecialToken};
use crate::{DataError, Tokenizer};

use Place::{A, B, R};
use Role::{Bos, Cls, Eos, Mask, Pad, Sep, Unk};

/// A preset with the tokenizer's ids.
pub(super) fn resolve(
    preset: &Preset,
    overrides: &Overrides,
    tokenizer: &Tokenizer,
) -> Result<Convention, DataError> {
    let finder = Finder {
        preset,
        overrides,
        tokenizer,
    };
    let (bos, eos) = (finder.role(Bos)?, finder.role(Eos)?);
    let roles = Roles {
        pad: finder.pad(eos.as_ref())?,
        unk: finder.role(Unk)?,
        cls: finder.role(Cls)?,
        more_cls: finder.more_cls()?,
        sep: finder.role(Sep)?,
        mask: finder.role(Mask)?,
        bos,
        eos,
        sentinels: finder.sentinels(),
    };
    let slots = |places: &[(Place, u32)]| -> Vec<Slot> {
        let last = places.len().saturating_sub(1);
        let slot = |(at, &(place, segment)): (usize, &(Place, u32))| {
            let own = piece(place, &roles);
            let more = roles.more_cls.iter().cloned().map(Piece::Special);
            let pieces: Vec<Piece> = match place {
                // Where it ends the frame it stays the last, so that it is found there.
                R(Cls) if at == last => more.chain([own]).collect(),
                R(Cls) => std::iter::once(own).chain(more).collect(),
                _ => vec![own],
            };
            pieces.into_iter().map(move |piece| Slot { piece, segment })
        };
        places.iter().enumerate().flat_map(slot).collect()
    };
    let encoder = (!preset.single.is_empty()).then(|| EncoderFrame {
        single: slots(preset.single),
        pair: slots(preset.pair),
    });
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
    token
        .expect("a role that a frame needs was found before")
        .clone()
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
        self.token(token)
            .ok_or_else(|| self.missing(role, vec![token.to_owned()]))
    }

    fn token(&self, token: &str) -> Option<SpecialToken> {
        self.tokenizer.token_to_id(token).map(|id| SpecialToken {
            token: token.to_owned(),
            id,
        })
    }

    fn missing(&self, role: &'static str, tokens: Vec<String>) -> DataError {
        DataError::MissingToken {
            convention: self.preset.name.to_owned(),
            role,
            tokens,
        }
    }

    fn role(&self, role: Role) -> Result<Option<SpecialToken>, DataError> {
        if let Some(token) = self.overridden(role) {
            return self.named(role.name(), token).map(Some);
        }
        let spellings = self.preset.spellings(role);
        match spellings.iter().find_map(|token| self.token(token)) {
            None if self.preset.needs(role) => Err(self.missing(
                role.name(),
                spellings.iter().map(|&s| s.to_owned()).collect(),
            )),
            found => Ok(found),
        }
    }

    /// The pad token; where the tokenizer has none, decoder-only conventions pad with the end token, as is usual with
    /// GPT-2, and a plain stream, which is never padded, with id 0.
    fn pad(&self, eos: Option<&SpecialToken>) -> Result<SpecialToken, DataError> {
        let stand_in = match (self.preset.name, eos) {
            ("gpt", Some(eos)) => Some(eos.clone()),
            ("plain", _) => self
                .tokenizer
                .id_to_token(0)
                .map(|token| SpecialToken { token, id: 0 }),
            _ => None,
        };
        match (self.role(Pad)?, stand_in) {
            (Some(pad), _) | (None, Some(pad)) => Ok(pad),
            (None, None) => Err(self.missing(
                "pad",
                self.preset
                    .spellings(Pad)
                    .iter()
                    .map(|&s| s.to_owned())
                    .collect(),
            )),
        }
    }

    /// The tokens beside the one that stands for the text; a frame of the encoder must have that one.
    fn more_cls(&self) -> Result<Vec<SpecialToken>, DataError> {
        let tokens = self.overrides.more_cls.as_deref().unwrap_or_default();
        let is_cls = |(place, _): &(Place, u32)| matches!(place, R(Cls));
        if !tokens.is_empty() && !self.preset.single.iter().any(is_cls) {
            return Err(DataError::MissingRole {
                convention: self.preset.name.to_owned(),
                role: "cls",
                needed_by: "special.overrides.more_cls",
            });
        }
        let token = |token: &String| self.named("more_cls", token);
        tokens.iter().map(token).collect()
    }

    fn sentinels(&self) -> Vec<SpecialToken> {
        (0..)
            .map_while(|n| self.token(&format!("<extra_id_{n}>")))
            .collect()
    }

    fn decoder(&self, roles: &Roles) -> Result<Option<DecoderFrame>, DataError> {
        let start = match &self.overrides.decoder_start {
            Some(token) => Some(self.named("decoder_start", token)?),
            None => self.preset.decoder.as_ref().map(|d| needed(roles, d.start)),
        };
        let prefix = match (&self.overrides.decoder_prefix, &self.preset.decoder) {
            (Some(tokens), _) => tokens
                .iter()
                .map(|token| self.named("decoder_prefix", token))
                .collect::<Result<_, _>>()?,
            (None, Some(decoder)) => decoder
                .prefix
                .iter()
                .map(|&role| needed(roles, role))
                .collect(),
            (None, None) => Vec::new(),
        };
        let stop = self.preset.decoder.as_ref().map(|d| needed(roles, d.stop));
        let exists = self.preset.decoder.is_some() || self.preset.name == "plain";
        let is_ordinary = |start: &SpecialToken| {
            !self.tokenizer.is_added(start.id) && !roles.tokens().any(|t| t.id == start.id)
        };
        let start_is_learned = self.overrides.learned_start == Some(true);
        if start_is_learned && !(exists && start.is_some()) {
            return Err(DataError::MissingRole {
                convention: self.preset.name.to_owned(),
                role: "decoder_start",
                needed_by: "special.overrides.learned_start",
            });
        }
        Ok(exists.then(|| DecoderFrame {
            start_is_learned,
            start_is_ordinary: start.as_ref().is_some_and(is_ordinary),
            start,
            prefix,
            stop,
        }))
    }
}
