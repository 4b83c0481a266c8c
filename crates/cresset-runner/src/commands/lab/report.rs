//! `cresset lab report`: one self-contained HTML page of what runs, sweeps and probes have shown.
//!
//! `read` turns folders and files into plain structs, `draw` makes drawings of numbers, `sections` says which numbers go where.

mod draw;
mod html;
mod language;
mod number;
mod page;
mod project;
mod read;
mod sections;

use serde_json::json;

use self::language::phrase;
use crate::cli::{Common, ReportArgs};
use crate::failure::user;
use crate::folder::{check_writable, write_whole};
use crate::{device, output};

pub fn run(args: &ReportArgs, common: &Common) -> anyhow::Result<()> {
    if args.folders.is_empty() && args.probe.is_empty() && args.model.is_none() {
        return Err(user(
            "there is nothing to report on; give folders of runs or sweeps, --probe FILE or --model FOLDER",
        ));
    }
    check_writable(&args.out)?;
    let sources = read::read(&args.folders, &args.probe)?;
    let attention = match &args.model {
        Some(model) => {
            let device = device::pick(&common.device)?;
            let sentences = args.sentences.as_ref();
            Some((
                model.display().to_string(),
                read::attention(model, sentences, &device)?,
            ))
        }
        None => None,
    };
    let sections = sections::all(args.lang, &sources, attention.as_ref());
    let own = phrase("Special vectors: a report", "特殊向量报告");
    let title = args.title.as_deref().unwrap_or(own.text(args.lang));
    let page = page::page(args.lang, title, &sections).into_string();
    write_whole(&args.out, page.as_bytes())?;
    if common.json {
        return output::json(
            &json!({"out": args.out, "sections": sections.len(), "bytes": page.len()}),
        );
    }
    output::line(&format!(
        "{}: {} sections, {} KiB",
        args.out.display(),
        sections.len(),
        page.len().div_ceil(1024)
    ))
}
