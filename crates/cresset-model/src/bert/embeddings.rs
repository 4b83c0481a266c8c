//! BERT's embeddings, which RoBERTa, ALBERT and the decoder half of a warm-started encoder-decoder share.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, Run, dropout};

use super::BertConfig;
use crate::layers::{Embedding, LayerNorm};

/// Token, position and segment embeddings, added up and normalised.
#[derive(Module, Debug)]
pub(crate) struct BertEmbeddings {
    pub(crate) word: Embedding,
    position: Embedding,
    segment: Embedding,
    norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
}

/// Where the tokens of a batch stand.
pub(crate) struct Positions {
    /// Given, `[batch, seq]`; else they are counted from the left.
    pub(crate) given: Option<Tensor<2, Int>>,
    /// The position of the first, where they are counted.
    pub(crate) first: usize,
}

impl Positions {
    /// Those given, or the places in each text where rows hold several; else they are counted from the left.
    pub(crate) fn of(given: Option<Tensor<2, Int>>, keep: &KeepMask) -> Positions {
        Positions {
            given: given.or_else(|| keep.holds_several().then(|| keep.places())),
            first: 0,
        }
    }
}

impl BertEmbeddings {
    pub(crate) fn blank(config: &BertConfig, device: &Device) -> BertEmbeddings {
        let size = config.hidden_size;
        BertEmbeddings {
            word: Embedding::new(config.vocab_size, size, device),
            position: Embedding::new(config.max_position_embeddings, size, device),
            segment: Embedding::new(config.type_vocab_size, size, device),
            norm: LayerNorm::new(size, config.layer_norm_eps, device),
            dropout: config.hidden_dropout_prob,
        }
    }

    /// Rows of the position table.
    pub(crate) fn n_positions(&self) -> usize {
        self.position.weight.dims()[0]
    }

    /// # Shapes
    /// ids and segments: `[batch, seq]`, out: `[batch, seq, hidden]`
    pub(crate) fn forward(
        &self,
        ids: Tensor<2, Int>,
        segments: Option<Tensor<2, Int>>,
        positions: Positions,
        run: &Run,
    ) -> Tensor<3> {
        let [_, seq] = ids.dims();
        let positions = match positions.given {
            Some(positions) => self.position.forward(positions),
            None => self
                .position
                .weight
                .val()
                .narrow(0, positions.first, seq)
                .unsqueeze_dim(0),
        };
        let segments = match segments {
            Some(segments) => self.segment.forward(segments),
            None => self.segment.weight.val().narrow(0, 0, 1).unsqueeze_dim(0),
        };
        let sum = self.word.forward(ids) + segments + positions;
        dropout(self.norm.forward(sum), self.dropout, run)
    }
}
