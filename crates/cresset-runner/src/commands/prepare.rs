//! `cresset prepare`: tokenizes a config's texts once, into a folder that every run on them maps into memory.

use cresset_data::TokenizedTexts;
use serde_json::json;

use super::preview::overrides;
use crate::cli::{Common, PrepareArgs};
use crate::plan::Plan;
use crate::prepared::{self, Prepared};
use crate::{config, output, setup};

pub fn run(args: &PrepareArgs, common: &Common) -> anyhow::Result<()> {
    let plan = Plan::check(config::read(&args.config, &overrides(common))?)?;
    // Said before a tokenizer is trained.
    prepared::form(&plan)?;
    let tokenizer = setup::tokenizer_of_plan(&plan)?;
    let (train, eval) = prepared::prepare(&plan, &tokenizer, &common.news())?;
    for one in [Some(train), eval].into_iter().flatten() {
        if common.json {
            output::json(&facts(&one))?;
        } else {
            output::line(&sentence(&one))?;
        }
    }
    Ok(())
}

fn facts(prepared: &Prepared) -> serde_json::Value {
    json!({
        "folder": prepared.entry.path(), "texts": prepared.texts.len(),
        "tokens": prepared.texts.n_tokens(), "seconds": prepared.written_in,
    })
}

fn sentence(prepared: &Prepared) -> String {
    let Prepared { entry, texts, .. } = prepared;
    let what = |texts: &TokenizedTexts| {
        format!(
            "{} texts, {} tokens in {}",
            texts.len(),
            texts.n_tokens(),
            entry.path().display()
        )
    };
    match prepared.written_in {
        Some(seconds) => format!("{}, written in {seconds:.1} s", what(texts)),
        None => format!("{}, there already", what(texts)),
    }
}
