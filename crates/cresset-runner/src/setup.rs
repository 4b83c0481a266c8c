//! From a checked plan to what an objective opens: reads the data, loads or trains the tokenizer, resolves the convention.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use cresset_data::{
    BatchSize, Bucketing, Convention, Example, SourceConfig, Tokenizer, WeightedRows,
    read_examples, stream_examples,
};
use cresset_objectives::multi::{PartConfig, PartExamples};
use cresset_objectives::{
    DataSetup, ModelFolder, ModelSource, NewHead, ObjectiveConfig, RowSharing, Setup, TrainSetup,
    WarmStart, new_model_config, warm_start_config,
};

use crate::config::RunConfig;
use crate::failure::user;
use crate::plan::{Plan, PlannedModel, check_positions};
use crate::prepared;

/// Reads everything a run needs.
///
/// # Errors
/// Data that cannot be read, a tokenizer or model folder that does not fit.
pub fn of_plan(
    plan: &Plan,
    device: Device,
    tokenizer_folder: Option<&Path>,
    news: &dyn Fn(&str),
) -> anyhow::Result<Setup> {
    let config = &plan.config;
    let RunExamples {
        train,
        sources,
        eval,
    } = if prepared::is_wanted(plan) {
        RunExamples::default()
    } else {
        examples(config)?
    };
    let parts = part_examples(&config.objective)?;
    let folder = match &plan.model {
        PlannedModel::Folder { path, .. } | PlannedModel::WarmStart { encoder: path, .. } => {
            Some(ModelFolder::open(path)?)
        }
        PlannedModel::New { .. } => None,
    };
    let texts = all_texts(&train, &parts);
    let tokenizer = tokenizer(plan, folder.as_ref(), &texts, tokenizer_folder)?;
    let prepared = if prepared::is_wanted(plan) {
        Some(prepared::texts(plan, &tokenizer, news)?)
    } else {
        None
    };
    let convention = convention(plan, folder.as_ref(), &tokenizer)?;
    let model = match (&plan.model, folder) {
        (PlannedModel::New { kind, sizes }, _) => ModelSource::New(Box::new(new_model_config(
            kind,
            sizes.clone(),
            &tokenizer,
            &convention,
        )?)),
        (
            PlannedModel::Folder {
                allow_new, reset, ..
            },
            Some(folder),
        ) => {
            check_positions(&folder.files.config, &config.objective, &config.data)?;
            let new_head = NewHead::Reset {
                allow_new: allow_new.clone(),
                reset: reset.clone(),
            };
            ModelSource::Folder(Box::new(folder), new_head)
        }
        (
            PlannedModel::WarmStart {
                encoder: path,
                decoder,
            },
            Some(encoder),
        ) => {
            let halves = ModelFolder::open(decoder)?;
            let made = warm_start_config(&encoder, &halves, &convention)?;
            check_positions(&made, &config.objective, &config.data)?;
            ModelSource::WarmStart(Box::new(WarmStart {
                config: made,
                encoder: path.clone(),
                decoder: decoder.clone(),
            }))
        }
        (PlannedModel::Folder { .. } | PlannedModel::WarmStart { .. }, None) => {
            unreachable!("a planned folder was opened above")
        }
    };
    Ok(Setup {
        seed: config.seed,
        tokenizer,
        convention,
        model,
        device,
        objective: config.objective.clone(),
        source: serde_json::to_value(config.data.source(Vec::new()))?,
        data: DataSetup {
            train,
            train_sources: sources,
            eval,
            max_length: config.data.max_length,
            max_target_length: plan.max_target_length(),
            batch: plan.batch,
            bucketing: plan.bucketing,
            eval_batch: BatchSize::Examples(config.data.eval_batch_size),
            sharing: if config.data.packing {
                RowSharing::Packed
            } else {
                RowSharing::None
            },
            prepared,
            parts,
        },
        train: Some(TrainSetup {
            duration: plan.duration,
            accumulate: config.train.accumulate,
            checkpoint_layers: config.train.checkpoint_layers,
            optim: config.optim.clone(),
            schedule: config.schedule,
            policies: config.special.policy.clone(),
        }),
    })
}

/// A trained model's folder with data to measure it on.
///
/// # Errors
/// A folder or data that cannot be read, or do not fit each other.
pub fn of_folder(
    folder: ModelFolder,
    eval: Vec<Example>,
    batch_size: usize,
    device: Device,
) -> anyhow::Result<(ObjectiveConfig, Setup)> {
    let facts = folder.facts.clone().ok_or_else(|| {
        user(format!("{} was not trained by this tool, so its task is not known (no task in cresset.json); fine-tune it with `cresset train` first", folder.files.path.display()))
    })?;
    let convention = Arc::new(folder.convention()?);
    let setup = Setup {
        seed: 0,
        tokenizer: folder.tokenizer.clone(),
        convention,
        model: ModelSource::Folder(Box::new(folder), NewHead::Refused),
        device,
        objective: facts.objective.clone(),
        source: facts.source.clone(),
        data: DataSetup {
            train: Vec::new(),
            train_sources: Vec::new(),
            eval,
            max_length: facts.max_length,
            max_target_length: facts.max_target_length,
            batch: BatchSize::Examples(batch_size),
            bucketing: Bucketing::ByLength,
            eval_batch: BatchSize::Examples(batch_size),
            sharing: RowSharing::None,
            prepared: None,
            parts: Vec::new(),
        },
        train: None,
    };
    Ok((facts.objective, setup))
}

/// The examples of a run.
#[derive(Default)]
pub struct RunExamples {
    /// To train on, source after source.
    pub train: Vec<Example>,
    /// How many of them are of each source, and how often an epoch draws each.
    pub sources: Vec<WeightedRows>,
    /// Held out.
    pub eval: Vec<Example>,
}

/// Training and held-out examples.
///
/// # Errors
/// A file that cannot be read; a split that leaves nothing on one side.
pub fn examples(config: &RunConfig) -> anyhow::Result<RunExamples> {
    let data = &config.data;
    let mut read = RunExamples {
        train: Vec::new(),
        sources: Vec::new(),
        eval: Vec::new(),
    };
    for source in data.train_sources() {
        let all = read_examples(&source.files)?;
        let (train, eval) = match data.split {
            Some(split) if data.eval.is_empty() => split.of(all)?,
            _ => (all, Vec::new()),
        };
        read.sources.push(WeightedRows {
            n_rows: train.len(),
            weight: source.weight,
        });
        read.train.extend(train);
        read.eval.extend(eval);
    }
    if !data.eval.is_empty() {
        read.eval = read_examples(&data.source(data.eval.clone()))?;
    }
    Ok(read)
}

/// The examples of the parts of a mix that have files of their own.
///
/// # Errors
/// A file that cannot be read.
pub fn part_examples(objective: &ObjectiveConfig) -> anyhow::Result<Vec<Option<PartExamples>>> {
    let ObjectiveConfig::Multi(multi) = objective else {
        return Ok(Vec::new());
    };
    let read = |part: &PartConfig| {
        let Some(data) = &part.data else {
            return Ok(None);
        };
        let files = |files: &Vec<PathBuf>| match files[..] {
            [] => Ok(Vec::new()),
            _ => read_examples(&data.source(files.clone())),
        };
        Ok(Some(PartExamples {
            train: files(&data.train)?,
            eval: files(&data.eval)?,
        }))
    };
    multi.parts.iter().map(read).collect()
}

/// What a tokenizer is trained on: the training data of all parts.
pub fn all_texts<'a>(train: &'a [Example], parts: &'a [Option<PartExamples>]) -> Vec<&'a Example> {
    let of_parts = parts.iter().flatten().flat_map(|part| &part.train);
    train.iter().chain(of_parts).collect()
}

/// The tokenizer of a run: that which the run saved, that of the config, that of the model's folder, or a new one.
fn tokenizer(
    plan: &Plan,
    folder: Option<&ModelFolder>,
    train: &[&Example],
    saved: Option<&Path>,
) -> anyhow::Result<Arc<Tokenizer>> {
    let config = &plan.config.tokenizer;
    if let Some(saved) = saved.filter(|s| s.join("tokenizer.json").exists()) {
        return Ok(Arc::new(Tokenizer::load(saved)?));
    }
    if let Some(path) = &config.path {
        return Ok(Arc::new(Tokenizer::load(path)?));
    }
    match (folder, &config.train) {
        (Some(folder), _) => Ok(folder.tokenizer.clone()),
        (None, Some(_)) if train.is_empty() => Ok(Arc::new(trained_tokenizer(plan)?)),
        (None, Some(_)) => Ok(Arc::new(tokenizer_of(plan, texts_of(train))?)),
        (None, None) => Err(user(
            "a new model needs a tokenizer; set tokenizer.path or [tokenizer.train]",
        )),
    }
}

/// The tokenizer that a new run of the plan would have.
///
/// # Errors
/// A folder or data that cannot be read.
pub fn tokenizer_of_plan(plan: &Plan) -> anyhow::Result<Arc<Tokenizer>> {
    let folder = match &plan.model {
        PlannedModel::Folder { path, .. } | PlannedModel::WarmStart { encoder: path, .. } => {
            Some(ModelFolder::open(path)?)
        }
        PlannedModel::New { .. } => None,
    };
    tokenizer(plan, folder.as_ref(), &[], None)
}

/// A tokenizer trained on the training data, as `[tokenizer.train]` says. Where there is one source, its files are read as a
/// stream.
///
/// # Errors
/// No `[tokenizer.train]`; text too small for the vocabulary asked for; a file that cannot be read.
pub fn trained_tokenizer(plan: &Plan) -> anyhow::Result<Tokenizer> {
    let parts = part_examples(&plan.config.objective)?;
    if !parts.is_empty() {
        let read = examples(&plan.config)?;
        return tokenizer_of(plan, texts_of(&all_texts(&read.train, &parts)));
    }
    let data = &plan.config.data;
    let sources = data.train_sources();
    let n_examples = match (&sources[..], data.split) {
        ([_], None) => 0,
        ([only], Some(_)) => count(&only.files)?,
        _ => 1,
    };
    if n_examples == 1 {
        let read = examples(&plan.config)?;
        return tokenizer_of(plan, texts_of(&all_texts(&read.train, &[])));
    }
    let is_held_out = data.split.map(|split| split.held_out(n_examples));
    let is_held_out = is_held_out.transpose()?;
    let mut failure = None;
    let kept = stream_examples(&sources[0].files)?
        .enumerate()
        .filter(|(index, _)| {
            is_held_out
                .as_ref()
                .is_none_or(|held_out| !held_out(*index))
        });
    let texts = kept.map_while(|(_, example)| {
        let texts = example.map(|e| [Some(e.text), e.pair, e.target]);
        texts.map_err(|error| failure = Some(error)).ok()
    });
    let tokenizer = tokenizer_of(plan, texts.flatten().flatten());
    match failure {
        Some(error) => Err(error.into()),
        None => tokenizer,
    }
}

/// The examples of some files, read as a stream.
fn count(files: &SourceConfig) -> anyhow::Result<usize> {
    let mut examples = stream_examples(files)?;
    Ok(examples.try_fold(0, |n, example| example.map(|_| n + 1))?)
}

/// Every text of the examples.
fn texts_of<'a>(examples: &[&'a Example]) -> impl Iterator<Item = &'a str> {
    examples.iter().flat_map(|e| {
        let texts = [
            Some(e.text.as_str()),
            e.pair.as_deref(),
            e.target.as_deref(),
        ];
        texts.into_iter().flatten()
    })
}

fn tokenizer_of<S: AsRef<str> + Sync>(
    plan: &Plan,
    texts: impl Iterator<Item = S>,
) -> anyhow::Result<Tokenizer> {
    let config = plan.config.tokenizer.train.as_ref().ok_or_else(|| {
        user("the config has no [tokenizer.train]; add it with kind and vocab_size")
    })?;
    let convention = plan.convention.as_deref().unwrap_or("bert");
    // A prefix stands in front of every source text, so the vocabulary must be able to spell it.
    let prefix = |objective: &'_ ObjectiveConfig| match objective {
        ObjectiveConfig::Seq2Seq(objective) => objective.prefix.clone(),
        _ => String::new(),
    };
    let prefixes: Vec<String> = match &plan.config.objective {
        ObjectiveConfig::Multi(multi) => {
            let parts = multi.parts.iter();
            parts.map(|part| prefix(&part.objective)).collect()
        }
        objective => vec![prefix(objective)],
    };
    let prefixes = prefixes.iter().map(String::as_str);
    let texts = texts
        .map(Text::Of)
        .chain(prefixes.filter(|p| !p.is_empty()).map(Text::Prefix));
    let tokenizer = Tokenizer::train(config, texts, convention)?;
    // A role may be given to a token that neither the convention nor the text has.
    let named = plan.config.special.overrides.tokens();
    let new: Vec<&str> = named
        .filter(|token| tokenizer.token_to_id(token).is_none())
        .collect();
    if new.is_empty() {
        return Ok(tokenizer);
    }
    Ok(tokenizer.clone().with_special_tokens(&new)?)
}

/// A text of the data, or the prefix in front of all.
enum Text<'a, S> {
    Of(S),
    Prefix(&'a str),
}

impl<S: AsRef<str>> AsRef<str> for Text<'_, S> {
    fn as_ref(&self) -> &str {
        match self {
            Text::Of(text) => text.as_ref(),
            Text::Prefix(prefix) => prefix,
        }
    }
}

fn convention(
    plan: &Plan,
    folder: Option<&ModelFolder>,
    tokenizer: &Tokenizer,
) -> anyhow::Result<Arc<Convention>> {
    let overrides = &plan.config.special.overrides;
    Ok(Arc::new(match (&plan.convention, folder) {
        (Some(name), _) => Convention::with_overrides(name, overrides, tokenizer)?,
        (None, Some(folder)) => folder.convention()?.changed(overrides, tokenizer)?,
        (None, None) => {
            return Err(user(
                "special.convention is not given and the model has no default; set special.convention",
            ));
        }
    }))
}
