//! `cresset tokenizer`: trains one, or shows what one does.

use std::collections::BTreeMap;
use std::path::Path;

use cresset_data::{Convention, Tokenizer};
use serde_json::json;

use super::preview::overrides;
use crate::cli::{Common, TokenizerCommand};
use crate::failure::user;
use crate::plan::Plan;
use crate::{config, output, setup};

pub fn run(command: &TokenizerCommand, common: &Common) -> anyhow::Result<()> {
    match command {
        TokenizerCommand::Train { config, out } => train(config, out, common),
        TokenizerCommand::Inspect {
            folder,
            text,
            convention,
            file,
        } => {
            let tokenizer = Tokenizer::load(folder)?;
            let convention = match convention {
                Some(name) => Some(Convention::preset(name, &tokenizer)?),
                None => Convention::load(folder, &tokenizer).ok(),
            };
            let mut facts = BTreeMap::from([("vocabulary size", json!(tokenizer.vocab_size()))]);
            if let Some(convention) = &convention {
                facts.insert("frame", json!(convention.describe()));
                let special: Vec<_> = convention
                    .special_ids()
                    .iter()
                    .map(|&id| json!({"token": tokenizer.id_to_token(id), "id": id}))
                    .collect();
                facts.insert("special tokens", json!(special));
            }
            if let Some(text) = text {
                let ids = tokenizer.encode(text);
                let pieces: Vec<_> = ids.iter().map(|&id| tokenizer.id_to_token(id)).collect();
                facts.insert("pieces", json!(pieces));
                facts.insert("text again", json!(tokenizer.decode(&ids)));
                facts.insert("ids", json!(ids));
                if let Some(convention) = &convention
                    && let Ok(framed) = convention.encoder_input(&ids, None, usize::MAX)
                {
                    let framed: Vec<_> = framed
                        .ids
                        .iter()
                        .map(|&id| tokenizer.id_to_token(id))
                        .collect();
                    facts.insert("framed", json!(framed));
                }
            }
            if let Some(file) = file {
                facts.insert("file", measure(&tokenizer, convention.as_ref(), file)?);
            }
            print(&facts, common.json)
        }
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

fn measure(
    tokenizer: &Tokenizer,
    convention: Option<&Convention>,
    file: &Path,
) -> anyhow::Result<serde_json::Value> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| user(format!("cannot read {}: {e}", file.display())))?;
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let encoded = tokenizer.encode_batch(&lines);
    let mut lengths: Vec<usize> = encoded.iter().map(Vec::len).collect();
    lengths.sort_unstable();
    let total: usize = lengths.iter().sum();
    let unknown = convention.and_then(|c| c.roles().unk.as_ref().map(|t| t.id));
    let n_unknown = encoded
        .iter()
        .flatten()
        .filter(|id| Some(**id) == unknown)
        .count();
    let quantile = |q: f64| {
        lengths
            .get(((lengths.len().saturating_sub(1)) as f64 * q) as usize)
            .copied()
            .unwrap_or(0)
    };
    Ok(json!({
        "lines": lines.len(), "tokens": total, "unknown rate": n_unknown as f64 / total.max(1) as f64,
        "tokens a line": {"median": quantile(0.5), "95 %": quantile(0.95), "longest": quantile(1.0)},
    }))
}

fn print(facts: &BTreeMap<&str, serde_json::Value>, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(facts);
    }
    facts.iter().try_for_each(|(name, value)| match value {
        serde_json::Value::String(text) => output::line(&format!("{name:<16} {text}")),
        other => output::line(&format!("{name:<16} {other}")),
    })
}
