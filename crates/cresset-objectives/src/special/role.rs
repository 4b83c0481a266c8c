//! The roles that policies are given to, and the tokens that play them.

use cresset_data::{Convention, DecoderFrame, SpecialToken, Tokenizer};

use crate::RunError;

/// Whom a policy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRole {
    /// Fills short rows.
    Pad,
    /// Stands for what the vocabulary cannot spell.
    Unk,
    /// Stands for the whole text.
    Cls,
    /// Stand beside it, all of them.
    MoreCls,
    /// Ends a text of the encoder.
    Sep,
    /// Hides a token.
    Mask,
    /// Starts a text.
    Bos,
    /// Ends a text.
    Eos,
    /// The first decoder input.
    DecoderStart,
    /// The vector that is no token's and stands where the decoder's start token would.
    LearnedStart,
    /// Stand for spans of text, all of them.
    Sentinels,
    /// A token by its spelling.
    Token(String),
}

/// Which of two tables a role is about, where encoder and decoder have one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Encoder,
    Decoder,
    Both,
    /// Neither: the decoder's own start vector.
    Start,
}

impl TokenRole {
    /// The names of all roles but `token:..`.
    pub const NAMES: [&'static str; 11] = [
        "cls",
        "more_cls",
        "sep",
        "mask",
        "bos",
        "eos",
        "pad",
        "unk",
        "decoder_start",
        "learned_start",
        "sentinels",
    ];

    /// A role by its name, or `token:` and a token's spelling.
    pub fn parse(name: &str) -> Option<TokenRole> {
        Some(match name {
            "pad" => TokenRole::Pad,
            "unk" => TokenRole::Unk,
            "cls" => TokenRole::Cls,
            "more_cls" => TokenRole::MoreCls,
            "sep" => TokenRole::Sep,
            "mask" => TokenRole::Mask,
            "bos" => TokenRole::Bos,
            "eos" => TokenRole::Eos,
            "decoder_start" => TokenRole::DecoderStart,
            "learned_start" => TokenRole::LearnedStart,
            "sentinels" => TokenRole::Sentinels,
            other => {
                let token = other.strip_prefix("token:").filter(|t| !t.is_empty())?;
                TokenRole::Token(token.to_owned())
            }
        })
    }

    /// What the role is about under a convention: where decoding starts with a vector of its own, that vector is its start.
    pub(crate) fn under(self, convention: &Convention) -> TokenRole {
        let is_learned = |decoder: &DecoderFrame| decoder.start_is_learned;
        match self {
            TokenRole::DecoderStart if convention.decoder_frame().is_some_and(is_learned) => {
                TokenRole::LearnedStart
            }
            other => other,
        }
    }

    /// The tokens that play the role; of a learned start the token whose place it has, with the id 0, its row in a table of its own.
    ///
    /// # Errors
    /// A role that the convention has no token for; a token that the tokenizer does not have.
    pub fn tokens(
        &self,
        convention: &Convention,
        tokenizer: &Tokenizer,
    ) -> Result<Vec<SpecialToken>, RunError> {
        let roles = convention.roles();
        let played = match self {
            TokenRole::Pad => Some(roles.pad.clone()),
            TokenRole::Unk => roles.unk.clone(),
            TokenRole::Cls => roles.cls.clone(),
            TokenRole::Sep => roles.sep.clone(),
            TokenRole::Mask => roles.mask.clone(),
            TokenRole::Bos => roles.bos.clone(),
            TokenRole::Eos => roles.eos.clone(),
            TokenRole::DecoderStart => convention.decoder_frame().and_then(|d| d.start.clone()),
            TokenRole::LearnedStart => return learned_start(convention).map(|start| vec![start]),
            TokenRole::MoreCls if !roles.more_cls.is_empty() => return Ok(roles.more_cls.clone()),
            TokenRole::Sentinels if !roles.sentinels.is_empty() => {
                return Ok(roles.sentinels.clone());
            }
            TokenRole::MoreCls | TokenRole::Sentinels => None,
            TokenRole::Token(token) => {
                let id = tokenizer.token_to_id(token).ok_or_else(|| {
                    RunError::Config(format!(
                        "special.policy.\"token:{token}\": the tokenizer has no token {token}; correct the spelling, or add it to tokenizer.train.special_tokens"
                    ))
                })?;
                Some(SpecialToken {
                    token: token.clone(),
                    id,
                })
            }
        };
        let missing = || {
            RunError::Config(format!(
                "special.policy.{}: the convention {} has no token of this role; remove the policy, name the token by special.overrides, or choose another special.convention",
                self.name(),
                convention.name()
            ))
        };
        played.map(|token| vec![token]).ok_or_else(missing)
    }

    /// Its name in a config.
    pub fn name(&self) -> String {
        let fixed = match self {
            TokenRole::Pad => "pad",
            TokenRole::Unk => "unk",
            TokenRole::Cls => "cls",
            TokenRole::MoreCls => "more_cls",
            TokenRole::Sep => "sep",
            TokenRole::Mask => "mask",
            TokenRole::Bos => "bos",
            TokenRole::Eos => "eos",
            TokenRole::DecoderStart => "decoder_start",
            TokenRole::LearnedStart => "learned_start",
            TokenRole::Sentinels => "sentinels",
            TokenRole::Token(token) => return format!("token:{token}"),
        };
        fixed.to_owned()
    }

    /// Whose table it is about.
    pub(super) fn half(&self) -> Half {
        match self {
            TokenRole::Cls | TokenRole::MoreCls => Half::Encoder,
            TokenRole::DecoderStart => Half::Decoder,
            TokenRole::LearnedStart => Half::Start,
            _ => Half::Both,
        }
    }
}

fn learned_start(convention: &Convention) -> Result<SpecialToken, RunError> {
    let decoder = convention.decoder_frame().filter(|d| d.start_is_learned);
    let start = decoder.and_then(|decoder| decoder.start.clone());
    let missing = || {
        RunError::Config(
            "special.policy.learned_start: decoding starts with a token, not with a vector of its own; set special.overrides.learned_start = true, or write special.policy.decoder_start".to_owned(),
        )
    };
    Ok(SpecialToken {
        id: 0,
        ..start.ok_or_else(missing)?
    })
}
