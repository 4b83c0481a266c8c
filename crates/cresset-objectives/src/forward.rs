//! Raw outputs of a model, named as the fields of the corresponding Hugging Face output, for comparisons.

mod trace;

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use cresset_data::LEARNED_START;
use cresset_model::bert::Pooler;
use cresset_model::xlnet::{XlnetInput, XlnetLmHead};
use cresset_model::{
    CausalLm, Encoder, EncoderConfig, EncoderInput, HeadKind, HfModel, LoadReport, MaskedLm,
    PreTraining, QuestionAnswering, Seq2SeqLm, TextClassifier, TokenClassifier, load_weights,
};
use cresset_ops::{KeepMask, Run, Watched};
use serde::Deserialize;

use crate::load::refuse_missing;
use crate::model_files::ModelFiles;
use crate::{RunError, session, upload};

/// Ids as a Python program would give them; every list has one row per text, all of the same length.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForwardInput {
    /// Token ids.
    pub input_ids: Vec<Vec<u32>>,
    /// 1 where there is a token, 0 where there is padding; all 1 by default.
    pub attention_mask: Option<Vec<Vec<u32>>>,
    /// Segments; all 0 by default.
    pub token_type_ids: Option<Vec<Vec<u32>>>,
    /// Positions; counted from the left by default.
    pub position_ids: Option<Vec<Vec<u32>>>,
    /// Of a permuted language model: 1 where a position must not see another, one matrix per text; all 0 by default.
    pub perm_mask: Option<Vec<Vec<Vec<f32>>>>,
    /// Of a permuted language model: 1 where a target is a position, one matrix per text; without it every position gets logits from
    /// what it sees itself.
    pub target_mapping: Option<Vec<Vec<Vec<f32>>>>,
    /// Decoder input of an encoder-decoder.
    pub decoder_input_ids: Option<Vec<Vec<u32>>>,
}

/// One named output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The field's name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, row-major.
    pub values: Vec<f32>,
}

impl Output {
    fn of<const D: usize>(name: impl Into<String>, tensor: Tensor<D>) -> Self {
        Output {
            name: name.into(),
            shape: tensor.dims().to_vec(),
            values: tensor.into_data().iter::<f32>().collect(),
        }
    }
}

/// Runs the folder's model on raw ids.
///
/// # Errors
/// Rows of different lengths, ids outside the vocabulary, a missing decoder input, an unknown head, weights that are incomplete.
pub fn forward(
    files: &ModelFiles,
    input: &ForwardInput,
    device: &Device,
) -> Result<Vec<Output>, RunError> {
    let (model, report) = RawModel::open(files, device)?;
    refuse_missing(&files.path, &report)?;
    model.run(input)
}

/// Runs the folder's model on raw ids and gives what it computes on the way besides its outputs: hidden states, and attention
/// probabilities if asked for, named as by [`RawModel::trace`].
///
/// # Errors
/// As [`forward`].
pub fn forward_watched(
    files: &ModelFiles,
    input: &ForwardInput,
    what: Watched,
    device: &Device,
) -> Result<Vec<Output>, RunError> {
    let (model, report) = RawModel::open(files, device)?;
    refuse_missing(&files.path, &report)?;
    let mut outputs = model.run(input)?;
    outputs.extend(model.trace(input, what)?);
    Ok(outputs)
}

/// A model of a folder with the head it has, for raw ids in and raw numbers out.
pub struct RawModel {
    vocab_size: usize,
    target_vocab_size: usize,
    /// Whether [`LEARNED_START`] has a vector.
    starts_learned: bool,
    device: Device,
    network: Network,
}

/// A network with its head.
#[allow(
    clippy::large_enum_variant,
    reason = "a process holds one or two models, and layers lie on the heap"
)]
pub(crate) enum Network {
    Encoder(Encoder),
    MaskedLm(MaskedLm),
    PreTraining(PreTraining, &'static str),
    Sequence(TextClassifier),
    Token(TokenClassifier),
    Question(QuestionAnswering),
    Permuted(XlnetLmHead),
    Causal(CausalLm),
    Seq2Seq(Seq2SeqLm),
}

impl RawModel {
    /// What the decoder reads.
    ///
    /// # Errors
    /// None given, or ids that the vocabulary does not have.
    fn decoder_ids(
        &self,
        input: &ForwardInput,
        device: &Device,
    ) -> Result<Tensor<2, Int>, RunError> {
        let ids = input.decoder_input_ids.as_ref().ok_or_else(|| {
            RunError::Data(
                "an encoder-decoder needs decoder_input_ids; add them to the input".into(),
            )
        })?;
        self.check_ids("decoder_input_ids", ids, self.target_vocab_size)?;
        matrix("decoder_input_ids", ids, device)
    }

    fn check_ids(&self, name: &str, rows: &[Vec<u32>], vocab_size: usize) -> Result<(), RunError> {
        let vocabulary = vocab_size as u32;
        let is_known = |id: u32| id < vocabulary || (self.starts_learned && id == LEARNED_START);
        match rows.iter().flatten().find(|id| !is_known(**id)) {
            Some(id) => Err(RunError::Data(format!(
                "{name} holds id {id}, but the model's vocabulary ends at {}",
                vocabulary - 1
            ))),
            None => Ok(()),
        }
    }

    /// Opens a folder's model; the report says which tensors it lacks, and those keep initial values.
    ///
    /// # Errors
    /// A class that is not known, a damaged file.
    pub fn open(files: &ModelFiles, device: &Device) -> Result<(RawModel, LoadReport), RunError> {
        let (network, report) = network(files, device)?;
        let model = RawModel {
            vocab_size: files.config.vocab_size(),
            target_vocab_size: files.config.target_vocab_size(),
            starts_learned: files.config.has_learned_start(),
            device: device.clone(),
            network,
        };
        Ok((model, report))
    }

    /// The network.
    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    /// The outputs of the Hugging Face class, by its names.
    ///
    /// # Errors
    /// Rows of different lengths, ids outside the vocabulary, a missing decoder input.
    pub fn run(&self, input: &ForwardInput) -> Result<Vec<Output>, RunError> {
        self.check_ids("input_ids", &input.input_ids, self.vocab_size)?;
        let run = Run::inference();
        let device = &self.device;
        let source = encoder_input(input, device)?;
        let (mut outputs, hidden) = match &self.network {
            Network::Encoder(model) => {
                let hidden = model.forward(source, &run);
                let pooled = model
                    .has_pooler()
                    .then(|| Output::of("pooler_output", model.pooled(hidden.clone())));
                (Vec::from_iter(pooled), hidden)
            }
            Network::MaskedLm(model) => {
                let hidden = model.hidden(source, &run);
                let logits = everywhere(&hidden, device, |h, at| model.scores_at(h, at).logits());
                (vec![Output::of("logits", logits)], hidden)
            }
            Network::PreTraining(model, pair) => {
                let hidden = model.hidden(source, &run);
                let logits = everywhere(&hidden, device, |h, at| model.scores_at(h, at).logits());
                let outputs = vec![
                    Output::of("prediction_logits", logits),
                    Output::of(*pair, model.pair_logits(hidden.clone(), &run)),
                ];
                (outputs, hidden)
            }
            Network::Sequence(model) => {
                let keep = source.keep.clone();
                let reading = model.read(source, &run);
                let logits = model.logits(&reading, &keep, &run);
                let hidden = reading.hidden();
                let memory = reading.memory.into_iter();
                let outputs = std::iter::once(Output::of("logits", logits))
                    .chain(memory.map(|m| Output::of("encoder_last_hidden_state", m)));
                (outputs.collect(), hidden)
            }
            Network::Token(model) => {
                let hidden = model.encoder().forward(source, &run);
                let logits = model.logits(hidden.clone(), &run);
                (vec![Output::of("logits", logits)], hidden)
            }
            Network::Question(model) => {
                let hidden = model.encoder().forward(source, &run);
                let span = model.logits(hidden.clone());
                let outputs = vec![
                    Output::of("start_logits", span.start),
                    Output::of("end_logits", span.end),
                ];
                (outputs, hidden)
            }
            Network::Permuted(model) => {
                let [batch, seq] = source.ids.dims();
                let cube = |name, rows: &Option<Vec<Vec<Vec<f32>>>>, width| match rows {
                    None => Ok(None),
                    Some(rows) => matrices(name, rows, [batch, width, seq], device).map(Some),
                };
                let targets = input.target_mapping.as_ref();
                let n_targets = targets.and_then(|t| t.first()).map_or(0, Vec::len);
                let streams = XlnetInput {
                    perm_mask: cube("perm_mask", &input.perm_mask, seq)?,
                    target_mapping: cube("target_mapping", &input.target_mapping, n_targets)?,
                    ..XlnetInput::from(source)
                };
                let (content, query) = model.encoder().two_stream(streams, &run);
                let hidden = query.unwrap_or(content);
                let logits = everywhere(&hidden, device, |h, at| model.scores_at(h, at).logits());
                (vec![Output::of("logits", logits)], hidden)
            }
            Network::Causal(model) => {
                let keep = input.attention_mask.is_some().then_some(source.keep);
                let hidden = model.hidden(source.ids, keep, &run);
                let logits = everywhere(&hidden, device, |h, at| model.scores_at(h, at).logits());
                (vec![Output::of("logits", logits)], hidden)
            }
            Network::Seq2Seq(model) => {
                let ids = self.decoder_ids(input, device)?;
                let keep = source.keep.clone();
                let memory = model.encode(source, &run);
                let hidden = model.decode(ids, memory.clone(), keep, &run);
                let logits = everywhere(&hidden, device, |h, at| model.scores_at(h, at).logits());
                let outputs = vec![
                    Output::of("logits", logits),
                    Output::of("encoder_last_hidden_state", memory),
                ];
                (outputs, hidden)
            }
        };
        outputs.push(Output::of("last_hidden_state", hidden));
        Ok(outputs)
    }
}

fn network(files: &ModelFiles, device: &Device) -> Result<(Network, LoadReport), RunError> {
    let config = &files.config;
    let encoder = || session::encoder(config, "forward");
    Ok(match files.head()? {
        HeadKind::None => {
            let with = |pooler| -> Result<_, RunError> {
                let model = Encoder::new(&encoder()?, pooler, 0, device)?;
                filled(files, model, Network::Encoder)
            };
            let (network, report) = with(Pooler::With)?;
            // An encoder trained for its vectors alone has no pooler.
            let lacks_pooler =
                !report.new.is_empty() && report.new.iter().all(|name| name.contains("pooler."));
            if lacks_pooler {
                with(Pooler::Without)?
            } else {
                (network, report)
            }
        }
        HeadKind::MaskedLm => filled(
            files,
            MaskedLm::new(&encoder()?, 0, device)?,
            Network::MaskedLm,
        )?,
        HeadKind::PreTraining => {
            let pair = match encoder()? {
                EncoderConfig::Albert(_) => "sop_logits",
                _ => "seq_relationship_logits",
            };
            filled(files, PreTraining::new(&encoder()?, 0, device)?, |model| {
                Network::PreTraining(model, pair)
            })?
        }
        HeadKind::SequenceClassification => filled(
            files,
            TextClassifier::with_head(config, &files.text_head()?, 0, device)?,
            Network::Sequence,
        )?,
        HeadKind::TokenClassification => filled(
            files,
            TokenClassifier::new(&encoder()?, files.n_labels(), 0, device)?,
            Network::Token,
        )?,
        HeadKind::QuestionAnswering => filled(
            files,
            QuestionAnswering::new(&encoder()?, 0, device)?,
            Network::Question,
        )?,
        HeadKind::CausalLm => filled(
            files,
            CausalLm::new(&session::decoder(config)?, 0, device)?,
            Network::Causal,
        )?,
        HeadKind::Seq2SeqLm => filled(
            files,
            Seq2SeqLm::new(&session::seq2seq(config)?, 0, device)?,
            Network::Seq2Seq,
        )?,
        HeadKind::PermutedLm => {
            let EncoderConfig::Xlnet(config) = encoder()? else {
                return Err(RunError::Config(format!(
                    "{}: config.json names the class XLNetLMHeadModel, but model_type is not xlnet; take the file from the model's original folder",
                    files.path.display()
                )));
            };
            filled(
                files,
                XlnetLmHead::new(&config, 0, device)?,
                Network::Permuted,
            )?
        }
    })
}

fn filled<M: HfModel>(
    files: &ModelFiles,
    model: M,
    network: impl FnOnce(M) -> Network,
) -> Result<(Network, LoadReport), RunError> {
    let (model, report) = load_weights(model, &files.path)?;
    Ok((network(model), report))
}

/// Logits at every position.
///
/// # Shapes
/// hidden: `[batch, seq, hidden]`, out: `[batch, seq, vocabulary]`
fn everywhere(
    hidden: &Tensor<3>,
    device: &Device,
    logits_at: impl Fn(Tensor<3>, Tensor<1, Int>) -> Tensor<2>,
) -> Tensor<3> {
    let [batch, seq, _] = hidden.dims();
    let flat: Vec<u32> = (0..(batch * seq) as u32).collect();
    let logits = logits_at(hidden.clone(), upload::indices(&flat, device));
    let vocabulary = logits.dims()[1];
    logits.reshape([batch, seq, vocabulary])
}

fn encoder_input(input: &ForwardInput, device: &Device) -> Result<EncoderInput, RunError> {
    let ids = matrix("input_ids", &input.input_ids, device)?;
    let [batch, seq] = ids.dims();
    let like = |name: &'static str,
                rows: &Option<Vec<Vec<u32>>>|
     -> Result<Option<Tensor<2, Int>>, RunError> {
        let Some(rows) = rows else { return Ok(None) };
        if rows.len() != batch || rows.iter().any(|r| r.len() != seq) {
            return Err(RunError::Data(format!(
                "{name} must have the shape of input_ids, {batch} rows of {seq}"
            )));
        }
        matrix(name, rows, device).map(Some)
    };
    let keep = match &input.attention_mask {
        None => KeepMask::all(batch, seq, device),
        Some(rows) => {
            like("attention_mask", &input.attention_mask)?;
            let kept: Vec<bool> = rows.iter().flatten().map(|&v| v != 0).collect();
            KeepMask::new(Tensor::<2, Bool>::from_data(
                TensorData::new(kept, [batch, seq]),
                device,
            ))
        }
    };
    Ok(EncoderInput {
        ids,
        keep,
        segments: like("token_type_ids", &input.token_type_ids)?,
        positions: like("position_ids", &input.position_ids)?,
    })
}

fn matrix(name: &str, rows: &[Vec<u32>], device: &Device) -> Result<Tensor<2, Int>, RunError> {
    let width = rows.first().map_or(0, Vec::len);
    if width == 0 || rows.iter().any(|r| r.len() != width) {
        return Err(RunError::Data(format!(
            "{name} must hold at least one row, all rows of the same length above 0; pad them and give attention_mask"
        )));
    }
    let flat: Vec<u32> = rows.iter().flatten().copied().collect();
    Ok(upload::matrix(&flat, rows.len(), width, device))
}

fn matrices(
    name: &str,
    cube: &[Vec<Vec<f32>>],
    shape: [usize; 3],
    device: &Device,
) -> Result<Tensor<3>, RunError> {
    let [batch, rows, columns] = shape;
    let fits = cube.len() == batch
        && cube
            .iter()
            .all(|matrix| matrix.len() == rows && matrix.iter().all(|row| row.len() == columns));
    if !fits || rows == 0 {
        return Err(RunError::Data(format!(
            "{name} must hold {batch} matrices, one per text, with {columns} columns, one per position; perm_mask as many rows as columns"
        )));
    }
    let flat: Vec<f32> = cube.iter().flatten().flatten().copied().collect();
    Ok(Tensor::from_data(TensorData::new(flat, shape), device))
}
