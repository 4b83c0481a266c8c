//! `cresset embed`: texts as JSON lines in, their vectors as JSON lines out, or as files for other programs.

mod export;

use cresset_model::Pooling;
use cresset_objectives::{EmbedOptions, ModelFolder, Poolings, open_embedder};
use serde::Serialize;
use serde_json::Value;

use self::export::Table;
use crate::cli::{Common, EmbedArgs, EmbedFormat};
use crate::config::suggestion;
use crate::failure::user;
use crate::folder::check_writable;
use crate::inputs::{self, Lines};
use crate::{device, output};

/// Batches that are sorted by length together and printed together: many enough that padding is rare, few enough that output flows.
const BATCHES_AT_A_TIME: usize = 16;

#[derive(Serialize)]
struct Line {
    id: Value,
    embedding: Vec<f32>,
}

pub fn run(args: &EmbedArgs, common: &Common) -> anyhow::Result<()> {
    let options = EmbedOptions {
        pooling: args.pooling.as_deref().map(poolings).transpose()?,
        normalize: args.normalize,
    };
    let target = match (args.format, &args.out) {
        (EmbedFormat::Jsonl, None) => None,
        (EmbedFormat::Jsonl, Some(_)) => {
            return Err(user(
                "--out is given, but jsonl goes to standard output; leave it out, or choose another --format",
            ));
        }
        (_, None) => {
            return Err(user(
                "this --format is written into files; say where with --out",
            ));
        }
        (format, Some(out)) => {
            check_writable(out)?;
            Some((format, out))
        }
    };
    let device = device::pick(&common.device)?;
    let folder = ModelFolder::open(&args.model)?;
    let model = open_embedder(&folder, options, &device)?;
    let warn = |text: &str| {
        if !common.quiet {
            eprintln!("warning: {text}");
        }
    };
    model.warnings().iter().for_each(|text| warn(text));
    let examples = inputs::read(&args.input, Lines::Json)?;
    let batch_size = args.batch_size.max(1);
    let mut n_shortened = 0;
    let mut table = Table::default();
    for some in examples.chunks(batch_size * BATCHES_AT_A_TIME) {
        let embeddings = model.embed(some, batch_size)?;
        n_shortened += embeddings.n_shortened;
        for (example, embedding) in some.iter().zip(embeddings.vectors) {
            let id = inputs::name_of(example);
            match target {
                Some(_) => table.push(example, &id, &embedding),
                None => output::json(&Line { id, embedding })?,
            }
        }
    }
    if let Some((format, out)) = target {
        table.write(format, out)?;
    }
    if n_shortened > 0 {
        warn(&format!(
            "{n_shortened} text(s) longer than the model takes were shortened"
        ));
    }
    Ok(())
}

fn poolings(names: &str) -> anyhow::Result<Poolings<Pooling>> {
    names
        .split(',')
        .map(|name| pooling(name.trim()))
        .collect::<Result<_, _>>()
        .map(Poolings)
}

fn pooling(name: &str) -> anyhow::Result<Pooling> {
    let names = Pooling::ALL.map(Pooling::name);
    Pooling::ALL
        .into_iter()
        .find(|pooling| pooling.name() == name)
        .ok_or_else(|| {
            user(format!(
                "--pooling {name:?} is unknown; choose one of {}{}",
                names.join(", "),
                suggestion(name, &names)
            ))
        })
}
