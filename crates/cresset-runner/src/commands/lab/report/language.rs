//! The report's own words, in English and in Chinese.

use maud::{Markup, html};

use crate::cli::ReportLanguage;

/// Something the report says itself, in both languages. What comes from files is never translated.
#[derive(Clone, Debug)]
pub struct Phrase {
    en: String,
    zh: String,
}

/// A phrase in both languages.
pub fn phrase(en: impl Into<String>, zh: impl Into<String>) -> Phrase {
    Phrase {
        en: en.into(),
        zh: zh.into(),
    }
}

impl Phrase {
    /// Inside a line: in a heading, a caption, a cell.
    pub fn show(&self, language: ReportLanguage) -> Markup {
        match language {
            ReportLanguage::En => html! { (self.en) },
            ReportLanguage::Zh => html! { (self.zh) },
            // A name from a file is the same in both.
            ReportLanguage::Both if self.en == self.zh => html! { (self.en) },
            ReportLanguage::Both => html! {
                span lang="en" { (self.en) } " " span.other lang=(CHINESE) { (self.zh) }
            },
        }
    }

    /// Where one language must do, as at the axes of a drawing.
    pub fn text(&self, language: ReportLanguage) -> &str {
        match language {
            ReportLanguage::En | ReportLanguage::Both => &self.en,
            ReportLanguage::Zh => &self.zh,
        }
    }
}

/// The language tag of simplified Chinese.
pub const CHINESE: &str = "zh-Hans";

/// The language tag of the page as a whole.
pub fn tag(language: ReportLanguage) -> &'static str {
    match language {
        ReportLanguage::En | ReportLanguage::Both => "en",
        ReportLanguage::Zh => CHINESE,
    }
}
