//! What a sweep allows to be said, in sentences that claim no more than the interval.

use cresset_metrics::{Better, PairedDifference};

use super::results::{Arm, Comparison, Results, Verdict};
use super::study::Study;
use crate::better::better;

/// What is compared, in words.
struct Pair<'a> {
    one: &'a str,
    other: &'a str,
    metric: &'a str,
}

/// A sentence for each comparison of the study's metric and of those in `also`, and what holds for all of them.
pub fn verdicts(results: &Results, study: &Study) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let metrics = std::iter::once(&study.metric).chain(&study.also);
    for (at, metric) in metrics.enumerate() {
        let mut say = |pair: &Pair<'_>, found: &Comparison, n_compared, margin| {
            verdicts.push(Verdict {
                metric: Some(metric.clone()),
                sentence: sentence(pair, found, n_compared, margin),
            });
        };
        // A difference that does not matter is in the unit of the study's own metric.
        let margin = study.margin.filter(|_| at == 0);
        let compared = |arm: &&Arm| arm.against_baseline.contains_key(metric);
        for arm in results.arms.iter().filter(compared) {
            let alike = |other: &&Arm| other.compared_with == arm.compared_with;
            let n_compared = results.arms.iter().filter(compared).filter(alike).count();
            let pair = Pair {
                one: &arm.name,
                other: &arm.compared_with,
                metric,
            };
            let comparison = &arm.against_baseline[metric];
            say(&pair, comparison, n_compared, margin);
        }
        for effect in &results.effects {
            if let Some(comparison) = effect.comparisons.get(metric) {
                let of_axis = results.effects.iter().filter(|e| e.axis == effect.axis);
                let (one, other) = (
                    format!("{} {}", effect.axis, effect.level),
                    format!(
                        "{} {}, the other axes averaged",
                        effect.axis, effect.against
                    ),
                );
                let pair = Pair {
                    one: &one,
                    other: &other,
                    metric,
                };
                say(&pair, comparison, of_axis.count(), margin);
            }
        }
    }
    let failed: Vec<String> = results
        .arms
        .iter()
        .flat_map(|arm| arm.runs.iter().map(move |run| (arm, run)))
        .filter(|(_, run)| run.failed.is_some())
        .map(|(arm, run)| format!("{} under seed {}", arm.name, run.seed))
        .collect();
    let mut say = |sentence: String| {
        verdicts.push(Verdict {
            metric: None,
            sentence,
        });
    };
    if !failed.is_empty() {
        say(format!(
            "Without a result, and left out of every mean: {}.",
            failed.join(", ")
        ));
    }
    say(
        "The intervals are about other seeds with these settings and this data; they say nothing about other data, sizes or longer training."
            .to_owned(),
    );
    verdicts
}

fn sentence(pair: &Pair<'_>, found: &Comparison, n_compared: usize, margin: Option<f64>) -> String {
    let PairedDifference { difference, p } = found.paired;
    let Pair { one, other, metric } = pair;
    let Some(p) = p else {
        return format!(
            "{metric}: {one} and {other} were compared under one seed only ({}), which shows nothing about others.",
            number(difference.mean, difference.mean)
        );
    };
    let width = difference.high - difference.low;
    let [mean, low, high] =
        [difference.mean, difference.low, difference.high].map(|x| number(x, width));
    let n = difference.n;
    let interval = format!("{mean}, interval {low} to {high}, {n} seeds");
    let inside = margin.is_some_and(|margin| difference.low > -margin && difference.high < margin);
    let zero_is_outside = difference.low > 0.0 || difference.high < 0.0;
    if !zero_is_outside {
        return match (inside, margin) {
            (true, Some(margin)) => format!(
                "{metric}: {one} and {other} differ by less than {margin} ({interval}): no difference that matters."
            ),
            _ => format!(
                "{metric}: no difference shown between {one} and {other} ({interval}); the interval holds zero and does not exclude a difference of {}.",
                number(difference.low.abs().max(difference.high.abs()), width)
                    .trim_start_matches('+')
            ),
        };
    }
    let is_better = match better(metric) {
        Better::Higher => difference.mean > 0.0,
        Better::Lower => difference.mean < 0.0,
    };
    let judged = if is_better { "better" } else { "worse" };
    let adjusted = found.p_adjusted.unwrap_or(p);
    let chance = match n_compared {
        0 | 1 => format!("p {}", probability(p)),
        n => format!(
            "p {}; {} after Holm's correction for {n} comparisons",
            probability(p),
            probability(adjusted)
        ),
    };
    let small = match (inside, margin) {
        (true, Some(margin)) => format!(", though by less than {margin}, which does not matter"),
        _ => String::new(),
    };
    match adjusted < 0.05 {
        true => format!("{metric}: {one} is {judged} than {other} ({interval}, {chance}){small}."),
        false => format!(
            "{metric}: {one} looks {judged} than {other} ({interval}), but among {n_compared} comparisons this may be chance ({chance})."
        ),
    }
}

/// With a sign, and as many digits as the interval's width gives meaning to.
fn number(x: f64, width: f64) -> String {
    let digits = match width.abs() {
        w if w > 0.0 => (2.0 - w.log10().floor()).clamp(0.0, 6.0) as usize,
        _ => 4,
    };
    format!("{x:+.digits$}")
}

fn probability(p: f64) -> String {
    match p {
        p if p < 0.001 => "< 0.001".to_owned(),
        p => format!("= {p:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(a: &[f64], b: &[f64], n_compared: usize, margin: Option<f64>) -> String {
        let paired = PairedDifference::of(a, b, 0.95).expect("values");
        let adjusted = paired.p.map(|p| (p * n_compared as f64).min(1.0));
        let found = Comparison {
            paired,
            p_adjusted: adjusted,
        };
        let pair = Pair {
            one: "zeros",
            other: "random",
            metric: "accuracy",
        };
        sentence(&pair, &found, n_compared, margin)
    }

    const LOW: [f64; 5] = [0.70, 0.71, 0.69, 0.70, 0.72];
    const HIGH: [f64; 5] = [0.80, 0.82, 0.79, 0.81, 0.80];

    #[test]
    fn a_clear_difference_is_named_with_its_direction() {
        let sentence = said(&LOW, &HIGH, 1, None);
        assert!(
            sentence.starts_with("accuracy: zeros is worse than random (-0.10"),
            "{sentence}"
        );
        assert!(said(&HIGH, &LOW, 1, None).contains("is better"));
    }

    #[test]
    fn an_interval_with_zero_shows_no_difference_and_says_what_it_does_not_exclude() {
        let noisy = [0.75, 0.60, 0.82, 0.70, 0.72];
        let sentence = said(&LOW, &noisy, 1, None);
        assert!(sentence.contains("no difference shown"), "{sentence}");
        assert!(
            sentence.contains("does not exclude a difference of 0."),
            "{sentence}"
        );
    }

    #[test]
    fn among_many_comparisons_a_small_p_may_be_chance() {
        let near = [0.71, 0.73, 0.70, 0.70, 0.73];
        let alone = said(&near, &LOW, 1, None);
        assert!(alone.contains("is better"), "{alone}");
        assert!(said(&near, &LOW, 20, None).contains("may be chance"));
    }

    #[test]
    fn inside_the_margin_no_difference_matters() {
        let same = [0.701, 0.709, 0.691, 0.699, 0.72];
        let sentence = said(&same, &LOW, 1, Some(0.02));
        assert!(
            sentence.contains("no difference that matters"),
            "{sentence}"
        );
    }

    #[test]
    fn one_seed_shows_nothing() {
        assert!(said(&[0.7], &[0.8], 1, None).contains("one seed only"));
    }
}
