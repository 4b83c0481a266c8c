//! The words of the report, explained with sentences of the project's sample data, in English and in Chinese.

use maud::{Markup, html};

use super::super::html::{Section, own};
use super::super::language::{CHINESE, phrase};
use crate::cli::ReportLanguage;

const IN_ENGLISH: &str = include_str!("glossary.en.html");
const IN_CHINESE: &str = include_str!("glossary.zh.html");

/// Both languages: that of the report open, the other to be opened.
pub fn section(language: ReportLanguage) -> Section {
    let english = html! { div.glossary lang="en" { (own(IN_ENGLISH)) } };
    let chinese = html! { div.glossary lang=(CHINESE) { (own(IN_CHINESE)) } };
    let (open_english, open_chinese) = match language {
        ReportLanguage::En => (true, false),
        ReportLanguage::Zh => (false, true),
        ReportLanguage::Both => (true, true),
    };
    Section {
        id: "glossary".to_owned(),
        heading: phrase("What the words mean", "术语解释").show(language),
        content: html! {
            (folded(("In English", "en"), open_english, &english))
            (folded(("中文", CHINESE), open_chinese, &chinese))
        },
        parts: Vec::new(),
    }
}

fn folded((name, tag): (&str, &str), is_open: bool, content: &Markup) -> Markup {
    html! {
        details open[is_open] {
            summary lang=(tag) { strong { (name) } }
            (content)
        }
    }
}
