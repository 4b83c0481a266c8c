//! Which characters of the text a token stands for.

use std::ops::Range;

/// A token with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedToken {
    /// Its id.
    pub id: u32,
    /// The characters (not bytes) of the text that it stands for, without space around them. A character that is spelled
    /// with several tokens, as byte-level tokenizers do, belongs to each of them; a token that stands for space alone, or
    /// for nothing of the text, has an empty range.
    pub chars: Range<usize>,
}

pub(super) fn encode(tokenizer: &tokenizers::Tokenizer, text: &str) -> Vec<PlacedToken> {
    let encoding = tokenizer
        .encode(text, false)
        .expect("every text can be encoded: checked when it was made");
    let chars: Vec<char> = text.chars().collect();
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    // A byte inside a character belongs to it: the first is rounded down to its start, the end up to the next one's.
    let range = |&(first, end): &(usize, usize)| {
        if end <= first {
            return 0..0;
        }
        let from = starts.partition_point(|&start| start <= first).max(1) - 1;
        let to = starts.partition_point(|&start| start < end);
        without_space(&chars, from..to)
    };
    encoding
        .get_ids()
        .iter()
        .zip(encoding.get_offsets())
        .map(|(&id, offsets)| PlacedToken {
            id,
            chars: range(offsets),
        })
        .collect()
}

fn without_space(chars: &[char], range: Range<usize>) -> Range<usize> {
    let inside = &chars[range.clone()];
    let is_text = |c: &char| !c.is_whitespace();
    match (
        inside.iter().position(is_text),
        inside.iter().rposition(is_text),
    ) {
        (Some(first), Some(last)) => range.start + first..range.start + last + 1,
        _ => range.start..range.start,
    }
}
