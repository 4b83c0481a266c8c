//! `cresset sample-data`: the project's own small data sets.

use crate::cli::{Common, SampleDataArgs};
use crate::output;

pub fn run(args: &SampleDataArgs, common: &Common) -> anyhow::Result<()> {
    let files = cresset_data::write_samples(&args.dir, common.seed.unwrap_or(0))?;
    if common.json {
        return output::json(&files);
    }
    files
        .iter()
        .try_for_each(|file| output::line(&format!("wrote {}", file.display())))
}
