//! `cresset train`: from a config to a model folder; continues a run that was begun.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use cresset_data::content_hash;
use cresset_metrics::Better;
use cresset_objectives::{Facts, OpenRun, TrainOrder, open};
use cresset_train::{BoxError, Checkpoints, Direction, Event, KeepBest, Outcome};

use super::preview::overrides;
use crate::better::better;
use crate::cli::{Common, TrainArgs};
use crate::display::{Display, Wanted};
use crate::failure::user;
use crate::folder::{RunFacts, RunFolder};
use crate::logs::{Logs, earlier};
use crate::output::Done;
use crate::plan::{Plan, parts_with_files};
use crate::{config, device, interrupt, output, setup};

pub fn run(args: &TrainArgs, common: &Common) -> anyhow::Result<Done> {
    wanted(args, common)?;
    let plan = Plan::check(config::read(&args.config, &overrides(common))?)?;
    let device = device::pick(&common.device)?;
    let folder = RunFolder::open(&plan.config.train.out)?;
    let started_empty = !folder.holds_run();
    let result = train(args, common, &plan, device, &folder);
    if result.is_err() && started_empty {
        // Removes only an empty folder: one that this run made and wrote nothing into.
        let _ = std::fs::remove_dir(&plan.config.train.out);
    }
    result
}

fn train(
    args: &TrainArgs,
    common: &Common,
    plan: &Plan,
    device: burn::tensor::Device,
    folder: &RunFolder,
) -> anyhow::Result<Done> {
    let resume = resume_from(args, plan, folder)?;
    let setup = setup::of_plan(plan, device, Some(&folder.tokenizer()), &common.news())?;
    let (tokenizer, convention) = (Arc::clone(&setup.tokenizer), Arc::clone(&setup.convention));
    let mut run = open(&plan.config.objective, setup)?;
    if !folder.holds_run() {
        std::fs::create_dir_all(folder.tokenizer())
            .with_context(|| format!("cannot write {}", folder.tokenizer().display()))?;
        tokenizer.save(folder.tokenizer(), &convention)?;
        let facts = RunFacts {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: plan.config.seed,
            device: common.device.clone(),
            train_hash: content_hash(&train_files(plan)?)?,
            tokenizer_hash: content_hash(&[folder.tokenizer().join("tokenizer.json")])?,
        };
        folder.begin(&plan.config, &facts)?;
    }
    if !common.quiet {
        announce(run.facts(), resume.as_deref());
    }
    let shown = wanted(args, common)?;
    let outcome = steps(plan, shown, folder, run.as_mut(), resume.as_deref())?;
    if let Outcome::Interrupted { .. } = outcome {
        eprintln!("interrupted; a checkpoint was written, the same command continues");
        return Ok(Done::Interrupted);
    }
    run.save_model(&folder.model())?;
    report(plan, common, folder, run.as_ref())?;
    Ok(Done::Finished)
}

/// How the run is to be shown.
fn wanted(args: &TrainArgs, common: &Common) -> anyhow::Result<Wanted> {
    match (args.dashboard, common.quiet) {
        (true, true) => Err(user(
            "--dashboard and --quiet contradict each other; drop one of them",
        )),
        (true, false) => Ok(Wanted::Dashboard),
        (false, true) => Ok(Wanted::Nothing),
        (false, false) => Ok(Wanted::Lines),
    }
}

/// All files that are trained on, those of the parts of a mix included.
fn train_files(plan: &Plan) -> anyhow::Result<Vec<PathBuf>> {
    let own = plan.config.data.train_sources().into_iter();
    let parts = parts_with_files(&plan.config.objective);
    let of_parts = parts.map(|data| data.source(data.train.clone()));
    let mut files = Vec::new();
    for source in own.map(|source| source.files).chain(of_parts) {
        files.extend(source.resolved_files()?);
    }
    Ok(files)
}

fn resume_from(
    args: &TrainArgs,
    plan: &Plan,
    folder: &RunFolder,
) -> anyhow::Result<Option<PathBuf>> {
    if folder.holds_run() {
        if args.resume == "never" {
            return Err(user(format!(
                "{} already holds a run and --resume is never; choose another train.out or drop --resume never",
                plan.config.train.out.display()
            )));
        }
        folder.check_same_config(&plan.config)?;
    }
    match args.resume.as_str() {
        "never" => Ok(None),
        "auto" if folder.holds_run() => Ok(Checkpoints::new(folder.checkpoints())
            .latest()?
            .map(|c| c.path)),
        "auto" => Ok(None),
        path if Path::new(path).is_dir() => Ok(Some(PathBuf::from(path))),
        path => Err(user(format!(
            "--resume {path:?} is not a checkpoint folder; give auto, never or a folder such as runs/x/checkpoints/step-100"
        ))),
    }
}

fn announce(facts: &Facts, resume: Option<&Path>) {
    eprintln!(
        "{} parameters, {} training rows, {} held out, {} steps an epoch, {} steps",
        facts.n_parameters, facts.n_train, facts.n_eval, facts.steps_per_epoch, facts.steps
    );
    if facts.n_shortened > 0 {
        eprintln!(
            "warning: {} examples are longer than data.max_length and were shortened",
            facts.n_shortened
        );
    }
    if !facts.unsaved.is_empty() {
        eprintln!(
            "warning: {} tensors of heads beside that of the saved class are trained but not saved: {}",
            facts.unsaved.len(),
            facts.unsaved.join(", ")
        );
    }
    for policy in &facts.policies {
        eprintln!("special token {policy}");
    }
    if let Some(load) = &facts.load {
        eprintln!("{} tensors loaded", load.loaded.len());
        for (what, names) in [
            ("new, initialised", &load.new),
            ("in the folder but not used", &load.unused),
        ] {
            if !names.is_empty() {
                eprintln!("{} tensors {what}: {}", names.len(), names.join(", "));
            }
        }
    }
    if let Some(folder) = resume {
        eprintln!("continuing from {}", folder.display());
    }
}

fn steps(
    plan: &Plan,
    wanted: Wanted,
    folder: &RunFolder,
    run: &mut dyn OpenRun,
    resume: Option<&Path>,
) -> anyhow::Result<Outcome> {
    let facts = run.facts().clone();
    let config = &plan.config.train;
    let keep_best = config.keep_best.as_ref().map(|name| KeepBest {
        metric: name.clone(),
        direction: match better(name) {
            Better::Lower => Direction::Lower,
            Better::Higher => Direction::Higher,
        },
    });
    let stop = interrupt::listen()?;
    let mut logs: Option<Logs> = None;
    let name = config.out.display().to_string();
    let mut display: Option<Display> = None;
    let mut waited = Waited::default();
    let mut on_event = |event: &Event| -> Result<(), BoxError> {
        let logs = match &mut logs {
            Some(logs) => logs,
            None => logs.insert(Logs::open(folder, config)?),
        };
        logs.write(event)?;
        if let Event::Step {
            seconds,
            data_wait_seconds,
            ..
        } = event
        {
            waited.add(*seconds, *data_wait_seconds);
        }
        let done = (event.step(), facts.steps);
        let display = display.get_or_insert_with(|| Display::open(wanted, done, &name, &stop));
        display.take(event);
        Ok(())
    };
    let (best, checkpoints) = (folder.best(), folder.checkpoints());
    let order = TrainOrder {
        eval_every: Some(config.eval_every.unwrap_or(facts.steps_per_epoch)),
        checkpoint_every: config.checkpoint_every,
        keep_last: config.keep_last,
        keep_best,
        checkpoints: &checkpoints,
        best: &best,
        resume,
        telemetry: config.telemetry.then(|| earlier(folder)).transpose()?,
        on_event: &mut on_event,
        stop: &stop,
    };
    let outcome = run.train(order);
    if let Some(display) = display {
        display.close();
    }
    let outcome = outcome?;
    if wanted != Wanted::Nothing {
        waited.tell();
    }
    Ok(outcome)
}

/// How long the steps of this process waited for their batches.
#[derive(Default)]
struct Waited {
    steps: usize,
    seconds: f64,
    data_wait: f64,
    /// Before the first step, while the loader thread begins.
    first: f64,
}

impl Waited {
    fn add(&mut self, seconds: f64, data_wait: f64) {
        if self.steps == 0 {
            self.first = data_wait;
        } else {
            self.data_wait += data_wait;
            self.seconds += seconds;
        }
        self.steps += 1;
    }

    fn tell(&self) {
        let Some(later) = self.steps.checked_sub(2) else {
            return;
        };
        eprintln!(
            "waited for data {:.1} ms before the first step and {:.1} ms in the {} after it, {:.2} % of their time",
            self.first * 1e3,
            self.data_wait * 1e3,
            later + 1,
            100.0 * self.data_wait / self.seconds.max(f64::MIN_POSITIVE)
        );
    }
}

fn report(
    plan: &Plan,
    common: &Common,
    folder: &RunFolder,
    run: &dyn OpenRun,
) -> anyhow::Result<()> {
    let values = if run.facts().n_eval > 0 {
        run.evaluate()?
    } else {
        Default::default()
    };
    output::metrics(&values, common.json)?;
    if !common.quiet {
        eprintln!("model in {}", folder.model().display());
        match &plan.config.train.keep_best {
            Some(_) if folder.best().exists() => {
                eprintln!("best model in {}", folder.best().display());
            }
            Some(metric) => eprintln!(
                "warning: {metric} was not a number in any evaluation, so no best model was kept"
            ),
            None => {}
        }
    }
    Ok(())
}
