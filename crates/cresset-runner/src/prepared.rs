//! Prepared texts: whether a run takes them, where they lie, and which of them are held out.

use std::path::{Path, PathBuf};
use std::time::Instant;

use cresset_data::{
    DataError, Example, Preparation, PreparedEntry, SourceConfig, TextForm, TokenizedTexts,
    Tokenizer, holds_prepared, stream_examples,
};
use cresset_objectives::PreparedTexts;
use serde::{Deserialize, Serialize};

use crate::config::DataConfig;
use crate::failure::user;
use crate::plan::Plan;
use crate::setup::{halves, n_held_out, source_of};

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
/// `data.prepare` or `data.prepared` with an objective that reads more of an example than its text.
pub fn check(plan: &Plan) -> anyhow::Result<()> {
    let (data, objective) = (&plan.config.data, &plan.config.objective);
    let key = match (&data.prepared, data.prepare) {
        _ if objective.text_form().is_some() => return Ok(()),
        (Some(_), _) => "data.prepared",
        (None, Prepare::Always) => "data.prepare = \"always\"",
        (None, _) => return Ok(()),
    };
    Err(user(format!(
        "{key} is given, but objective {} reads more of an example than its text, so nothing can be prepared; remove it",
        objective.name()
    )))
}

/// Whether a run of this plan takes prepared texts.
pub fn is_wanted(plan: &Plan) -> bool {
    let data = &plan.config.data;
    let is_large = || {
        let size = |path: &PathBuf| path.metadata().map_or(0, |facts| facts.len());
        data.train.iter().chain(&data.eval).map(size).sum::<u64>() > LARGE
    };
    plan.config.objective.text_form().is_some()
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

/// How the objective reads texts.
///
/// # Errors
/// An objective that reads more of an example than its text.
pub fn form(plan: &Plan) -> anyhow::Result<TextForm> {
    let objective = &plan.config.objective;
    objective.text_form().ok_or_else(|| {
        user(format!(
            "objective {} reads more of an example than its text, so nothing can be prepared; `cresset prepare` is for objectives on plain texts",
            objective.name()
        ))
    })
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
    let one = |files: &[PathBuf], split: Option<f64>| -> anyhow::Result<Prepared> {
        let source = source_of(data, files.to_vec());
        // A single text is cut before it is tokenized, so the share is part of what the texts are.
        let selection = split.map_or(String::new(), |share| format!("split {share}"));
        let preparation = Preparation {
            source: &source,
            tokenizer,
            form,
            selection: &selection,
        };
        let entry = preparation.entry(&folder(plan))?;
        put_in_place(entry, &source, split, (tokenizer, form), news)
    };
    let train = one(&data.train, data.split)?;
    let eval = match data.eval[..] {
        [] => None,
        _ => Some(one(&data.eval, None)?),
    };
    Ok((train, eval))
}

fn put_in_place(
    entry: PreparedEntry,
    source: &SourceConfig,
    split: Option<f64>,
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
    let texts = match split {
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
        (None, Some(split)) => {
            // Of two texts the second may be the rest of the first.
            let held_out = match all.len() {
                2 => 1,
                n => n_held_out(n, split)?,
            };
            let kept = all.len() - held_out;
            (all.part(0..kept), all.part(kept..all.len()))
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
        (Some(Ok(only)), None) if only.words.is_empty() => {
            let (kept, held_out) = halves(only, share);
            (Some(Ok(kept)), Some(Ok(held_out)))
        }
        both => both,
    };
    first.into_iter().chain(second).chain(examples)
}
