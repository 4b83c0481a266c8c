//! BERT's pre-training: hidden tokens, and whether the second segment follows the first (Devlin et al. 2019, section 3.1).

use cresset_data::PairTask;
use serde::{Deserialize, Serialize};

use crate::masked_lm::MaskedLmConfig;
use crate::pair_pre_training;
use crate::session::OpenRun;
use crate::{RunError, Setup};

/// `[objective] bert-pretraining = { .. }`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BertPretrainingConfig {
    /// How tokens are hidden.
    pub masking: MaskedLmConfig,
}

pub(crate) fn open(
    config: &BertPretrainingConfig,
    setup: Setup,
) -> Result<Box<dyn OpenRun>, RunError> {
    pair_pre_training::open(&config.masking, PairTask::NextSentence, setup)
}
