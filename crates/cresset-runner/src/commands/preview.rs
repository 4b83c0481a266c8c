//! `cresset preview`: the examples of a batch as a person reads them.

use cresset_objectives::{Preview, open};

use crate::cli::{Common, PreviewArgs};
use crate::plan::Plan;
use crate::{config, device, output, setup, shown};

pub fn run(args: &PreviewArgs, common: &Common) -> anyhow::Result<()> {
    let config = config::read(&args.config, &overrides(common))?;
    let plan = Plan::check(config)?;
    let setup = setup::of_plan(&plan, device::pick("flex")?, None, &common.news())?;
    let run = open(&plan.config.objective, setup)?;
    let preview = run.preview(args.batch, args.rows)?;
    if common.json {
        return output::json(&preview);
    }
    output::painted(&lines(&preview), args.color)
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

fn lines(preview: &Preview) -> Vec<String> {
    let mut lines = vec![format!(
        "batch {}: {} rows; frame:",
        preview.batch, preview.n_rows
    )];
    lines.extend(preview.frame.lines().map(|line| format!("  {line}")));
    for (row, example) in preview.examples.iter().enumerate() {
        lines.extend([String::new(), format!("row {row}")]);
        lines.extend(shown::lines(example));
    }
    let legend = shown::legend(preview.examples.iter().flatten());
    if !legend.is_empty() {
        lines.push(String::new());
        lines.extend(legend);
    }
    lines
}
