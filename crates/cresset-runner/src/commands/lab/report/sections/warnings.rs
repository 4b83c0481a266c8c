//! What alarmed the telemetry.

use maud::html;

use super::super::html::{Part, part as made};
use super::super::language::phrase;
use super::super::read::Run;
use crate::cli::ReportLanguage;

/// Warnings beyond these are counted only.
const MOST: usize = 12;

/// The warnings with their steps.
pub fn part(language: ReportLanguage, run: &Run) -> Option<Part> {
    let warnings: Vec<(u64, &String)> = run
        .special
        .iter()
        .flat_map(|s| s.warnings.iter().map(move |text| (s.step, text)))
        .collect();
    let more = warnings.len().saturating_sub(MOST);
    let content = html! {
        ul.warnings {
            @for (step, text) in warnings.iter().take(MOST) {
                li { strong { (phrase(format!("step {step}"), format!("第 {step} 步")).show(language)) } ": " (text) }
            }
        }
        @if more > 0 {
            p.note { (phrase(format!("and {more} more"), format!("另有 {more} 条")).show(language)) }
        }
    };
    let heading = phrase("Warnings", "警告");
    made(heading, (!warnings.is_empty()).then_some(content))
}
