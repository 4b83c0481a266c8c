//! From a checked plan to what an objective opens: reads the data, loads or trains the tokenizer, resolves the convention.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use cresset_data::{
    BatchSize, Bucketing, Convention, Example, Tokenizer, WeightedRows, read_examples,
};
use cresset_objectives::multi::{PartConfig, PartExamples};
use cresset_objectives::{
    DataSetup, ModelFolder, ModelSource, NewHead, ObjectiveConfig, Setup, TrainSetup, WarmStart,
    new_model_config, warm_start_config,
};

use crate::config::RunConfig;
use crate::failure::user;
use crate::plan::{Plan, PlannedModel, check_positions};

/// Reads everything a run needs.
///
/// # Errors
/// Data that cannot be read, a tokenizer or model folder that does not fit.
pub fn of_plan(
    plan: &Plan,
    device: Device,
    tokenizer_folder: Option<&Path>,
) -> anyhow::Result<Setup> {
    let config = &plan.config;
    let RunExamples {
        train,
        sources,
        eval,
    } = examples(config)?;
    let parts = part_examples(&config.objective)?;
    let folder = match &plan.model {
        PlannedModel::Folder { path, .. } | PlannedModel::WarmStart { encoder: path, .. } => {
            Some(ModelFolder::open(path)?)
        }
        PlannedModel::New { .. } => None,
    };
    let texts = all_texts(&train, &parts);
    let tokenizer = tokenizer(plan, folder.as_ref(), &texts, tokenizer_folder)?;
    let convention = convention(plan, folder.as_ref(), &tokenizer)?;
    let model = match (&plan.model, folder) {
        (PlannedModel::New { kind, sizes }, _) => ModelSource::New(Box::new(new_model_config(
            kind,
            sizes.clone(),
            &tokenizer,
            &convention,
        )?)),
        (PlannedModel::Folder { allow_new, .. }, Some(folder)) => {
            check_positions(&folder.files.config, &config.objective, &config.data)?;
            ModelSource::Folder(Box::new(folder), NewHead::Allowed(allow_new.clone()))
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
            parts,
        },
        train: Some(TrainSetup {
            duration: plan.duration,
            accumulate: config.train.accumulate,
            optim: config.optim.clone(),
            schedule: config.schedule,
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
            parts: Vec::new(),
        },
        train: None,
    };
    Ok((facts.objective, setup))
}

/// The examples of a run.
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
        (None, Some(_)) => Ok(Arc::new(trained_tokenizer(plan, train)?)),
        (None, None) => Err(user(
            "a new model needs a tokenizer; set tokenizer.path or [tokenizer.train]",
        )),
    }
}

/// A tokenizer trained on the training data, as `[tokenizer.train]` says.
///
/// # Errors
/// No `[tokenizer.train]`; text too small for the vocabulary asked for.
pub fn trained_tokenizer(plan: &Plan, train: &[&Example]) -> anyhow::Result<Tokenizer> {
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
    let texts = train
        .iter()
        .flat_map(|e| {
            [
                Some(e.text.as_str()),
                e.pair.as_deref(),
                e.target.as_deref(),
            ]
            .into_iter()
            .flatten()
        })
        .chain(
            prefixes
                .iter()
                .map(String::as_str)
                .filter(|p| !p.is_empty()),
        );
    Ok(Tokenizer::train(config, texts, convention)?)
}

fn convention(
    plan: &Plan,
    folder: Option<&ModelFolder>,
    tokenizer: &Tokenizer,
) -> anyhow::Result<Arc<Convention>> {
    let overrides = &plan.config.special.overrides;
    Ok(Arc::new(match (&plan.convention, folder) {
        (Some(name), _) => Convention::with_overrides(name, overrides, tokenizer)?,
        (None, Some(folder)) => folder.convention()?,
        (None, None) => {
            return Err(user(
                "special.convention is not given and the model has no default; set special.convention",
            ));
        }
    }))
}
