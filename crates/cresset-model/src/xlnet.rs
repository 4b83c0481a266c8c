//! XLNet (Yang et al. 2019): a bidirectional post-norm encoder with relative positions and segments, pre-trained by guessing tokens in
//! the order of a permutation.
//!
//! The content stream is the encoder. In pre-training a second stream of the same layers runs beside it: its vectors know where they
//! stand but not what stands there.
//!
//! Deviations from Hugging Face: a target that sees no position at all gets nothing from attention, where there it gets the mean over
//! all positions, its own and the hidden ones included; in training, all texts of a batch share the dropout of the distances; there is
//! no memory of earlier texts.

mod attention;
mod config;

pub use config::XlnetConfig;

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use cresset_ops::{KeepMask, PairMask, Run, Scores, dropout};

use self::attention::{RelativeAttention, Streams, Surroundings, Targets};
use crate::encoder::EncoderInput;
use crate::error::ModelError;
use crate::heads::Family;
use crate::hf::{HfModel, HfTensor, Layout, rename};
use crate::init::{Fill, initialise, initialise_under, usual};
use crate::layers::{Bias, Embedding, FeedForward, LayerNorm, relative_sinusoids, zeros};

/// The encoder: Hugging Face's `XLNetModel`.
#[derive(Module, Debug)]
pub struct Xlnet {
    word: Embedding,
    /// The first vector of every target, `[1, 1, hidden]`.
    mask_emb: Param<Tensor<3>>,
    layers: Vec<XlnetLayer>,
    #[module(skip)]
    farthest: Option<usize>,
    #[module(skip)]
    dropout: f64,
}

#[derive(Module, Debug)]
struct XlnetLayer {
    attention: RelativeAttention,
    feed_forward: FeedForward,
    output_norm: LayerNorm,
    #[module(skip)]
    dropout: f64,
}

/// A batch for pre-training.
#[derive(Clone, Debug)]
pub struct XlnetInput {
    /// Token ids, `[batch, seq]`.
    pub ids: Tensor<2, Int>,
    /// Which positions hold text, `[batch, seq]`.
    pub keep: KeepMask,
    /// Segment of each position, `[batch, seq]`; only whether two are equal matters. All equal by default.
    pub segments: Option<Tensor<2, Int>>,
    /// 1 where a position (second dimension) must not see another (third), else 0, `[batch, seq, seq]`.
    pub perm_mask: Option<Tensor<3>>,
    /// 1 where a target (second dimension) is a position (third), else 0, `[batch, targets, seq]`.
    pub target_mapping: Option<Tensor<3>>,
}

impl From<EncoderInput> for XlnetInput {
    fn from(input: EncoderInput) -> XlnetInput {
        XlnetInput {
            ids: input.ids,
            keep: input.keep,
            segments: input.segments,
            perm_mask: None,
            target_mapping: None,
        }
    }
}

impl Xlnet {
    /// An encoder with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &XlnetConfig, seed: u64, device: &Device) -> Result<Xlnet, ModelError> {
        config.validate()?;
        let blank = Xlnet::blank(config, device);
        Ok(initialise_under(FAMILY.prefix, blank, seed, |path| {
            fill(path, config)
        }))
    }

    fn blank(config: &XlnetConfig, device: &Device) -> Xlnet {
        Xlnet {
            word: Embedding::new(config.vocab_size, config.d_model, device),
            mask_emb: zeros([1, 1, config.d_model], device),
            layers: (0..config.n_layer)
                .map(|_| XlnetLayer::blank(config, device))
                .collect(),
            farthest: usize::try_from(config.clamp_len)
                .ok()
                .filter(|&length| length > 0),
            dropout: config.dropout,
        }
    }

    /// The content stream. Positions are relative, so the input's are not used and padding may stand on either side.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn forward(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        self.two_stream(input.into(), run).0
    }

    /// The vector of the last position, that of `<cls>` where padding stands in front.
    ///
    /// # Shapes
    /// hidden: `[batch, seq, hidden]`, out: `[batch, hidden]`
    pub(crate) fn last(&self, hidden: Tensor<3>) -> Tensor<2> {
        let [batch, seq, size] = hidden.dims();
        hidden.narrow(1, seq - 1, 1).reshape([batch, size])
    }

    /// The token embedding.
    pub(crate) fn words(&self) -> &Embedding {
        &self.word
    }

    /// The content stream, and with a `target_mapping` the vectors of the targets.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`, `[batch, targets, hidden]`
    pub fn two_stream(&self, input: XlnetInput, run: &Run) -> (Tensor<3>, Option<Tensor<3>>) {
        let dropped = |x: Tensor<3>| dropout(x, self.dropout, run);
        let mut streams = Streams {
            content: dropped(self.word.forward(input.ids.clone())),
            query: input.target_mapping.as_ref().map(|mapping| {
                let [batch, targets, _] = mapping.dims();
                let [.., size] = self.mask_emb.dims();
                dropped(self.mask_emb.val().expand([batch, targets, size]))
            }),
        };
        let around = self.surroundings(input, run);
        run.show(&streams.content);
        for layer in &self.layers {
            streams = layer.forward(streams, &around, run);
            run.show(&streams.content);
        }
        (dropped(streams.content), streams.query.map(dropped))
    }

    fn surroundings(&self, input: XlnetInput, run: &Run) -> Surroundings {
        let [batch, seq] = input.ids.dims();
        let [.., size] = self.mask_emb.dims();
        let device = input.ids.device();
        let kept = PairMask::kept(&input.keep);
        let sees = match input.perm_mask {
            Some(hidden) => kept.without(hidden.greater_elem(0.5)),
            None => kept,
        };
        let apart = input.segments.map(|segments| {
            let queries = segments.clone().unsqueeze_dim::<3>(2);
            let keys = segments.unsqueeze_dim::<3>(1);
            let pairs = [batch, seq, seq];
            PairMask::new(queries.expand(pairs).not_equal(keys.expand(pairs)))
        });
        let distances = relative_sinusoids(seq, self.farthest, size, &device);
        Surroundings {
            distances_ph: dropout(distances, self.dropout, run),
            apart,
            // A position knows itself even where others must not.
            content_sees: sees.with_diagonal(),
            targets: input.target_mapping.map(|mapping| {
                let sees_any = sees.tensor().any_dim(2).float();
                Targets {
                    place_bst: mapping.clone().swap_dims(1, 2),
                    take_bts: mapping * sees_any.swap_dims(1, 2),
                    sees,
                }
            }),
        }
    }
}

impl XlnetLayer {
    fn blank(config: &XlnetConfig, device: &Device) -> XlnetLayer {
        let feed_forward = FeedForward::new(
            config.d_model,
            config.d_inner,
            config.ff_activation,
            Bias::With,
            device,
        );
        XlnetLayer {
            attention: RelativeAttention::blank(config, device),
            feed_forward: feed_forward.with_dropout(config.dropout),
            output_norm: LayerNorm::new(config.d_model, config.layer_norm_eps, device),
            dropout: config.dropout,
        }
    }

    fn forward(&self, x: Streams, around: &Surroundings, run: &Run) -> Streams {
        let fed = |x: Tensor<3>| {
            let out = dropout(self.feed_forward.forward(x.clone(), run), self.dropout, run);
            self.output_norm.forward(out + x)
        };
        let x = self.attention.forward(x, around, run);
        Streams {
            content: fed(x.content),
            query: x.query.map(fed),
        }
    }
}

/// XLNet with a language-model head whose output matrix is the token embedding: Hugging Face's `XLNetLMHeadModel`.
#[derive(Module, Debug)]
pub struct XlnetLmHead {
    transformer: Xlnet,
    lm_bias: Param<Tensor<1>>,
}

impl XlnetLmHead {
    /// A language model with initial weights.
    ///
    /// # Errors
    /// A configuration that does not validate.
    pub fn new(config: &XlnetConfig, seed: u64, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        let model = XlnetLmHead {
            transformer: Xlnet::blank(config, device),
            lm_bias: zeros([config.vocab_size], device),
        };
        Ok(initialise(model, seed, |path| fill(path, config)))
    }

    /// The encoder's output.
    ///
    /// # Shapes
    /// out: `[batch, seq, hidden]`
    pub fn hidden(&self, input: EncoderInput, run: &Run) -> Tensor<3> {
        self.transformer.forward(input, run)
    }

    /// Scores of every token at the given positions, or targets, only.
    ///
    /// # Shapes
    /// hidden: `[batch, n, hidden]` of either stream, flat_positions: `[m]` indices into `batch * n`, out: `[m, vocab]`
    pub fn scores_at(&self, hidden: Tensor<3>, flat_positions: Tensor<1, Int>) -> Scores {
        let rows = crate::heads::rows_at(hidden, flat_positions);
        self.transformer.word.scores(rows, Some(self.lm_bias.val()))
    }

    /// The encoder.
    pub fn encoder(&self) -> &Xlnet {
        &self.transformer
    }
}

/// Biases zero and norms one, but for the biases of attention, which are directions like any other weight.
fn fill(path: &str, config: &XlnetConfig) -> Fill {
    if ["r_r_bias", "r_s_bias", "r_w_bias"]
        .iter()
        .any(|name| path.ends_with(name))
    {
        Fill::Normal(config.initializer_range)
    } else {
        usual(path, config.initializer_range)
    }
}

const NAMES: &[(&str, &str)] = &[
    ("word", "word_embedding"),
    ("layers", "layer"),
    ("attention.norm", "rel_attn.layer_norm"),
    ("attention", "rel_attn"),
    ("feed_forward.up", "ff.layer_1"),
    ("feed_forward.down", "ff.layer_2"),
    ("output_norm", "ff.layer_norm"),
    ("lm_bias", "lm_loss.bias"),
];

/// XLNet's classes and heads.
pub(crate) const FAMILY: Family = Family {
    prefix: "transformer.",
    model: "XLNetModel",
    pre_training: None,
    masked_lm: None,
    sequence_classifier: "XLNetForSequenceClassification",
    token_classifier: "XLNetForTokenClassification",
    question_answering: "XLNetForQuestionAnsweringSimple",
    heads: &[
        ("classifier.dense", "sequence_summary.summary"),
        ("classifier.out", "logits_proj"),
        ("tags", "classifier"),
        ("span", "qa_outputs"),
    ],
    output_layer: "lm_loss",
    output_bias: "lm_loss.bias",
    embedding: "transformer.word_embedding.weight",
};

fn xlnet_name(path: &str) -> Option<HfTensor> {
    // Attention has no matrices of two dimensions, so only those of the feed-forward block lie transposed.
    let layout = if path.contains("feed_forward") {
        Layout::Transposed
    } else {
        Layout::AsIs
    };
    Some(HfTensor {
        name: rename(path, NAMES),
        layout,
    })
}

impl HfModel for Xlnet {
    fn architecture(&self) -> &'static str {
        FAMILY.model
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        xlnet_name(path)
    }

    fn base_prefix(&self) -> &'static str {
        FAMILY.prefix
    }
}

impl HfModel for XlnetLmHead {
    fn architecture(&self) -> &'static str {
        "XLNetLMHeadModel"
    }

    fn hf_name(&self, path: &str) -> Option<HfTensor> {
        xlnet_name(path)
    }

    fn base_prefix(&self) -> &'static str {
        FAMILY.prefix
    }

    fn spellings(&self, name: &str) -> Vec<String> {
        if name == FAMILY.embedding {
            vec![format!("{}.weight", FAMILY.output_layer)]
        } else {
            Vec::new()
        }
    }
}
