//! Span corruption (Raffel et al. 2020, T5, section 3.1.4 and figure 2).
//!
//! ```text
//! text    Thank you for inviting me to your party last week .
//! input   Thank you <X> me to your party <Y> week .
//! target  <X> for inviting <Y> last <Z>
//! ```
//!
//! The spans are those of the paper's code: a fixed number of tokens in a fixed number of spans, with random lengths of
//! the spans and of what is between them; the text starts with a token that stays.

use std::ops::Range;

use rand::Rng;
use rand::seq::index;

/// How much of a text is taken out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpanCorruptionOptions {
    /// Share of the tokens in spans.
    pub noise_density: f64,
    /// Tokens of a span on average.
    pub mean_span_length: f64,
}

impl Default for SpanCorruptionOptions {
    fn default() -> Self {
        SpanCorruptionOptions {
            noise_density: 0.15,
            mean_span_length: 3.0,
        }
    }
}

/// A corrupted text and what was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanCorrupted {
    /// The text with a sentinel in the place of each span.
    pub input: Vec<u32>,
    /// Each span behind its sentinel; the next sentinel ends it.
    pub target: Vec<u32>,
}

/// Takes random spans out of a text; places marked special stay, and a span around one becomes two. If there are too few
/// sentinels, spans are fewer and longer.
///
/// # Panics
/// If `special` is not as long as `ids`, or there are fewer than two sentinels.
pub fn corrupt_random_spans(
    ids: &[u32],
    special: &[bool],
    options: &SpanCorruptionOptions,
    sentinels: &[u32],
    rng: &mut impl Rng,
) -> SpanCorrupted {
    assert_eq!(ids.len(), special.len(), "one special mark per token");
    assert!(sentinels.len() >= 2, "a sentinel for a span and one behind");
    let max_spans = sentinels.len() - 1;
    let places: Vec<usize> = (0..ids.len()).filter(|&place| !special[place]).collect();
    let mut spans: Vec<Range<usize>> = Vec::new();
    for span in random_spans(places.len(), options, max_spans, rng) {
        let mut open: Option<Range<usize>> = None;
        for &place in &places[span] {
            match &mut open {
                Some(range) if range.end == place => range.end += 1,
                _ => spans.extend(open.replace(place..place + 1)),
            }
        }
        spans.extend(open);
    }
    spans.truncate(max_spans);
    corrupt_spans(ids, &spans, sentinels)
}

/// Takes these spans out of a text.
///
/// # Panics
/// If the spans do not ascend without overlap within the text, or there are not more sentinels than spans.
pub fn corrupt_spans(ids: &[u32], spans: &[Range<usize>], sentinels: &[u32]) -> SpanCorrupted {
    assert!(spans.len() < sentinels.len(), "more sentinels than spans");
    let mut corrupted = SpanCorrupted {
        input: Vec::with_capacity(ids.len()),
        target: Vec::new(),
    };
    let mut done = 0;
    for (span, &sentinel) in spans.iter().zip(sentinels) {
        corrupted.input.extend(&ids[done..span.start]);
        corrupted.input.push(sentinel);
        corrupted.target.push(sentinel);
        corrupted.target.extend(&ids[span.clone()]);
        done = span.end;
    }
    corrupted.input.extend(&ids[done..]);
    corrupted.target.push(sentinels[spans.len()]);
    corrupted
}

/// The text of an input and a target, where the target may be a model's; `None` if the two do not fit. The text itself
/// must not hold sentinels.
pub fn restore(input: &[u32], target: &[u32], sentinels: &[u32]) -> Option<Vec<u32>> {
    let is_sentinel = |id: &u32| sentinels.contains(id);
    let mut rest = target;
    let mut next = sentinels.iter();
    let mut text = Vec::with_capacity(input.len() + target.len());
    for id in input {
        if !is_sentinel(id) {
            text.push(*id);
            continue;
        }
        if next.next() != Some(id) {
            return None;
        }
        let (first, behind) = rest.split_first()?;
        let end = behind.iter().position(is_sentinel)?;
        if first != id {
            return None;
        }
        text.extend(&behind[..end]);
        rest = &behind[end..];
    }
    (rest.len() == 1 && next.next() == rest.first()).then_some(text)
}

/// Spans by the paper's code (`random_spans_noise_mask`), at most `max_spans`. As there, a text of one token keeps it.
fn random_spans(
    length: usize,
    options: &SpanCorruptionOptions,
    max_spans: usize,
    rng: &mut impl Rng,
) -> Vec<Range<usize>> {
    if length < 2 {
        return Vec::new();
    }
    let round = |x: f64| x.round_ties_even() as usize;
    let n_noise = round(length as f64 * options.noise_density).clamp(1, length - 1);
    let n_spans = round(n_noise as f64 / options.mean_span_length)
        .min(max_spans)
        .clamp(1, n_noise.min(length - n_noise));
    let noise = segment(n_noise, n_spans, rng);
    let kept = segment(length - n_noise, n_spans, rng);
    let mut end = 0;
    let spans = kept.into_iter().zip(noise).map(|(kept, noise)| {
        let start = end + kept;
        end = start + noise;
        start..end
    });
    spans.collect()
}

/// Random lengths, each at least 1, of `parts` parts of a whole; every way to cut it is equally likely.
fn segment(whole: usize, parts: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut cuts = index::sample(rng, whole - 1, parts - 1).into_vec();
    cuts.sort_unstable();
    let ends = cuts.into_iter().map(|cut| cut + 1).chain([whole]);
    let mut start = 0;
    ends.map(|end| end - std::mem::replace(&mut start, end))
        .collect()
}
