//! Corruption of texts for self-supervised objectives: plain functions of ids and a random number generator.

pub(crate) mod infill;
pub(crate) mod mask;
pub(crate) mod pairs;
pub(crate) mod permute;
pub(crate) mod prefix;
pub(crate) mod span_corruption;
pub(crate) mod span_mask;
pub(crate) mod whole_word;
mod words;
