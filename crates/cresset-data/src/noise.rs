//! Corruption of texts for self-supervised objectives: plain functions of ids and a random number generator.

pub(crate) mod mask;
