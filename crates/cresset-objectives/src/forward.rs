//! Raw outputs of a model, named as the fields of the corresponding Hugging Face output, for comparisons.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use cresset_model::{CausalLm, EncoderInput, MaskedLm, Seq2SeqLm, SequenceClassifier};
use cresset_ops::{KeepMask, Run};
use serde::Deserialize;

use crate::model_folder::{ModelFolder, load};
use crate::{NewHead, RunError, session, upload};

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
    /// Decoder input of an encoder-decoder.
    pub decoder_input_ids: Option<Vec<Vec<u32>>>,
}

/// One named output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The field's name.
    pub name: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, row-major.
    pub values: Vec<f32>,
}

impl Output {
    fn of<const D: usize>(name: &'static str, tensor: Tensor<D>) -> Self {
        Output {
            name,
            shape: tensor.dims().to_vec(),
            values: tensor.into_data().iter::<f32>().collect(),
        }
    }
}

/// Runs the folder's model on raw ids.
///
/// # Errors
/// Rows of different lengths, ids outside the vocabulary, a missing decoder input, an unknown head.
pub fn forward(
    folder: &ModelFolder,
    input: &ForwardInput,
    device: &Device,
) -> Result<Vec<Output>, RunError> {
    check_ids("input_ids", &input.input_ids, folder)?;
    let run = Run::inference();
    match folder.architecture() {
        Some("BertForSequenceClassification") => {
            let n_labels = folder.labels().map_or(2, |l| l.len());
            let model = SequenceClassifier::new(
                &session::encoder(&folder.config, "classify")?,
                n_labels,
                0,
                device,
            )?;
            let (model, _) = load(model, &folder.path, NewHead::Refused)?;
            let SequenceClassifier::Bert(bert) = &model;
            let hidden = bert.encoder().forward(encoder_input(input, device)?, &run);
            Ok(vec![
                Output::of("logits", model.forward(encoder_input(input, device)?, &run)),
                Output::of("last_hidden_state", hidden),
            ])
        }
        Some("BertForMaskedLM") => {
            let model = MaskedLm::new(&session::encoder(&folder.config, "masked-lm")?, 0, device)?;
            let (model, _) = load(model, &folder.path, NewHead::Refused)?;
            let hidden = model.hidden(encoder_input(input, device)?, &run);
            let logits = everywhere(&hidden, device, |h, at| model.logits_at(h, at));
            Ok(vec![
                Output::of("logits", logits),
                Output::of("last_hidden_state", hidden),
            ])
        }
        Some("GPT2LMHeadModel") => {
            let model = CausalLm::new(&session::decoder(&folder.config)?, 0, device)?;
            let (model, _) = load(model, &folder.path, NewHead::Refused)?;
            let source = encoder_input(input, device)?;
            let keep = input.attention_mask.is_some().then_some(source.keep);
            let hidden = model.hidden(source.ids, keep, &run);
            let logits = everywhere(&hidden, device, |h, at| model.logits_at(h, at));
            Ok(vec![
                Output::of("logits", logits),
                Output::of("last_hidden_state", hidden),
            ])
        }
        Some("T5ForConditionalGeneration" | "MarianMTModel" | "BartForConditionalGeneration") => {
            let decoder_ids = input.decoder_input_ids.as_ref().ok_or_else(|| {
                RunError::Data(
                    "an encoder-decoder needs decoder_input_ids; add them to the input".into(),
                )
            })?;
            check_ids("decoder_input_ids", decoder_ids, folder)?;
            let model = Seq2SeqLm::new(&session::seq2seq(&folder.config)?, 0, device)?;
            let (model, _) = load(model, &folder.path, NewHead::Refused)?;
            let source = encoder_input(input, device)?;
            let keep = source.keep.clone();
            let memory = model.encode(source, &run);
            let hidden = model.decode(
                matrix("decoder_input_ids", decoder_ids, device)?,
                memory.clone(),
                keep,
                &run,
            );
            let logits = everywhere(&hidden, device, |h, at| model.logits_at(h, at));
            Ok(vec![
                Output::of("logits", logits),
                Output::of("last_hidden_state", hidden),
                Output::of("encoder_last_hidden_state", memory),
            ])
        }
        other => Err(RunError::Config(format!(
            "{}: config.json names the architecture {}, which forward does not know",
            folder.path.display(),
            other.unwrap_or("(none)")
        ))),
    }
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

fn check_ids(name: &str, rows: &[Vec<u32>], folder: &ModelFolder) -> Result<(), RunError> {
    let vocabulary = folder.config.vocab_size() as u32;
    match rows.iter().flatten().find(|id| **id >= vocabulary) {
        Some(id) => Err(RunError::Data(format!(
            "{name} holds id {id}, but the model's vocabulary ends at {}",
            vocabulary - 1
        ))),
        None => Ok(()),
    }
}
