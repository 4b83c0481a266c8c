//! The page around the sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::html::{Section, parts};
use super::language::{phrase, tag};
use crate::cli::ReportLanguage;

/// The whole file. It refers to nothing outside itself and runs nothing.
pub fn page(language: ReportLanguage, title: &str, sections: &[Section]) -> Markup {
    let contents = phrase("Contents", "目录");
    html! {
        (DOCTYPE)
        html lang=(tag(language)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("cresset {}", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                header {
                    h1 { (title) }
                    p.made {
                        (phrase(
                            format!("Made by cresset {}. Everything is in this file; it can be read offline, on a phone and on paper.", env!("CARGO_PKG_VERSION")),
                            format!("由 cresset {} 生成。全部内容都在这一个文件里，可离线阅读，也可在手机上看或打印成纸质版。", env!("CARGO_PKG_VERSION")),
                        ).show(language))
                    }
                }
                nav aria-label=(contents.text(language)) {
                    h2 { (contents.show(language)) }
                    ol {
                        @for section in sections {
                            li { a href=(format!("#{}", section.id)) { (section.heading) } }
                        }
                    }
                }
                main {
                    @for section in sections {
                        section id=(section.id) {
                            h2 { (section.heading) }
                            (section.content)
                            (parts(language, &section.parts))
                        }
                    }
                }
            }
        }
    }
}
