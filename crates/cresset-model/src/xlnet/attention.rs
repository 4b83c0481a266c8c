//! Relative attention of two streams (Dai et al. 2019, section 3.3; Yang et al. 2019, section 2.3).

use burn::module::{Module, Param};
use burn::tensor::module::linear;
use burn::tensor::{Device, Tensor};
use cresset_ops::{
    AttentionInput, Causality, PairMask, Qkv, RelativeScores, Residual, Run, attention,
    relative_scores,
};

use super::XlnetConfig;
use crate::layers::{LayerNorm, zeros};

// Shape suffixes: b batch, s sequence, t targets, h hidden, n heads, d head size, p distances (2 s).

/// What every layer of one forward pass shares.
pub(super) struct Surroundings {
    /// Vectors of the distances, `[2 * seq, hidden]`.
    pub(super) distances_ph: Tensor<2>,
    /// Pairs of positions in different segments.
    pub(super) apart: Option<PairMask>,
    /// What the content stream sees.
    pub(super) content_sees: PairMask,
    /// What the query stream sees, and which position each of its vectors stands for.
    pub(super) targets: Option<Targets>,
}

/// The positions to predict.
pub(super) struct Targets {
    /// What a position sees when it is being predicted.
    pub(super) sees: PairMask,
    /// From targets to positions, `[batch, seq, targets]`.
    pub(super) place_bst: Tensor<3>,
    /// From positions to targets, `[batch, targets, seq]`; without the targets that see nothing.
    pub(super) take_bts: Tensor<3>,
}

/// The vectors of a text, and those of its targets.
#[derive(Clone)]
pub(super) struct Streams {
    /// `[batch, seq, hidden]`
    pub(super) content: Tensor<3>,
    /// `[batch, targets, hidden]`
    pub(super) query: Option<Tensor<3>>,
}

/// Projections in the layout of the files, `[hidden, heads, head size]`, and the biases of the three kinds of score.
#[derive(Module, Debug)]
pub(super) struct RelativeAttention {
    q: Param<Tensor<3>>,
    k: Param<Tensor<3>>,
    v: Param<Tensor<3>>,
    o: Param<Tensor<3>>,
    /// Of the distances.
    r: Param<Tensor<3>>,
    /// Added to queries towards distances, `[heads, head size]`.
    r_r_bias: Param<Tensor<2>>,
    /// Added to queries towards segments.
    r_s_bias: Param<Tensor<2>>,
    /// Added to queries towards content.
    r_w_bias: Param<Tensor<2>>,
    /// Of the same and of another segment, `[2, heads, head size]`.
    seg_embed: Param<Tensor<3>>,
    norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
}

/// Keys, values and distances as the heads see them, the same for both streams.
struct Heads {
    k_bsnd: Tensor<4>,
    v_bsnd: Tensor<4>,
    r_ndp: Tensor<3>,
    /// How another segment differs from the same one, `[heads, head size]`.
    segment_nd: Tensor<2>,
}

impl RelativeAttention {
    pub(super) fn blank(config: &XlnetConfig, device: &Device) -> RelativeAttention {
        let (heads, head_size) = (config.n_head, config.head_size());
        let projection = || zeros([config.d_model, heads, head_size], device);
        let bias = || zeros([heads, head_size], device);
        RelativeAttention {
            q: projection(),
            k: projection(),
            v: projection(),
            o: projection(),
            r: projection(),
            r_r_bias: bias(),
            r_s_bias: bias(),
            r_w_bias: bias(),
            seg_embed: zeros([2, heads, head_size], device),
            norm: LayerNorm::new(config.d_model, config.layer_norm_eps, device),
            dropout: config.dropout,
        }
    }

    /// Attention of both streams to the content, each added to its input and normalised.
    pub(super) fn forward(&self, x: Streams, around: &Surroundings, run: &Run) -> Streams {
        let [_, n_heads, head_size] = self.r.dims();
        let distances = around.distances_ph.clone().unsqueeze_dim(0);
        let r_pnd = self.heads(distances, &self.r).squeeze_dim::<3>(0);
        let segments = self.seg_embed.val();
        let heads = Heads {
            k_bsnd: self.heads(x.content.clone(), &self.k),
            v_bsnd: self.heads(x.content.clone(), &self.v),
            r_ndp: r_pnd.permute([1, 2, 0]),
            segment_nd: (segments.clone().narrow(0, 1, 1) - segments.narrow(0, 0, 1))
                .reshape([n_heads, head_size]),
        };
        let q_bsnd = self.heads(x.content.clone(), &self.q);
        let mixed = self.attend(q_bsnd, &heads, (&around.content_sees, &around.apart), run);
        let content = self.added(mixed, x.content, run);
        let query = x
            .query
            .zip(around.targets.as_ref())
            .map(|(query, targets)| {
                let q_bth = project(query.clone(), &self.q);
                let q_bsh = targets.place_bst.clone().matmul(q_bth);
                let [batch, seq, _] = q_bsh.dims();
                let q_bsnd = q_bsh.reshape([batch, seq, n_heads, head_size]);
                let mixed = self.attend(q_bsnd, &heads, (&targets.sees, &around.apart), run);
                self.added(targets.take_bts.clone().matmul(mixed), query, run)
            });
        Streams { content, query }
    }

    /// # Shapes
    /// out: `[batch, seq, heads * head size]`
    fn attend(
        &self,
        q_bsnd: Tensor<4>,
        heads: &Heads,
        (sees, apart): (&PairMask, &Option<PairMask>),
        run: &Run,
    ) -> Tensor<3> {
        let [batch, seq, n_heads, head_size] = q_bsnd.dims();
        let scale = (head_size as f64).powf(-0.5);
        let towards = |bias: &Param<Tensor<2>>| q_bsnd.clone() + bias.val().unsqueeze();
        // One product per head over all texts.
        let distances = (towards(&self.r_r_bias) * scale)
            .permute([2, 0, 1, 3])
            .reshape([n_heads, batch * seq, head_size])
            .matmul(heads.r_ndp.clone())
            .reshape([n_heads, batch, seq, 2 * seq]);
        // What the same segment gives to a query is the same for all keys and so nothing to the softmax: only the step to another
        // segment counts.
        let step = apart.as_ref().map(|apart| {
            let segment = heads.segment_nd.clone().unsqueeze::<4>() * scale;
            let step = (towards(&self.r_s_bias) * segment).sum_dim(3);
            (step.squeeze_dim::<3>(3), apart.clone())
        });
        let bias = relative_scores(RelativeScores {
            distances,
            step,
            sees: sees.clone(),
        });
        let mixed = attention(
            AttentionInput {
                qkv: Qkv::Apart {
                    q: towards(&self.r_w_bias),
                    k: heads.k_bsnd.clone(),
                    v: heads.v_bsnd.clone(),
                },
                bias: Some(bias),
                keep: None,
                causality: Causality::Bidirectional,
                scale,
                dropout: self.dropout,
            },
            run,
        );
        mixed.reshape([batch, seq, n_heads * head_size])
    }

    /// Back to the hidden size, added to what went in and normalised.
    fn added(&self, mixed: Tensor<3>, x: Tensor<3>, run: &Run) -> Tensor<3> {
        let o = flat(&self.o).transpose();
        let branch = linear(mixed, o, None);
        let dropout = self.dropout;
        self.norm.forward_sum(Residual { x, branch, dropout }, run)
    }

    fn heads(&self, x: Tensor<3>, projection: &Param<Tensor<3>>) -> Tensor<4> {
        let [batch, seq, _] = x.dims();
        let [_, n_heads, head_size] = projection.dims();
        project(x, projection).reshape([batch, seq, n_heads, head_size])
    }
}

/// # Shapes
/// out: `[hidden, heads * head size]`
fn flat(projection: &Param<Tensor<3>>) -> Tensor<2> {
    let [hidden_size, n_heads, head_size] = projection.dims();
    projection.val().reshape([hidden_size, n_heads * head_size])
}

fn project(x: Tensor<3>, projection: &Param<Tensor<3>>) -> Tensor<3> {
    linear(x, flat(projection), None)
}
