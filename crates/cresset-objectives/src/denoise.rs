//! Denoising: an encoder reads a corrupted text, the decoder writes the whole of it (Lewis et al. 2020, BART, section 2.2).
//!
//! Loss: negative log likelihood per token of the text. The corruptions are the paper's: text infilling and sentence permutation by
//! default, token deletion and document rotation on demand. Every visit to a text corrupts it anew.

use std::ops::Range;
use std::sync::Arc;

use cresset_data::{
    InfillOptions, Tokenizer, delete_tokens, infill, permute_sentences, rotate_document,
};
use serde::{Deserialize, Serialize};

use crate::added_losses::check_z_loss;
use crate::denoising::{self, Corrupt, Denoiser, Pair, Room};
use crate::session::OpenRun;
use crate::{RunError, Setup};

/// `[objective] denoise = { .. }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DenoiseConfig {
    /// Share of the tokens that infilling replaces; 0 leaves it out.
    pub infill_rate: f64,
    /// Mean length of a span in tokens; lengths are Poisson distributed.
    pub mean_span_length: f64,
    /// Share of the tokens that are deleted.
    pub delete_rate: f64,
    /// Whether sentences are put in random order.
    pub permute_sentences: bool,
    /// Whether the text is rotated to begin at a random token.
    pub rotate: bool,
    /// Coefficient of the z-loss; 0 leaves it out.
    pub z_loss: f64,
}

impl Default for DenoiseConfig {
    fn default() -> Self {
        DenoiseConfig {
            infill_rate: 0.3,
            mean_span_length: 3.0,
            delete_rate: 0.0,
            permute_sentences: true,
            rotate: false,
            z_loss: 0.0,
        }
    }
}

impl DenoiseConfig {
    /// Checks the rates.
    ///
    /// # Errors
    /// A rate outside its range, or no corruption at all.
    pub fn validate(&self) -> Result<(), RunError> {
        for (key, rate) in [
            ("infill_rate", self.infill_rate),
            ("delete_rate", self.delete_rate),
        ] {
            if !(0.0..1.0).contains(&rate) {
                return Err(RunError::Config(format!(
                    "objective.denoise.{key} is {rate} but must be at least 0 and below 1"
                )));
            }
        }
        check_z_loss("denoise", self.z_loss)?;
        denoising::check_mean_span_length("denoise", self.mean_span_length)?;
        let corrupts = self.infill_rate > 0.0
            || self.delete_rate > 0.0
            || self.permute_sentences
            || self.rotate;
        if corrupts {
            Ok(())
        } else {
            Err(RunError::Config(
                "objective.denoise corrupts nothing, so there is nothing to learn; set infill_rate = 0.3".into(),
            ))
        }
    }
}

pub(crate) fn open(config: &DenoiseConfig, setup: Setup) -> Result<Box<dyn OpenRun>, RunError> {
    let denoiser = denoiser(config, &setup)?;
    denoising::open(setup, &denoiser, config.z_loss)
}

/// What it does to texts.
///
/// # Errors
/// A convention without the special tokens for it.
pub(crate) fn denoiser(config: &DenoiseConfig, setup: &Setup) -> Result<Denoiser, RunError> {
    let options = InfillOptions {
        rate: config.infill_rate,
        mean_span_length: config.mean_span_length,
        mask_id: setup.convention.mask_id()?,
    };
    let ends = sentence_ends(&setup.tokenizer);
    let config = config.clone();
    let corrupt: Corrupt = Arc::new(move |ids, rng| {
        let plain = |ids: &[u32]| vec![false; ids.len()];
        let mut source = ids.to_vec();
        if config.permute_sentences {
            source = permute_sentences(&source, &sentences(&source, &ends), rng);
        }
        if config.rotate {
            source = rotate_document(&source, &plain(&source), rng);
        }
        if config.delete_rate > 0.0 {
            source = delete_tokens(&source, &plain(&source), config.delete_rate, rng);
        }
        if config.infill_rate > 0.0 {
            source = infill(&source, &plain(&source), &options, rng);
        }
        Pair {
            source,
            target: ids.to_vec(),
        }
    });
    Ok(Denoiser {
        corrupt,
        room: Room::BothSides,
    })
}

/// Whether each id is a token that ends a sentence: a full stop and its like, or a line's end.
fn sentence_ends(tokenizer: &Tokenizer) -> Vec<bool> {
    let ends = |id: u32| {
        let text = tokenizer.decode(&[id]);
        let last = text.trim_end_matches(' ').chars().last();
        last.is_some_and(|c| ".!?\u{3002}\u{ff01}\u{ff1f}\n".contains(c))
    };
    (0..tokenizer.vocab_size() as u32).map(ends).collect()
}

/// The sentences of a text: each up to a token that ends one, the rest at last.
fn sentences(ids: &[u32], ends: &[bool]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (place, &id) in ids.iter().enumerate() {
        if ends.get(id as usize) == Some(&true) {
            found.push(start..place + 1);
            start = place + 1;
        }
    }
    if start < ids.len() {
        found.push(start..ids.len());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_behind_their_full_stops_and_cover_the_text() {
        let ends = [false, true, false];
        assert_eq!(sentences(&[0, 1, 2, 2, 1, 0], &ends), [0..2, 2..5, 5..6]);
        assert_eq!(sentences(&[0, 2], &ends), vec![Range { start: 0, end: 2 }]);
        assert!(sentences(&[], &ends).is_empty());
    }

    #[test]
    fn a_denoiser_that_corrupts_nothing_is_refused() {
        let config = DenoiseConfig {
            infill_rate: 0.0,
            permute_sentences: false,
            ..DenoiseConfig::default()
        };
        assert!(config.validate().is_err());
        assert!(DenoiseConfig::default().validate().is_ok());
    }
}
