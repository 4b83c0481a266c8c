//! `cresset tokenizer`: trains one, or shows what one does.

mod inspect;

use std::path::Path;

use cresset_data::Convention;

use super::preview::overrides;
use crate::cli::{Common, TokenizerCommand};
use crate::failure::user;
use crate::plan::Plan;
use crate::{config, output, setup};

pub fn run(command: &TokenizerCommand, common: &Common) -> anyhow::Result<()> {
    match command {
        TokenizerCommand::Train { config, out } => train(config, out, common),
        TokenizerCommand::Inspect(args) => inspect::run(args, common),
    }
}

fn train(path: &Path, out: &Path, common: &Common) -> anyhow::Result<()> {
    let plan = Plan::check(config::read(path, &overrides(common))?)?;
    let tokenizer = setup::trained_tokenizer(&plan)?;
    std::fs::create_dir_all(out).map_err(|e| {
        user(format!(
            "cannot write {}: {e}; choose another --out",
            out.display()
        ))
    })?;
    let convention = Convention::with_overrides(
        plan.convention.as_deref().unwrap_or("bert"),
        &plan.config.special.overrides,
        &tokenizer,
    )?;
    tokenizer.save(out, &convention)?;
    convention.save(out)?;
    output::line(&format!(
        "{} tokens in {}",
        tokenizer.vocab_size(),
        out.display()
    ))
}
