//! `cresset embed`: texts as JSON lines in, their vectors as JSON lines out.

use cresset_model::Pooling;
use cresset_objectives::{EmbedOptions, ModelFolder, Poolings, open_embedder};
use serde::Serialize;
use serde_json::Value;

use crate::cli::{Common, EmbedArgs};
use crate::config::suggestion;
use crate::failure::user;
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
    for some in examples.chunks(batch_size * BATCHES_AT_A_TIME) {
        let embeddings = model.embed(some, batch_size)?;
        n_shortened += embeddings.n_shortened;
        for (example, embedding) in some.iter().zip(embeddings.vectors) {
            let id = inputs::name_of(example);
            output::json(&Line { id, embedding })?;
        }
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
