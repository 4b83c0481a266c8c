//! Policies of special tokens: how the vector of a token begins and how it is trained, row by row of the embedding.
//!
//! * [`TokenPolicy`] is what the config says of a [`TokenRole`]; [`check_policies`] refuses what contradicts itself before any file
//!   is opened.
//! * [`TokenInit`] is where a vector comes from: nowhere, the vocabulary, another token, another model, a file.
//! * What it comes to for a model is a [`Scope`](cresset_train::Scope) of parameter paths and row numbers: the trainer knows no tokens.

mod apply;
mod init;
mod role;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use self::apply::{Applied, apply, ordinary_rows};
pub use self::init::TokenInit;
pub use self::role::TokenRole;
use crate::RunError;

/// What a config says of each role, by its name: see [`TokenRole::parse`].
pub type TokenPolicies = BTreeMap<String, TokenPolicy>;

/// `[special.policy.ROLE]`: how the vector of a token begins and how it is trained. What is left out is as for every other token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenPolicy {
    /// What the vector is before the first step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<TokenInit>,
    /// Standard deviation of `init = "random"`; by default that of the vocabulary's numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<f64>,
    /// Whether it is trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<TokenTraining>,
    /// The learning rate is multiplied by this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr_factor: Option<f64>,
    /// Decay per unit of learning rate, in place of `optim.adamw.weight_decay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
}

/// Whether a token's vector is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenTraining {
    /// As everything is.
    WithTheRest,
    /// Never.
    Frozen,
    /// It, and nothing else of the model.
    Alone,
    /// It and the task head, and nothing else.
    WithTheHead,
}

impl TokenTraining {
    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            TokenTraining::WithTheRest => "with-the-rest",
            TokenTraining::Frozen => "frozen",
            TokenTraining::Alone => "alone",
            TokenTraining::WithTheHead => "with-the-head",
        }
    }

    /// Whether the rest of the model stands still.
    fn stops_the_rest(self) -> bool {
        matches!(self, TokenTraining::Alone | TokenTraining::WithTheHead)
    }
}

/// Checks policies by themselves and against each other.
///
/// # Errors
/// A role that does not exist; a policy that says nothing; a number that makes no sense; a rate of what is not trained; tokens of
/// which one is to be trained without the other.
pub fn check_policies(policies: &TokenPolicies) -> Result<(), RunError> {
    for (name, policy) in policies {
        if TokenRole::parse(name).is_none() {
            return refuse(format!(
                "special.policy.{name}: there is no such role; choose one of {}, or \"token:..\" with a token in place of the dots",
                TokenRole::NAMES.join(", ")
            ));
        }
        check_numbers(name, policy)?;
    }
    let stops = |policy: &TokenPolicy| policy.train.filter(|t| t.stops_the_rest());
    let Some((alone, how)) = policies
        .iter()
        .find_map(|(name, policy)| Some((name, stops(policy)?)))
    else {
        return Ok(());
    };
    for (name, policy) in policies {
        match policy.train {
            Some(other) if other != how && other != TokenTraining::Frozen => {
                return refuse(format!(
                    "special.policy.{alone} is trained {}, which contradicts special.policy.{name}, trained {}; give both the same train, or freeze one",
                    how.name(),
                    other.name()
                ));
            }
            None if policy.lr_factor.is_some() || policy.weight_decay.is_some() => {
                return refuse(format!(
                    "special.policy.{name} has a rate or a decay of its own, but special.policy.{alone} is trained {}, so that it never moves; give it train = {:?} too, or remove them",
                    how.name(),
                    how.name()
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_numbers(name: &str, policy: &TokenPolicy) -> Result<(), RunError> {
    if *policy == TokenPolicy::default() {
        return refuse(format!(
            "special.policy.{name} says nothing; give it init, train, lr_factor or weight_decay, or remove it"
        ));
    }
    if let Some(std) = policy.std {
        if policy.init != Some(TokenInit::Random) {
            return refuse(format!(
                "special.policy.{name}.std is given, but only init = \"random\" has a standard deviation; remove it"
            ));
        }
        if !(std > 0.0 && std.is_finite()) {
            return refuse(format!(
                "special.policy.{name}.std is {std} but must be above 0, as in 0.02; for zeros there is init = \"zeros\""
            ));
        }
    }
    let rates = [
        ("lr_factor", policy.lr_factor),
        ("weight_decay", policy.weight_decay),
    ];
    if policy.train == Some(TokenTraining::Frozen)
        && let Some((key, _)) = rates.iter().find(|(_, value)| value.is_some())
    {
        return refuse(format!(
            "special.policy.{name}.{key} is given, but the token is frozen; remove one of the two"
        ));
    }
    match (policy.lr_factor, policy.weight_decay) {
        (Some(factor), _) if !(factor > 0.0 && factor.is_finite()) => refuse(format!(
            "special.policy.{name}.lr_factor is {factor} but must be above 0, as in 10.0; to keep the vector as it is, write train = \"frozen\""
        )),
        (_, Some(decay)) if !(decay >= 0.0 && decay.is_finite()) => refuse(format!(
            "special.policy.{name}.weight_decay is {decay} but must be 0 or more, as in 0.01"
        )),
        _ => Ok(()),
    }
}

fn refuse<T>(sentence: String) -> Result<T, RunError> {
    Err(RunError::Config(sentence))
}
