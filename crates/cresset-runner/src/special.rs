//! `[special]`, checked before any file is opened.

use cresset_objectives::{TokenRole, check_policies};

use crate::config::{SpecialConfig, suggestion};
use crate::failure::user;

/// Checks the policies of tokens.
///
/// # Errors
/// A role that does not exist, with the nearest one; a policy that contradicts itself or another.
pub fn check(special: &SpecialConfig) -> anyhow::Result<()> {
    for name in special.policy.keys() {
        if TokenRole::parse(name).is_none() {
            return Err(user(format!(
                "[special.policy] has no role {name:?}; choose one of {}, or \"token:..\" with a token in place of the dots{}",
                TokenRole::NAMES.join(", "),
                suggestion(name, &TokenRole::NAMES)
            )));
        }
    }
    Ok(check_policies(&special.policy)?)
}
