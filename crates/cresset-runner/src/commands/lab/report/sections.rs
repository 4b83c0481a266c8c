//! The sections: which numbers are shown where, and in what words.

mod attention;
mod cloud;
mod curves;
mod differences;
mod glossary;
mod nearest;
mod probe;
mod sinks;
mod start;
mod sweep;
mod together;
mod trajectory;
mod vectors;
mod warnings;
mod what;

use maud::{Markup, html};

use super::html::Section;
use super::language::phrase;
use super::read::{Attended, Run, Sources};
use crate::cli::ReportLanguage;

/// All sections that there is something for, and the glossary.
pub fn all(
    language: ReportLanguage,
    sources: &Sources,
    attention: Option<&(String, Vec<Attended>)>,
) -> Vec<Section> {
    let mut sections = Vec::new();
    sections.extend(together::section(language, &sources.runs));
    for (index, sweep) in sources.sweeps.iter().enumerate() {
        sections.push(sweep::section(language, index + 1, sweep));
    }
    for (index, run) in sources.runs.iter().enumerate() {
        sections.push(of_run(language, index + 1, run));
    }
    for (index, probe) in sources.probes.iter().enumerate() {
        sections.push(probe::section(language, index + 1, probe));
    }
    if let Some((model, attended)) = attention {
        sections.push(attention::section(language, model, attended));
    }
    sections.push(glossary::section(language));
    sections
}

fn of_run(language: ReportLanguage, number: usize, run: &Run) -> Section {
    let parts = [
        warnings::part(language, run),
        curves::part(language, run),
        vectors::norms(language, run),
        trajectory::part(language, run),
        nearest::part(language, run),
        vectors::updates(language, run),
        sinks::part(language, run),
        cloud::part(language, run),
    ];
    Section {
        id: format!("run-{number}"),
        heading: headed(language, ("Run", "训练"), &run.name),
        content: what::content(language, run),
        parts: parts.into_iter().flatten().collect(),
    }
}

/// A heading with the name of what it is about.
fn headed(language: ReportLanguage, (en, zh): (&str, &str), name: &str) -> Markup {
    html! { (phrase(en, zh).show(language)) " " code { (name) } }
}
