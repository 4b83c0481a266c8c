//! What `cresset lab probe --out` wrote.

use std::path::Path;

use serde::Deserialize;

use super::json;
use crate::failure::user;

/// The report of a probe.
#[derive(Clone, Debug, Deserialize)]
pub struct Probe {
    /// The file, as it was named.
    #[serde(skip)]
    pub name: String,
    /// Class of the model.
    pub architecture: Option<String>,
    /// Name of the convention.
    pub convention: Option<String>,
    /// Which stack the vectors are of.
    pub stack: Option<String>,
    /// Texts looked at.
    pub n_texts: Option<usize>,
    /// Texts of the data.
    pub n_given: Option<usize>,
    /// Linear probes.
    pub layers: Option<Probes>,
    /// The cloud, layer by layer.
    pub clouds: Option<Clouds>,
    /// A classifier with other vectors in its special tokens' places.
    pub ablations: Option<Ablations>,
    /// The start token.
    pub start: Option<Start>,
    /// What was left out, and why.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A share with its interval.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Share {
    /// The share.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Of how many.
    pub n: Option<usize>,
}

/// Linear probes of every layer.
#[derive(Clone, Debug, Deserialize)]
pub struct Probes {
    /// Names of the classes.
    #[serde(default)]
    pub classes: Vec<String>,
    /// The share of the commonest class.
    pub majority: Option<Share>,
    /// Parts that the texts are split into.
    pub folds: Option<usize>,
    /// By layer and pooling.
    #[serde(default)]
    pub probes: Vec<LayerProbe>,
}

/// One probe.
#[derive(Clone, Debug, Deserialize)]
pub struct LayerProbe {
    /// 0 for the embeddings.
    pub layer: usize,
    /// Which vector stands for a text.
    pub pooling: String,
    /// Share of the texts whose class is told.
    pub accuracy: Share,
}

/// The clouds of every layer.
#[derive(Clone, Debug, Deserialize)]
pub struct Clouds {
    /// Whose vectors.
    pub pooling: String,
    /// By layer; the first is that of the embeddings.
    #[serde(default)]
    pub layers: Vec<LayerCloud>,
}

/// The cloud of a layer.
#[derive(Clone, Debug, Deserialize)]
pub struct LayerCloud {
    /// Mean cosine of two vectors.
    pub mean_cosine: Option<f64>,
    /// Of two of one class.
    pub within_classes: Option<f64>,
    /// Of two of two classes.
    pub between_classes: Option<f64>,
    /// How many directions they use.
    pub effective_rank: Option<f64>,
    /// The share of the first.
    pub first_direction: Option<f64>,
}

/// Ablations of a classifier.
#[derive(Clone, Debug, Deserialize)]
pub struct Ablations {
    /// Texts.
    pub n: Option<usize>,
    /// The metric.
    pub metric: String,
    /// One per token and what was put in its place.
    #[serde(default)]
    pub changed: Vec<Ablation>,
}

/// One ablation.
#[derive(Clone, Debug, Deserialize)]
pub struct Ablation {
    /// The token.
    pub token: String,
    /// What was put in its place.
    pub by: String,
    /// The change of the metric.
    pub change: Option<f64>,
    /// The same with its interval.
    pub paired: Option<Change>,
}

/// A change with its interval.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Change {
    /// The mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What the start token does.
#[derive(Clone, Debug, Deserialize)]
pub struct Start {
    /// The token.
    pub token: String,
    /// Texts.
    pub n_texts: Option<usize>,
    /// Entropy of the first token's distribution, in nats.
    pub entropy: Option<f64>,
    /// Entropy of the mean distribution.
    pub entropy_of_mean: Option<f64>,
    /// Entropy if all tokens were equally likely.
    pub entropy_of_uniform: Option<f64>,
    /// The likeliest first tokens.
    #[serde(default)]
    pub top: Vec<Likely>,
    /// Divergence from the frequency of tokens in the targets.
    pub kl_to_unigram: Option<f64>,
    /// Loss of a target token.
    pub nll: Option<f64>,
    /// With another vector in its place.
    #[serde(default)]
    pub changed: Vec<StartChange>,
}

/// A token and how likely it is.
#[derive(Clone, Debug, Deserialize)]
pub struct Likely {
    /// As the tokenizer spells it.
    pub token: String,
    /// Its probability.
    pub probability: f64,
}

/// With another vector in the start token's place.
#[derive(Clone, Debug, Deserialize)]
pub struct StartChange {
    /// What was put there.
    pub by: String,
    /// Divergence of the first token's distribution from what it was.
    pub kl: Option<f64>,
    /// Share of the texts whose likeliest first token stays the same.
    pub same_first: Option<Share>,
    /// Change of the loss of a target token.
    pub nll: Option<Change>,
}

/// Reads a probe's report.
///
/// # Errors
/// A file that is not there or does not parse, or holds something else.
pub fn read(path: &Path) -> anyhow::Result<Probe> {
    let what = "what `cresset lab probe MODEL --data FILE --out FILE` wrote";
    let mut probe: Probe = json(path, what)?;
    if probe.architecture.is_none() {
        let name = path.display();
        return Err(user(format!(
            "{name} is no report of a probe: it names no architecture; give {what}"
        )));
    }
    probe.name = path.display().to_string();
    Ok(probe)
}
