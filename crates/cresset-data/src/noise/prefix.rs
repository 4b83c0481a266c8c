//! Prefix language modelling (Liu et al. 2018; Raffel et al. 2020, T5, section 3.2.3): the first part of a text is given,
//! the rest is predicted.

use rand::{Rng, RngExt};

/// Where a text is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PrefixLength {
    /// Anywhere: every cut is equally likely.
    Uniform,
    /// After this share of the tokens.
    Ratio(f64),
}

/// Cuts a text into the prefix and the target, neither of them empty if the text has two tokens. Of one token the prefix
/// is empty.
pub fn split_prefix<'a>(
    ids: &'a [u32],
    length: PrefixLength,
    rng: &mut impl Rng,
) -> (&'a [u32], &'a [u32]) {
    if ids.len() < 2 {
        return (&[], ids);
    }
    let cut = match length {
        PrefixLength::Uniform => rng.random_range(1..ids.len()),
        PrefixLength::Ratio(ratio) => {
            let cut = (ids.len() as f64 * ratio).round_ties_even() as usize;
            cut.clamp(1, ids.len() - 1)
        }
    };
    ids.split_at(cut)
}
