//! `cresset lab ablate`: a grid of settings times seeds, trained, measured and compared.

mod compare;
mod curves;
mod grid;
pub mod results;
mod study;
mod table;
mod verdict;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};

use self::grid::{Grid, PlannedRun};
use self::study::{Axis, Study};
use self::work::Way;
use crate::cli::{AblateArgs, Common};
use crate::failure::user;
use crate::folder::write_whole;
use crate::output::{self, Done};
use crate::plan::Plan;
use crate::{config, device, interrupt};

pub fn run(args: &AblateArgs, common: &Common) -> anyhow::Result<Done> {
    if !common.set.is_empty() || common.seed.is_some() {
        return Err(user(
            "lab ablate takes its settings and seeds from the study; write --set lines into a stage's set, and --seed into seeds",
        ));
    }
    let (study, axes) = Study::read(&args.study)?;
    let grid = Grid::of(&study, &axes)?;
    let runs = grid.runs();
    check(&runs)?;
    if args.dry_run {
        return runs
            .iter()
            .try_for_each(|run| output::line(&planned(run)))
            .map(|()| Done::Finished);
    }
    if args.so_far {
        return so_far(&study, &axes, &grid, common);
    }
    device::pick(&common.device)?;
    std::fs::create_dir_all(&study.out).map_err(|e| {
        user(format!(
            "cannot write the study's folder {}: {e}; choose another out",
            study.out.display()
        ))
    })?;
    let stop = interrupt::listen()?;
    let way = Way {
        study: &study,
        common,
        jobs: args.jobs,
        stop: &stop,
    };
    let outcomes = way.all(&runs)?;
    if stop.load(Ordering::SeqCst) {
        eprintln!(
            "interrupted after {} of {} runs; the same command continues",
            outcomes.len(),
            runs.len()
        );
        return Ok(Done::Interrupted);
    }
    let results = compare::results(&study, &axes, &grid, &outcomes)?;
    check_metrics(&results, &study)?;
    let table = table::markdown(&results, &study);
    write_whole(
        &study.out.join("results.json"),
        serde_json::to_string_pretty(&results)?.as_bytes(),
    )?;
    write_whole(&study.out.join("results.md"), table.as_bytes())?;
    show(&results, &table, common)?;
    let failed = outcomes.values().filter(|outcome| outcome.is_err()).count();
    match failed {
        0 => Ok(Done::Finished),
        n => Err(anyhow::anyhow!(
            "{n} of {} runs failed; {} says why, and the same command tries them again",
            runs.len(),
            study.out.join("logs").display()
        )),
    }
}

fn show(results: &results::Results, table: &str, common: &Common) -> anyhow::Result<()> {
    match common.json {
        true => output::json(results),
        false => table.lines().try_for_each(output::line),
    }
}

/// Prints what the finished runs show; writes nothing.
fn so_far(study: &Study, axes: &[Axis], grid: &Grid<'_>, common: &Common) -> anyhow::Result<Done> {
    let way = Way {
        study,
        common,
        jobs: 1,
        stop: &AtomicBool::new(true),
    };
    let runs = grid.runs();
    let outcomes = way.done(&runs)?;
    if outcomes.is_empty() {
        return Err(user(format!(
            "{} holds no finished run yet; leave out --so-far to train",
            study.out.display()
        )));
    }
    common.news()(&format!(
        "{} of {} runs are done",
        outcomes.len(),
        runs.len()
    ));
    let results = compare::results(study, axes, grid, &outcomes)?;
    show(&results, &table::markdown(&results, study), common)?;
    Ok(Done::Finished)
}

/// Refuses a setting that no run could begin with, before the first one is trained.
fn check(runs: &[PlannedRun]) -> anyhow::Result<()> {
    for run in runs {
        config::read(&run.config, &run.set)
            .and_then(Plan::check)
            .map_err(|e| user(format!("{}: {e}", run.folder.display())))?;
    }
    Ok(())
}

/// Refuses a metric that no run has, with those that there are.
fn check_metrics(results: &results::Results, study: &Study) -> anyhow::Result<()> {
    let mut known: Vec<&str> = Vec::new();
    for name in results.arms.iter().flat_map(|arm| arm.summary.keys()) {
        if !known.contains(&name.as_str()) {
            known.push(name);
        }
    }
    for metric in std::iter::once(&study.metric).chain(&study.also) {
        if !known.is_empty() && !known.contains(&metric.as_str()) {
            return Err(user(format!(
                "no run has the metric {metric:?}; choose among {}; the runs stay and are not made again",
                known.join(", ")
            )));
        }
    }
    Ok(())
}

/// The command of a run, as a person would type it.
fn planned(run: &PlannedRun) -> String {
    let settings = run.set.iter().map(|line| format!(" --set {}", shell(line)));
    format!(
        "cresset train {}{}",
        shell(&run.config.display().to_string()),
        settings.collect::<String>()
    )
}

/// An argument as a shell reads it back.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,".contains(c);
    match text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_shipped_study_could_begin() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut n_studies = 0;
        for file in std::fs::read_dir(root.join("configs/studies")).expect("studies") {
            let path = file.expect("a file").path();
            let (study, axes) = Study::read(&path).unwrap_or_else(|e| panic!("{e}"));
            let mut runs = Grid::of(&study, &axes).expect("a grid").runs();
            for run in &mut runs {
                run.config = root.join(&run.config);
            }
            check(&runs).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            n_studies += 1;
        }
        assert!(n_studies > 0);
    }
}
