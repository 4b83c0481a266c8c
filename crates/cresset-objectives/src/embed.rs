//! Embeddings: one vector per text, made with the pooling that the model was trained with.

mod stored;

use burn::tensor::{Device, Tensor};
use cresset_data::{Convention, Example, Framed, Piece, Slot};
use cresset_model::bert::Pooler;
use cresset_model::{Encoder, EncoderInput, ModelConfig, Pooling, Seq2SeqLm, normalize};
use cresset_ops::Run;

use self::stored::Stored;
use crate::load::load;
use crate::model_folder::ModelFolder;
use crate::predict::Frame;
use crate::{NewHead, Poolings, RunError, session};

/// What the user asks for; the folder's own by default.
#[derive(Clone, Debug, Default)]
pub struct EmbedOptions {
    /// Which vectors stand for a text, one behind the other.
    pub pooling: Option<Poolings<Pooling>>,
    /// Whether vectors are scaled to length 1.
    pub normalize: Option<bool>,
}

/// A model that makes vectors of texts.
pub struct Embedder {
    network: Network,
    frame: Frame,
    poolings: Poolings<Pooling>,
    normalizes: bool,
    lowercases: bool,
    prompt: String,
    warnings: Vec<String>,
    device: Device,
}

/// Vectors of texts.
#[derive(Clone, Debug)]
pub struct Embeddings {
    /// One per text, in the texts' order.
    pub vectors: Vec<Vec<f32>>,
    /// Texts that were longer than the model takes and were shortened.
    pub n_shortened: usize,
}

/// The pooling of a folder that names none, as in sentence-transformers.
const DEFAULT: Pooling = Pooling::Mean;

/// Opens a folder with an encoder, under any head or none. The pooling is the one asked for, or the folder's own (of
/// sentence-transformers' `modules.json`, or of `cresset.json`), or the mean.
///
/// # Errors
/// A model without an encoder, incomplete weights; embeddings that are made in a way that is not supported.
pub fn open_embedder(
    folder: &ModelFolder,
    options: EmbedOptions,
    device: &Device,
) -> Result<Embedder, RunError> {
    let stored = Stored::read(folder)?;
    let (asked, warnings) = choose(folder, &stored, &options)?;
    let mut frame = Frame::of(folder)?;
    if let Some(longest) = stored.max_length {
        frame.max_length = frame.max_length.min(longest);
    }
    let network = Network::open(folder, device)?;
    if asked.reads_first_layer() && matches!(network, Network::Seq2Seq(_)) {
        return Err(RunError::Config(format!(
            "{asked} needs the first layer's output, which the encoder of an encoder-decoder does not give; choose another pooling, such as mean"
        )));
    }
    Ok(Embedder {
        network,
        poolings: all_placed(&asked, &frame.convention)?,
        frame,
        normalizes: options.normalize.or(stored.normalize).unwrap_or(false),
        lowercases: stored.lowercases,
        prompt: stored.prompt,
        warnings,
        device: device.clone(),
    })
}

impl Embedder {
    /// What the user should know: a pooling that was guessed, or that contradicts the folder's.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// One vector per text. Texts of like lengths go through the model together, `batch_size` at a time.
    ///
    /// # Errors
    /// A text that cannot be framed.
    pub fn embed(&self, inputs: &[Example], batch_size: usize) -> Result<Embeddings, RunError> {
        let text = |example: &Example| {
            let text = format!("{}{}", self.prompt, example.text);
            if self.lowercases {
                text.to_lowercase()
            } else {
                text
            }
        };
        let texts: Vec<String> = inputs.iter().map(text).collect();
        let pairs: Vec<Option<&str>> = inputs.iter().map(|e| e.pair.as_deref()).collect();
        let rows = self.frame.framed(&texts, &pairs)?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&row| rows[row].ids.len());
        let mut vectors = vec![Vec::new(); rows.len()];
        for places in order.chunks(batch_size.max(1)) {
            let batch: Vec<&Framed> = places.iter().map(|&row| &rows[row]).collect();
            let embeddings = self.embeddings(self.frame.batch(&batch, &self.device));
            let [_, size] = embeddings.dims();
            let numbers: Vec<f32> = embeddings.into_data().iter::<f32>().collect();
            for (&row, vector) in places.iter().zip(numbers.chunks(size)) {
                vectors[row] = vector.to_vec();
            }
        }
        Ok(Embeddings {
            vectors,
            n_shortened: rows.iter().filter(|row| row.truncated > 0).count(),
        })
    }

    fn embeddings(&self, input: EncoderInput) -> Tensor<2> {
        let keep = input.keep.clone();
        let states = self.network.hidden_states(input, &self.poolings);
        let embeddings = self.poolings.pool(&states, &keep);
        if self.normalizes {
            normalize(embeddings)
        } else {
            embeddings
        }
    }
}

/// The pooling to use, and what to tell the user about it.
fn choose(
    folder: &ModelFolder,
    stored: &Stored,
    options: &EmbedOptions,
) -> Result<(Poolings<Pooling>, Vec<String>), RunError> {
    let name = folder.files.path.display();
    let mut warnings = Vec::new();
    if let (Some(asked), Some(own)) = (options.normalize, stored.normalize)
        && asked != own
    {
        let (does, asked) = if own {
            ("scales its embeddings to length 1", "left as they are")
        } else {
            ("does not scale its embeddings", "scaled to length 1")
        };
        warnings.push(format!("{name} {does}, but here they are {asked}"));
    }
    let pooling = match (options.pooling.clone(), &stored.pooling) {
        (Some(asked), Ok(Some(own))) if asked != *own => {
            warnings.push(format!(
                "{name} stores the pooling {own}, but {asked} was asked for and is used"
            ));
            asked
        }
        (Some(asked), Err(reason)) => {
            warnings.push(format!(
                "{name} {reason}, but {asked} was asked for and is used"
            ));
            asked
        }
        (Some(asked), Ok(_)) => asked,
        (None, Ok(Some(own))) => own.clone(),
        (None, Ok(None)) => {
            warnings.push(format!(
                "{name} does not store which pooling its embeddings need; {DEFAULT} is used (--pooling chooses)"
            ));
            Poolings(vec![DEFAULT])
        }
        (None, Err(reason)) => {
            let known: Vec<&str> = Pooling::ALL.iter().map(|p| p.name()).collect();
            return Err(RunError::Config(format!(
                "{name} {reason}, which is not supported; give --pooling ({}) if its plain vectors will do",
                known.join(", ")
            )));
        }
    };
    Ok((pooling, warnings))
}

/// The poolings by place.
pub(crate) fn all_placed(
    poolings: &Poolings<Pooling>,
    convention: &Convention,
) -> Result<Poolings<Pooling>, RunError> {
    let places = poolings.0.iter().map(|one| placed(*one, convention));
    places.collect::<Result<_, _>>().map(Poolings)
}

/// The pooling by place: the convention knows where the token stands whose vector is meant by `cls`.
pub(crate) fn placed(pooling: Pooling, convention: &Convention) -> Result<Pooling, RunError> {
    if pooling != Pooling::Cls {
        return Ok(pooling);
    }
    let cls = convention.roles().cls.as_ref();
    let frame = convention.encoder_frame().map(|f| f.single.as_slice());
    let is_cls = |slot: Option<&Slot>| match slot.map(|slot| &slot.piece) {
        Some(Piece::Special(token)) => Some(token) == cls,
        _ => false,
    };
    match frame {
        Some(slots) if is_cls(slots.first()) => Ok(Pooling::Cls),
        Some(slots) if is_cls(slots.last()) => Ok(Pooling::Last),
        _ => Err(RunError::Config(format!(
            "pooling cls needs a token that stands for the text, but the convention {} has none; choose another pooling, such as mean",
            convention.name()
        ))),
    }
}

#[allow(
    clippy::large_enum_variant,
    reason = "a process holds one or two models, and layers lie on the heap"
)]
enum Network {
    Encoder(Encoder),
    Seq2Seq(Seq2SeqLm),
}

impl Network {
    fn open(folder: &ModelFolder, device: &Device) -> Result<Network, RunError> {
        match &folder.files.config {
            ModelConfig::T5(_)
            | ModelConfig::Marian(_)
            | ModelConfig::Bart(_)
            | ModelConfig::EncoderDecoder(_) => {
                let model = Seq2SeqLm::new(&session::seq2seq(&folder.files.config)?, 0, device)?;
                let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
                Ok(Network::Seq2Seq(model))
            }
            ModelConfig::Gpt2(_) => Err(RunError::Config(format!(
                "{} is a decoder, but embed needs an encoder; take a model such as bert",
                folder.files.path.display()
            ))),
            _ => {
                let config = folder.files.config.encoder()?;
                // No pooling here goes through the pooler, which models with other heads lack.
                let model = Encoder::new(&config, Pooler::Without, 0, device)?;
                let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
                Ok(Network::Encoder(model))
            }
        }
    }

    /// As many hidden states as the pooling needs.
    fn hidden_states(
        &self,
        mut input: EncoderInput,
        poolings: &Poolings<Pooling>,
    ) -> Vec<Tensor<3>> {
        let run = Run::inference();
        match self {
            Network::Encoder(model) if poolings.reads_first_layer() => {
                model.hidden_states(input, &run)
            }
            Network::Encoder(model) => vec![model.forward(input, &run)],
            Network::Seq2Seq(model) => {
                input.segments = None;
                vec![model.encode(input, &run)]
            }
        }
    }
}
