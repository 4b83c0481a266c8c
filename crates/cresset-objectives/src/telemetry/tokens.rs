//! Which tokens are looked at, and what each is called: by the role that matters most where it is looked at.

use std::collections::HashSet;

use cresset_data::{LEARNED_START, LEARNED_START_SHOWN, SpecialToken};

use crate::{Setup, TokenRole};

/// A token that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// What it is there for.
    pub(super) role: String,
    pub(super) token: String,
    pub(super) id: u32,
}

/// Where tokens are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the encoder's texts or table.
    Encoder,
    /// In the decoder's.
    Decoder,
    /// In a table that both have.
    Shared,
}

/// Sentinels beyond these are like them.
const SENTINELS: usize = 3;

/// The special tokens that play a part in a place, each once, the most important first; then those that have a policy.
pub(super) fn tokens(setup: &Setup, place: Place) -> Vec<Named> {
    use TokenRole::{Bos, Cls, DecoderStart, Eos, LearnedStart, Mask, MoreCls, Sentinels, Sep};
    let roles: &[TokenRole] = match place {
        Place::Encoder => &[Cls, MoreCls, Sep, Mask, Eos, Bos, Sentinels],
        Place::Decoder => &[DecoderStart, Bos, Eos, Sep, Mask, Sentinels],
        Place::Shared => &[Cls, DecoderStart, MoreCls, Sep, Mask, Bos, Eos, Sentinels],
    };
    let policies = setup.train.iter().flat_map(|train| train.policies.keys());
    let with_policy = policies.filter_map(|name| TokenRole::parse(name));
    let mut seen = HashSet::new();
    let mut named = Vec::new();
    for role in roles.iter().cloned().chain(with_policy) {
        let role = role.under(&setup.convention);
        if role == LearnedStart {
            let decoder = setup.convention.decoder_frame();
            let is_read = place != Place::Encoder && decoder.is_some_and(|d| d.start_is_learned);
            if is_read && seen.insert(LEARNED_START) {
                named.push(learned_start());
            }
            continue;
        }
        // A role that the convention has no token for.
        let Ok(tokens) = role.tokens(&setup.convention, &setup.tokenizer) else {
            continue;
        };
        let most = match role {
            Sentinels => SENTINELS,
            _ => usize::MAX,
        };
        for SpecialToken { token, id } in tokens.into_iter().take(most) {
            if seen.insert(id) {
                named.push(Named {
                    role: role.name(),
                    token,
                    id,
                });
            }
        }
    }
    named
}

/// A decoder's start vector that is no token's: under the role that a token would have there, by the id that stands for it in what
/// the decoder reads.
pub(super) fn learned_start() -> Named {
    Named {
        role: TokenRole::DecoderStart.name(),
        token: LEARNED_START_SHOWN.to_owned(),
        id: LEARNED_START,
    }
}
