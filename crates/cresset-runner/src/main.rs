//! `cresset`: trains, studies and runs transformer language models.
//!
//! The only crate that prints, reads config files, names backend features or picks a device. `cli` holds the
//! arguments, `config` the raw configuration, `plan` the checked one, `commands` one file per command.

mod allocator;
mod arrays;
mod better;
mod cli;
mod commands;
mod config;
mod dashboard;
mod decoder_start;
mod device;
mod display;
mod failure;
mod folder;
mod inputs;
mod interrupt;
mod logs;
mod output;
mod plan;
mod prepared;
mod progress;
mod setup;
mod shown;
mod special;
mod table;
mod tensorboard;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    allocator::keep_freed_pages();
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(done) => done.exit_code(),
        Err(error) => failure::report(&error),
    }
}
