//! The tokenizers that a BLEU score depends on, equal to sacrebleu's of the same name.

use std::sync::LazyLock;

use regex::Regex;

use crate::ngram::{is_space, words};

/// How a segment is cut into words before its n-grams are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BleuTokenizer {
    /// mteval-v13a of the WMT campaigns, sacrebleu's default: for languages with spaces between words.
    #[default]
    V13a,
    /// At white space only: for text that is tokenized already.
    None,
    /// Every character is a word: for languages without spaces.
    Char,
    /// mteval-v14: splits at every Unicode punctuation mark and symbol.
    Intl,
    /// Chinese characters one by one, the rest as [`BleuTokenizer::V13a`] does.
    Zh,
}

impl BleuTokenizer {
    /// The name in sacrebleu's `--tokenize` and in signatures.
    pub fn name(self) -> &'static str {
        match self {
            Self::V13a => "13a",
            Self::None => "none",
            Self::Char => "char",
            Self::Intl => "intl",
            Self::Zh => "zh",
        }
    }

    /// The tokenizer of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::V13a, Self::None, Self::Char, Self::Intl, Self::Zh]
            .into_iter()
            .find(|tokenizer| tokenizer.name() == name)
    }

    /// The words of a segment.
    pub fn tokenize(self, text: &str) -> Vec<String> {
        match self {
            Self::V13a => split(&western(&unescape(text))),
            Self::None => split(text),
            Self::Char => text
                .chars()
                .filter(|c| !is_space(*c))
                .map(String::from)
                .collect(),
            Self::Intl => split(&rewrite(text, &INTERNATIONAL)),
            Self::Zh => split(&western(&separate_chinese(text))),
        }
    }
}

fn split(text: &str) -> Vec<String> {
    words(text).map(str::to_owned).collect()
}

/// mteval-v13a's language-independent part: markup and line breaks. Spaces around it give the rules about neighbours
/// something to look at.
fn unescape(text: &str) -> String {
    let text = text
        .replace("<skipped>", "")
        .replace("-\n", "")
        .replace('\n', " ")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
    format!(" {text} ")
}

type Rules = Vec<(Regex, &'static str)>;

/// Splits off ASCII punctuation; full stop and comma stay between digits, a hyphen is split off after a digit only.
static WESTERN: LazyLock<Rules> = LazyLock::new(|| {
    rules(&[
        (r"([{-~\[-` -&(-+:-@/])", " $1 "),
        (r"([^0-9])([.,])", "$1 $2 "),
        (r"([.,])([^0-9])", " $1 $2"),
        (r"([0-9])(-)", "$1 $2 "),
    ])
});

/// Splits off punctuation except between numbers, and every symbol.
static INTERNATIONAL: LazyLock<Rules> = LazyLock::new(|| {
    rules(&[
        (r"(\P{N})(\p{P})", "$1 $2 "),
        (r"(\p{P})(\P{N})", " $1 $2"),
        (r"(\p{S})", " $1 "),
    ])
});

fn rules(rules: &[(&str, &'static str)]) -> Rules {
    rules
        .iter()
        .map(|(pattern, replacement)| {
            // `.` and line breaks: negated classes match them here as in Python.
            let regex = Regex::new(pattern).expect("the pattern is a constant");
            (regex, *replacement)
        })
        .collect()
}

fn western(text: &str) -> String {
    rewrite(text, &WESTERN)
}

fn rewrite(text: &str, rules: &Rules) -> String {
    rules.iter().fold(text.to_owned(), |text, (regex, to)| {
        regex.replace_all(&text, *to).into_owned()
    })
}

fn separate_chinese(text: &str) -> String {
    let mut separated = String::with_capacity(text.len() * 2);
    for c in text.trim_matches(is_space).chars() {
        if is_chinese(c) {
            separated.extend([' ', c, ' ']);
        } else {
            separated.push(c);
        }
    }
    separated
}

/// The ranges that sacrebleu's `zh` compares with.
///
/// Two of them are not what they were meant to be: its `'\u20000'` is the two characters U+2000 and `0`, so that
/// "extension B" is in effect U+2001 to U+2A6D (general punctuation, symbols, arrows) and the "compatibility
/// supplement" U+2F81 to U+2FA1. Published scores have it so, hence we have it so.
fn is_chinese(c: char) -> bool {
    const RANGES: [(char, char); 22] = [
        ('\u{3400}', '\u{4db5}'),
        ('\u{4e00}', '\u{9fa5}'),
        ('\u{9fa6}', '\u{9fbb}'),
        ('\u{f900}', '\u{fa2d}'),
        ('\u{fa30}', '\u{fa6a}'),
        ('\u{fa70}', '\u{fad9}'),
        ('\u{2001}', '\u{2a6d}'),
        ('\u{2f81}', '\u{2fa1}'),
        ('\u{ff00}', '\u{ffef}'),
        ('\u{2e80}', '\u{2eff}'),
        ('\u{3000}', '\u{303f}'),
        ('\u{31c0}', '\u{31ef}'),
        ('\u{2f00}', '\u{2fdf}'),
        ('\u{2ff0}', '\u{2fff}'),
        ('\u{3100}', '\u{312f}'),
        ('\u{31a0}', '\u{31bf}'),
        ('\u{fe10}', '\u{fe1f}'),
        ('\u{fe30}', '\u{fe4f}'),
        ('\u{2600}', '\u{26ff}'),
        ('\u{2700}', '\u{27bf}'),
        ('\u{3200}', '\u{32ff}'),
        ('\u{3300}', '\u{33ff}'),
    ];
    RANGES
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_separators() {
        assert_eq!(
            BleuTokenizer::V13a.tokenize("It cost 1,234.50 (about), 10-20%."),
            [
                "It", "cost", "1,234.50", "(", "about", ")", ",", "10", "-", "20", "%", "."
            ]
        );
    }

    #[test]
    fn names_lead_back_to_their_tokenizer() {
        for name in ["13a", "none", "char", "intl", "zh"] {
            assert_eq!(BleuTokenizer::from_name(name).map(|t| t.name()), Some(name));
        }
        assert_eq!(BleuTokenizer::from_name("moses"), None);
    }
}
