//! `cresset doctor`: the convention, an example of each side, the load report, and checks on the very model.

use std::path::Path;

use cresset_objectives::{Diagnosis, ModelFolder, Outcome, examine, open};

use super::preview::overrides;
use crate::cli::{Common, DoctorArgs};
use crate::failure::user;
use crate::plan::Plan;
use crate::{config, device, output, setup};

pub fn run(args: &DoctorArgs, common: &Common) -> anyhow::Result<()> {
    let device = device::pick(&common.device)?;
    // A config's model is written as training would write it, so that the files are examined too.
    let temporary = tempfile::tempdir()?;
    let path = if args.model.is_file() {
        let untrained = temporary.path().join("model");
        write_untrained(&args.model, common, &untrained)?;
        untrained
    } else {
        args.model.clone()
    };
    let folder = ModelFolder::open(&path)?;
    let diagnosis = examine(&folder, &args.text, &args.pair, &device)?;
    if common.json {
        output::json(&diagnosis)?;
    } else {
        print(&diagnosis)?;
    }
    match &diagnosis.failures()[..] {
        [] => Ok(()),
        failures => {
            let lines: Vec<String> = failures
                .iter()
                .map(|(name, seen)| format!("not so: {name}: {seen}"))
                .collect();
            Err(user(format!(
                "{}: {}",
                args.model.display(),
                lines.join("; ")
            )))
        }
    }
}

/// The model that a config would begin with.
fn write_untrained(path: &Path, common: &Common, folder: &Path) -> anyhow::Result<()> {
    let config = config::read(path, &overrides(common))?;
    let plan = Plan::check(config)?;
    let setup = setup::of_plan(&plan, device::pick(&common.device)?, None, &common.news())?;
    Ok(open(&plan.config.objective, setup)?.save_model(folder)?)
}

fn print(diagnosis: &Diagnosis) -> anyhow::Result<()> {
    output::line(&format!(
        "{}, convention {}",
        diagnosis.architecture, diagnosis.convention
    ))?;
    for line in diagnosis.frames.lines() {
        output::line(&format!("  {line}"))?;
    }
    output::line("")?;
    for shown in &diagnosis.examples {
        output::line(&format!("{:<24} {}", shown.name, shown.text))?;
        if !shown.ids.is_empty() {
            output::line(&format!("{:<24} {:?}", "", shown.ids))?;
        }
    }
    output::line("")?;
    output::line(&format!(
        "{} tensors loaded, {} missing, {} not used",
        diagnosis.n_loaded,
        diagnosis.new.len(),
        diagnosis.unused.len()
    ))?;
    for (what, names) in [("missing", &diagnosis.new), ("not used", &diagnosis.unused)] {
        for name in names {
            output::line(&format!("  {what}: {name}"))?;
        }
    }
    output::line("")?;
    for check in &diagnosis.checks {
        let (mark, seen) = match &check.outcome {
            Outcome::Passed(seen) => ("ok", seen.as_str()),
            Outcome::Failed(seen) => ("NOT SO", seen.as_str()),
            Outcome::NotForThis(why) => ("-", *why),
        };
        output::line(&format!("{mark:<7} {} ({seen})", check.name))?;
    }
    Ok(())
}
