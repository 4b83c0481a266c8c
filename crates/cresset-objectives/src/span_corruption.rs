//! Span corruption: spans of a text are replaced by sentinels, and the decoder writes the sentinels with what stood there (Raffel et
//! al. 2020, T5, section 3.1.4).
//!
//! Loss: negative log likelihood per target token. Every visit to a text draws new spans.

use std::sync::Arc;

use cresset_data::{SpanCorruptionOptions, corrupt_random_spans};
use serde::{Deserialize, Serialize};

use crate::added_losses::check_z_loss;
use crate::denoising::{self, Corrupt, Denoiser, Pair, Room};
use crate::session::OpenRun;
use crate::{RunError, Setup};

/// `[objective] span-corruption = { .. }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpanCorruptionConfig {
    /// Share of the tokens that are replaced.
    pub rate: f64,
    /// Mean length of a span in tokens.
    pub mean_span_length: f64,
    /// Coefficient of the z-loss; 0 leaves it out.
    pub z_loss: f64,
}

impl Default for SpanCorruptionConfig {
    fn default() -> Self {
        let paper = SpanCorruptionOptions::default();
        SpanCorruptionConfig {
            rate: paper.noise_density,
            mean_span_length: paper.mean_span_length,
            z_loss: 0.0,
        }
    }
}

impl SpanCorruptionConfig {
    /// Checks the rates.
    ///
    /// # Errors
    /// A rate outside its range.
    pub fn validate(&self) -> Result<(), RunError> {
        check_z_loss("span-corruption", self.z_loss)?;
        denoising::check_rate("span-corruption", self.rate, 0.15)?;
        denoising::check_mean_span_length("span-corruption", self.mean_span_length)
    }
}

pub(crate) fn open(
    config: &SpanCorruptionConfig,
    setup: Setup,
) -> Result<Box<dyn OpenRun>, RunError> {
    let denoiser = denoiser(config, &setup)?;
    denoising::open(setup, &denoiser, config.z_loss)
}

/// What it does to texts.
///
/// # Errors
/// A convention without the special tokens for it.
pub(crate) fn denoiser(config: &SpanCorruptionConfig, setup: &Setup) -> Result<Denoiser, RunError> {
    let sentinels: Vec<u32> = setup
        .convention
        .roles()
        .sentinels
        .iter()
        .map(|sentinel| sentinel.id)
        .collect();
    if sentinels.len() < 2 {
        return Err(RunError::Config(format!(
            "objective span-corruption needs at least 2 sentinels such as <extra_id_0>, but the convention {} has {} in this tokenizer; take special.convention = \"t5\" and train the tokenizer with it",
            setup.convention.name(),
            sentinels.len()
        )));
    }
    let options = SpanCorruptionOptions {
        noise_density: config.rate,
        mean_span_length: config.mean_span_length,
    };
    let corrupt: Corrupt = Arc::new(move |ids, rng| {
        let special = vec![false; ids.len()];
        let corrupted = corrupt_random_spans(ids, &special, &options, &sentinels, rng);
        Pair {
            source: corrupted.input,
            target: corrupted.target,
        }
    });
    Ok(Denoiser {
        corrupt,
        room: Room::Source,
    })
}
