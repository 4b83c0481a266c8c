//! Prefix language modelling: the encoder reads the first part of a text, the decoder writes the rest (Raffel et al. 2020, T5, section
//! 3.2.3, the encoder-decoder's form; Liu et al. 2018).
//!
//! Loss: negative log likelihood per token of the rest. Every visit to a text cuts it anew.

use std::sync::Arc;

use cresset_data::{PrefixLength, split_prefix};
use serde::{Deserialize, Serialize};

use crate::added_losses::check_z_loss;
use crate::denoising::{self, Corrupt, Denoiser, Pair, Room};
use crate::session::OpenRun;
use crate::{RunError, Setup};

/// `[objective] prefix-lm = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrefixLmConfig {
    /// Share of the tokens in the prefix; without it every cut is equally likely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// Coefficient of the z-loss; 0 leaves it out.
    pub z_loss: f64,
}

impl PrefixLmConfig {
    /// Checks the share.
    ///
    /// # Errors
    /// A share outside its range.
    pub fn validate(&self) -> Result<(), RunError> {
        check_z_loss("prefix-lm", self.z_loss)?;
        match self.ratio {
            Some(ratio) if !(ratio > 0.0 && ratio < 1.0) => Err(RunError::Config(format!(
                "objective.prefix-lm.ratio is {ratio} but must lie between 0 and 1, as in 0.5; leave it out to cut anywhere"
            ))),
            _ => Ok(()),
        }
    }
}

pub(crate) fn open(config: &PrefixLmConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    denoising::open(setup, &denoiser(config), config.z_loss)
}

/// What it does to texts.
pub(crate) fn denoiser(config: &PrefixLmConfig) -> Denoiser {
    let length = config
        .ratio
        .map_or(PrefixLength::Uniform, PrefixLength::Ratio);
    let corrupt: Corrupt = Arc::new(move |ids, rng| {
        let (prefix, rest) = split_prefix(ids, length, rng);
        Pair {
            source: prefix.to_vec(),
            target: rest.to_vec(),
        }
    });
    Denoiser {
        corrupt,
        room: Room::BothSides,
    }
}
