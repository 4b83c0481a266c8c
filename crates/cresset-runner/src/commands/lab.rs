//! `cresset lab`: what the special vectors hold and do.

mod probe;
mod tables;

use crate::cli::{Common, LabCommand};

pub fn run(command: &LabCommand, common: &Common) -> anyhow::Result<()> {
    match command {
        LabCommand::Probe(args) => probe::run(args, common),
    }
}
