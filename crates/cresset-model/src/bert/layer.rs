//! BERT's bricks, which RoBERTa, ALBERT and the decoder half of a warm-started encoder-decoder share.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{Run, dropout};

use super::BertConfig;
use crate::layers::{
    Attention, AttentionConfig, Bias, Embedding, FeedForward, LayerCache, LayerNorm, Memory, Sight,
};

/// Token, position and segment embeddings, added up and normalised.
#[derive(Module, Debug)]
pub(crate) struct BertEmbeddings {
    pub(crate) word: Embedding,
    pub(crate) position: Embedding,
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

/// Self-attention, in a decoder cross-attention, and the feed-forward block, each followed by a norm.
#[derive(Module, Debug)]
pub(crate) struct BertLayer {
    attention: Attention,
    attention_norm: LayerNorm,
    cross: Option<Attention>,
    cross_norm: Option<LayerNorm>,
    feed_forward: FeedForward,
    output_norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    output_dropout: f64,
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

impl BertLayer {
    pub(crate) fn blank(config: &BertConfig, device: &Device) -> BertLayer {
        let size = config.hidden_size;
        let head_size = size / config.num_attention_heads;
        let attention = AttentionConfig {
            hidden_size: size,
            n_heads: config.num_attention_heads,
            head_size,
            bias: Bias::With,
            scale: (head_size as f64).powf(-0.5),
            dropout: config.attention_probs_dropout_prob,
        };
        let norm = || LayerNorm::new(size, config.layer_norm_eps, device);
        let has_cross = config.add_cross_attention;
        BertLayer {
            attention: Attention::new(attention, device),
            attention_norm: norm(),
            cross: has_cross.then(|| Attention::new(attention, device)),
            cross_norm: has_cross.then(norm),
            feed_forward: FeedForward::new(
                size,
                config.intermediate_size,
                config.hidden_act,
                Bias::With,
                device,
            ),
            output_norm: norm(),
            dropout: config.hidden_dropout_prob,
            output_dropout: config.hidden_dropout_prob,
        }
    }

    /// The same layer without dropout behind the feed-forward block.
    #[must_use]
    pub(crate) fn without_output_dropout(mut self) -> BertLayer {
        self.output_dropout = 0.0;
        self
    }

    /// # Shapes
    /// x and out: `[batch, seq, hidden]`
    pub(crate) fn forward(&self, x: Tensor<3>, sight: Sight, run: &Run) -> Tensor<3> {
        let mixed = self.attention.forward(x.clone(), sight, run);
        let x = self.attended(x, mixed, run);
        self.fed(x, run)
    }

    /// The layer as part of a decoder, for positions that follow those in the cache.
    ///
    /// # Shapes
    /// x and out: `[batch, new, hidden]`
    pub(crate) fn decode(
        &self,
        x: Tensor<3>,
        memory: &Memory,
        state: &mut LayerCache,
        run: &Run,
    ) -> Tensor<3> {
        let own = state.extend(self.attention.keys_values(x.clone()));
        let mixed = self
            .attention
            .attend(x.clone(), own, Sight::causal(None), run);
        let mut x = self.attended(x, mixed, run);
        if let (Some(cross), Some(norm)) = (&self.cross, &self.cross_norm) {
            let over = state.memory(|| cross.keys_values(memory.vectors.clone()));
            let read = cross.attend(x.clone(), over, Sight::all(memory.keep.clone()), run);
            x = norm.forward(dropout(read, self.dropout, run) + x);
        }
        self.fed(x, run)
    }

    fn attended(&self, x: Tensor<3>, mixed: Tensor<3>, run: &Run) -> Tensor<3> {
        self.attention_norm
            .forward(dropout(mixed, self.dropout, run) + x)
    }

    fn fed(&self, x: Tensor<3>, run: &Run) -> Tensor<3> {
        let fed = self.feed_forward.forward(x.clone(), run);
        self.output_norm
            .forward(dropout(fed, self.output_dropout, run) + x)
    }
}
