//! Which word each token belongs to.

use std::ops::Range;

use tokenizers::Encoding;

/// A text's ids with the word of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedWords {
    /// The ids, as [`Tokenizer::encode`](crate::Tokenizer::encode) gives them.
    pub ids: Vec<u32>,
    /// The word of each token, from 0 on, ascending.
    pub words: Vec<u32>,
}

/// Words as the tokenizer's pre-tokenizer cuts them; at white space if it cuts nothing; every Chinese character by
/// itself.
pub(super) fn of_text(text: &str, encoding: &Encoding) -> EncodedWords {
    let own = encoding.get_word_ids();
    let uncut = own.iter().all(|word| *word == own[0]);
    let spans = encoding.get_offsets();
    let begins_word = |at: usize| {
        let (before, here) = (spans[at - 1], spans[at]);
        // Several tokens may spell one character.
        let apart = here.0 >= before.1;
        let text_of = |(start, end): (usize, usize)| text.get(start..end).unwrap_or_default();
        let spaced = uncut
            && (text_of(here).starts_with(char::is_whitespace)
                || text_of(before).ends_with(char::is_whitespace)
                || text_of((before.1, here.0)).contains(char::is_whitespace));
        let chinese = text_of(here).trim_start().starts_with(is_chinese)
            || text_of(before).trim_end().ends_with(is_chinese);
        own[at] != own[at - 1] || apart && (spaced || chinese)
    };
    let mut word = 0;
    let words = (0..spans.len()).map(|at| {
        word += u32::from(at > 0 && begins_word(at));
        word
    });
    EncodedWords {
        words: words.collect(),
        ids: encoding.get_ids().to_vec(),
    }
}

/// Words are the given pieces of the text; a token that spans two belongs to the first.
pub(super) fn of_segments(segments: &[&str], encoding: &Encoding) -> EncodedWords {
    let mut start = 0;
    let places: Vec<Range<usize>> = segments
        .iter()
        .map(|segment| {
            let place = start..start + segment.len();
            start = place.end;
            place
        })
        .collect();
    let word_at = |byte: usize| places.partition_point(|place| place.end <= byte);
    let starts = encoding.get_offsets().iter().map(|&(start, _)| start);
    EncodedWords {
        words: starts.map(|start| word_at(start) as u32).collect(),
        ids: encoding.get_ids().to_vec(),
    }
}

/// The pieces of the text that these words make: each with the space in front of it, where there is one.
pub(super) fn joined(words: &[String]) -> Vec<String> {
    let piece = |at: usize| {
        let word = &words[at];
        let is_spaced =
            at > 0 && !(word.starts_with(is_unspaced) && words[at - 1].ends_with(is_unspaced));
        match is_spaced {
            true => format!(" {word}"),
            false => word.clone(),
        }
    };
    (0..words.len()).map(piece).collect()
}

/// Characters that stand without a space beside each other: ideographs, kana, and the marks and wide forms among them.
fn is_unspaced(c: char) -> bool {
    is_chinese(c) || matches!(c, '\u{3000}'..='\u{30FF}' | '\u{FF00}'..='\u{FFEF}')
}

/// Ideographs of Chinese, the blocks that BERT's tokenizer puts spaces around.
fn is_chinese(c: char) -> bool {
    matches!(
        c,
        '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{2CEAF}' | '\u{2F800}'..='\u{2FA1F}'
    )
}
