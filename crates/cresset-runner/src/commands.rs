//! The commands, one file each.

mod bench;
mod devices;
mod doctor;
mod embed;
mod evaluate;
mod forward;
mod generate;
mod lab;
mod pipeline;
mod predict;
mod prepare;
mod preview;
mod sample_data;
mod tokenizer;
mod train;

use crate::cli::{Cli, Command};
use crate::failure::user;
use crate::output::Done;

/// Runs the command.
///
/// # Errors
/// Whatever the command meets.
pub fn run(cli: Cli) -> anyhow::Result<Done> {
    let common = cli.common;
    if let Some(threads) = common.threads {
        if threads == 0 {
            return Err(user("--threads is 0 but must be at least 1"));
        }
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()?;
    }
    match cli.command {
        Command::Train(args) => return train::run(&args, &common),
        Command::Evaluate(args) => evaluate::run(&args, &common)?,
        Command::Predict(args) => predict::run(&args, &common)?,
        Command::Generate(args) => generate::run(&args, &common)?,
        Command::Embed(args) => embed::run(&args, &common)?,
        Command::Prepare(args) => prepare::run(&args, &common)?,
        Command::Preview(args) => preview::run(&args, &common)?,
        Command::Forward(args) => forward::run(&args, &common)?,
        Command::Lab(command) => return lab::run(&command, &common),
        Command::Tokenizer(command) => tokenizer::run(&command, &common)?,
        Command::Doctor(args) => doctor::run(&args, &common)?,
        Command::Devices => devices::run(&common)?,
        Command::Bench(args) if args.case == pipeline::CASE => pipeline::run(&args, &common)?,
        Command::Bench(args) => bench::run(&args, &common)?,
        Command::SampleData(args) => sample_data::run(&args, &common)?,
    }
    Ok(Done::Finished)
}
