//! `cresset lab`: what the special vectors hold and do.

mod ablate;
mod probe;
mod report;
mod tables;

use crate::cli::{Common, LabCommand};
use crate::output::Done;

pub fn run(command: &LabCommand, common: &Common) -> anyhow::Result<Done> {
    match command {
        LabCommand::Probe(args) => probe::run(args, common).map(|()| Done::Finished),
        LabCommand::Ablate(args) => ablate::run(args, common),
        LabCommand::Report(args) => report::run(args, common).map(|()| Done::Finished),
    }
}
