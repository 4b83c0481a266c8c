//! From two scores per position to answers.

use std::collections::HashMap;
use std::ops::Range;

use cresset_data::PaddedIds;

use super::windows::Window;

/// A stretch of the context that may be the answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// The sum of the logits of its first and its last token.
    pub(crate) score: f32,
    /// Its characters in the context.
    pub(crate) chars: Range<usize>,
}

impl Candidate {
    /// Its words.
    pub(crate) fn text(&self, context: &str) -> String {
        let chars = context.chars().skip(self.chars.start);
        chars.take(self.chars.len()).collect()
    }
}

/// The scores of a row without its padding.
///
/// # Shapes
/// scores: `rows x width`
pub(crate) fn row_of<'a>(scores: &'a [f32], input: &PaddedIds, row: usize) -> &'a [f32] {
    &scores[input.start_of(row)..][..input.lengths[row]]
}

/// Every allowed answer of a window: in the context, of `max_length` tokens at most, its first token not behind its last.
///
/// # Shapes
/// start and end: as long as the window's row
pub(crate) fn spans<'a>(
    window: &'a Window,
    start: &'a [f32],
    end: &'a [f32],
    max_length: usize,
) -> impl Iterator<Item = Candidate> + 'a {
    let places = &window.places;
    // A token that stands for space alone neither begins nor ends an answer.
    let tokens = |range: Range<usize>| range.filter(|&token| !places[token].is_empty());
    tokens(0..places.len()).flat_map(move |first| {
        let behind = places.len().min(first + max_length);
        tokens(first..behind).map(move |last| Candidate {
            score: start[window.first + first] + end[window.first + last],
            chars: places[first].start..places[last].end,
        })
    })
}

/// The candidates by falling score, each stretch of text once, the earlier and shorter first among equals.
pub(crate) fn best_of(candidates: impl IntoIterator<Item = Candidate>) -> Vec<Candidate> {
    let mut best: HashMap<(usize, usize), f32> = HashMap::new();
    for Candidate { score, chars } in candidates {
        let known = best.entry((chars.start, chars.end)).or_insert(score);
        *known = known.max(score);
    }
    let mut sorted: Vec<Candidate> = best
        .into_iter()
        .map(|((start, end), score)| Candidate {
            score,
            chars: start..end,
        })
        .collect();
    sorted.sort_by(|a, b| {
        let place = |c: &Candidate| (c.chars.start, c.chars.end);
        b.score
            .total_cmp(&a.score)
            .then_with(|| place(a).cmp(&place(b)))
    });
    sorted
}

#[cfg(test)]
mod tests {
    use cresset_data::Framed;

    use super::*;

    /// `[CLS] q [SEP] a b _ c [SEP]`, the context's third token being space.
    fn window() -> Window {
        Window {
            framed: Framed {
                ids: vec![1, 5, 2, 6, 7, 8, 9, 2],
                segments: vec![0, 0, 0, 1, 1, 1, 1, 1],
                special: vec![true, false, true, false, false, false, false, true],
                truncated: 0,
            },
            cls: 0,
            first: 3,
            from: 0,
            places: vec![0..1, 1..2, 2..2, 3..4],
        }
    }

    #[test]
    fn only_spans_in_the_context_that_run_forwards_and_are_short_enough_are_candidates() {
        // The question, [CLS] and [SEP] score highest and are no answers.
        let start = [9.0, 9.0, 9.0, 1.0, 3.0, 9.0, 0.0, 9.0];
        let end = [9.0, 9.0, 9.0, 4.0, 0.0, 9.0, 2.0, 9.0];
        let window = window();
        let found = best_of(spans(&window, &start, &end, 3));
        let shown: Vec<(f32, Range<usize>)> =
            found.into_iter().map(|c| (c.score, c.chars)).collect();
        // "b" to "a" would score 7, but runs backwards; "a" to "c" has four tokens.
        assert_eq!(
            shown,
            [
                (5.0, 0..1),
                (5.0, 1..4),
                (3.0, 1..2),
                (2.0, 3..4),
                (1.0, 0..2)
            ]
        );
        let longer = best_of(spans(&window, &start, &end, 4));
        assert!(longer.contains(&Candidate {
            score: 3.0,
            chars: 0..4
        }));
    }

    #[test]
    fn a_span_of_several_windows_counts_once_with_its_best_score() {
        let candidate = |score, chars| Candidate { score, chars };
        let found = best_of([
            candidate(1.0, 0..2),
            candidate(3.0, 0..2),
            candidate(2.0, 1..2),
        ]);
        assert_eq!(found, [candidate(3.0, 0..2), candidate(2.0, 1..2)]);
        assert_eq!(found[1].text("né"), "é");
    }
}
