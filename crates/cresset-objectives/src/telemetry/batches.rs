//! What the model reads of each objective's batches.

use super::texts::{ReadText, Reads};
use crate::causal_lm::CausalLmBatch;
use crate::classify::ClassifyBatch;
use crate::contrastive::ContrastiveBatch;
use crate::denoising::DenoisingBatch;
use crate::extract::ExtractBatch;
use crate::masked_lm::MaskedLmBatch;
use crate::multi::{MultiBatch, PartBatch};
use crate::pair_pre_training::PreTrainingBatch;
use crate::permuted_lm::PermutedLmBatch;
use crate::seq2seq::Seq2SeqBatch;
use crate::tag::TagBatch;

impl Reads for ClassifyBatch {
    fn texts(&self) -> Vec<ReadText> {
        ReadText::of_encoder(&self.input, &self.segments)
    }
}

impl Reads for ExtractBatch {
    fn texts(&self) -> Vec<ReadText> {
        ReadText::of_encoder(&self.input, &self.segments)
    }
}

impl Reads for TagBatch {
    fn texts(&self) -> Vec<ReadText> {
        ReadText::of_encoder(&self.input, &self.segments)
    }
}

/// As they are masked.
impl Reads for MaskedLmBatch {
    fn texts(&self) -> Vec<ReadText> {
        ReadText::of_encoder(&self.input, &self.segments)
    }
}

impl Reads for PreTrainingBatch {
    fn texts(&self) -> Vec<ReadText> {
        self.masked.texts()
    }
}

impl Reads for PermutedLmBatch {
    fn texts(&self) -> Vec<ReadText> {
        ReadText::of_encoder(&self.input, &self.segments)
    }
}

/// The first texts of the pairs: the others are like them.
impl Reads for ContrastiveBatch {
    fn texts(&self) -> Vec<ReadText> {
        let mut texts = ReadText::of_encoder(&self.input, &self.segments);
        texts.truncate(self.scores.len());
        texts
    }
}

impl Reads for CausalLmBatch {
    fn texts(&self) -> Vec<ReadText> {
        ReadText::of_decoder(&self.input)
    }
}

impl Reads for Seq2SeqBatch {
    fn texts(&self) -> Vec<ReadText> {
        ReadText::of_both(&self.source, &self.decoder_input)
    }
}

impl Reads for DenoisingBatch {
    fn texts(&self) -> Vec<ReadText> {
        self.pairs.texts()
    }
}

impl Reads for MultiBatch {
    fn texts(&self) -> Vec<ReadText> {
        match &self.batch {
            PartBatch::MaskedLm(batch) => batch.texts(),
            PartBatch::Classify(batch) => batch.texts(),
            PartBatch::Contrastive(batch) => batch.texts(),
            PartBatch::Seq2Seq(batch) => batch.texts(),
            PartBatch::Denoising(batch) => batch.texts(),
        }
    }
}
