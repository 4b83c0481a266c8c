//! What a decoder makes of its start token: the distribution of the first token it writes, and what changes with another vector there.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor};
use cresset_data::{Convention, Example, LEARNED_START_SHOWN, PadSide, pad};
use cresset_model::{CausalLm, ModelConfig, Seq2SeqLm, TokenTable};
use cresset_ops::{KeepMask, Run};
use serde::Serialize;

use super::Subject;
use super::change::{Change, Differences};
use super::interval::Share;
use super::replacement::replacements;
use super::vectors::prefix;
use crate::load::load;
use crate::predict::Frame;
use crate::{ModelFolder, NewHead, RunError, session, upload};

/// What the start token does.
#[derive(Clone, Debug, Serialize)]
pub struct StartProbe {
    /// The start token.
    pub token: String,
    /// Texts looked at.
    pub n_texts: usize,
    /// Tokens that were to be written; 0 where the data holds no targets.
    pub n_targets: usize,
    /// Entropy of the first token's distribution, in nats, mean over the texts.
    pub entropy: f64,
    /// Entropy of the mean of these distributions; what it has more tells how much the first token depends on the text.
    pub entropy_of_mean: f64,
    /// Entropy if all tokens were equally likely.
    pub entropy_of_uniform: f64,
    /// The likeliest first tokens, by their probability averaged over the texts.
    pub top: Vec<Likely>,
    /// Kullback-Leibler divergence of the mean distribution from the frequency of tokens in the targets (each counted once more than it
    /// occurs), in nats.
    pub kl_to_unigram: Option<f64>,
    /// Mean negative log likelihood of a target token under teacher forcing, in nats.
    pub nll: Option<f64>,
    /// With another vector in the start token's place.
    pub changed: Vec<StartChange>,
}

/// A token and how likely it is.
#[derive(Clone, Debug, Serialize)]
pub struct Likely {
    /// As the tokenizer spells it.
    pub token: String,
    /// Its probability.
    pub probability: f64,
}

/// What changes with another vector in the start token's place.
#[derive(Clone, Debug, Serialize)]
pub struct StartChange {
    /// What was put there.
    pub by: String,
    /// Kullback-Leibler divergence of the first token's distribution from what it was, in nats, mean over the texts.
    pub kl: f64,
    /// Share of the texts whose likeliest first token stays the same.
    pub same_first: Share,
    /// Change of the negative log likelihood of a target token, in nats.
    pub nll: Option<Change>,
}

/// Tokens listed.
const TOP: usize = 10;

/// Positions whose scores over the vocabulary are held at a time.
const POSITIONS_AT_A_TIME: usize = 1024;

/// Whether a folder's model writes.
pub(super) fn writes(folder: &ModelFolder) -> bool {
    use cresset_model::HeadKind::{CausalLm, Seq2SeqLm};
    matches!(folder.files.head(), Ok(CausalLm | Seq2SeqLm))
}

/// Probes the start token.
///
/// # Errors
/// A convention without a start token; a text that cannot be framed.
pub(super) fn probe(subject: &Subject<'_>) -> Result<StartProbe, RunError> {
    let folder = subject.folder;
    let convention = folder.convention()?;
    let decoder = convention.decoder_frame();
    let (decoder, start) = decoder
        .and_then(|decoder| Some((decoder, decoder.start.clone()?)))
        .ok_or_else(|| {
            RunError::Config(format!(
                "the convention {} has no start token, so there is none to probe",
                convention.name()
            ))
        })?;
    let writer = Writer::open(folder, subject.device)?;
    let written = written(subject, &convention)?;
    let spoken = (&*folder.tokenizer, &convention);
    let mut table = writer.rows();
    // A start vector that is no row is looked at as one behind the last.
    let learned = decoder
        .start_is_learned
        .then(|| writer.start_vector())
        .flatten();
    let is_learned = learned.is_some();
    table.extend(learned);
    let row = match is_learned {
        true => table.len() - 1,
        false => start.id as usize,
    };
    let others = replacements(&table, row as u32, spoken, subject.seed);
    let changed = |vector: &[f32]| match is_learned {
        true => writer.with_start_vector(vector),
        false => writer.with_row(row, vector),
    };
    let changed: Vec<Writer> = others.iter().map(|other| changed(&other.vector)).collect();
    let vocabulary = folder.files.config.target_vocab_size();
    let mut sums = Sums::new(vocabulary, others.len());
    // Where the first token that is not forced is predicted.
    let first = convention.generation()?.start.len() - 1;
    for batch in written.chunks(subject.batch_size.max(1)) {
        let input = BatchInput::of(batch, &writer, &convention, (first, subject.device));
        let before = writer.read(&writer, &input);
        sums.add_own(&before, batch);
        for (index, other) in changed.iter().enumerate() {
            sums.add_changed(index, &before, &other.read(&writer, &input), batch);
        }
    }
    let n = written.len();
    let spelt = |id: usize| folder.tokenizer.id_to_token(id as u32);
    let named = |id: usize| spelt(id).unwrap_or_else(|| id.to_string());
    let mean: Vec<f64> = sums.mean.iter().map(|p| p / n as f64).collect();
    let mut order: Vec<usize> = (0..mean.len()).collect();
    order.sort_by(|&a, &b| mean[b].total_cmp(&mean[a]));
    let likely = |&id: &usize| Likely {
        token: named(id),
        probability: mean[id],
    };
    let n_targets = written.iter().map(|w| w.labels.len()).sum();
    Ok(StartProbe {
        token: match is_learned {
            true => LEARNED_START_SHOWN.to_owned(),
            false => start.token,
        },
        n_texts: n,
        n_targets,
        entropy: sums.entropy / n as f64,
        entropy_of_mean: entropy(&mean),
        entropy_of_uniform: (mean.len() as f64).ln(),
        top: order.iter().take(TOP).map(likely).collect(),
        kl_to_unigram: (n_targets > 0).then(|| kl_to_unigram(&mean, &written, first)),
        nll: (n_targets > 0).then(|| sums.nll / n_targets as f64),
        changed: others
            .into_iter()
            .zip(sums.changed)
            .map(|(other, sums)| StartChange {
                by: other.name,
                kl: sums.kl / n as f64,
                same_first: Share::of(sums.same_first, n),
                nll: sums.nll.change(),
            })
            .collect(),
    })
}

/// A text to read, if there is one, and what is to be written.
struct Written {
    source: Option<cresset_data::Framed>,
    decoder_input: Vec<u32>,
    labels: Vec<u32>,
}

/// Sources with their targets, or a decoder's documents.
fn written(subject: &Subject<'_>, convention: &Convention) -> Result<Vec<Written>, RunError> {
    let folder = subject.folder;
    let frame = Frame::of(folder)?;
    let positions = folder.files.config.max_positions().unwrap_or(512);
    let facts = folder.facts.as_ref();
    let longest = match folder.files.config {
        ModelConfig::Gpt2(_) => frame.max_length,
        _ => facts.map_or(positions, |facts| facts.max_target_length),
    };
    let prefix = prefix(folder);
    let text = |example: &Example| format!("{prefix}{}", example.text);
    let texts: Vec<String> = subject.examples.iter().map(text).collect();
    if matches!(folder.files.config, ModelConfig::Gpt2(_)) {
        let document = |ids: &Vec<u32>| {
            let (decoder_input, labels) = convention.decoder_pair(ids, longest)?;
            Ok(Written {
                source: None,
                decoder_input,
                labels,
            })
        };
        let ids = folder.tokenizer.encode_batch(&texts);
        return ids.iter().map(document).collect();
    }
    let sources = frame.framed(&texts, &vec![None; texts.len()])?;
    let has_targets = subject.examples.iter().any(|e| e.target.is_some());
    let pair = |(example, source): (&Example, cresset_data::Framed)| {
        let (decoder_input, labels) = match &example.target {
            Some(target) => convention.decoder_pair(&folder.tokenizer.encode(target), longest)?,
            None if has_targets => {
                return Err(RunError::Data(format!(
                    "{} has no target, though other texts have one; give all texts a target or none",
                    example.place()
                )));
            }
            None => (convention.generation()?.start, Vec::new()),
        };
        Ok(Written {
            source: Some(source),
            decoder_input,
            labels,
        })
    };
    subject.examples.iter().zip(sources).map(pair).collect()
}

/// A model that writes.
#[allow(
    clippy::large_enum_variant,
    reason = "layers lie on the heap and are shared by the copies"
)]
enum Writer {
    Seq2Seq(Seq2SeqLm),
    Causal(CausalLm),
}

/// A batch on the device.
struct BatchInput {
    ids: Tensor<2, Int>,
    memory: Option<(Tensor<3>, KeepMask)>,
    /// Where the first token is predicted.
    first: Tensor<1, Int>,
    /// The places of all labels, and the labels.
    labels: Vec<(u32, u32)>,
}

/// What a model says of a batch.
struct Said {
    /// Log probabilities of the first token, row after row.
    first: Vec<f32>,
    /// Negative log likelihood of every label.
    nll: Vec<f32>,
}

impl Writer {
    fn open(folder: &ModelFolder, device: &Device) -> Result<Writer, RunError> {
        let (config, path) = (&folder.files.config, &folder.files.path);
        Ok(match config {
            ModelConfig::Gpt2(_) => {
                let model = CausalLm::new(&session::decoder(config)?, 0, device)?;
                Writer::Causal(load(model, path, NewHead::Refused)?.0)
            }
            _ => {
                let model = Seq2SeqLm::new(&session::seq2seq(config)?, 0, device)?;
                Writer::Seq2Seq(load(model, path, NewHead::Refused)?.0)
            }
        })
    }

    fn rows(&self) -> Vec<Vec<f32>> {
        match self {
            Writer::Seq2Seq(model) => model.rows(),
            Writer::Causal(model) => model.rows(),
        }
    }

    fn with_row(&self, row: usize, vector: &[f32]) -> Writer {
        match self {
            Writer::Seq2Seq(model) => Writer::Seq2Seq(model.with_row(row, vector)),
            Writer::Causal(model) => Writer::Causal(model.with_row(row, vector)),
        }
    }

    fn start_vector(&self) -> Option<Vec<f32>> {
        match self {
            Writer::Seq2Seq(model) => model.start_vector(),
            Writer::Causal(model) => model.start_vector(),
        }
    }

    fn with_start_vector(&self, vector: &[f32]) -> Writer {
        match self {
            Writer::Seq2Seq(model) => Writer::Seq2Seq(model.with_start_vector(vector)),
            Writer::Causal(model) => Writer::Causal(model.with_start_vector(vector)),
        }
    }

    /// What this model says, with the output layer of `scorer`: a changed row must not change the scores of a tied one.
    fn read(&self, scorer: &Writer, input: &BatchInput) -> Said {
        let hidden = match (self, &input.memory) {
            (Writer::Seq2Seq(model), Some((memory, keep))) => {
                let (memory, keep) = (memory.clone(), keep.clone());
                model.decode(input.ids.clone(), memory, keep, &Run::inference())
            }
            (Writer::Causal(model), None) => {
                model.hidden(input.ids.clone(), None, &Run::inference())
            }
            _ => unreachable!("an encoder-decoder has read a source, a decoder has not"),
        };
        let log_p = |at: Tensor<1, Int>| {
            let logits = match scorer {
                Writer::Seq2Seq(model) => model.scores_at(hidden.clone(), at).logits(),
                Writer::Causal(model) => model.scores_at(hidden.clone(), at).logits(),
            };
            log_softmax(logits, 1)
        };
        let device = hidden.device();
        let mut nll = Vec::with_capacity(input.labels.len());
        for some in input.labels.chunks(POSITIONS_AT_A_TIME) {
            let (places, labels): (Vec<u32>, Vec<u32>) = some.iter().copied().unzip();
            let labels = upload::indices(&labels, &device).unsqueeze_dim::<2>(1);
            let own = log_p(upload::indices(&places, &device)).gather(1, labels);
            nll.extend(upload::read_floats(own).iter().map(|log_p| -log_p));
        }
        Said {
            first: upload::read_floats(log_p(input.first.clone())),
            nll,
        }
    }
}

impl BatchInput {
    fn of(
        batch: &[Written],
        writer: &Writer,
        convention: &Convention,
        (first, device): (usize, &Device),
    ) -> BatchInput {
        let rows: Vec<&[u32]> = batch.iter().map(|w| w.decoder_input.as_slice()).collect();
        let padded = pad(&rows, convention.pad_id(), PadSide::Right);
        let places = |row: usize| (row * padded.width) as u32;
        let labels = batch.iter().enumerate().flat_map(|(row, written)| {
            let labels = written.labels.iter().enumerate();
            labels.map(move |(at, label)| ((row * padded.width + at) as u32, *label))
        });
        let memory = match writer {
            Writer::Causal(_) => None,
            Writer::Seq2Seq(model) => {
                let sources: Vec<&[u32]> = batch
                    .iter()
                    .filter_map(|w| Some(w.source.as_ref()?.ids.as_slice()))
                    .collect();
                let sources = pad(&sources, convention.pad_id(), convention.pad_side());
                let input = upload::encoder_input(&sources, None, device);
                let keep = input.keep.clone();
                Some((model.encode(input, &Run::inference()), keep))
            }
        };
        let firsts: Vec<u32> = (0..batch.len())
            .map(|row| places(row) + first as u32)
            .collect();
        BatchInput {
            labels: labels.collect(),
            ids: upload::ids(&padded, device),
            memory,
            first: upload::indices(&firsts, device),
        }
    }
}

/// What is added up over the texts.
struct Sums {
    mean: Vec<f64>,
    entropy: f64,
    nll: f64,
    changed: Vec<ChangedSums>,
}

#[derive(Clone, Default)]
struct ChangedSums {
    kl: f64,
    same_first: usize,
    nll: Differences,
}

impl Sums {
    fn new(vocabulary: usize, n_changed: usize) -> Sums {
        Sums {
            mean: vec![0.0; vocabulary],
            entropy: 0.0,
            nll: 0.0,
            changed: vec![ChangedSums::default(); n_changed],
        }
    }

    fn add_own(&mut self, said: &Said, batch: &[Written]) {
        let width = said.first.len() / batch.len();
        self.mean.resize(width, 0.0);
        for row in said.first.chunks(width) {
            for (sum, log_p) in self.mean.iter_mut().zip(row) {
                let p = f64::from(*log_p).exp();
                *sum += p;
                self.entropy -= p * f64::from(*log_p).max(-1e30);
            }
        }
        self.nll += said.nll.iter().map(|x| f64::from(*x)).sum::<f64>();
    }

    fn add_changed(&mut self, index: usize, before: &Said, after: &Said, batch: &[Written]) {
        let width = before.first.len() / batch.len();
        let sums = &mut self.changed[index];
        for (p, q) in before.first.chunks(width).zip(after.first.chunks(width)) {
            sums.kl += kl(p, q);
            sums.same_first += usize::from(largest(p) == largest(q));
        }
        let mut at = 0;
        for written in batch {
            let n = written.labels.len();
            let of = |said: &Said| {
                said.nll[at..at + n]
                    .iter()
                    .map(|x| f64::from(*x))
                    .sum::<f64>()
            };
            sums.nll.add(of(after) - of(before), n);
            at += n;
        }
    }
}

/// From log probabilities; what is never said contributes nothing.
fn kl(p: &[f32], q: &[f32]) -> f64 {
    let share = |(p, q): (&f32, &f32)| {
        let (p, q) = (f64::from(*p), f64::from(*q));
        if p.exp() == 0.0 {
            0.0
        } else {
            p.exp() * (p - q)
        }
    };
    // Rounding may leave a little less than nothing.
    p.iter().zip(q).map(share).sum::<f64>().max(0.0)
}

fn largest(row: &[f32]) -> Option<usize> {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]))
}

fn entropy(p: &[f64]) -> f64 {
    let some = p.iter().filter(|p| **p > 0.0);
    some.map(|p| -p * p.ln()).sum()
}

/// The divergence of a distribution from the targets' tokens, the forced ones at their beginning left out.
fn kl_to_unigram(mean: &[f64], written: &[Written], first: usize) -> f64 {
    let mut counts = vec![1.0f64; mean.len()];
    for label in written.iter().flat_map(|w| w.labels.iter().skip(first)) {
        counts[*label as usize] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    let share = |(p, count): (&f64, &f64)| match *p > 0.0 {
        true => p * (p.ln() - (count / total).ln()),
        false => 0.0,
    };
    mean.iter().zip(&counts).map(share).sum()
}
