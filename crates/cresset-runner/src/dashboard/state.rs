//! What a dashboard knows of a run.

use std::collections::BTreeMap;

use cresset_train::{CloudShape, Event, SpecialVector, StepReport, TokenAttention};

use super::curve::Curve;
use crate::output::metrics_line;

/// A run as far as it was told.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub name: String,
    pub steps: u64,
    /// Steps done before this process.
    pub first: u64,
    pub last: Option<StepReport>,
    /// Smoothed: single steps jump.
    pub loss: Curve,
    smooth: Smooth,
    pub eval_loss: Curve,
    /// Seconds and tokens of the steps of this process.
    seconds: f64,
    tokens: u64,
    /// The evaluations, the last one at the end.
    pub evaluations: Vec<(u64, BTreeMap<String, f64>)>,
    /// Metric, value and step of the best one.
    pub best: Option<(String, f64, u64)>,
    pub vectors: Vec<SpecialVector>,
    pub attention: Vec<TokenAttention>,
    pub cloud: Option<CloudShape>,
    /// Warnings with their steps.
    pub warnings: Vec<(u64, String)>,
    pub news: Option<String>,
}

/// A moving mean with weights that fall off exponentially, without the pull to zero of its beginning (Kingma & Ba 2015, section 3).
#[derive(Clone, Copy, Debug, Default)]
struct Smooth {
    sum: f64,
    weights: f64,
}

/// What a value weighs of the one after it: twenty or so of them count.
const FALL: f64 = 0.95;

impl Smooth {
    fn with(&mut self, value: f64) -> f64 {
        self.sum = self.sum * FALL + value;
        self.weights = self.weights * FALL + 1.0;
        self.sum / self.weights
    }
}

impl State {
    pub fn new(name: &str) -> State {
        State {
            name: name.to_owned(),
            ..State::default()
        }
    }

    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Started { step, steps } => (self.first, self.steps) = (*step, *steps),
            Event::Step {
                report, seconds, ..
            } => {
                self.loss.push(report.step, self.smooth.with(report.loss));
                self.seconds += seconds;
                self.tokens += report.tokens as u64;
                self.last = Some(report.clone());
            }
            Event::Evaluated { step, values, .. } => {
                if let Some(loss) = values.get("loss") {
                    self.eval_loss.push(*step, *loss);
                }
                self.evaluations.push((*step, values.clone()));
            }
            Event::Special(look) => {
                self.vectors.clone_from(&look.vectors);
                self.attention.clone_from(&look.attention);
                self.cloud.clone_from(&look.cloud);
                let warnings = look.warnings.iter();
                self.warnings
                    .extend(warnings.map(|warning| (look.step, warning.clone())));
            }
            Event::BestSaved {
                step,
                metric,
                value,
            } => self.best = Some((metric.clone(), *value, *step)),
            Event::CheckpointSaved { step, .. } => {
                self.news = Some(format!("checkpoint at step {step}"));
            }
            _ => {}
        }
    }

    /// Steps done.
    pub fn done(&self) -> u64 {
        self.last.as_ref().map_or(self.first, |report| report.step)
    }

    /// Input tokens per second of the steps.
    pub fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.seconds.max(1e-9)
    }

    /// Seconds that the steps to come will take, evaluations not counted.
    pub fn seconds_left(&self) -> Option<f64> {
        let here = self.done().saturating_sub(self.first);
        let left = self.steps.saturating_sub(self.done());
        (here > 0).then(|| self.seconds / here as f64 * left as f64)
    }

    /// The mean share of attention that a vector's token gets from the others, over all layers and heads of its stack.
    pub fn received(&self, vector: &SpecialVector) -> Option<f64> {
        let is_it = |of: &&TokenAttention| {
            let stack = vector.stack.as_deref();
            of.token == vector.token
                && of.stack != "cross"
                && stack.is_none_or(|stack| stack == of.stack)
        };
        let layers = self
            .attention
            .iter()
            .filter(is_it)
            .find_map(|of| of.to.as_ref())?;
        let n = layers.iter().map(Vec::len).sum::<usize>();
        (n > 0).then(|| layers.iter().flatten().sum::<f64>() / n as f64)
    }

    /// What should stay on the terminal when the screen goes: evaluations and warnings.
    pub fn lines(&self) -> Vec<String> {
        let warning =
            |(step, text): &(u64, String)| (*step, format!("warning: step {step}: {text}"));
        let evaluation = |(step, values): &(u64, BTreeMap<String, f64>)| {
            (*step, format!("step {step}: {}", metrics_line(values)))
        };
        let mut lines: Vec<(u64, String)> = self.evaluations.iter().map(evaluation).collect();
        lines.extend(self.warnings.iter().map(warning));
        lines.sort_by_key(|(step, _)| *step);
        lines.into_iter().map(|(_, line)| line).collect()
    }
}
