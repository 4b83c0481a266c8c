//! `cresset lab probe`: a trained model's special vectors in numbers.

use cresset_data::{Example, Format, SourceConfig, read_examples};
use cresset_objectives::lab::{ProbeOptions, ProbeReport, probe};
use cresset_objectives::{ModelFolder, ObjectiveConfig};

use super::tables;
use crate::cli::{Common, ProbeArgs};
use crate::folder::{check_writable, write_whole};
use crate::{device, inputs, output};

pub fn run(args: &ProbeArgs, common: &Common) -> anyhow::Result<()> {
    let device = device::pick(&common.device)?;
    let folder = ModelFolder::open(&args.model)?;
    let examples = read(args, &folder)?;
    if let Some(out) = &args.out {
        check_writable(out)?;
    }
    let options = ProbeOptions {
        limit: args.limit,
        seed: common.seed.unwrap_or(0),
        batch_size: args.batch_size.max(1),
    };
    let report = probe(&folder, &examples, options, &device)?;
    if let Some(out) = &args.out {
        write_whole(out, serde_json::to_string_pretty(&report)?.as_bytes())?;
    }
    if !common.quiet {
        warn(&report);
    }
    match common.json {
        true => output::json(&report),
        false => tables::report(&report)
            .iter()
            .try_for_each(|line| output::line(line)),
    }
}

/// The data, with the fields that the model was trained on where its task and its format are alike.
fn read(args: &ProbeArgs, folder: &ModelFolder) -> anyhow::Result<Vec<Example>> {
    let trained_on: Option<SourceConfig> = match folder.facts.as_ref().map(|f| f.source.clone()) {
        Some(value) => serde_json::from_value(value)?,
        None => None,
    };
    let format = match &args.format {
        Some(name) => inputs::format(name)?,
        None => Format::Jsonl,
    };
    let reads_alike = matches!(
        folder.facts.as_ref().map(|facts| &facts.objective),
        Some(
            ObjectiveConfig::Classify(_)
                | ObjectiveConfig::Seq2Seq(_)
                | ObjectiveConfig::CausalLm(_)
        )
    );
    let fields = trained_on.filter(|source| reads_alike && source.format == format);
    let source = SourceConfig {
        format,
        files: args.data.clone(),
        fields: fields.map(|source| source.fields).unwrap_or_default(),
    };
    Ok(read_examples(&source)?)
}

fn warn(report: &ProbeReport) {
    if report.n_shortened > 0 {
        eprintln!(
            "warning: {} text(s) longer than the model takes were shortened",
            report.n_shortened
        );
    }
}
