//! `cresset preview`: the examples of a batch as a person reads them.

use cresset_objectives::{Preview, open};

use crate::cli::{Common, PreviewArgs};
use crate::plan::Plan;
use crate::{config, device, output, setup};

pub fn run(args: &PreviewArgs, common: &Common) -> anyhow::Result<()> {
    let config = config::read(&args.config, &overrides(common))?;
    let plan = Plan::check(config)?;
    let setup = setup::of_plan(&plan, device::pick("flex")?, None, &common.news())?;
    let run = open(&plan.config.objective, setup)?;
    let preview = run.preview(args.batch, args.rows)?;
    if common.json {
        output::json(&preview)
    } else {
        print(&preview)
    }
}

/// The `--set` values, with `--seed` as one of them.
pub fn overrides(common: &Common) -> Vec<String> {
    common
        .set
        .iter()
        .cloned()
        .chain(common.seed.map(|s| format!("seed={s}")))
        .collect()
}

fn print(preview: &Preview) -> anyhow::Result<()> {
    output::line(&format!(
        "batch {}: {} rows; frame: {}",
        preview.batch, preview.n_rows, preview.frame
    ))?;
    for (i, example) in preview.examples.iter().enumerate() {
        output::line(&format!("\nrow {i}"))?;
        for shown in example {
            output::line(&format!("  {:<14} {}", shown.name, shown.text))?;
            if !shown.tokens.is_empty() {
                output::line(&format!(
                    "  {:<14} {}",
                    "  tokens",
                    shown.tokens.join(" | ")
                ))?;
                let ids: Vec<String> = shown.ids.iter().map(ToString::to_string).collect();
                output::line(&format!("  {:<14} {}", "  ids", ids.join(" ")))?;
            }
        }
    }
    Ok(())
}
