//! `cresset bench pipeline`: tokens per second of a config's input pipeline on one core, from text and from prepared texts.

use std::borrow::Cow;
use std::time::Instant;

use anyhow::Context;
use cresset_data::{TextForm, TokenizedTexts};
use cresset_objectives::{OpenRun, Setup, open};
use serde_json::json;

use super::bench::{WARM_UP, check_sizes};
use super::preview::overrides;
use crate::cli::{BenchArgs, Common};
use crate::failure::user;
use crate::plan::Plan;
use crate::prepared::Prepare;
use crate::{config, device, output, prepared, setup};

/// The name of this case.
pub const CASE: &str = "pipeline";

pub fn run(args: &BenchArgs, common: &Common) -> anyhow::Result<()> {
    check_sizes(args)?;
    let path = args
        .config
        .as_ref()
        .ok_or_else(|| user("bench pipeline needs --config"))?;
    let mut config = config::read(path, &overrides(common))?;
    config.data.prepare = Prepare::Never;
    let plan = Plan::check(config)?;
    let core = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let facts = core.install(|| measure(&plan, args.steps))?;
    if common.json {
        return output::json(&facts);
    }
    facts
        .as_object()
        .expect("built as an object")
        .iter()
        .try_for_each(|(name, value)| output::line(&format!("{name:<24} {value}")))
}

fn measure(plan: &Plan, batches: usize) -> anyhow::Result<serde_json::Value> {
    if batches <= WARM_UP {
        return Err(user(format!(
            "--steps is {batches} but must be above the {WARM_UP} of the warm-up"
        )));
    }
    let objective = &plan.config.objective;
    let setup = setup::of_plan(plan, device::pick("flex")?, None, &|_| ())?;
    let form = objective.text_form();
    let tokenized = form.map(|form| tokenize(&setup, form));
    let text = batch_rate(open(objective, setup.clone())?.as_ref(), batches)?;
    let mut facts = json!({
        "case": CASE, "objective": objective.name(), "threads": 1,
        "batch_tokens_per_s": text.round(),
    });
    if let Some((tokens, seconds)) = tokenized {
        let rate = tokens as f64 / seconds;
        // Every token is tokenized once and put into a batch once.
        let both = 1.0 / (1.0 / rate + 1.0 / text);
        facts["tokenize_tokens_per_s"] = json!(rate.round());
        facts["from_text_tokens_per_s"] = json!(both.round());
        facts["tokens"] = json!(tokens);
        let (write_seconds, prepared) = from_prepared(plan, setup, batches)?;
        facts["prepare_tokens_per_s"] = json!((tokens as f64 / write_seconds).round());
        facts["from_prepared_tokens_per_s"] = json!(prepared.round());
    }
    Ok(facts)
}

/// Tokens of the training texts, and the seconds it takes to find them.
fn tokenize(setup: &Setup, form: TextForm) -> (usize, f64) {
    let texts = setup.data.train.iter().map(|e| form.text_of(e));
    let texts: Vec<Cow<'_, str>> = texts.collect();
    let began = Instant::now();
    let tokens = TokenizedTexts::encode(&texts, &setup.tokenizer, form).n_tokens();
    (tokens, began.elapsed().as_secs_f64())
}

/// Seconds to write prepared texts, and the tokens per second of batches made from them.
fn from_prepared(plan: &Plan, setup: Setup, batches: usize) -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut plan = plan.clone();
    plan.config.data.prepared = Some(folder.path().to_owned());
    let began = Instant::now();
    let texts = prepared::texts(&plan, &setup.tokenizer, &|_| ())?;
    let seconds = began.elapsed().as_secs_f64();
    let mut setup = setup;
    setup.data.prepared = Some(texts);
    let run = open(&plan.config.objective, setup)?;
    Ok((seconds, batch_rate(run.as_ref(), batches)?))
}

/// Input tokens per second of batches made one after the other.
fn batch_rate(run: &dyn OpenRun, batches: usize) -> anyhow::Result<f64> {
    let mut tokens = 0;
    let mut began = Instant::now();
    for batch in 0..batches {
        if batch == WARM_UP {
            (tokens, began) = (0, Instant::now());
        }
        tokens += run.make_batch(batch as u64)?;
    }
    Ok(tokens as f64 / began.elapsed().as_secs_f64())
}
