//! From values to places.

use super::super::number::number;

/// How values are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// Equal differences, equal distances.
    #[default]
    Linear,
    /// Equal ratios, equal distances; values that are not above 0 have no place.
    Logarithmic,
}

/// Where values stand along a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    spacing: Spacing,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// From the place `from` for `low` to `to` for `high`.
    pub fn new(spacing: Spacing, (low, high): (f64, f64), (from, to): (f64, f64)) -> Scale {
        Scale {
            spacing,
            low,
            high,
            from,
            to,
        }
    }

    /// Over values, with ends at round numbers.
    pub fn around(
        spacing: Spacing,
        values: impl Iterator<Item = f64>,
        (from, to): (f64, f64),
    ) -> Scale {
        let usable = |v: &f64| v.is_finite() && (spacing == Spacing::Linear || *v > 0.0);
        let (low, high) = values
            .filter(usable)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            });
        let (low, high) = match spacing {
            Spacing::Linear => widened(low, high),
            Spacing::Logarithmic if low > high => (0.1, 1.0),
            Spacing::Logarithmic => {
                let (below, above) = (round_below(low), round_above(high));
                (below, if below < above { above } else { below * 10.0 })
            }
        };
        Scale::new(spacing, (low, high), (from, to))
    }

    /// The place of a value; `None` for one that has none.
    pub fn at(&self, value: f64) -> Option<f64> {
        let share = match self.spacing {
            Spacing::Linear => (value - self.low) / (self.high - self.low),
            Spacing::Logarithmic if value <= 0.0 => return None,
            Spacing::Logarithmic => (value / self.low).ln() / (self.high / self.low).ln(),
        };
        share
            .is_finite()
            .then_some(self.from + share * (self.to - self.from))
    }

    /// Round values to be written beside the line, about `n` of them, with their texts.
    pub fn ticks(&self, n: usize) -> Vec<(f64, String)> {
        match self.spacing {
            Spacing::Linear => {
                let step = step(self.high - self.low, n);
                let inside = |i: i64| i as f64 * step;
                let (first, last) = (
                    (self.low / step - 1e-6).ceil() as i64,
                    (self.high / step + 1e-6).floor() as i64,
                );
                let decimals = (-step.log10().floor()).max(0.0) as usize;
                (first..=last)
                    .map(|i| (inside(i), short(inside(i), decimals)))
                    .collect()
            }
            Spacing::Logarithmic => self.powers(n),
        }
    }

    /// Powers of ten, and where these are few the numbers 2 and 5 times as large.
    fn powers(&self, n: usize) -> Vec<(f64, String)> {
        let (first, last) = (
            self.low.log10().floor() as i32,
            self.high.log10().ceil() as i32,
        );
        let decades = (last - first) as usize;
        let times: &[f64] = if decades <= 2 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let skip = if decades <= 2 {
            1
        } else {
            decades.div_ceil(n.max(1)).max(1)
        };
        let inside = |value: &f64| (self.low * 0.999..=self.high * 1.001).contains(value);
        (first..=last)
            .step_by(skip)
            .flat_map(|power| times.iter().map(move |t| (t * 10f64.powi(power), power)))
            .filter(|(value, _)| inside(value))
            .map(|(value, power)| (value, power_text(value, power)))
            .collect()
    }
}

/// The largest of 1, 2 and 5 times a power of ten that is no larger.
fn round_below(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let round = [5.0, 2.0]
        .into_iter()
        .find(|t| t * power <= value * 1.000001);
    round.unwrap_or(1.0) * power
}

/// The smallest that is no smaller.
fn round_above(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let round = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|t| t * power >= value * 0.999999);
    round.unwrap_or(10.0) * power
}

/// Ends at round numbers around a span; one that is empty or a single value gets some room.
fn widened(low: f64, high: f64) -> (f64, f64) {
    if low > high {
        return (0.0, 1.0);
    }
    let span = high - low;
    let (low, high) = if span <= 1e-12 * low.abs().max(high.abs()) || span == 0.0 {
        let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        (low - room, high + room)
    } else {
        (low, high)
    };
    // The wider span may have a longer step, which the ends are then rounded to.
    let rounded = |(low, high): (f64, f64)| {
        let step = step(high - low, TICKS);
        (
            (low / step + 1e-9).floor() * step,
            (high / step - 1e-9).ceil() * step,
        )
    };
    rounded(rounded((low, high)))
}

/// How many ticks an axis has, about.
pub const TICKS: usize = 5;

/// 1, 2 or 5 times a power of ten, so that about `n` of them make up the span.
fn step(span: f64, n: usize) -> f64 {
    let raw = span / n.max(1) as f64;
    let power = 10f64.powf(raw.log10().floor());
    let times = raw / power;
    let round = match times {
        t if t < 1.5 => 1.0,
        t if t < 3.5 => 2.0,
        t if t < 7.5 => 5.0,
        _ => 10.0,
    };
    round * power
}

/// As [`decimal`], with a power of ten where that would be long.
fn short(x: f64, decimals: usize) -> String {
    let digits = (x * 10f64.powi(decimals as i32)).round();
    match (decimals, digits) {
        (0..=3, _) | (_, 0.0) => decimal(x, decimals),
        _ => format!("{digits}e-{decimals}"),
    }
}

fn decimal(value: f64, decimals: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if decimals > 5 || value.abs() >= 1e7 {
        return number(value);
    }
    format!("{value:.decimals$}")
}

fn power_text(value: f64, power: i32) -> String {
    match power {
        -3..=4 => format!("{}", (value * 1e6).round() / 1e6),
        _ => format!("{:.0}e{power}", value / 10f64.powi(power)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_ends() {
        let scale = Scale::around(Spacing::Linear, [0.13, 0.87].into_iter(), (0.0, 100.0));
        let texts: Vec<String> = scale.ticks(5).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let close =
            |place: Option<f64>, wanted: f64| (place.expect("a place") - wanted).abs() < 1e-9;
        assert!(close(scale.at(0.0), 0.0) && close(scale.at(1.0), 100.0));
        assert!(close(scale.at(0.25), 25.0));
        let steps = Scale::around(Spacing::Linear, [0.0, 1230.0].into_iter(), (0.0, 1.0));
        assert!(steps.ticks(5).iter().all(|(_, text)| !text.contains('.')));
    }

    #[test]
    fn ticks_of_small_numbers_stay_short() {
        let scale = Scale::around(Spacing::Linear, [-4e-4, 6e-4].into_iter(), (0.0, 100.0));
        let texts: Vec<String> = scale.ticks(5).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["-4e-4", "-2e-4", "0", "2e-4", "4e-4", "6e-4"]);
    }

    #[test]
    fn one_value_nothing_and_what_is_no_number_still_make_a_scale() {
        for values in [
            vec![2.0],
            vec![],
            vec![f64::NAN],
            vec![0.0, 0.0],
            vec![-3.0, f64::INFINITY],
        ] {
            for spacing in [Spacing::Linear, Spacing::Logarithmic] {
                let scale = Scale::around(spacing, values.iter().copied(), (0.0, 10.0));
                let ticks = scale.ticks(5);
                assert!(ticks.len() >= 2, "{values:?} {ticks:?}");
                assert!(ticks.iter().all(|(value, _)| scale.at(*value).is_some()));
            }
        }
    }

    #[test]
    fn a_logarithmic_scale_ends_at_round_numbers_and_has_no_place_for_zero() {
        let scale = Scale::around(
            Spacing::Logarithmic,
            [0.0, 0.0023, 0.3].into_iter(),
            (0.0, 3.0),
        );
        let texts: Vec<String> = scale.ticks(5).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["0.01", "0.1"]);
        let place = |value| scale.at(value).expect("a place");
        assert!(place(0.002).abs() < 1e-9 && (place(0.5) - 3.0).abs() < 1e-9);
        assert!((place(0.2) - place(0.02) - place(0.02) + place(0.002)).abs() < 1e-9);
        let narrow = Scale::around(Spacing::Logarithmic, [1.3, 1.9].into_iter(), (0.0, 1.0));
        let texts: Vec<String> = narrow.ticks(5).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["1", "2"]);
        assert_eq!(scale.at(0.0), None);
    }
}
