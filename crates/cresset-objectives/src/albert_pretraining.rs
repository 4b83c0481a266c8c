//! ALBERT's pre-training: hidden tokens, and whether two segments that follow each other were swapped (Lan et al. 2020, section 3.1).

use cresset_data::PairTask;
use serde::{Deserialize, Serialize};

use crate::masked_lm::MaskedLmConfig;
use crate::pair_pre_training;
use crate::session::OpenRun;
use crate::{RunError, Setup};

/// `[objective] albert-pretraining = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlbertPretrainingConfig {
    /// How tokens are hidden.
    pub masking: MaskedLmConfig,
}

pub(crate) fn open(
    config: &AlbertPretrainingConfig,
    setup: Setup,
) -> Result<Box<dyn OpenRun>, RunError> {
    pair_pre_training::open(&config.masking, PairTask::SentenceOrder, setup)
}
