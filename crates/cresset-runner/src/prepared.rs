//! Prepared texts: whether a run takes them, where they lie, and which of them are held out.

use std::path::{Path, PathBuf};
use std::time::Instant;

use cresset_data::{
    DataError, Example, Preparation, PreparedEntry, SourceConfig, Split, TextForm, TokenizedTexts,
    Tokenizer, holds_prepared, stream_examples,
};
use cresset_objectives::PreparedTexts;
use serde::{Deserialize, Serialize};

use crate::config::DataConfig;
use crate::failure::user;
use crate::plan::Plan;

/// `data.prepare`: whether texts are tokenized once and kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prepare {
    /// Where that pays: with large files, or where prepared texts are there already.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// Files that are larger in bytes are prepared without being asked for.
const LARGE: u64 = 16 << 20;

/// Texts that are in their place.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Their place.
    pub entry: PreparedEntry,
    /// The texts of all files.
    pub texts: TokenizedTexts,
    /// Seconds that it took to write them; `None` if they were there.
    pub written_in: Option<f64>,
}

/// Refuses settings that nothing would come of.
///
/// # Errors
/// `data.prepare` or `data.prepared` where nothing can be prepared.
pub fn check(plan: &Plan) -> anyhow::Result<()> {
    let data = &plan.config.data;
    let key = match (&data.prepared, data.prepare) {
        (Some(_), _) => "data.prepared",
        (None, Prepare::Always) => "data.prepare = \"always\"",
        (None, _) => return Ok(()),
    };
    match form(plan) {
        Ok(_) => Ok(()),
        Err(why) => Err(user(format!("{key} is given, but {why}; remove it"))),
    }
}

/// Whether a run of this plan takes prepared texts.
pub fn is_wanted(plan: &Plan) -> bool {
    let data = &plan.config.data;
    let is_large = || {
        let sources = data.train_sources().into_iter().map(|source| source.files);
        let size = |path: PathBuf| path.metadata().map_or(0, |facts| facts.len());
        // A file that is not there is named when it is read.
        let all = |source: SourceConfig| source.resolved_files().unwrap_or_default();
        let train = sources.flat_map(all).map(size).sum::<u64>();
        let eval = data.source(data.eval.clone());
        train + all(eval).into_iter().map(size).sum::<u64>() > LARGE
    };
    form(plan).is_ok()
        && match data.prepare {
            Prepare::Always => true,
            Prepare::Never => false,
            Prepare::Auto => is_large() || holds_prepared(&folder(plan)),
        }
}

/// The folder of all prepared texts: `data.prepared`, or `prepared` beside the run's folder.
pub fn folder(plan: &Plan) -> PathBuf {
    let config = &plan.config;
    let beside = || {
        let runs = config.train.out.parent().unwrap_or(Path::new(""));
        runs.join("prepared")
    };
    config.data.prepared.clone().unwrap_or_else(beside)
}

/// How the objective reads the texts, of which there must be one source.
///
/// # Errors
/// An objective that reads more of an example than its text; several sources.
pub fn form(plan: &Plan) -> anyhow::Result<TextForm> {
    let objective = &plan.config.objective;
    let form = objective.text_form().ok_or_else(|| {
        user(format!(
            "objective {} reads more of an example than its text, so nothing can be prepared",
            objective.name()
        ))
    })?;
    match plan.config.data.train_sources().len() {
        1 => Ok(form),
        n => Err(user(format!(
            "data.train has {n} sources of their own weight, format or fields, and texts are prepared for a run of one"
        ))),
    }
}

/// The texts of a plan, tokenized now unless they were before; held-out files behind the training files.
///
/// # Errors
/// A file that cannot be read; a folder that is damaged or cannot be written.
pub fn prepare(
    plan: &Plan,
    tokenizer: &Tokenizer,
    news: &dyn Fn(&str),
) -> anyhow::Result<(Prepared, Option<Prepared>)> {
    let data = &plan.config.data;
    let form = form(plan)?;
    let one = |source: SourceConfig, cut: Option<f64>| -> anyhow::Result<Prepared> {
        // A single text is cut before it is tokenized, so the share is part of what the texts are.
        let selection = cut.map_or(String::new(), |share| format!("split {share}"));
        let preparation = Preparation {
            source: &source,
            tokenizer,
            form,
            selection: &selection,
        };
        let entry = preparation.entry(&folder(plan))?;
        put_in_place(entry, &source, cut, (tokenizer, form), news)
    };
    let cut = match data.split {
        Some(Split::Last(share)) => Some(share),
        Some(Split::Drawn(_)) | None => None,
    };
    let source = data.train_sources().swap_remove(0).files;
    let train = one(source, cut)?;
    let eval = match data.eval[..] {
        [] => None,
        _ => Some(one(data.source(data.eval.clone()), None)?),
    };
    Ok((train, eval))
}

fn put_in_place(
    entry: PreparedEntry,
    source: &SourceConfig,
    cut: Option<f64>,
    (tokenizer, form): (&Tokenizer, TextForm),
    news: &dyn Fn(&str),
) -> anyhow::Result<Prepared> {
    if let Some(texts) = entry.open()? {
        return Ok(Prepared {
            entry,
            texts,
            written_in: None,
        });
    }
    news(&format!("tokenizing into {}", entry.path().display()));
    let began = Instant::now();
    let examples = stream_examples(source)?;
    let texts = match cut {
        None => entry.write(examples, tokenizer, form)?,
        Some(share) => entry.write(one_in_two(examples, share), tokenizer, form)?,
    };
    Ok(Prepared {
        entry,
        texts,
        written_in: Some(began.elapsed().as_secs_f64()),
    })
}

/// The prepared texts of a plan, the held-out ones apart.
///
/// # Errors
/// As [`prepare`]; a split that leaves nothing to train on.
pub fn texts(
    plan: &Plan,
    tokenizer: &Tokenizer,
    news: &dyn Fn(&str),
) -> anyhow::Result<PreparedTexts> {
    let data: &DataConfig = &plan.config.data;
    let (train, eval) = prepare(plan, tokenizer, news)?;
    let form = form(plan)?;
    let all = train.texts;
    let (train, eval) = match (eval, data.split) {
        (Some(eval), _) => (all, eval.texts),
        (None, None) => (all, TokenizedTexts::default()),
        // Of two texts the second may be the rest of the first.
        (None, Some(Split::Last(_))) if all.len() == 2 => (all.part(0..1), all.part(1..2)),
        (None, Some(split @ Split::Last(_))) => {
            let is_held_out = split.held_out(all.len())?;
            let n_kept = (0..all.len())
                .take_while(|text| !is_held_out(*text))
                .count();
            (all.part(0..n_kept), all.part(n_kept..all.len()))
        }
        (None, Some(split)) => {
            let is_held_out = split.held_out(all.len())?;
            (
                all.filtered(|text| !is_held_out(text)),
                all.filtered(&is_held_out),
            )
        }
    };
    Ok(PreparedTexts { form, train, eval })
}

/// The examples; a single one as two, the second with the held-out share of its text.
fn one_in_two(
    mut examples: impl Iterator<Item = Result<Example, DataError>>,
    share: f64,
) -> impl Iterator<Item = Result<Example, DataError>> {
    let (first, second) = (examples.next(), examples.next());
    let (first, second) = match (first, second) {
        (Some(Ok(mut only)), None) if only.words.is_empty() => {
            let held_out = only.split_off_end(share);
            (Some(Ok(only)), Some(Ok(held_out)))
        }
        both => both,
    };
    first.into_iter().chain(second).chain(examples)
}
