//! The checks, one function each.

use cresset_data::Convention;
use cresset_model::{GreedyOptions, LoadReport, greedy_causal, greedy_seq2seq};
use serde_json::Value;

use super::both_ways::{causal_both_ways, seq2seq_both_ways};
use super::probe::{Rows, at, distance, ordinary_ids, same};
use super::{Check, Outcome};
use crate::forward::{ForwardInput, Network, Output, RawModel};
use crate::preview::spelled;
use crate::{ModelFolder, RunError, upload};

/// What is examined.
pub(super) struct Subject<'a> {
    pub(super) folder: &'a ModelFolder,
    pub(super) convention: &'a Convention,
    pub(super) model: &'a RawModel,
    pub(super) report: &'a LoadReport,
    pub(super) texts: (&'a str, &'a str),
}

/// Tokens of a probe; shorter where the model has fewer positions.
const PROBE_LENGTH: usize = 9;
/// A length in tokens that no probe reaches.
const UNSHORTENED: usize = 1 << 20;
/// Tokens that are generated.
const NEW_TOKENS: usize = 6;

const NOT_WRITING: Outcome = Outcome::NotForThis("the model does not write");
const NO_ENCODER: Outcome = Outcome::NotForThis("the model has no encoder");
const NO_MEMORY: Outcome = Outcome::NotForThis("the model is no encoder-decoder");

/// Runs every check.
pub(super) fn all(subject: &Subject<'_>) -> Result<Vec<Check>, RunError> {
    Ok(vec![
        check("the folder holds every tensor", subject.whole()),
        check(
            "special tokens have rows in the embedding",
            subject.vocabulary(),
        ),
        check(
            "the tokenizer's own frame is the convention's",
            subject.frame(),
        ),
        check("no special token stands twice", subject.doubles()),
        check("training and generation start alike", subject.start()),
        check("outputs are finite", subject.finite()?),
        check("padding changes nothing", subject.padding()?),
        check(
            "a batch of mixed lengths equals its rows one by one",
            subject.batching()?,
        ),
        check(
            "a later token changes no earlier output",
            subject.causality()?,
        ),
        check("cached steps equal teacher forcing", subject.cache()),
        check("the source changes the output", subject.source()?),
    ])
}

fn check(name: &'static str, outcome: Outcome) -> Check {
    Check { name, outcome }
}

impl Subject<'_> {
    fn whole(&self) -> Outcome {
        match &self.report.new[..] {
            [] => Outcome::Passed(format!(
                "{} loaded, {} not used",
                self.report.loaded.len(),
                self.report.unused.len()
            )),
            missing => Outcome::Failed(format!(
                "{} tensor(s) are missing and would be random ({}); take a folder with this head, or train it first",
                missing.len(),
                missing
                    .iter()
                    .take(5)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        }
    }

    fn vocabulary(&self) -> Outcome {
        let rows = self.folder.files.config.vocab_size();
        let tokens = self.folder.tokenizer.vocab_size();
        match self.convention.special_ids().into_iter().max() {
            Some(id) if id as usize >= rows => Outcome::Failed(format!(
                "special token {:?} has id {id}, but the embedding has {rows} rows; take the tokenizer the model was made with",
                self.folder.tokenizer.id_to_token(id).unwrap_or_default()
            )),
            _ if tokens > rows => Outcome::Failed(format!(
                "the tokenizer has {tokens} tokens, but the embedding has {rows} rows; take the tokenizer the model was made with"
            )),
            _ => Outcome::Passed(format!("{tokens} tokens, {rows} rows")),
        }
    }

    fn frame(&self) -> Outcome {
        if self.convention.encoder_frame().is_none() {
            return NO_ENCODER;
        }
        let tokenizer = &self.folder.tokenizer;
        let (text, pair) = self.texts;
        for second in [None, Some(pair)] {
            if second.is_some() && self.convention.decoder_frame().is_some() {
                continue;
            }
            let Some(own) = tokenizer.encode_in_own_frame(text, second) else {
                return Outcome::Failed("tokenizer.json holds no frame, so Python feeds the model bare text; train or save the tokenizer again with `cresset tokenizer train`".to_owned());
            };
            let pair = second.map(|pair| tokenizer.encode(pair));
            let ours =
                self.convention
                    .encoder_input(&tokenizer.encode(text), pair.as_deref(), usize::MAX);
            match ours {
                Ok(ours) if ours.ids == own => {}
                Ok(ours) => {
                    return Outcome::Failed(format!(
                        "tokenizer.json makes {:?}, the convention {} makes {:?}; set special.convention, or correct the post-processor in tokenizer.json",
                        self.spelt(&own),
                        self.convention.name(),
                        self.spelt(&ours.ids)
                    ));
                }
                Err(error) => return Outcome::Failed(error.to_string()),
            }
        }
        Outcome::Passed("both make the same ids".to_owned())
    }

    fn doubles(&self) -> Outcome {
        let (text, _) = self.texts;
        let bare = self.folder.tokenizer.encode(text);
        let special = self.convention.special_ids();
        let unknown = self.convention.roles().unk.as_ref().map(|unk| unk.id);
        let added = bare
            .iter()
            .find(|id| special.contains(id) && Some(**id) != unknown);
        match added {
            Some(id) => Outcome::Failed(format!(
                "the tokenizer itself puts {:?} into a plain text, and the convention would add it again; take it out of the tokenizer's normalizer or pre-tokenizer",
                self.spelt(&[*id])
            )),
            None => Outcome::Passed("the tokenizer adds none of its own".to_owned()),
        }
    }

    fn start(&self) -> Outcome {
        let Ok(frame) = self.convention.generation() else {
            return NOT_WRITING;
        };
        let target = self.ids(3, 1);
        let pair = match self.convention.decoder_pair(&target, UNSHORTENED) {
            Ok(pair) => pair,
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let (input, labels) = pair;
        if !input.starts_with(&frame.start) {
            return Outcome::Failed(format!(
                "training starts with {:?}, generation with {:?}; correct cresset.json",
                self.spelt(&input[..frame.start.len().min(input.len())]),
                self.spelt(&frame.start)
            ));
        }
        if input[1..] != labels[..labels.len() - 1] {
            return Outcome::Failed(
                "labels are not the decoder input one step on; correct cresset.json".to_owned(),
            );
        }
        let written = self
            .folder
            .files
            .raw
            .get("decoder_start_token_id")
            .and_then(Value::as_u64);
        let start = self
            .convention
            .decoder_frame()
            .and_then(|d| d.start.as_ref());
        match (written, start.map(|token| token.id)) {
            (Some(written), Some(ours))
                if written != u64::from(ours) && self.convention.encoder_frame().is_some() =>
            {
                Outcome::Failed(format!(
                    "config.json starts decoding with {:?}, the convention {} with {:?}; set special.convention to the one the model was trained under, or correct decoder_start_token_id",
                    self.spelt(&[written as u32]),
                    self.convention.name(),
                    self.spelt(&[ours])
                ))
            }
            _ => Outcome::Passed(format!("both with {:?}", self.spelt(&frame.start))),
        }
    }

    fn finite(&self) -> Result<Outcome, RunError> {
        let outputs = self.run(&self.rows(vec![self.ids(self.length(), 1)]))?;
        Ok(
            match outputs
                .iter()
                .find(|o| o.values.iter().any(|v| !v.is_finite()))
            {
                Some(output) => Outcome::Failed(format!(
                    "{} holds numbers that are not finite; the weights are damaged, or overflowed in half precision: load the original 32-bit file",
                    output.name
                )),
                None => Outcome::Passed(format!("{} output(s)", outputs.len())),
            },
        )
    }

    fn padding(&self) -> Result<Outcome, RunError> {
        let length = self.length();
        let tight = self.rows(vec![self.ids(length, 1), self.ids(length - 2, 2)]);
        let wide = tight.clone().widened(self.room(length).min(5));
        Ok(outcome(
            self.compare(&tight, &wide)?,
            "outputs differ with more padding, so the mask or the positions are wrong for this folder; report it with the folder's config.json",
        ))
    }

    fn batching(&self) -> Result<Outcome, RunError> {
        let length = self.length();
        let rows = [length, length - 3, length - 1]
            .iter()
            .enumerate()
            .map(|(seed, &n)| self.ids(n, seed + 1))
            .collect::<Vec<_>>();
        match self.model.network() {
            Network::Causal(model) => Ok(self.generated(rows, |prompts, options| {
                greedy_causal(model, prompts, options)
            })),
            Network::Seq2Seq(model) => {
                let device = upload::device_of(model);
                Ok(self.generated(rows, |sources, options| {
                    let lengths = Rows::new(sources.to_vec(), self.convention);
                    let padded = cresset_data::pad(sources, lengths.pad, lengths.side);
                    let input = upload::encoder_input(&padded, None, &device);
                    greedy_seq2seq(model, input, options)
                }))
            }
            _ => {
                let mut worst = 0.0f32;
                let together = self.rows(rows.clone());
                let outputs = self.run(&together)?;
                for (row, ids) in rows.iter().enumerate() {
                    let alone = self.rows(vec![ids.clone()]);
                    let one = self.run(&alone)?;
                    for (batch, single) in outputs.iter().zip(&one) {
                        let both = (
                            at(batch, row, together.start_of(row), ids.len()),
                            at(single, 0, 0, ids.len()),
                        );
                        match same(&both.0, &both.1) {
                            Ok(apart) => worst = worst.max(apart),
                            Err(apart) => return Ok(differ(&batch.name, apart, BATCH)),
                        }
                    }
                }
                Ok(Outcome::Passed(format!("largest difference {worst:.1e}")))
            }
        }
    }

    fn generated(
        &self,
        rows: Vec<Vec<u32>>,
        generate: impl Fn(&[Vec<u32>], &GreedyOptions) -> Vec<Vec<u32>>,
    ) -> Outcome {
        let Ok(frame) = self.convention.generation() else {
            return Outcome::Failed(format!(
                "the convention {} does not say how writing starts; set special.convention",
                self.convention.name()
            ));
        };
        let options = GreedyOptions {
            start: frame.start,
            stop: frame.stop,
            pad: frame.pad,
            max_new_tokens: NEW_TOKENS,
        };
        let together = generate(&rows, &options);
        let alone: Vec<Vec<u32>> = rows
            .iter()
            .flat_map(|row| generate(std::slice::from_ref(row), &options))
            .collect();
        match (0..rows.len()).find(|&row| together[row] != alone[row]) {
            Some(row) => Outcome::Failed(format!(
                "a text continues with {:?} in a batch and with {:?} alone; {BATCH}",
                self.spelt(&together[row]),
                self.spelt(&alone[row])
            )),
            None => Outcome::Passed(format!("{NEW_TOKENS} tokens each")),
        }
    }

    fn causality(&self) -> Result<Outcome, RunError> {
        let length = self.length();
        let ids = self.ids(length, 1);
        let mut changed = ids.clone();
        changed[length - 1] = self.ids(1, 5)[0];
        let outputs = match self.model.network() {
            Network::Causal(_) => {
                let [a, b] = [ids, changed].map(|row| self.run(&self.rows(vec![row])));
                [a?, b?]
            }
            Network::Seq2Seq(_) => {
                let source = self.ids(length, 2);
                let [a, b] = [ids, changed].map(|target| self.run_pair(&source, target));
                [a?, b?]
            }
            _ => return Ok(NOT_WRITING),
        };
        let logits = |outputs: &[Output]| at(named(outputs, "logits"), 0, 0, length - 1);
        Ok(outcome(
            same(&logits(&outputs[0]), &logits(&outputs[1])).map_err(|apart| ("logits", apart)),
            "an output sees tokens behind it, so training would be reading its answers; report it with the folder's config.json",
        ))
    }

    fn cache(&self) -> Outcome {
        let length = self.length();
        let mut ids = self.ids(length, 1);
        if let Some(start) = self.convention.decoder_frame().and_then(|d| d.start_id()) {
            ids[0] = start;
        }
        let (whole, steps) = match self.model.network() {
            Network::Causal(model) => causal_both_ways(model, &ids),
            Network::Seq2Seq(model) => seq2seq_both_ways(model, &self.ids(length, 2), &ids),
            _ => return NOT_WRITING,
        };
        outcome(
            same(&whole, &steps).map_err(|apart| ("hidden states", apart)),
            "generation computes something else than training; report it with the folder's config.json",
        )
    }

    fn source(&self) -> Result<Outcome, RunError> {
        let Network::Seq2Seq(_) = self.model.network() else {
            return Ok(NO_MEMORY);
        };
        let length = self.length();
        let target = self.ids(length, 1);
        let [a, b] = [2, 6].map(|seed| self.run_pair(&self.ids(length, seed), target.clone()));
        let (a, b) = (a?, b?);
        let (a, b) = (named(&a, "logits"), named(&b, "logits"));
        let apart = distance(&a.values, &b.values);
        // The same numbers up to rounding mean that nothing of the source arrives.
        Ok(if same(&a.values, &b.values).is_ok() && apart < 1e-4 {
            Outcome::Failed(format!(
                "logits of the same target differ by {apart:.1e} between two sources; the cross-attention was never trained: train the model on pairs first"
            ))
        } else {
            Outcome::Passed(format!("logits differ by up to {apart:.1e}"))
        })
    }

    /// Outputs of the same rows padded in two ways, at the places of the rows.
    fn compare(&self, a: &Rows, b: &Rows) -> Result<Result<f32, (String, f32)>, RunError> {
        let (left, right) = (self.run(a)?, self.run(b)?);
        let is_decoded = matches!(self.model.network(), Network::Seq2Seq(_));
        let mut worst = 0.0f32;
        for (x, y) in left.iter().zip(&right) {
            for (row, ids) in a.rows.iter().enumerate() {
                // A decoder's outputs stand at the places of its own input, which is the same in both.
                let places = |rows: &Rows| match is_decoded && !x.name.starts_with("encoder") {
                    true => (0, x.shape[1]),
                    false => (rows.start_of(row), ids.len()),
                };
                let ((from_a, n), (from_b, _)) = (places(a), places(b));
                match same(&at(x, row, from_a, n), &at(y, row, from_b, n)) {
                    Ok(apart) => worst = worst.max(apart),
                    Err(apart) => return Ok(Err((x.name.clone(), apart))),
                }
            }
        }
        Ok(Ok(worst))
    }

    fn run(&self, rows: &Rows) -> Result<Vec<Output>, RunError> {
        let mut input = rows.input();
        if matches!(self.model.network(), Network::Seq2Seq(_)) {
            let target = self.ids(self.length(), 4);
            input.decoder_input_ids = Some(vec![target; rows.rows.len()]);
        }
        self.model.run(&input)
    }

    fn run_pair(&self, source: &[u32], target: Vec<u32>) -> Result<Vec<Output>, RunError> {
        self.model.run(&ForwardInput {
            decoder_input_ids: Some(vec![target]),
            ..self.rows(vec![source.to_vec()]).input()
        })
    }

    fn rows(&self, rows: Vec<Vec<u32>>) -> Rows {
        Rows::new(rows, self.convention)
    }

    fn ids(&self, n: usize, seed: usize) -> Vec<u32> {
        let known = self
            .folder
            .tokenizer
            .vocab_size()
            .min(self.folder.files.config.vocab_size());
        ordinary_ids(self.convention, known, n, seed)
    }

    /// Tokens of a probe, so that generation has room behind it.
    fn length(&self) -> usize {
        let positions = self
            .folder
            .files
            .config
            .max_positions()
            .unwrap_or(usize::MAX);
        PROBE_LENGTH
            .min(positions.saturating_sub(NEW_TOKENS + 2))
            .max(4)
    }

    fn room(&self, length: usize) -> usize {
        let positions = self
            .folder
            .files
            .config
            .max_positions()
            .unwrap_or(usize::MAX);
        positions.saturating_sub(length)
    }

    fn spelt(&self, ids: &[u32]) -> String {
        let piece = |&id: &u32| spelled(id, &self.folder.tokenizer);
        ids.iter().map(piece).collect::<Vec<_>>().join(" ")
    }
}

const BATCH: &str =
    "answers would depend on what else is in the batch; report it with the folder's config.json";

fn outcome(result: Result<f32, (impl AsRef<str>, f32)>, way_out: &str) -> Outcome {
    match result {
        Ok(apart) => Outcome::Passed(format!("largest difference {apart:.1e}")),
        Err((name, apart)) => differ(name.as_ref(), apart, way_out),
    }
}

fn differ(name: &str, apart: f32, way_out: &str) -> Outcome {
    Outcome::Failed(format!("{name} differ by {apart:.1e}; {way_out}"))
}

fn named<'a>(outputs: &'a [Output], name: &str) -> &'a Output {
    outputs
        .iter()
        .find(|output| output.name == name)
        .expect("a model that writes has logits")
}
