//! The runs of a sweep: each a `cresset train` of its own, several beside one another, finished ones left alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use cresset_data::content_hash;
use serde::{Deserialize, Serialize};

use super::grid::PlannedRun;
use super::study::{Evaluation, Keep, Stage, Study, Which};
use crate::cli::Common;
use crate::failure::user;
use crate::folder::write_whole;
use crate::output::metrics_line;

/// What a run measured, by metric, or why there is nothing to measure.
pub type Outcome = Result<BTreeMap<String, f64>, String>;

/// How the runs are made.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The study.
    pub study: &'a Study,
    /// Device and what else all commands take.
    pub common: &'a Common,
    /// Runs beside one another.
    pub jobs: usize,
    /// Set from outside to begin no further run.
    pub stop: &'a AtomicBool,
}

/// `finished.json`: what a run was made of and what came of it.
#[derive(Serialize, Deserialize)]
struct Finished {
    config: PathBuf,
    /// Of the config file, whose content may change under the same name.
    config_hash: String,
    set: Vec<String>,
    evaluations: Vec<String>,
    values: BTreeMap<String, f64>,
}

/// How a child ended.
enum Ended {
    Measured(BTreeMap<String, f64>),
    Failed(String),
    Interrupted,
}

impl Way<'_> {
    /// Makes all runs; outcomes by folder, fewer than runs if it was stopped. A run that fails does not stop the others.
    ///
    /// # Errors
    /// A run that the user's input made impossible; a folder that cannot be written, or that holds a run of other
    /// settings.
    pub fn all(&self, runs: &[PlannedRun]) -> anyhow::Result<BTreeMap<PathBuf, Outcome>> {
        for run in runs {
            self.finished(run)?;
        }
        let outcomes = Mutex::new(BTreeMap::new());
        let done = AtomicUsize::new(0);
        let n_stages = self.study.stages.len();
        for stage in 0..n_stages {
            let of_stage: Vec<&PlannedRun> = runs.iter().filter(|run| run.stage == stage).collect();
            let next = AtomicUsize::new(0);
            let failure = Mutex::new(None);
            let work = || {
                while !self.stop.load(Ordering::SeqCst) {
                    let Some(run) = of_stage.get(next.fetch_add(1, Ordering::SeqCst)) else {
                        return;
                    };
                    let failed =
                        |need: &&PathBuf| matches!(locked(&outcomes).get(*need), Some(Err(_)));
                    let made = match run.needs.iter().find(failed) {
                        Some(need) => Ok(Ended::Failed(format!("{} failed", need.display()))),
                        None => self.one(run),
                    };
                    match made {
                        Ok(Ended::Interrupted) => self.stop.store(true, Ordering::SeqCst),
                        Ok(Ended::Measured(values)) => {
                            let n = done.fetch_add(1, Ordering::SeqCst) + 1;
                            self.tell(n, runs.len(), run, &metrics_line(&values));
                            locked(&outcomes).insert(run.folder.clone(), Ok(values));
                        }
                        Ok(Ended::Failed(why)) => {
                            let n = done.fetch_add(1, Ordering::SeqCst) + 1;
                            self.tell(n, runs.len(), run, &format!("failed: {why}"));
                            locked(&outcomes).insert(run.folder.clone(), Err(why));
                        }
                        Err(error) => {
                            self.stop.store(true, Ordering::SeqCst);
                            locked(&failure).get_or_insert(error);
                        }
                    }
                }
            };
            std::thread::scope(|scope| {
                for _ in 0..self.jobs.min(of_stage.len()) {
                    scope.spawn(work);
                }
            });
            let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(outcomes
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner))
    }

    /// What earlier calls measured, by folder.
    ///
    /// # Errors
    /// A run of other settings in the same place.
    pub fn done(&self, runs: &[PlannedRun]) -> anyhow::Result<BTreeMap<PathBuf, Outcome>> {
        let mut outcomes = BTreeMap::new();
        for run in runs {
            if let Some(values) = self.finished(run)? {
                outcomes.insert(run.folder.clone(), Ok(values));
            }
        }
        Ok(outcomes)
    }

    fn tell(&self, n: usize, of: usize, run: &PlannedRun, what: &str) {
        self.common.news()(&format!("[{n}/{of}] {}: {what}", run.folder.display()));
    }

    fn stage(&self, run: &PlannedRun) -> &Stage {
        &self.study.stages[run.stage]
    }

    fn folder(&self, run: &PlannedRun) -> PathBuf {
        self.study.out.join(&run.folder)
    }

    /// What an earlier call measured.
    ///
    /// # Errors
    /// A run of other settings in the same place.
    fn finished(&self, run: &PlannedRun) -> anyhow::Result<Option<BTreeMap<String, f64>>> {
        let path = self.folder(run).join("finished.json");
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(None);
        };
        let found: Finished = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; remove the folder", path.display()))?;
        let alike = found.config == run.config
            && found.config_hash == content_hash(&[&run.config])?
            && found.set == run.set
            && found.evaluations == Self::evaluations(run);
        match alike {
            true => Ok(Some(found.values)),
            false => Err(user(format!(
                "{} holds a run of other settings; choose another out for the study, or remove the folder",
                self.folder(run).display()
            ))),
        }
    }

    fn evaluations(run: &PlannedRun) -> Vec<String> {
        let evaluations = run.evaluate.iter();
        evaluations
            .map(|(name, order)| format!("{name}: {}", evaluate_arguments(order).join(" ")))
            .collect()
    }

    fn one(&self, run: &PlannedRun) -> anyhow::Result<Ended> {
        if let Some(values) = self.finished(run)? {
            return Ok(Ended::Measured(values));
        }
        let begun = Instant::now();
        let mut train = vec!["train".to_owned(), run.config.display().to_string()];
        for line in &run.set {
            train.extend(["--set".to_owned(), line.clone()]);
        }
        let mut values = match self.child(run, &train)? {
            Ended::Measured(values) => values,
            other => return Ok(other),
        };
        values.extend(super::curves::of_training(
            &self.folder(run).join("metrics.jsonl"),
            self.study.early,
        )?);
        values.insert("seconds".into(), begun.elapsed().as_secs_f64());
        for (name, order) in &run.evaluate {
            let mut evaluate = vec![
                "evaluate".to_owned(),
                self.folder(run).join(model_of(order)).display().to_string(),
            ];
            evaluate.extend(evaluate_arguments(order));
            match self.child(run, &evaluate)? {
                Ended::Measured(found) => values.extend(
                    found
                        .into_iter()
                        .map(|(metric, value)| (format!("{name}.{metric}"), value)),
                ),
                other => return Ok(other),
            }
        }
        self.tidy(run)?;
        let finished = Finished {
            config: run.config.clone(),
            config_hash: content_hash(&[&run.config])?,
            set: run.set.clone(),
            evaluations: Self::evaluations(run),
            values: values.clone(),
        };
        write_whole(
            &self.folder(run).join("finished.json"),
            serde_json::to_string_pretty(&finished)?.as_bytes(),
        )?;
        Ok(Ended::Measured(values))
    }

    /// Removes what the stage does not keep.
    fn tidy(&self, run: &PlannedRun) -> anyhow::Result<()> {
        let dropped: &[&str] = match self.stage(run).keep {
            Keep::All => &[],
            Keep::Models => &["checkpoints"],
            Keep::Metrics => &["checkpoints", "model", "best", "tokenizer"],
        };
        for name in dropped {
            let path = self.folder(run).join(name);
            if path.is_dir() {
                fs::remove_dir_all(&path)
                    .with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Runs this program once more and reads the metrics that it prints. What it says goes to a log.
    fn child(&self, run: &PlannedRun, arguments: &[String]) -> anyhow::Result<Ended> {
        let log = self.log(run)?;
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(program);
        command.args(arguments);
        command.args(["--quiet", "--json", "--device", &self.common.device]);
        command.args(["--threads", &self.threads().to_string()]);
        let output = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .output()
            .context("cannot start a run")?;
        let said = || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let last = text.lines().next_back().unwrap_or("it said nothing");
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        };
        match output.status.code() {
            Some(0) => Ok(Ended::Measured(read_metrics(&output.stdout)?)),
            Some(2) => Err(user(format!("{}: {}", run.folder.display(), said()))),
            Some(130) => Ok(Ended::Interrupted),
            Some(_) => Ok(Ended::Failed(said())),
            // Ended by a signal: not the run's own doing, so it is not a result.
            None => Ok(Ended::Interrupted),
        }
    }

    fn log(&self, run: &PlannedRun) -> anyhow::Result<PathBuf> {
        let path = self.study.out.join("logs").join(&run.folder);
        let path = path.with_extension("log");
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).with_context(|| format!("cannot write {}", folder.display()))?;
        Ok(path)
    }

    /// The processor's threads, divided among the runs beside one another.
    fn threads(&self) -> usize {
        let available = std::thread::available_parallelism().map_or(1, usize::from);
        let all = self.common.threads.unwrap_or(available);
        (all / self.jobs).max(1)
    }
}

fn model_of(order: &Evaluation) -> &'static str {
    match order.model {
        Which::Model => "model",
        Which::Best => "best",
    }
}

fn evaluate_arguments(order: &Evaluation) -> Vec<String> {
    let files = order.data.iter().map(|path| path.display().to_string());
    std::iter::once("--data".to_owned())
        .chain(files)
        .chain(order.options.iter().cloned())
        .collect()
}

/// The last line of what a command printed; values that are no numbers (an undefined correlation) are left out.
fn read_metrics(printed: &[u8]) -> anyhow::Result<BTreeMap<String, f64>> {
    let text = String::from_utf8_lossy(printed);
    let last = text.lines().next_back().unwrap_or("{}");
    let values: BTreeMap<String, Option<f64>> =
        serde_json::from_str(last).context("a run printed something else than metrics")?;
    let known = values.into_iter();
    Ok(known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
